"""What the tables show: source, odd text, colours, broken streams; and the errors, a line each."""
import os
import pty
import select
import sys
import subprocess
import zipfile

import pytest

from support import ANSI, MAPPED_BLOCKS, TIMEOUT, environment, mask, near, parse_tables, python

MAPPED = environment(**MAPPED_BLOCKS)
SMALL = "@profile\ndef f():\n    return 1\nf()\n"


# ---- where source comes from ----

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
        archive.writestr("zipped.py", "@profile\ndef f():\n    a = bytearray(4 << 20)\n    return 1\n")
    table = run.m("""
        import sys
        sys.path.insert(0, "lib.zip")
        import zipped
        zipped.f()
        """, env=MAPPED).ok().table("f")
    assert table.filename.endswith(os.path.join("lib.zip", "zipped.py"))
    assert table.at("a = ").increment == near(4)


def test_code_given_on_the_command_line(run):
    code = "@profile\ndef f():\n    a = bytearray(4 << 20)\n    return 1\nf()\n"
    table = run.profiler("-c", code, env=MAPPED).ok().table("f")
    assert table.at("a = ").increment == near(4)
    assert table.at("return 1").occurrences == 1


def test_code_without_source_shows_numbers_alone(run):
    outcome = run.m("""
        exec(compile('''@profile
        def f():
            a = bytearray(4 << 20)
            return 1
        '''.replace("\\n        ", "\\n"), "<made up>", "exec"))
        f()
        """, env=MAPPED).ok()
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

def test_utf8_and_wide_text(run):
    table = run.m("@profile\ndef f():\n    é = '漢字 🐍'\n    return é\nf()\n").ok().table("f")
    assert table.at("é = ").text == "    é = '漢字 🐍'"


def test_output_that_cannot_hold_the_text(run):
    outcome = run.m("@profile\ndef f():\n    return '漢'\nf()\n",
                    env=environment(PYTHONIOENCODING="ascii", LC_ALL="C")).ok()
    assert "Traceback" not in outcome.stderr
    assert outcome.table("f").first.occurrences == 1


def test_tabs_stay(run):
    table = run.m(b"@profile\ndef f():\n\tif 1:\n\t\tx = 1\t# tab\n\treturn x\nf()\n").ok().table("f")
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
    table = run.m("""
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
        """).ok().table("f")
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


def test_source_is_found_after_a_change_of_folder(run, tmp_path):
    (tmp_path / "away").mkdir()
    outcome = run.m("import os\n@profile\ndef f():\n    os.chdir('away')\n    return 1\nf()\n").ok()
    assert outcome.table("f").at("return 1").occurrences == 1


# ---- colours ----

COLOURED = """
    @profile
    def f():
        block = bytearray(64 << 20)
        return len(block)
    f()
    """


def test_a_pipe_gets_plain_text(run):
    assert "\x1b" not in run.m(COLOURED, env=environment(TERM="xterm-256color")).ok().stdout


def test_force_colours_a_pipe_and_changes_nothing_else(run):
    plain = run.m(COLOURED).ok().stdout
    outcome = run.m(COLOURED, env=environment(CLICOLOR_FORCE="1", TERM="xterm")).ok()
    assert "\x1b" in outcome.stdout
    lines = [line for line in outcome.stdout.split("\n") if "\x1b" in line]
    assert any("block = " in line for line in lines), "the increment that matters"
    assert not any("return len" in line for line in lines)
    assert mask(ANSI.sub("", outcome.stdout)) == mask(plain)


def test_no_color_wins_over_force(run):
    env = environment(CLICOLOR_FORCE="1", NO_COLOR="1", TERM="xterm")
    assert "\x1b" not in run.m(COLOURED, env=env).ok().stdout


def on_a_terminal(folder, env, *args):
    """What a terminal shows of a command."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, *args], cwd=folder, env=env, stdin=theirs,
                               stdout=theirs, stderr=theirs)
    os.close(theirs)
    text = b""
    while select.select([ours], [], [], TIMEOUT)[0]:
        try:
            data = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            break
        if not data:
            break
        text += data
    os.close(ours)
    assert process.wait(TIMEOUT) == 0, text
    return text.decode().replace("\r\n", "\n")


def test_a_terminal(run):
    run.write("script.py", COLOURED)
    args = ("-m", "memory_profiler", "script.py")
    shown = on_a_terminal(run.folder, environment(TERM="xterm"), *args)
    plain = run.profiler("script.py").ok().stdout
    assert mask(ANSI.sub("", shown)) == mask(plain)
    for extra in ({"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}):
        shown = on_a_terminal(run.folder, environment(**extra), *args)
        assert "\x1b" not in shown
        assert mask(shown) == mask(plain)


def test_a_file_is_never_coloured_from_a_terminal(run):
    run.write("script.py", COLOURED)
    on_a_terminal(run.folder, environment(TERM="xterm"), "-m", "memory_profiler", "-o", "t.txt",
                  "script.py")
    text = (run.folder / "t.txt").read_text()
    assert "\x1b" not in text and len(parse_tables(text)) == 1


# ---- streams that break ----

BREAKS = """
    from memory_profiler import profile
    class Broken:
        def write(self, text):
            raise OSError("full")
        def flush(self):
            raise OSError("full")
    @profile(stream=Broken())
    def f(fail):
        if fail:
            raise KeyError("its own")
        return "result"
    @profile(stream=Broken())
    def g():
        yield 1
    print(f(False), list(g()))
    try:
        f(True)
    except KeyError as error:
        print("raised", error, error.__context__)
    """


def test_a_broken_stream_never_replaces_the_result(run):
    outcome = run.plain(BREAKS).ok(says="^memory_profiler: a table could not be printed: OSError: full\n")
    assert outcome.stdout == "result [1]\nraised 'its own' None\n"


def test_a_closed_stdout_never_replaces_the_result(run):
    outcome = run.plain("""
        import os, sys
        from memory_profiler import profile
        @profile
        def f():
            return 5
        sys.stdout = open(os.devnull)  # not writable
        assert f() == 5
        sys.stdout.close()
        assert f() == 5
        sys.stdout = None
        assert f() == 5
        """).ok(says="a table could not be printed: UnsupportedOperation: not writable")
    assert outcome.stdout == ""


def test_a_closed_pipe_ends_without_a_traceback(run):
    run.write("script.py", "@profile\ndef f():\n" + "    x = 1\n" * 5000 + "f()\n")
    process = subprocess.Popen([sys.executable, "-m", "memory_profiler", "script.py"],
                               cwd=run.folder, env=environment(), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    stderr = process.stderr.read()
    process.wait(TIMEOUT)
    assert "Traceback" not in stderr and len(stderr.splitlines()) <= 1, stderr


# ---- errors, one clear line each ----

def test_a_syntax_error(run):
    outcome = run.m("x = 1\ndef f(:\n    pass\n")
    assert outcome.returncode == 1
    line = outcome.one_line_error()
    assert "script.py" in line and "2" in line and "syntax" in line.lower()


def test_null_bytes_in_the_script(run):
    outcome = run.m(b"x = 1\x00\n")
    assert outcome.returncode == 1
    assert "script.py" in outcome.one_line_error()


def test_a_script_that_is_not_in_its_encoding(run):
    outcome = run.m(b"x = '\xff\xfe'\n")
    assert outcome.returncode == 1
    assert "script.py" in outcome.one_line_error()


def test_a_folder_named_like_a_script(run, tmp_path):
    (tmp_path / "folder.py").mkdir()
    outcome = run.profiler("folder.py")
    assert outcome.returncode == 1
    assert "folder.py" in outcome.one_line_error()


# Root may read anything: a child that gave up the two capabilities may not.
WITHOUT_CAPABILITIES = """
import ctypes, os, sys
if os.geteuid() == 0:
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_an_unreadable_script(run, tmp_path):
    run.write("script.py", SMALL).chmod(0)
    outcome = python("-c", WITHOUT_CAPABILITIES, "-m", "memory_profiler", "script.py", cwd=tmp_path)
    assert outcome.returncode == 1
    line = outcome.one_line_error()
    assert "script.py" in line and "ermission" in line


@pytest.mark.parametrize("target, word", [("no/such/folder/t.txt", "no/such/folder/t.txt"),
                                          (".", "directory")])
def test_an_output_that_cannot_be_opened(run, target, word):
    outcome = run.m(SMALL, options=["-o", target])
    assert word in outcome.one_line_error()
    assert outcome.returncode != 0


def test_an_output_without_permission(run, tmp_path):
    run.write("script.py", SMALL)
    run.write("t.txt", "").chmod(0o400)
    outcome = python("-c", WITHOUT_CAPABILITIES, "-m", "memory_profiler", "-o", "t.txt", "script.py",
                     cwd=tmp_path)
    assert outcome.returncode == 1
    assert "t.txt" in outcome.one_line_error()


def test_a_full_disk(run):
    outcome = run.m(SMALL, options=["-o", "/dev/full"])
    assert outcome.returncode == 0
    assert "Traceback" not in outcome.stderr
    assert "/dev/full" in outcome.one_line_error()


DECORATES = """
    {head}
    what = {what}
    try:
        g = profile(what)
    except TypeError as error:
        print("ERROR", error)
    else:
        assert g is what
    """


@pytest.mark.parametrize("form", ["m", "plain"])
@pytest.mark.parametrize("what", ["len", "3", "'text'", "[].append"])
def test_profile_on_what_has_no_lines(run, form, what):
    outcome = getattr(run, form)(DECORATES.format(
        head="from memory_profiler import profile", what=what)).ok(
            says="^$" if what in ("3", "'text'") else "^memory_profiler: .* has no Python code: not profiled\n$")
    told = [line for line in (outcome.stdout + outcome.stderr).split("\n") if line]
    assert len(told) == 1, f"one line that says so: {told}"
    assert "Traceback" not in outcome.stderr
    if what in ("3", "'text'"):
        assert told[0].startswith("ERROR"), "there is nothing to call"


@pytest.mark.parametrize("what", ["len", "[].append"])
def test_a_builtin_that_is_kept_still_works(run, what):
    outcome = run.plain(f"""
        from memory_profiler import profile
        try:
            g = profile({what})
        except TypeError as error:
            print("ERROR", error)
        else:
            g([1, 2])
        """).ok(says="^memory_profiler: .* has no Python code: not profiled\n$")
    assert "Traceback" not in outcome.stderr


NO_PROC = ["unshare", "-m", "sh", "-c",
           'mount -t tmpfs none /proc && exec "$0" "$@"']


def test_without_proc(run, tmp_path):
    run.write("script.py", "print('ran')\n" + SMALL)
    probe = subprocess.run([*NO_PROC, "true"], stderr=subprocess.PIPE, timeout=TIMEOUT)
    if probe.returncode != 0:
        pytest.skip("this machine does not let us hide /proc")
    done = subprocess.run([*NO_PROC, sys.executable, "-m", "memory_profiler", "script.py"],
                          cwd=tmp_path, env=environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    lines = [line for line in done.stderr.split("\n") if line]
    assert "Traceback" not in done.stderr
    assert len(lines) == 1 and "/proc" in lines[0]


def test_two_errors_are_not_one(run):
    """The checks above would pass on anything if one_line_error() could not fail."""
    with pytest.raises(AssertionError):
        run.m(SMALL + "raise ValueError\n").one_line_error()
