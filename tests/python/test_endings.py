"""A profiled program ends as it would without the profiler, and its tables come all the same."""

import re
import signal
import subprocess
import sys
import time

import pytest
from support import MAPPED_BLOCKS, TIMEOUT, environment, near, parse_tables

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
        [sys.executable, "-m", "memory_profiler", "script.py"],
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
