"""The source that a table shows: where it comes from, odd text, files that change."""

import importlib.util
import inspect
import os
import tokenize
import types
import zipfile

import pytest
from memory_profiler._block_end import block_length
from support import MAPPED_BLOCKS, environment, near

MAPPED = environment(**MAPPED_BLOCKS)


# ---- where it comes from ----

CELL = """
    import linecache
    from memory_profiler import profile
    lines = ["@profile", "def cell(n):", "    block = bytearray(n << 20)", "    return len(block)"]
    source = "".join(line + chr(10) for line in lines)
    name = "<ipython-input-7-0123456789ab>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    exec(compile(source, name, "exec"))
    cell(4)
    """


@pytest.mark.parametrize("form", ["m", "plain"])
def test_a_notebook_cell(run, form):
    table = getattr(run, form)(CELL, env=MAPPED).ok().table("cell")
    assert table.filename == "<ipython-input-7-0123456789ab>"
    assert table.at("block = ").increment == near(4)
    assert table.at("return len").text == "    return len(block)"


def test_a_zip_import(run, tmp_path):
    with zipfile.ZipFile(tmp_path / "lib.zip", "w") as archive:
        archive.writestr(
            "zipped.py", "@profile\ndef f():\n    a = bytearray(4 << 20)\n    return 1\n"
        )
    table = (
        run.m(
            """
        import sys
        sys.path.insert(0, "lib.zip")
        import zipped
        zipped.f()
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.filename.endswith(os.path.join("lib.zip", "zipped.py"))
    assert table.at("a = ").increment == near(4)


def test_code_given_on_the_command_line(run):
    code = "@profile\ndef f():\n    a = bytearray(4 << 20)\n    return 1\nf()\n"
    table = run.profiler("-c", code, env=MAPPED).ok().table("f")
    assert table.at("a = ").increment == near(4)
    assert table.at("return 1").occurrences == 1


def test_code_without_source_shows_numbers_alone(run):
    outcome = run.m(
        """
        exec(compile('''@profile
        def f():
            a = bytearray(4 << 20)
            return 1
        '''.replace("\\n        ", "\\n"), "<made up>", "exec"))
        f()
        """,
        env=MAPPED,
    ).ok()
    assert outcome.stderr == ""
    tables = outcome.tables
    assert [t.filename for t in tables] == ["<made up>"]
    rows = {row.lineno: row for row in tables[0].rows}
    assert rows[3].increment == near(4)
    assert rows[3].text == ""


def test_profile_in_an_exec_without_a_file_does_not_disturb_the_script(run):
    outcome = run.m("""
        namespace = {"profile": profile}
        exec("@profile\\ndef f(): return 5", namespace)
        print(namespace["f"]())
        """).ok()
    assert outcome.stdout.startswith("5\n")


# ---- odd text ----


@pytest.mark.parametrize(
    "head, text",
    [(b"\xef\xbb\xbf", "ä".encode()), (b"# -*- coding: latin-1 -*-\n", "ä".encode("latin-1"))],
    ids=["bom", "latin-1"],
)
def test_encodings_of_the_script(run, head, text):
    source = (
        head + b"@profile\ndef f():\n    s = '" + text + b"'\n"
        b"    assert ascii(s) == r\"'\\xe4'\"\n    return s\nf()\n"
    )
    table = run.m(source).ok().table("f")
    assert table.at("s = ").text == "    s = 'ä'"


def test_utf8_and_wide_text(run):
    source = "@profile\ndef f():\n    é = '漢字 🐍'\n    return é\nf()\n"
    table = run.m(source).ok().table("f")
    assert table.at("é = ").text == "    é = '漢字 🐍'"


def test_output_that_cannot_hold_the_text(run):
    outcome = run.m(
        "@profile\ndef f():\n    return '漢'\nf()\n",
        env=environment(PYTHONIOENCODING="ascii", LC_ALL="C"),
    ).ok()
    assert "Traceback" not in outcome.stderr
    assert outcome.table("f").first.occurrences == 1


def test_tabs_stay(run):
    source = b"@profile\ndef f():\n\tif 1:\n\t\tx = 1\t# tab\n\treturn x\nf()\n"
    table = run.m(source).ok().table("f")
    assert table.at("x = 1").text == "\t\tx = 1\t# tab"


def test_a_very_long_line(run):
    text = "    x = '" + "y" * 200_000 + "'"
    table = run.m("@profile\ndef f():\n" + text + "\n    return x\nf()\n").ok().table("f")
    assert table.line(3).text == text


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_ends_of_other_systems(run, newline):
    source = newline.join(["@profile", "def f():", "    x = 1", "    return x", "f()", ""])
    table = run.m(source.encode()).ok().table("f")
    assert [row.text for row in table.rows] == ["@profile", "def f():", "    x = 1", "    return x"]


def test_form_feeds_do_not_shift_lines(run):
    table = run.m(b"@profile\ndef f():\n    x = 1\n\x0c\n    return x\nf()\n").ok().table("f")
    assert table.line(5).text == "    return x"
    assert table.line(5).occurrences == 1


def test_a_last_line_without_newline(run):
    outcome = run.m(b"@profile\ndef f(): return 1\nf(); g = profile(lambda: 2); g()").ok()
    assert len(outcome.tables) == 2


def test_a_statement_over_several_lines(run):
    table = (
        run.m("""
        @profile
        def f(
            a,
            b=2,
        ):
            total = (a +
                     b)
            text = '''one
            two'''
            return total
        f(1)
        """)
        .ok()
        .table("f")
    )
    assert [row.lineno for row in table.rows] == list(range(1, 11))
    assert table.at("return total").occurrences == 1


# ---- files that change ----

CHANGES = """
    import os
    from memory_profiler import profile
    @profile
    def f():
        x = "as it ran"
        return x
    def change():
        {change}
    {order}
    """
DELETE = "os.remove(__file__)"
REWRITE = "open(__file__, 'w').write('something else\\\\n' * 20)"


@pytest.mark.parametrize("form", ["m", "plain"])
@pytest.mark.parametrize("order", ["f(); change()", "change(); f()"])
@pytest.mark.parametrize("change", [DELETE, REWRITE], ids=["deleted", "rewritten"])
def test_the_source_shown_is_the_one_that_ran_or_nothing(run, form, order, change):
    source = CHANGES.format(change=change.replace("\\\\", "\\"), order=order)
    outcome = getattr(run, form)(source).ok()
    assert outcome.stderr == ""
    assert "something else" not in outcome.stdout
    tables = outcome.tables
    assert len(tables) == 1
    texts = [row.text for row in tables[0].rows if row.text]
    assert texts in ([], ["@profile", "def f():", '    x = "as it ran"', "    return x"])
    assert tables[0].line(5).occurrences == 1


def test_a_script_that_rewrites_itself_is_shown_as_it_ran(run):
    outcome = run.m("""
        @profile
        def f():
            return "first"
        f()
        text = open(__file__).read()
        open(__file__, "w").write(text.replace("first", "later") + "\\n# longer\\n")
        """).ok()
    assert '"later"' not in outcome.stdout
    assert outcome.tables[0].line(3).occurrences == 1


def test_a_module_that_is_reloaded(run, tmp_path):
    run.write("helper.py", "@profile\ndef f():\n    return 'one'\n")
    outcome = run.m("""
        import importlib, os, sys
        sys.dont_write_bytecode = True
        import helper
        helper.f()
        open("helper.py", "w").write("# moved\\n@profile\\ndef f():\\n    return 'two'\\n")
        importlib.invalidate_caches()
        os.utime("helper.py", (1, 1))
        importlib.reload(helper)
        helper.f()
        """).ok()
    first, second = outcome.tables
    assert first.line(3).text in ("    return 'one'", "")
    assert second.line(4).text in ("    return 'two'", "")
    assert first.line(3).occurrences == second.line(4).occurrences == 1


def test_source_is_found_after_a_change_of_folder(run, tmp_path):
    (tmp_path / "away").mkdir()
    outcome = run.m("import os\n@profile\ndef f():\n    os.chdir('away')\n    return 1\nf()\n").ok()
    assert outcome.table("f").at("return 1").occurrences == 1


@pytest.mark.parametrize("name", ["argparse", "dataclasses", "typing", "enum"])
def test_a_function_ends_where_inspect_says(name):
    path = importlib.util.find_spec(name).origin
    source = open(path, encoding="utf-8").read()
    lines = source.splitlines(keepends=True)
    functions, rest = [], [compile(source, path, "exec")]
    while rest:
        inner = [c for c in rest.pop().co_consts if isinstance(c, types.CodeType)]
        functions += [
            code for code in inner if code.co_name.isidentifier() or code.co_name == "<lambda>"
        ]
        rest += inner
    firsts = {
        code.co_firstlineno
        for code in functions
        if not lines[code.co_firstlineno - 1].startswith("type ")
    }
    assert len(firsts) > 20
    unread = 0
    for first in firsts:
        part = lines[first - 1 : first + 400]
        try:
            expected = len(inspect.getblock(part))
        except tokenize.TokenError:  # on 3.15, where the part ends in the middle of something
            unread += 1
            continue
        assert block_length(part) == expected, (name, first)
    assert unread <= len(firsts) // 10
