"""mprof heap PID: what lives in a program that runs, asked from beside it."""

import os
import re
import signal
import subprocess
import sys

import pytest

ENVIRONMENT = {**os.environ, "MPROF_PYTHON": sys.executable, "PYTHONWARNINGS": "error"}

SESSIONS = """
import os, sys, threading, time
class Session:
    def __init__(self):
        self.data = [0] * 100
kept = [Session() for _ in range(10000)]
print(os.getpid(), flush=True)
"""
WAITS = "sys.stdin.read()\n"


@pytest.fixture
def asked(mprof):
    """Starts a program that can be asked; what stands behind SESSIONS is given."""
    started = []

    def start(rest=WAITS, *options):
        (mprof.folder / "asked.py").write_text(SESSIONS + rest)
        command = ["run", "-q", "--heap", *options, "-o", "x.dat", "asked.py"]
        process = mprof.start(*command, stdin=-1, env=ENVIRONMENT)
        started.append(process)
        process.asked = process.stdout.readline().strip()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def ended(process, status=0):
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (status, ""), errors
    return out


def folder_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as stream:
        (found,) = re.findall(rb"\0MPROF_HEAP=\d+:([^\0]+)", b"\0" + stream.read())
    return os.fsdecode(found)


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tests read /proc")


def test_what_lives_in_it(mprof, asked):
    program = asked()
    folder = folder_of(program.asked)
    for _ in range(2):
        result = mprof("heap", program.asked, env=ENVIRONMENT)
        assert (result.returncode, result.stderr) == (0, "")
        assert re.search(
            r"^ +\S+ .*10,?000 .*__main__\.Session|Session .*10,000", result.stdout, re.M
        )
        assert "__main__.kept" in result.stdout and "MiB" in result.stdout
        assert "mprof" not in result.stdout and "_heap_watch" not in result.stdout
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert os.listdir(folder) == []
    assert ended(program) == "" and not os.path.exists(folder)


def test_while_the_main_thread_waits_in_c(mprof, asked):
    """One that has let go of the interpreter's lock; one that has not is told of, and given up."""
    program = asked(
        "import ctypes\nsleep = ctypes.PyDLL(None).sleep\n"
        "thread = threading.Thread(target=sys.stdin.read)\nthread.start()\nthread.join()\n"
        "print('held', flush=True)\nsleep(6)\n"
    )
    assert mprof("heap", program.asked, env=ENVIRONMENT).returncode == 0
    program.stdin.close()
    assert program.stdout.readline() == "held\n"
    result = mprof("heap", "--timeout", "3", program.asked, env=ENVIRONMENT)
    held = "C code of it has the interpreter's lock"
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"mprof heap: waiting for process {program.asked}: {held}",
        f"mprof heap: process {program.asked} did not answer within 3 s: {held}",
    ]
    assert program.wait(60) == 0 and program.stderr.read() == ""


def test_a_stopped_one(mprof, asked):
    program = asked()
    os.kill(int(program.asked), signal.SIGSTOP)
    result = mprof("heap", "--timeout", "0.2", program.asked, env=ENVIRONMENT)
    assert (result.returncode, result.stdout) == (1, "")
    assert "did not answer within 0.2 s: it does not look: it is stopped" in result.stderr
    os.kill(int(program.asked), signal.SIGCONT)
    assert mprof("heap", program.asked, env=ENVIRONMENT).returncode == 0
    ended(program)


def asked_while_stopped(mprof, asked):
    """(a program that is stopped, who asks it): the request is there."""
    program = asked()
    os.kill(int(program.asked), signal.SIGSTOP)
    asker = mprof.start("heap", program.asked, env=ENVIRONMENT)
    folder = folder_of(program.asked)
    while not any(name.startswith("ask.") for name in os.listdir(folder)):
        assert asker.poll() is None
    return program, asker


def test_one_that_ends_meanwhile(mprof, asked):
    program, asker = asked_while_stopped(mprof, asked)
    os.kill(int(program.asked), signal.SIGKILL)
    assert asker.communicate(timeout=60)[1] == f"mprof heap: process {program.asked} has ended\n"
    assert asker.returncode == 1


def test_two_that_ask_at_once_and_one_that_is_killed(mprof, asked):
    program, first = asked_while_stopped(mprof, asked)
    second = mprof("heap", program.asked, env=ENVIRONMENT)
    assert (second.returncode, second.stdout) == (1, "")
    cannot = f"mprof heap: cannot ask process {program.asked}: "
    assert second.stderr == f"{cannot}another mprof heap asks now\n"
    first.kill()
    first.communicate()
    os.kill(int(program.asked), signal.SIGCONT)
    result = mprof("heap", program.asked, env=ENVIRONMENT)
    assert (result.returncode, result.stderr) == (0, "") and "Session" in result.stdout
    ended(program)


@pytest.mark.parametrize("more", [[], ["-M"]], ids=["plain", "children"])
def test_beside_threads_that_fork(mprof, asked, more):
    """Python would warn of a thread of ours, which is an error here; children that are asked
    for themselves answer for themselves."""
    program = asked(
        "def fork():\n"
        "    for _ in range(60):\n"
        "        pid = os.fork()\n"
        "        if pid == 0:\n"
        "            os._exit(0)\n"
        "        os.waitpid(pid, 0)\n"
        "fork()\n"
        "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n"
        "threads = [threading.Thread(target=fork) for _ in range(3)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    kept = kept[:5000]\n"
        "    print(os.getpid(), flush=True)\n" + "    " + WAITS + "    os._exit(0)\n"
        "os.waitpid(pid, 0)\n",
        *more,
    )
    assert mprof("heap", program.asked, env=ENVIRONMENT).returncode == 0
    child = program.stdout.readline().strip()
    result = mprof("heap", "--timeout", "30" if more else "0.3", child, env=ENVIRONMENT)
    if more:
        assert (result.returncode, result.stderr) == (0, "")
        assert re.search(r"Session.* 5,000|5,000 .*Session", result.stdout)
    else:
        assert result.returncode == 1 and "it does not look" in result.stderr
    ended(program)


def test_hostile_folders(mprof, asked, tmp_path):
    program = asked()
    folder = folder_of(program.asked)
    (tmp_path / "precious").write_text("mine")
    for name in "ask", "taken", "begun", "answer", "written", "new":
        os.symlink(tmp_path / "precious", f"{folder}/{name}.{program.asked}")
    result = mprof("heap", program.asked, env=ENVIRONMENT)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    assert (tmp_path / "precious").read_text() == "mine"
    os.chmod(folder, 0o755)
    result = mprof("heap", program.asked, env=ENVIRONMENT)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"mprof heap: cannot ask process {program.asked}: its folder is not this user's alone\n"
    )
    os.chmod(folder, 0o700)
    ended(program)


def test_mprof_that_is_killed_leaves_no_folder(mprof, asked, wait_for):
    program = asked("while sys.stdin.read(): pass\n")
    folder = folder_of(program.asked)
    program.kill()
    program.wait()
    program.stdin.close()
    wait_for(lambda: not os.path.exists(f"/proc/{program.asked}/exe"))
    wait_for(lambda: not os.path.exists(folder))


@pytest.mark.parametrize(
    "arguments, status, says",
    [
        ([], 2, "which program? mprof heap PID"),
        (["1", "2"], 2, "which program? mprof heap PID"),
        (["x"], 2, "x is no pid"),
        (["0"], 2, "0 is no pid"),
        (["-1"], 2, "-1 is no pid"),
        (["99999999999999999999"], 2, "is no pid"),
        (["4194304"], 1, "there is no process 4194304"),
        (["--timeout", "-1", "1"], 2, "--timeout must be from 0"),
        (["--timeout", "nan", "1"], 2, "--timeout"),
    ],
)
def test_what_is_wrong(mprof, arguments, status, says):
    result = mprof("heap", *arguments)
    assert (result.returncode, result.stdout) == (status, "")
    assert says in result.stderr and result.stderr.count("\n") == 1


TICKS = "import time\nprint(flush=True)\nwhile True: time.sleep(0.05)"


def test_a_program_that_nobody_started(mprof):
    """Python 3.14 is asked by remote_exec(); below that a line says what there is."""
    program = subprocess.Popen([sys.executable, "-c", TICKS], stdout=subprocess.PIPE)
    try:
        program.stdout.readline()
        result = mprof("heap", str(program.pid), env=ENVIRONMENT)
    finally:
        program.kill()
        program.communicate()
    if sys.version_info >= (3, 14):
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith("Heap ") and "Kept alive by" in result.stdout
    else:
        assert (result.returncode, result.stdout) == (1, "")
        assert "3.14" in result.stderr and "mprof run --heap" in result.stderr


def test_attach_and_heap_exclude_each_other(mprof):
    result = mprof("run", "-a", "--heap", "1")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--heap asks a program that mprof starts" in result.stderr


def test_a_folder_that_cannot_be_made(mprof, tmp_path):
    environment = {**ENVIRONMENT, "TMPDIR": str(tmp_path / "none")}
    result = mprof("run", "-q", "--heap", "-o", "x.dat", "true", env=environment)
    assert (result.returncode, result.stdout) == (1, "")
    assert "--heap: cannot make a folder in " in result.stderr
