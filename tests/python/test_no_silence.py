"""A run that prints no table says why, in one line on stderr, unless something else was asked for."""

import pytest
from memory_profiler._visible import reason
from support import environment

PLAIN = "print('OUT')\n"
NOT_CALLED = "@profile\ndef f():\n    return 1\n" + PLAIN
NOTHING = (
    "memory_profiler: no table: no function is under @profile; --all takes all functions of the "
    "program, -p those of a module\n"
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(2, "No such file or directory", "x"), "No such file or directory"),
        (OSError("No device."), "No device"),
        (ValueError("embedded null byte"), "embedded null byte"),
        (OSError(), "OSError"),
        (type("Odd", (Exception,), {"__str__": lambda self: 1 / 0})(), "Odd"),
        (type("Odd", (OSError,), {"strerror": property(lambda self: 1 / 0)})(), "Odd"),
    ],
)
def test_the_reason_of_an_error_is_said_in_words(error, text):
    assert reason(error) == text


def said(run, source, *options, **kw):
    done = run.m(source, options=options, quiet=False, **kw)
    assert done.returncode == 0 and "OUT\n" in done.stdout
    return done.stderr


def test_without_a_decorated_function(run):
    assert said(run, PLAIN) == NOTHING
    assert said(run, PLAIN, "-v") == NOTHING
    assert said(run, PLAIN, "--json", "run.json", "--peak") == NOTHING


def test_where_none_was_called(run):
    begin = "memory_profiler: no table: "
    assert (
        said(run, NOT_CALLED)
        == begin + "the function under @profile was not called in this process\n"
    )
    assert said(run, NOT_CALLED + NOT_CALLED.replace("def f", "def g")) == (
        begin + "none of the 2 functions under @profile was called in this process\n"
    )


def test_where_the_program_is_no_function(run):
    none = "memory_profiler: no table: no function of the program's own files was called; --heap "
    assert said(run, PLAIN, "--all").startswith(none)
    assert said(run, PLAIN + "def f(): pass\n", "--all").startswith(none)
    assert said(run, PLAIN + "def f(): pass\nf()\n", "--all") == ""
    assert said(run, PLAIN, "--all", "-q") == said(run, PLAIN, "--all", "--heap") == ""


def test_where_none_was_called_that_an_option_names(run):
    none = "memory_profiler: no table: no function that -p names was called in this process\n"
    assert said(run, PLAIN + "import json\n", "-p", "json") == none
    assert said(run, PLAIN + "import json\njson.loads('1')\n", "-p", "json") == ""
    assert said(run, PLAIN, "-p", "json.nothing") == (
        "memory_profiler: -p json.nothing named no function of this run\n"
    )
    assert said(run, PLAIN + "import json\n", "-p", "json", "-q") == ""


def test_of_an_imported_profile(run):
    """Which prints by itself, in whatever process."""
    source = "from memory_profiler import profile\n" + NOT_CALLED
    assert said(run, source) == (
        "memory_profiler: no table: nothing under @profile was called in this process\n"
    )


@pytest.mark.parametrize(
    "options",
    [
        ["-q"],
        ["--quiet"],
        ["--all"],
        ["-p", "json"],
        ["--functions"],
        ["--pstats", "x"],
        ["--lines"],
    ],
    ids=" ".join,
)
def test_what_else_was_asked_for(run, options):
    source = PLAIN + "import json\n"
    assert NOTHING not in said(run, source, *options)


@pytest.mark.parametrize(
    "source",
    [
        NOT_CALLED + "f()\n",
        "def f():\n    return 1\nprofile.add_function(f)\nwith profile:\n    f()\n" + PLAIN,
        "from memory_profiler import profile\n" + NOT_CALLED + "f()\n",
        "import memory_profiler, sys\nwith memory_profiler.profile(stream=sys.stdout):\n    x = 1\n"
        + PLAIN,
    ],
)
def test_where_there_is_a_table(run, source):
    assert said(run, source) == ""


def test_tables_of_children_are_tables(run):
    source = """
    import os
    @profile
    def f():
        return 1
    child = os.fork()
    if child == 0:
        f()
    else:
        os.waitpid(child, 0)
        print("OUT")
    """
    assert said(run, source, "--multiprocess") == ""


def test_under_mprof_run_and_in_the_import_form_nothing_is_said(run):
    assert said(run, PLAIN, env=environment(MPROF_OUTPUT=str(run.folder / "x.dat"))) == ""
    done = run.plain("from memory_profiler import profile\n" + NOT_CALLED).ok()
    assert (done.stdout, done.stderr) == ("OUT\n", "")


def test_the_status_and_stdout_are_the_programs(run):
    done = run.m(PLAIN + "raise SystemExit(7)\n", quiet=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "OUT\n", NOTHING)


def test_without_a_stdout_it_is_said_where_there_is_something_to_print(run):
    run.write("none.py", "import sys\nsys.stdout = sys.__stdout__ = None\n")
    done = run.profiler("none.py", quiet=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", NOTHING)
    run.write(
        "one.py",
        "import sys\n@profile\ndef f():\n    return 1\nf()\nsys.stdout = sys.__stdout__ = None\n",
    )
    done = run.profiler("one.py")
    assert done.stderr == (
        "memory_profiler: the tables could not be written to stdout: it is closed\n"
    )
