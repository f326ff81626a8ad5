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
assert mprof.main() == 255
codes = []
thread = threading.Thread(target=lambda: codes.append(mprof.main()))
thread.start()
thread.join()
assert codes == [255]
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
