"""python -m memory_profiler: what it takes, what it runs, what it prints where."""

import json
import marshal
import os
import re
import resource
import sys
from pathlib import Path

import pytest
from support import HEADER, MAPPED_BLOCKS, environment, mask, parse_tables, python

GOLDEN = Path(__file__).parent.parent / "golden"
SOURCE = (GOLDEN / "table_source.py").read_text(encoding="utf-8")
MAPPED = environment(**MAPPED_BLOCKS)
SMALL = "@profile\ndef f():\n    return 1\nf()\n"


# ---- no program, help, version ----


def test_help_names_every_option(run):
    outcome = run.profiler("--help").ok()
    for option in (
        "--version",
        "--pdb-mmem",
        "--precision",
        "-o",
        "--timestamp",
        "--include-children",
        "--backend",
        "--exact",
    ):
        assert option in outcome.stdout
    assert run.profiler("-h").ok().stdout == outcome.stdout
    assert outcome.stdout.startswith("usage: python -m memory_profiler")


def test_version_is_alone_on_a_line(run):
    outcome = run.profiler("--version").ok()
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", outcome.stdout)
    version = python(
        "-c", "import memory_profiler; print(memory_profiler.__version__)", cwd=run.folder
    ).ok()
    assert version.stdout == outcome.stdout


def test_version_v_tells_how_it_reads(run):
    outcome = run.profiler("--version", "-v").ok()
    assert outcome.stdout.startswith(run.profiler("--version").ok().stdout)
    assert re.search(r"gate.*\d+\s*ns|gate.*off", outcome.stdout, re.I)
    assert re.search(r"rss.*exact|resolution.*\d", outcome.stdout, re.I)


def limited(mebibytes):
    limit = mebibytes << 20
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not hold RLIMIT_AS")
def test_v_tells_the_limits_of_memory(run):
    """In --version -v, and below the tables."""
    begin = r"cgroup limit (none|[\d.]+ MiB); RLIMIT_AS "
    outcome = run.profiler("--version", "-v", preexec_fn=limited(64 << 20)).ok()
    assert re.fullmatch(begin + "67108864 MiB", outcome.stdout.splitlines()[-1])
    outcome = run.m("@profile\ndef f():\n    pass\nf()\n", options=["-v"]).ok()
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    own = "none" if limit == resource.RLIM_INFINITY else r"[\d.]+ MiB"
    (line,) = [line for line in outcome.stdout.splitlines() if "RLIMIT_AS" in line]
    assert re.fullmatch(rf"\({begin}{own}\)", line)
    assert "RLIMIT_AS" not in run.m("@profile\ndef f():\n    pass\nf()\n").ok().stdout


@pytest.mark.parametrize("options", [[], ["--precision", "2"], ["--"]])
def test_no_program(run, options):
    outcome = run.profiler(*options)
    assert outcome.returncode == 1
    assert outcome.stdout == "A program to run must be provided. Use -h for help\n"
    assert outcome.stderr == ""


def test_missing_script(run):
    outcome = run.profiler("nope.py")
    assert outcome.returncode == 1
    assert outcome.stderr == "Could not find script nope.py\n"
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    "options, word",
    [
        (["--bogus"], "--bogus"),
        (["--precision", "x"], "--precision"),
        (["--precision"], "--precision"),
        (["--backend", "abacus"], "abacus"),
        (["--pdb-mmem", "much"], "--pdb-mmem"),
    ],
)
def test_a_wrong_option_is_named(run, options, word):
    outcome = run.m(SMALL, options=options)
    assert outcome.returncode == 2
    assert word in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert outcome.stdout == ""


# ---- what is run ----


def test_script_is_looked_up_on_the_path(run, tmp_path):
    run.write("bin/onpath.py", SMALL)
    (tmp_path / "elsewhere").mkdir()
    env = environment(PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    outcome = run.profiler("onpath.py", cwd=tmp_path / "elsewhere", env=env).ok()
    assert outcome.tables[0].filename == str(tmp_path / "bin" / "onpath.py")


def test_the_working_folder_comes_before_the_path(run, tmp_path):
    run.write("bin/both.py", "print('path')\n")
    run.write("both.py", "print('cwd')\n")
    env = environment(PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert run.profiler("both.py", env=env).ok().stdout == "cwd\n"


MODULE = """
    import sys
    assert __name__ == "__main__"
    @profile
    def f():
        return sys.argv[1:]
    print(f())
    """


@pytest.mark.parametrize("lead", [[], ["-m"], ["--"]])
def test_modules(run, lead):
    run.write("pkg/__init__.py", "")
    run.write("pkg/mod.py", MODULE)
    outcome = run.profiler(*lead, "pkg.mod", "a", "-o", "b", "--version").ok()
    assert outcome.stdout.startswith("['a', '-o', 'b', '--version']\n")
    assert outcome.table("f").filename.endswith(os.path.join("pkg", "mod.py"))


@pytest.mark.parametrize("lead", [[], ["-m"]])
def test_a_package_runs_its_main(run, lead):
    run.write("pkg/__init__.py", "")
    run.write("pkg/__main__.py", MODULE)
    outcome = run.profiler(*lead, "pkg", "x").ok()
    assert outcome.stdout.startswith("['x']\n")
    outcome.table("f")


def test_relative_imports_work_in_a_module(run):
    run.write("pkg/__init__.py", "")
    run.write("pkg/other.py", "value = 7\n")
    run.write("pkg/mod.py", "from .other import value\nprint(value, __package__)\n")
    assert run.profiler("-m", "pkg.mod").ok().stdout == "7 pkg\n"


@pytest.mark.parametrize(
    "args", [["no_such_module_here"], ["-m", "no_such_module_here"], ["no.such.module"]]
)
def test_a_missing_module_is_one_clear_line(run, args):
    outcome = run.profiler(*args)
    assert outcome.returncode == 1
    assert args[-1].split(".")[0] in outcome.one_line_error()


def test_code(run):
    code = "import sys\n@profile\ndef f(x):\n    return x\nprint(f(sys.argv))\n"
    outcome = run.profiler("-c", code, "a", "-c").ok()
    assert outcome.stdout.startswith("['-c', 'a', '-c']\n")
    assert outcome.table("f").at("return x").occurrences == 1


def test_double_dash_ends_our_options(run):
    run.write("script.py", "import sys\nprint(sys.argv)\n")
    outcome = run.profiler("--precision", "2", "--", "script.py", "--precision", "9", "--").ok()
    assert outcome.stdout == "['script.py', '--precision', '9', '--']\n"


def test_all_that_follows_the_program_is_its_own(run):
    args = ["-o", "x", "--version", "-h", "--", "--backend", "nope", "", "a b", "ü", "-"]
    outcome = run.m("import sys\nprint(sys.argv[1:])\n", *args).ok()
    assert outcome.stdout == f"{args}\n"
    assert os.listdir(run.folder) == ["script.py"]


def test_a_script_without_suffix(run):
    outcome = run.m("@profile\ndef f():\n    return 1\nf()\n", name="tool").ok()
    assert outcome.table("f").filename.endswith("tool")


# ---- what the script sees ----


def test_the_script_is_the_real_main(run):
    outcome = run.m('''
        """my doc"""
        import builtins, os, pickle, sys, typing
        main = sys.modules["__main__"]
        assert __name__ == "__main__" and main.__dict__ is globals()
        assert __doc__ == "my doc"
        assert os.path.samefile(__file__, "script.py")
        assert os.path.samefile(sys.path[0] or ".", os.path.dirname(os.path.abspath(__file__)))
        assert os.path.samefile(sys.argv[0], __file__)
        assert "profile" in dir() and builtins.profile is profile
        assert __spec__ is None or __spec__.name != "memory_profiler.__main__"
        class Point:
            other: "Point"
        assert pickle.loads(pickle.dumps(Point())).__class__ is Point
        assert typing.get_type_hints(Point) == {"other": Point}
        assert "argparse" not in globals() and "main_module" not in globals()
        names = {n for n in globals() if not n.startswith("__")}
        assert names == {"builtins", "os", "pickle", "sys", "typing", "main", "Point", "profile"}, names
        print("fine")
        ''').ok()
    assert outcome.stdout == "fine\n"


def test_a_script_without_doc_has_none(run):
    assert run.m("print(__doc__)\n").ok().stdout == "None\n"


def test_the_scripts_folder_is_first_on_the_path(run, tmp_path):
    run.write("sub/helper.py", "value = 'sub'\n")
    run.write("helper.py", "value = 'cwd'\n")
    run.write("sub/script.py", "import helper\nprint(helper.value)\n")
    assert run.profiler("sub/script.py").ok().stdout == "sub\n"


def test_an_imported_module_finds_profile(run):
    run.write(
        "helper.py",
        """
        if 'profile' not in dir():
            if 'profile' not in dir(__builtins__) and 'profile' not in __builtins__:
                raise SystemExit("no profile")
        @profile
        def helped():
            return 1
        """,
    )
    outcome = run.m("import helper\nhelper.helped()\n").ok()
    assert outcome.table("helped").filename.endswith("helper.py")


def test_the_well_known_test_for_profile(run):
    outcome = run.m("""
        if 'profile' not in dir():
            def profile(f):
                return f
        @profile
        def f():
            return 1
        f()
        """).ok()
    outcome.table("f")


def test_pickle_by_a_child_of_multiprocessing(run):
    run.m("""
        import multiprocessing
        @profile
        def square(x):
            return x * x
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                assert pool.map(square, [1, 2, 3]) == [1, 4, 9]
        """).ok()


def test_standard_input_is_the_scripts(run):
    outcome = run.m("import sys\nprint(sys.stdin.read())\n", stdin="hello").ok()
    assert outcome.stdout == "hello\n"


# ---- the table ----


@pytest.mark.parametrize("precision", [0, 3, 6])
def test_the_table_byte_for_byte(run, precision):
    run.write("golden.py", SOURCE.encode())
    options = [] if precision == 3 else ["--precision", precision]
    outcome = run.profiler(*options, "golden.py").ok()
    expected = (GOLDEN / f"table_precision{precision}.txt").read_text(encoding="utf-8")
    assert mask(outcome.stdout) == expected


def test_the_imported_table_byte_for_byte(run, tmp_path):
    head = SOURCE.split("\n")[0]
    run.write("golden.py", SOURCE.replace(head, "from memory_profiler import profile").encode())
    outcome = python("golden.py", cwd=tmp_path).ok()
    expected = (GOLDEN / "table_imported.txt").read_text(encoding="utf-8")
    assert mask(outcome.stdout.replace(f"{tmp_path}/", "")) == expected


def test_header_is_as_ever(run):
    assert f"\n{HEADER}\n{'=' * 61}\n" in run.m(SMALL).ok().stdout


def test_tables_come_in_order_of_decoration(run):
    outcome = run.m("""
        @profile
        def one(): pass
        @profile
        def two(): pass
        @profile
        def three(): pass
        three(); one(); two()
        """).ok()
    assert [t.at("def ").text for t in outcome.tables] == [
        "def one(): pass",
        "def two(): pass",
        "def three(): pass",
    ]


def test_a_function_that_never_ran_has_no_table(run):
    assert run.m("@profile\ndef f():\n    return 1\nprint('x')\n").ok().stdout == "x\n"


def test_lines_that_never_ran_have_blank_columns(run):
    table = (
        run.m("@profile\ndef f():\n    if 0 > id(f):\n        x = 1\n    return 1\nf()\n")
        .ok()
        .table("f")
    )
    assert not table.at("x = 1").ran
    assert not table.at("def f").ran
    assert table.at("return 1").ran
    assert [row.lineno for row in table.rows] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("precision", [0, 1, 5, 9])
def test_precision(run, precision):
    outcome = run.m(SMALL, options=["--precision", precision]).ok()
    number = [line for line in outcome.stdout.split("\n") if "return 1" in line][0].split()[1]
    assert len(number.partition(".")[2]) == precision


# ---- where it goes ----


def test_o_appends(run, tmp_path):
    for _ in range(2):
        outcome = run.m(SMALL + "print('out')\n", options=["-o", "tables.txt"]).ok()
        assert outcome.stdout == "out\n"
    assert len(parse_tables((tmp_path / "tables.txt").read_text())) == 2


def test_o_is_relative_to_where_the_command_was_given(run, tmp_path):
    (tmp_path / "away").mkdir()
    run.m("import os\nos.chdir('away')\n" + SMALL, options=["-o", "tables.txt"]).ok()
    assert len(parse_tables((tmp_path / "tables.txt").read_text())) == 1
    assert os.listdir(tmp_path / "away") == []


def test_json_and_pstats_are_relative_to_it_too(run, tmp_path):
    (tmp_path / "away").mkdir()
    run.m(
        "import os\nos.chdir('away')\n" + SMALL,
        options=["--json", "run.json", "--pstats", "run.pstats"],
    ).ok()
    (process,) = json.loads((tmp_path / "run.json").read_text())["processes"]
    assert [function["name"] for function in process["functions"]] == ["f"]
    functions = marshal.loads((tmp_path / "run.pstats").read_bytes())
    assert any(name.endswith("f") for _, _, name in functions)
    assert os.listdir(tmp_path / "away") == []


def test_o_is_written_when_the_script_raises(run, tmp_path):
    outcome = run.m(SMALL + "raise ValueError('x')\n", options=["-o", "tables.txt"])
    assert outcome.returncode == 1
    assert outcome.stderr.endswith("\nValueError: x\n")
    assert len(parse_tables((tmp_path / "tables.txt").read_text())) == 1


def test_o_holds_utf8_whatever_the_locale(run, tmp_path):
    run.m(
        "@profile\ndef f():\n    return 'é漢'\nf()\n",
        options=["-o", "tables.txt"],
        env=environment(LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0"),
    ).ok()
    assert "return 'é漢'" in (tmp_path / "tables.txt").read_text(encoding="utf-8")
