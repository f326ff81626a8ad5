"""Every option of the Python programs and magics with hostile values, as in test_options_hostile.py."""

import json
import subprocess
import sys

import pytest
from hostile import (
    ARGUMENT,
    PIPE,
    SOURCE,
    assert_all_well,
    environment,
    forms,
    help_of,
    lay_out,
    names,
    options_of,
    run_all,
)

MODULES = {
    "memory_profiler": ["program.py"],
    "memory_profiler.report": ["run.json"],
    "memory_profiler.diff": ["run.json", "run.json"],
}
PYTHON_VALUES = [
    "",
    "-",
    "-1",
    "1e400",
    "nan",
    "-inf",
    "1_000",
    "٣",
    "9" * 20,
    "a" * 5000,
    b"\xff\x80".decode("utf-8", "surrogateescape"),
    "a\nb",
    "\x1b[31m\x07",
    "../..",
    "/dev/full",
    "folder",
    "loop",
    "%s%n",
    "$(touch hacked)",
    "missing/file",
]


def python_parameters():
    for module in MODULES:
        for options, takes in options_of(help_of(sys.executable, "-m", module)):
            if takes:
                yield module, options
        yield module, [ARGUMENT]


@pytest.fixture(scope="module")
def saved_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    (folder / "program.py").write_text(SOURCE)
    done = subprocess.run(
        [sys.executable, "-m", "memory_profiler", "--json", "run.json", "program.py"],
        cwd=folder,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0 and done.stderr == b""
    return str(folder / "run.json")


def python_cases(module, options, saved_run, values):
    arguments = [saved_run if part == "run.json" else part for part in MODULES[module]]
    for value in values:
        form = [value, *arguments[1:]]
        if options != [ARGUMENT]:
            form = [*list(forms(options, value))[-1], *arguments]
        yield [sys.executable, "-m", module, *form], options, value


def python_well(case):
    """The last line is the one that says what is wrong; usage may stand before it."""
    if case.err.endswith(b"bdb.BdbQuit\n"):
        return  # it stepped into the debugger, as it was asked to, whose input had an end
    yield from case.problems({0, 1, 2})
    lines = case.err.decode("utf-8", "replace").splitlines() or [""]
    is_named = names(lines[-1], case.options, case.value) or (
        case.value == "-" and "standard input" in lines[-1]
    )
    if case.status != 0 and not is_named:
        yield "the last line names neither option nor value"
    if len([line for line in lines if not line.startswith(("usage: ", " "))]) > 1:
        yield "more than one line"


@pytest.mark.parametrize(
    "module,options",
    list(python_parameters()),
    ids=[f"{module}{options[-1]}" for module, options in python_parameters()],
)
def test_every_option_of_the_python_programs(tmp_path, saved_run, module, options):
    cases = run_all(tmp_path, list(python_cases(module, options, saved_run, PYTHON_VALUES)))
    assert len(cases) == len(PYTHON_VALUES)
    assert_all_well(cases, python_well)


def test_the_python_programs_give_up_a_pipe_without_another_end(tmp_path, saved_run):
    cases = run_all(
        tmp_path,
        [
            case
            for module, options in python_parameters()
            for case in python_cases(module, options, saved_run, [PIPE])
        ],
        20,
    )
    assert_all_well(cases, python_well)


MAGICS = r"""
import contextlib, io, json, re, sys
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "memory_profiler")
shell.run_cell("def f():\n    return [0] * 1000\n")
seen = 0
for name in "mprun", "memit":
    for option in re.findall(r"^\s*-(\w) [A-Z]", shell.find_line_magic(name).__doc__, re.M):
        for value in json.loads(sys.argv[1]):
            seen += 1
            rest = "-f f f()" if name == "mprun" and option != "f" else "f()"
            said = io.StringIO()
            try:
                with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                    shell.run_line_magic(name, f"-{option} {value} {rest}")
            except UsageError as error:
                said.write(str(error))
            except Exception as error:
                print(f"%{name} -{option} {value!r}: {type(error).__name__}: {error}")
            if "\x1b" in said.getvalue():
                print(f"%{name} -{option} {value!r}: an escape")
print(seen)
"""


def test_every_option_of_the_magics(tmp_path):
    """Wrong values are errors of usage, not of the program."""
    pytest.importorskip("IPython")
    values = [
        value
        for value in PYTHON_VALUES
        if value not in ("", "9" * 20)
        and " " not in value
        and value.isprintable()
        or value == "\x1b[31m\x07"
    ]
    inner, _ = lay_out(tmp_path)
    (inner / "magics.txt").write_text(MAGICS)
    done = subprocess.run(
        [sys.executable, "magics.txt", json.dumps(values)],
        cwd=inner,
        env=environment(IPYTHONDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    *wrong, seen = done.stdout.splitlines()
    assert int(seen) >= 5 * len(values)
    assert not wrong, "\n".join(wrong)
