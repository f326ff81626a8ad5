"""mprof attach, and mprof run --attach."""

import os
import shutil
import signal
import subprocess
import time

import pytest


@pytest.fixture
def target(mprof, wait_for):
    """A copy of sleep under a name of its own, ended with the test."""
    started = []

    def start(name, seconds="30"):
        path = mprof.folder / name
        if not path.exists():
            shutil.copy(shutil.which("sleep"), path)
        process = subprocess.Popen([str(path), seconds])
        started.append(process)
        wait_for(lambda: name in open(f"/proc/{process.pid}/cmdline").read())
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("command", [["attach"], ["run", "--attach"], ["run", "-a"]])
def test_by_pid_to_its_end(mprof, target, command):
    process = target("zzattach", "1")
    begin = time.monotonic()
    running = mprof.start(*command, "-T", "0.05", "-o", "x.dat", str(process.pid))
    process.wait()
    out, error = running.communicate(timeout=20)
    assert running.returncode == 0
    assert time.monotonic() - begin < 10
    assert out == ""
    *notices, last = error.splitlines()
    assert notices == [
        "mprof: Sampling memory every 0.05s",
        f"attaching to existing process, using hint: {process.pid}",
    ]
    assert last.startswith("mprof: peak ") and " user " not in last
    dat = mprof.dat("x.dat")
    assert dat.of("CMDLINE") == [[str(mprof.folder / "zzattach"), "1"]]
    assert dat.of("RUN")[0][2] == "process+attach"
    assert dat.pid == process.pid and len(dat.memory) >= 10


@pytest.mark.parametrize(
    "options", [["--python"], ["--nopython"], ["-E"], ["--exit-code", "--python", "--nopython"]]
)
def test_options_of_run_that_attach_takes_too(mprof, target, options):
    """memory_profiler's attach is its run; nothing is started here, so they do nothing."""
    process = target("zztaken")
    result = mprof("attach", "-q", "-t", "0.1", "-o", "x.dat", *options, str(process.pid))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert mprof.dat("x.dat").pid == process.pid and len(mprof.dat("x.dat").memory) >= 1


def test_a_reader_of_the_notices_that_goes_away(mprof, target):
    process = target("zzreader")
    result = subprocess.run(
        ["bash", "-c", '"$0" attach -t 0.2 -o x.dat "$1" 2> >(exec true); echo $?', mprof.binary]
        + [str(process.pid)],
        cwd=mprof.folder,
        capture_output=True,
        text=True,
    )
    assert result.stdout == "0\n"
    assert len(mprof.dat("x.dat").memory) >= 2


def test_by_exact_name(mprof, target):
    process = target("zzexact")
    target("zzexact_and_more")
    assert mprof("attach", "-q", "-t", "0.2", "-o", "x.dat", "zzexact").returncode == 0
    assert mprof.dat("x.dat").pid == process.pid


def test_by_command_line(mprof, target):
    process = target("zzcommand", "31.25")
    assert mprof("attach", "-q", "-t", "0.2", "-o", "x.dat", "zzcommand 31.2").returncode == 0
    assert mprof.dat("x.dat").pid == process.pid


def test_several_are_listed_and_none_attached(mprof, target):
    pids = {target("zzseveral").pid for _ in range(3)}
    result = mprof("attach", "zzseveral")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "mprof: 3 processes fit 'zzseveral'; give the pid of one:"
    assert {int(line.split()[0]) for line in lines[1:]} == pids
    assert mprof.dats() == []


@pytest.mark.parametrize("name", ["zz-no-such-process", "0123", "999999999", "99999999999999999"])
def test_nobody_of_that_name(mprof, name):
    result = subprocess.run(
        ["sh", "-c", '"$0" attach "$1"; exit $?', mprof.binary, name],
        cwd=mprof.folder,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("mprof: no process ") and result.stderr.count("\n") == 1
    assert mprof.dats() == []


def test_never_itself(mprof):
    result = subprocess.run(
        ["sh", "-c", 'exec "$0" attach $$', mprof.binary],
        cwd=mprof.folder,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert result.returncode == 1
    assert result.stderr.endswith(" is mprof itself\n")


def test_without_argument(mprof):
    assert mprof("attach").returncode == 1
    assert mprof("attach", "a", "b").returncode == 1


@pytest.mark.parametrize("timeout, samples", [("0.25", 6), ("0.1", 3)])
def test_fractional_timeout(mprof, target, timeout, samples):
    process = target("zztime")
    command = ["attach", "-q", "-T", "0.05", "-t", timeout, "-o", "x.dat", str(process.pid)]
    assert mprof(*command).returncode == 0
    assert samples - 1 <= len(mprof.dat("x.dat").memory) <= samples
    assert process.poll() is None


def test_timeout_of_zero_is_none(mprof, target):
    process = target("zzzero", "0.7")
    running = mprof.start("attach", "-q", "-t", "0", "-T", "0.05", "-o", "x.dat", str(process.pid))
    process.wait()
    assert running.wait(timeout=20) == 0
    assert len(mprof.dat("x.dat").memory) >= 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_the_sampling(mprof, target, number):
    process = target("zzsignal")
    running = mprof.start("attach", "-T", "0.05", "-o", "x.dat", str(process.pid))
    time.sleep(0.4)
    os.killpg(running.pid, number)
    _, error = running.communicate(timeout=20)
    assert running.returncode == 0 and "mprof: peak" in error
    assert len(mprof.dat("x.dat").memory) >= 4
    assert process.poll() is None


def test_old_peak_counts_once_it_has_risen(mprof, script, wait_for):
    program = script("""
import mmap, os, signal, time
def spike(size):
    block = mmap.mmap(-1, size << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for i in range(0, size << 20, 4096):
        block[i] = 1
    block.close()
spike(100)
def more(*unused):
    spike(200)
    open("spiked", "w").close()
signal.signal(signal.SIGUSR1, more)
open("ready", "w").close()
time.sleep(30)
time.sleep(30)
""")
    process = subprocess.Popen(program, cwd=mprof.folder)
    wait_for((mprof.folder / "ready").exists)
    mprof("attach", "-q", "-t", "0.3", "-o", "x.dat", str(process.pid))
    assert mprof.dat("x.dat").peaks[process.pid] < 60
    running = mprof.start("attach", "-q", "-o", "y.dat", str(process.pid))
    time.sleep(0.4)
    process.send_signal(signal.SIGUSR1)
    wait_for((mprof.folder / "spiked").exists)
    time.sleep(0.4)
    process.kill()
    process.wait()
    assert running.wait(timeout=20) == 0
    assert mprof.dat("y.dat").peaks[process.pid] > 200


def test_processes_of_other_users(mprof, target):
    """What cannot be read is said in one line (pss of a process of root)."""
    if os.getuid() != 0:
        pytest.skip("needs root, to have another user's process")
    for parent in mprof.folder.parents:
        if str(parent).startswith("/tmp/") and parent.stat().st_uid == 0:
            parent.chmod(parent.stat().st_mode | 0o055)
    mprof.folder.chmod(0o777)
    # Where others may run it: a clone below /root is for root alone.
    mprof.binary = shutil.copy(mprof.binary, mprof.folder / "mprof")
    process = target("zzother")

    def as_nobody():
        os.setgid(65534)
        os.setuid(65534)

    result = mprof("attach", "-q", "--backend", "pss", str(process.pid), preexec_fn=as_nobody)
    assert result.returncode == 1
    assert result.stderr == (
        f"mprof: cannot read the memory of process {process.pid}: Permission denied\n"
    )
    assert mprof.dats() == []


def test_own_children_do_not_count(mprof, script):
    """A program that attaches mprof to itself does not see mprof among its children."""
    program = script(f"""
import os, subprocess
subprocess.run([{mprof.binary!r}, "attach", "-q", "-M", "-t", "0.3", "-o", "x.dat", str(os.getpid())])
""")
    assert subprocess.run(program, cwd=mprof.folder, timeout=30).returncode == 0
    dat = mprof.dat("x.dat")
    assert len(dat.memory) >= 3 and dat.children == {}
