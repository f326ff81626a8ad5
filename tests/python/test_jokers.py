"""Programs that replace what everybody stands on: ours goes on right, or says what is lost.

They end as they would without us, whether the joke is there before functions are decorated or after
the last call.
"""

import json
import pstats
import re

import pytest

HEAD = """
import atexit, builtins, contextlib, inspect, io, json, linecache, os, re, stat, sys
import threading, time, tokenize

def joke(*args, error=RuntimeError, **kw):
    raise error("joke")

def replace(*modules):
    for names in [*map(vars, modules)]:
        names.update({name: joke for name, value in names.items()
                      if name[:2] != "__" and callable(value)})

def output(write, flush, isatty=joke):
    return type("Output", (), {"write": write, "flush": flush, "isatty": isatty})()
"""
BODY = """
@profile
def f():
    x = [1] * 1000
    return x
f()
"""
JOKES = {
    "len": "builtins.len = None",
    "open": "builtins.open = joke",
    "print": "builtins.print = joke",
    "isinstance": "builtins.isinstance = joke",
    "types": "builtins.str = builtins.int = builtins.dict = builtins.list = builtins.type = None",
    "all that is built in": "replace(builtins)",
    "nothing is built in": "names = vars(builtins); [names.pop(n) for n in [*names] if n[:2] != '__']",
    "import": "builtins.__import__ = joke",
    "no modules": "sys.modules.update({n: None for n in [*sys.modules] if n != 'threading'})",
    "modules cleared": "sys.modules.clear()",
    "ours purged": "[sys.modules.pop(n) for n in [*sys.modules] if 'memory_prof' in n]; sys.path.clear()",
    "os": "replace(os)",
    "os.write": "os.write = os.open = os.replace = os.fsync = lambda *args: 0",
    "os.path": "replace(os.path)",
    "environ": "os.environ = None",
    "time": "time.time = time.monotonic = time.sleep = lambda *args: 'now'",
    "the library": "replace(contextlib, inspect, io, json, linecache, re, stat, tokenize)",
    "threads": "threading.Thread = threading.Lock = threading.RLock = joke",
    "argv": "sys.argv = None",
    "imports": "sys.meta_path = sys.path_hooks = sys.path = None",
    "atexit": "atexit._clear()",
    "no stderr": "sys.stderr = None",
    "a stdout that cannot be asked": "sys.stdout = output(sys.stdout.write, sys.stdout.flush)",
}
# The tables have no place to go.
LOST = {
    "none": "sys.stdout = None",
    "a number": "sys.stdout = 3",
    "a stdout that fails": "sys.stdout = output(joke, lambda self: None)",
    "two that fail": "sys.stdout = sys.stderr = output(joke, lambda self: None)",
}

ALL = ["--all", "--json", "run.json", "--functions", "--pstats", "calls", "--multiprocess"]
UNDECORATED = "profile = lambda function: function\n"
WRITTEN = (["--line-time"], "x = [1] * 1000"), (["--timestamp"], "FUNC __main__.f ")
IMPORTED = "from memory_profiler import profile\n"
GIVEN = "# profile is there\n"


def programs(joke, end=""):
    """Sources: with the joke before the functions, and after the last call."""
    return [HEAD + joke + BODY + end, HEAD + BODY + joke + "\n" + end]


def outcomes(run, source, options):
    """(without us, under the command, with the import)"""
    return (
        run.plain(UNDECORATED + source),
        run.m(GIVEN + source, options=options),
        run.plain(IMPORTED + source),
    )


def without(ours, plain):
    """The lines of our stderr that are not there without us."""
    lines = re.sub("0x[0-9a-f]+", "", ours.stderr).splitlines()
    return [line for line in lines if line not in re.sub("0x[0-9a-f]+", "", plain.stderr)]


def check_saved(run):
    (process,) = json.loads((run.folder / "run.json").read_text())["processes"]
    function = next(one for one in process["functions"] if one["name"] == "f")
    assert "".join(function["source"]) == BODY.lstrip("\n")[: -len("f()\n")]
    assert any(key[2] == "f" for key in pstats.Stats(str(run.folder / "calls")).stats)


@pytest.mark.parametrize("joke", JOKES)
@pytest.mark.parametrize("end", ["", "raise ValueError('the end')"])
def test_tables_and_files_are_there_and_the_program_ends_as_without_us(run, joke, end):
    for source in programs(JOKES[joke], end):
        plain, command, imported = outcomes(run, source, ALL)
        for ours in (command, imported):
            if joke == "import":  # it cannot read the source for its traceback; under us it can
                ours.stderr = ours.stderr.replace(f"    {end}\n", "")
            assert (ours.returncode, ours.stderr) == (plain.returncode, plain.stderr), source
            assert ours.table("f").at("[1] * 1000").occurrences == 1
        check_saved(run)


@pytest.mark.parametrize("joke", JOKES)
def test_a_file_of_tables_and_a_recording_are_whole(run, joke):
    for source in programs(JOKES[joke]):
        plain = run.plain(UNDECORATED + source)
        for options, text in WRITTEN:
            (run.folder / "out").unlink(missing_ok=True)
            ours = run.m(GIVEN + source, options=[*options, "-o", "out"])
            assert (ours.returncode, ours.stderr) == (plain.returncode, plain.stderr), source
            assert (run.folder / "out").read_text().count(text) == 1


@pytest.mark.parametrize("joke", LOST)
def test_what_cannot_be_printed_is_said_in_a_line_and_files_are_there(run, joke):
    early, late = programs(LOST[joke])
    for source in (early, late):
        plain, command, imported = outcomes(run, source, ALL)
        assert command.returncode == imported.returncode == plain.returncode
        check_saved(run)
        if joke in ("none", "a number"):  # the command finds the stdout that the program began with
            assert command.stderr == plain.stderr
            assert command.table("f").at("[1] * 1000").occurrences == 1
        else:
            assert command.stdout == ""
            assert without(command, plain) == [
                "memory_profiler: the tables could not be written to stdout: joke"
            ]
        if source is early:
            (said,) = without(imported, plain)
            assert said.startswith("memory_profiler: a table could not be printed: ")
        else:
            assert imported.table("f").at("[1] * 1000").occurrences == 1


@pytest.mark.parametrize("joke", ["len", "import", "os", "os.path", "the library"])
def test_a_forked_child_saves_its_tables(run, joke):
    fork = """
fork, wait, leave = os.fork, os.waitpid, sys.exit
JOKE
if child := fork():
    wait(child, 0)
else:
    f()
    leave(0)
""".replace("JOKE", JOKES[joke])
    plain = run.plain(UNDECORATED + HEAD + BODY + fork)
    command = run.m(HEAD + BODY + fork, options=["--multiprocess", "--json", "run.json"])
    assert (command.returncode, without(command, plain)) == (plain.returncode, []) == (0, [])
    assert "Child process " in command.stdout and len(command.tables) == 2
    assert len(json.loads((run.folder / "run.json").read_text())["processes"]) == 2


def test_code_that_a_profiler_runs_has_the_programs_builtins(run):
    run.plain("""
        import builtins
        from memory_profiler import LineProfiler
        builtins.len = lambda value: 42
        LineProfiler().runctx("assert len(()) == 42; globals()['ran'] = 1", names := {}, {})
        assert names["ran"] == 1
        """).ok()


def test_what_the_program_has_made_of_modules_is_there_when_our_files_are_written(run):
    run.m(
        """
        import atexit, json, os, sys
        @profile
        def f():
            return 1
        f()
        os.getcwd, json.dumps = None, 1
        del os.getpid, sys.modules["json"]
        atexit._run_exitfuncs()
        assert (os.getcwd, json.dumps) == (None, 1)
        assert not hasattr(os, "getpid") and "json" not in sys.modules
        """,
        options=["--json", "run.json"],
    ).ok()
    assert json.loads((run.folder / "run.json").read_text())["finished"]


def test_a_folder_of_children_that_the_program_removes_is_said_in_a_line(run):
    run.m(
        """
        import json, os, shutil
        @profile
        def f():
            return 1
        f()
        shutil.rmtree(json.loads(os.environ["MEMORY_PROFILER_CHILDREN"])["folder"])
        """,
        options=["--multiprocess", "-o", "tables"],
    ).ok("^memory_profiler: the tables of children cannot be read: No such file or directory\n$")
    assert "1       return 1\n" in (run.folder / "tables").read_text()
