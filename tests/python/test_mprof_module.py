"""``python -m mprof`` and ``mprof.main()``: the executable of the package, whatever is on $PATH."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from support import environment

import mprof

BINARY = pathlib.Path(mprof.__file__).parent / "_bin" / "mprof"
MODULE = [sys.executable, "-m", "mprof"]


@pytest.fixture
def execute(tmp_path):
    def run(*command, **options):
        return subprocess.run(
            command, cwd=tmp_path, env=environment(), capture_output=True, timeout=60, **options
        )

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["run", "--help"],
        ["nonsense"],
        ["peak"],
        ["peak", "not there.dat"],
        ["list"],
        ["run"],
    ],
    ids=" ".join,
)
def test_says_and_returns_what_the_executable_does(execute, arguments):
    module, binary = execute(*MODULE, *arguments), execute(BINARY, *arguments)
    assert (module.stdout, module.stderr, module.returncode) == (
        binary.stdout,
        binary.stderr,
        binary.returncode,
    )


def test_a_run(execute, tmp_path):
    (tmp_path / "script.py").write_text(
        "import sys\n@profile\ndef f():\n    return bytearray(40 << 20)\nf()\nsys.exit(3)\n"
    )
    done = execute(*MODULE, "run", "-o", "x.dat", "script.py")
    assert done.returncode == 0, done.stderr
    recorded = mprof.read_mprofile_file(str(tmp_path / "x.dat"))
    ((begin, end, before, after, _),) = recorded["func_timestamp"]["__main__.f"]
    assert after - before > 39 and begin <= end
    assert execute(*MODULE, "run", "-E", "-o", "y.dat", "script.py").returncode == 3
    assert execute(*MODULE, "peak", "x.dat").stdout.startswith(b"x.dat\t")


def test_arguments_are_bytes(execute, tmp_path):
    odd = os.fsencode(tmp_path) + b"/\xff odd.sh"
    with open(odd, "w") as script:
        script.write("#!/bin/sh\nprintf '%s' \"$1\" > got\n")
    os.chmod(odd, 0o755)
    assert execute(*MODULE, b"run", b"-o", b"x.dat", odd, b"\xfe a\n'").returncode == 0
    assert (tmp_path / "got").read_bytes() == b"\xfe a\n'"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_passed_on(tmp_path, number):
    (tmp_path / "wait.sh").write_text(
        "trap 'echo got > got; exit 5' INT TERM\ntouch ready\nwhile :; do sleep 0.05; done\n"
    )
    process = subprocess.Popen(
        [*MODULE, "run", "-E", "-o", "x.dat", "sh", "wait.sh"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 30
        while not (tmp_path / "ready").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(timeout=30) == 5
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert (tmp_path / "got").exists()
    assert mprof.read_mprofile_file(str(tmp_path / "x.dat"))["mem_usage"]


MAIN = """
import os, signal, sys, threading
os.environ["PATH"] = "/nowhere"
import mprof
before = signal.getsignal(signal.SIGTERM), os.listdir("/proc/self/fd")
sys.argv = ["whatever", "list"]
assert mprof.main() == 0
sys.argv = ["whatever", "peak", "nothing.dat"]
codes = []
def fails():
    try:
        mprof.main()
    except SystemExit as end:
        codes.append(end.code)
fails()
assert codes == [255]
thread = threading.Thread(target=fails)
thread.start()
thread.join()
assert codes == [255, 255]
assert before == (signal.getsignal(signal.SIGTERM), os.listdir("/proc/self/fd"))
"""


def test_main_returns(execute):
    done = execute(sys.executable, "-c", MAIN)
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout.count(b"Input file not found: nothing.dat")
        + done.stderr.count(b"Input file not found: nothing.dat")
        == 2
    )


ACTIONS = """
import sys
import mprof

def code_of(action, *arguments):
    sys.argv = ["whatever", *arguments]
    try:
        assert action() is None
    except SystemExit as end:
        return end.code

open("fails.py", "w").write("raise SystemExit(3)")
open("works.py", "w").write("print('ran')")
assert code_of(mprof.run_action, "-q", "-o", "x.dat", "works.py") is None
assert code_of(mprof.run_action, "-q", "-o", "x.dat", "fails.py") is None
assert code_of(mprof.run_action, "-q", "-T", "0.1", "--exit-code", "-o", "x.dat", "works.py") == 0
assert code_of(mprof.run_action, "-qEox.dat", "fails.py") == 3
assert code_of(mprof.run_action, "-qo", "x.dat", "works.py", "-E") is None
assert code_of(mprof.run_action, "--backend", "nonsense", "works.py") == 2
assert code_of(mprof.attach_action, "-q", "-o", "y.dat", "0") == 1
assert code_of(mprof.peak_action, "x.dat") is None
assert code_of(mprof.peak_action, "nothing.dat") == 255
assert code_of(mprof.plot_action, "-o", "x.txt", "x.dat") is None
assert code_of(mprof.plot_action, "-o", "x.what", "x.dat") == 2
assert code_of(mprof.list_action) is None
assert code_of(mprof.clean_action, "--dry-run") is None
assert code_of(mprof.rm_action, "x.dat") is None
sys.argv = ["whatever", "peak", "x.dat"]
assert mprof.get_action() == "peak" and sys.argv == ["whatever", "x.dat"]
assert code_of(mprof.get_action, "nonsense") == code_of(mprof.get_action) == 1
"""


def test_the_commands_as_functions(execute, tmp_path):
    done = execute(sys.executable, "-c", ACTIONS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"ran") == 3 and done.stdout.count(b"usage: mprof") == 2
    assert not (tmp_path / "x.dat").exists() and (tmp_path / "x.txt").exists()


def test_function_labels():
    labels = {
        "x.z": "z",
        "x.y": "y",
        "x.b": "x.b",
        "f.a.b": "f.a.b",
        "g.a.b": "g.a.b",
        "g.a.c": "a.c",
        "b.c": "b.c",
        ".my block": "my block",
        "q": "q",
        "a.q": "a.q",
    }
    assert mprof.function_labels(labels.keys()) == labels
    assert mprof.function_labels(["a.b", "a.b"]) == {"a.b": "b"}
    assert mprof.function_labels([]) == {}
