"""Each signal reaches the program once, whoever it was sent to, and sampling goes on."""

import os
import pty
import signal
import subprocess
import time

import pytest

COUNTER = """
import os, signal, sys, time
signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1]
got = []
for number in signals:
    signal.signal(number, lambda n, frame: got.append(signal.Signals(n).name))
if {own_group}:
    os.setpgid(0, 0)
open("ready", "w").close()
end = time.monotonic() + 30
while not got and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(0.4)
open("got", "w").write(" ".join(got))
sys.exit(3)
"""


@pytest.fixture
def counter(mprof, script, wait_for):
    """Starts the counting program; gives mprof's process, and what the program got at the end."""

    class Counter:
        def start(self, own_group=False, **options):
            program = script(COUNTER.format(own_group=own_group))
            self.process = mprof.start("run", "-E", "-o", "x.dat", *program, **options)
            wait_for((mprof.folder / "ready").exists)
            return self.process

        def result(self):
            assert self.process.wait(timeout=30) == 3
            return (mprof.folder / "got").read_text()

    return Counter()


NAMES = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"]


@pytest.mark.parametrize("name", NAMES)
def test_signal_to_mprof_alone(counter, mprof, name):
    process = counter.start()
    os.kill(process.pid, signal.Signals[name])
    assert counter.result() == name
    moments = mprof.dat("x.dat").moments
    assert moments[-1] - moments[0] >= 0.3


@pytest.mark.parametrize("name", NAMES)
def test_signal_to_the_group(counter, name):
    process = counter.start()
    os.killpg(process.pid, signal.Signals[name])
    assert counter.result() == name


def test_signal_to_the_group_of_a_program_that_left_it(counter):
    process = counter.start(own_group=True)
    os.killpg(process.pid, signal.SIGTERM)
    assert counter.result() == "SIGTERM"


def test_timeout_command(mprof, script):
    """timeout(1) signals its child and then its whole group."""
    program = script(COUNTER.format(own_group=False))
    subprocess.run(
        ["timeout", "1", mprof.binary, "run", "-o", "x.dat", *program],
        cwd=mprof.folder,
        capture_output=True,
        timeout=30,
    )
    deadline = time.monotonic() + 10
    while not (mprof.folder / "got").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert (mprof.folder / "got").read_text() == "SIGTERM"
    assert len(mprof.dat("x.dat").memory) >= 10


def test_control_c_on_a_terminal(mprof, script, wait_for):
    program = script(COUNTER.format(own_group=False))
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(mprof.folder)
        os.execv(mprof.binary, [mprof.binary, "run", "-E", "-o", "x.dat", *program])
    wait_for((mprof.folder / "ready").exists)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 3
    assert (mprof.folder / "got").read_text() == "SIGINT"
    assert len(mprof.dat("x.dat").memory) >= 4


def test_terminal_stop_and_continue(mprof, wait_for):
    """Ctrl-Z stops the job as a whole, and the shell can go on with it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(mprof.folder)
        os.execvp("bash", ["bash", "--norc", "-i"])

    def say(text):
        os.write(terminal, text.encode() + b"\n")

    say(f"{mprof.binary} run -q -o x.dat sleep 0.8; echo code=$? > first")
    time.sleep(0.4)
    os.write(terminal, b"\x1a")
    wait_for((mprof.folder / "first").exists)
    assert (mprof.folder / "first").read_text() == "code=148\n"
    say("fg; echo code=$? > second; exit")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if not os.read(terminal, 4096):
                break
        except OSError:
            break
    os.waitpid(pid, 0)
    os.close(terminal)
    assert (mprof.folder / "second").read_text() == "code=0\n"
    assert len(mprof.dat("x.dat").memory) >= 4


def members(group):
    """The names of the living processes of a group."""
    listing = ["ps", "-eo", "pgid=,stat=,comm="]
    found = subprocess.run(listing, capture_output=True, text=True).stdout
    lines = [line.split(None, 2) for line in found.splitlines()]
    return sorted(n for pgid, stat, n in lines if int(pgid) == group and stat[0] != "Z")


def test_mprof_killed(mprof, wait_for):
    """kill -9 of mprof: what was sampled is in the file, the program lives on, nobody else does."""
    process = mprof.start("run", "-q", "-T", "0.01", "-o", "x.dat", "sh", "-c", "sleep 1; echo end")
    wait_for(lambda: (mprof.folder / "x.dat").exists())
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    dat = mprof.dat("x.dat")
    assert len(dat.memory) >= 35
    wait_for(lambda: members(process.pid) == ["sh", "sleep"], seconds=0.4)
    assert process.stdout.read() == "end\n"


def test_program_killed(mprof):
    result = mprof("run", "-E", "-o", "x.dat", "sh", "-c", "sleep 0.35; kill -9 $$")
    assert result.returncode == 137
    assert len(mprof.dat("x.dat").memory) >= 4
    assert mprof.dat("x.dat").of("PEAK")


def test_stopped_mprof_makes_up_for_nothing(mprof):
    process = mprof.start("run", "-T", "0.01", "-o", "x.dat", "sleep", "1")
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(0.4)
    os.kill(process.pid, signal.SIGCONT)
    _, error = process.communicate(timeout=20)
    dat = mprof.dat("x.dat")
    gaps = sorted(b - a for a, b in zip(dat.moments, dat.moments[1:]))
    assert gaps[-1] > 0.3
    missed = int(dat.of("MISSED")[0][0])
    assert 35 <= missed <= 60
    assert len(dat.memory) + missed == pytest.approx(100, abs=2)
    assert f"({missed} deadlines missed)" in error
    # On the grid before and after, two samples never closer than it allows.
    off = [(moment - dat.moments[0]) % 0.01 for moment in dat.moments]
    off = sorted(min(distance, 0.01 - distance) for distance in off)
    assert off[len(off) // 2] < 0.002


@pytest.mark.parametrize("to", ["mprof", "the group"])
@pytest.mark.parametrize("inside", ["time.sleep(60)", "while True: time.sleep(0.01)"])
def test_a_line_profiled_program_prints_its_tables_when_it_is_terminated(
    mprof, script, wait_for, to, inside
):
    python, path = script(f"""
import time
@profile
def served():
    kept = bytearray(1 << 20)
    open("ready", "w").close()
    {inside}
served()
""")
    process = mprof.start("run", "-E", "-o", "x.dat", python, "-m", "memory_profiler", path)
    wait_for((mprof.folder / "ready").exists)
    (os.kill if to == "mprof" else os.killpg)(process.pid, signal.SIGTERM)
    tables, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert tables.count("Filename: ") == 1 and "def served():" in tables
    assert f"/signal/{signal.SIGTERM:d} " in mprof.dat("x.dat").text
