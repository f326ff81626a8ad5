"""A profiled program ends as it would without the profiler, and its tables come all the same."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from support import MAPPED_BLOCKS, TIMEOUT, environment, near, parse_tables, python

MAPPED = environment(**MAPPED_BLOCKS)
SMALL = "@profile\ndef f():\n    return 1\nf()\n"


@pytest.mark.parametrize(
    "end",
    [
        "raise SystemExit(3)",
        "import sys; sys.exit('a message')",
        "raise SystemExit",
        "raise ValueError('mine')",
        "import os; os.kill(os.getpid(), 2)",
        "import os; os._exit(7)",
        "import os; os.kill(os.getpid(), 9)",
        "raise KeyboardInterrupt",
        "import atexit, os; atexit.register(os._exit, 9)",
    ],
)
def test_exit_status_is_the_scripts(run, end):
    source = SMALL + end + "\n"
    plain = run.plain("profile = lambda f: f\n" + source)
    outcome = run.m(source)
    assert outcome.returncode == plain.returncode
    last = plain.stderr.rstrip().split("\n")[-1]
    assert outcome.stderr.rstrip().split("\n")[-1] == last
    if "_exit" not in end and ", 9)" not in end:
        assert outcome.table("f").at("return 1").occurrences == 1


@pytest.mark.parametrize("options", [(), ("--all", "--json", "run.json"), ("-o", "tables")])
def test_output_that_nobody_reads_ends_as_without_us(run, options):
    def end_of(*words):
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, *words, "script.py"]
        done = subprocess.run(
            command, cwd=run.folder, env=environment(), stdout=writing, stderr=subprocess.PIPE
        )
        os.close(writing)
        return done.returncode, done.stderr

    run.write("script.py", "print('lost')\n")
    plain = end_of()
    assert plain[0] == 120 and b"BrokenPipeError" in plain[1]
    assert end_of("-m", "memory_profiler", "-q", *options) == plain
    run.write("script.py", SMALL)  # tables alone that nobody reads are no fault
    assert end_of("-m", "memory_profiler", "-q", *options) == (0, b"")


def test_a_program_that_replaces_the_flags_of_sys(run):
    outcome = run.m("import sys\nsys.flags = None\n" + SMALL).ok()
    assert outcome.table("f").at("return 1").occurrences == 1


def test_the_traceback_shows_the_scripts_own_frames(run):
    source = """
        @profile
        def f(n):
            if n == 0:
                raise ValueError("mine")
            f(n - 1)
        f(2)
        """
    plain = run.plain("def profile(f): return f\n" + run.write("s.py", source).read_text())
    outcome = run.m(source)
    assert plain.returncode == outcome.returncode == 1
    pattern = re.compile(r'File ".*script\.py", line (\d+), in (\S+)')
    expected = [(int(line) - 1, name) for line, name in pattern.findall(plain.stderr)]
    assert [(int(line), name) for line, name in pattern.findall(outcome.stderr)] == expected
    assert outcome.stderr.rstrip().endswith("ValueError: mine")


def test_the_scripts_excepthook_is_used(run):
    outcome = run.m("""
        import sys
        sys.excepthook = lambda t, v, tb: print("HOOK", t.__name__)
        @profile
        def f():
            raise ValueError
        f()
        """)
    assert outcome.returncode == 1
    assert outcome.stderr == ""
    assert "HOOK ValueError" in outcome.stdout
    outcome.table("f")


HOOKS = {
    "none": "sys.excepthook = None",
    "deleted": "del sys.excepthook",
    "number": "sys.excepthook = 7",
    "raising": "sys.excepthook = lambda *args: 1 / 0",
    "exiting": "sys.excepthook = lambda *args: sys.exit(7)",
    "wrong": "sys.excepthook = lambda: None",
    "again": "sys.excepthook = sys.__excepthook__",
    "stack": "def hook(*args):\n    traceback.print_stack()\nsys.excepthook = hook",
    "last": "def hook(*args):\n    print(sys.excepthook is hook, file=sys.stderr)\n"
    "    traceback.print_last()\nsys.excepthook = hook",
    "raising itself": "def hook(kind, error, trace):\n    raise error\nsys.excepthook = hook",
    "no stderr": "sys.excepthook = None\nsys.stderr = None",
    "as it was": "",
}
ERRORS = {
    "a value": "raise ValueError('mine')",
    "a chain": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError(1) from error",
    "in the library": "import json; json.loads('{')",
    "a traceback set": "raise ValueError('mine').with_traceback(None)",
    "no memory": "raise MemoryError",
}


@pytest.mark.parametrize("kind", ["script", "module", "package", "command"])
@pytest.mark.parametrize(
    "hook, error",
    [*((hook, "a value") for hook in HOOKS), *(("as it was", error) for error in ERRORS)],
)
def test_what_ends_the_program_is_printed_as_without_us(run, hook, error, kind):
    body = textwrap.indent(ERRORS[error], "    ")
    program = f"import sys, traceback\n{HOOKS[hook]}\ndef f():\n{body}\nf()\n"
    run.write("plainly.py", program)
    run.write("package/__main__.py", program)
    run.write("package/__init__.py", "")
    words = {
        "script": ["plainly.py"],
        "module": ["-m", "plainly"],
        "package": ["-m", "package"],
        "command": ["-c", program],
    }[kind]
    plain = python(*words, cwd=run.folder)
    ours = run.profiler(*words)
    if kind == "command":  # Python shows the lines of a command from 3.13 on, we always
        ours.stderr = ours.stderr.replace("<memory_profiler -c>", "<string>")
        if sys.version_info < (3, 13):
            ours.stderr = re.sub(r"(<string>.*\n)(    .*\n)+", r"\1", ours.stderr)
    assert ours == plain and plain.returncode in (1, 7)


def test_ctrl_c_prints_the_tables(run, tmp_path):
    run.write(
        "script.py",
        """
        import time
        @profile
        def f():
            block = bytearray(5 << 20)
            print("ready", flush=True)
            time.sleep(50)
        f()
        """,
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "memory_profiler", "-q", "script.py"],
        cwd=tmp_path,
        env=MAPPED,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=TIMEOUT)
    assert process.returncode == -signal.SIGINT
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    table = parse_tables(stdout)[0]
    assert table.at("block = ").increment == near(5)
    assert table.at("time.sleep").occurrences == 1


def test_tables_come_after_what_the_script_printed(run):
    outcome = run.m(SMALL + "print('last words')\n").ok()
    assert outcome.stdout.startswith("last words\nFilename: script.py\n")
