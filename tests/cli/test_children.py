"""Descendants: only what is gone is missing."""

import os
import resource
import subprocess
import sys

import pytest

HOLD = "x = bytearray(%d << 20); import time; time.sleep(%s)"


def python(size, seconds):
    """A shell word that runs a Python holding so many MiB for so long."""
    return f"'{sys.executable}' -S -c '{HOLD % (size, seconds)}'"


def test_each_and_sum(mprof):
    shell = f"{python(30, 0.7)} & {python(50, 0.7)} & wait"
    mprof("run", "-q", "-MC", "-T", "0.05", "-o", "x.dat", "sh", "-c", shell)
    dat = mprof.dat("x.dat")
    tops = sorted(max(samples) for samples in dat.children.values())
    assert len(tops) == 2
    assert 30 < tops[0] < 50 < tops[1]
    assert tops[1] - tops[0] == pytest.approx(20, abs=4)
    assert max(dat.memory) == pytest.approx(sum(tops) + 1.5, abs=4)
    assert set(dat.peaks) == {dat.pid, *dat.children}
    assert all(dat.peaks[pid] >= max(samples) for pid, samples in dat.children.items())


def test_each_alone_leaves_the_main_line_alone(mprof):
    mprof("run", "-q", "-M", "-T", "0.05", "-o", "x.dat", "sh", "-c", f"{python(30, 0.4)} & wait")
    dat = mprof.dat("x.dat")
    assert max(dat.memory) < 6
    assert max(map(max, dat.children.values())) > 30


def test_sum_alone_has_no_children_lines(mprof):
    result = mprof(
        "run", "-C", "-T", "0.05", "-o", "x.dat", "sh", "-c", f"{python(30, 0.4)} & wait"
    )
    dat = mprof.dat("x.dat")
    assert dat.children == {}
    assert max(dat.memory) > 30
    # The peak of a sum is that of the sampled sum; the marks stand beside it.
    assert f"peak of the sum {max(dat.memory):.2f} MiB" in result.stderr
    assert max(dat.peaks.values()) > 30


def test_shared_pages_with_pss(mprof, script):
    program = script("""
import os, time
block = bytearray(b"x") * (60 << 20)
for _ in range(3):
    if os.fork() == 0:
        time.sleep(0.5)
        os._exit(0)
time.sleep(0.5)
""")
    tops = {}
    for backend in ["rss", "pss"]:
        mprof("run", "-q", "-C", "-T", "0.05", "--backend", backend, "-o", "x.dat", *program)
        tops[backend] = max(mprof.dat("x.dat").memory)
    assert tops["rss"] > 4 * 60
    assert 60 < tops["pss"] < 100


@pytest.mark.parametrize("backend", ["uss", "pss"])
def test_each_child_by_another_backend(mprof, script, backend):
    """A child that only shares its parent's memory has little of its own."""
    program = script("""
import os, time
block = bytearray(60 << 20)
for more in 0, 40:
    if os.fork() == 0:
        own = bytearray(more << 20)
        time.sleep(0.5)
        os._exit(0)
for _ in range(2):
    os.wait()
""")
    mprof("run", "-q", "-M", "--backend", backend, "-T", "0.05", "-o", "x.dat", *program)
    small, large = sorted(samples[-2] for samples in mprof.dat("x.dat").children.values())
    # A third of the block, or half of it where one of the three processes has ended.
    assert small < 40 and 40 < large < 80 and large - small > 25


def test_grandchild_outlives_its_parent(mprof):
    shell = f'sh -c "{python(40, 0.8)} & sleep 0.3"; sleep 0.8'
    mprof("run", "-q", "-MC", "-T", "0.02", "-o", "x.dat", "sh", "-c", shell)
    dat = mprof.dat("x.dat")
    (orphan,) = [samples for samples in dat.children.values() if max(samples) > 40]
    assert len(orphan) >= 25  # 0.8 s of it, not only the first 0.3
    assert dat.memory[len(dat.memory) * 3 // 5] > 40


def test_daemon_that_was_never_seen_with_its_parent(mprof, script):
    """A double fork leaves no trace in the tree but the environment."""
    program = script("""
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        block = bytearray(40 << 20)
        time.sleep(0.6)
    os._exit(0)
os.wait()
time.sleep(0.6)
""")
    mprof("run", "-q", "-M", "-o", "x.dat", *program)
    assert any(max(samples) > 40 for samples in mprof.dat("x.dat").children.values())


def test_children_that_vanish_cost_nobody_else_a_sample(mprof, script):
    program = script("""
import os, time
end = time.monotonic() + 1.5
if os.fork() == 0:
    block = bytearray(30 << 20)
    while time.monotonic() < end:
        time.sleep(0.01)
    os._exit(0)
while time.monotonic() < end:
    if os.fork() == 0:
        os._exit(0)
    os.waitpid(-1, os.WNOHANG)
    time.sleep(0.001)
""")
    mprof("run", "-q", "-MC", "-T", "0.01", "-o", "x.dat", *program)
    dat = mprof.dat("x.dat")
    keeper = max(dat.children, key=lambda pid: max(dat.children[pid]))
    missed = sum(int(count) for count, _, _ in dat.of("MISSED"))
    assert len(dat.children[keeper]) >= 130 - missed
    # From its first full sample to its last, the sum never falls below what it holds.
    holds = max(dat.children[keeper]) - 1
    full = [
        float(moment)
        for pid, memory, moment in dat.of("CHLD")
        if int(pid) == keeper and float(memory) > holds
    ]
    sums = [
        memory for memory, moment in zip(dat.memory, dat.moments) if full[0] < moment < full[-1]
    ]
    assert len(sums) > 50 and min(sums) > holds


def test_zombies_do_not_count(mprof, script):
    program = script("""
import os, time
for _ in range(3):
    if os.fork() == 0:
        os._exit(0)
time.sleep(0.4)
""")
    mprof("run", "-q", "-MC", "-T", "0.05", "-o", "x.dat", *program)
    dat = mprof.dat("x.dat")
    assert all(0.0 < memory for samples in dat.children.values() for memory in samples)
    assert all(len(samples) <= 1 for samples in dat.children.values())


def forks(count, seconds):
    return f"""
import os, time
for _ in range({count}):
    if os.fork() == 0:
        time.sleep({seconds})
        os._exit(0)
time.sleep({seconds})
os.kill(0, 9)
"""


def test_more_children_than_descriptors(mprof, script):
    program = ["setsid", *script(forks(60, 1))]
    mprof(
        *["run", "-q", "-M", "-T", "0.05", "-o", "x.dat", *program],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)),
    )
    dat = mprof.dat("x.dat")
    assert len(dat.children) == 60
    assert sum(len(samples) >= 8 for samples in dat.children.values()) == 60


def test_many_children_at_once(mprof, script):
    """2,000, where the machine lets us have them."""
    free = int(open("/proc/sys/kernel/pid_max").read()) - len(os.listdir("/proc"))
    count = min(2000, free // 2)
    program = ["setsid", sys.executable, "-S", *script(forks(count, 3))[1:]]
    mprof("run", "-q", "-M", "-T", "0.2", "-o", "x.dat", *program)
    dat = mprof.dat("x.dat")
    assert len(dat.children) == count
    assert sum(len(samples) >= 3 for samples in dat.children.values()) >= count * 0.95


def test_pid_namespace(mprof):
    shell = f'unshare -pf sh -c "{python(30, 0.5)}; true"'
    probe = mprof("run", "-q", "-E", "-o", "probe.dat", "unshare", "-pf", "true")
    if probe.returncode != 0:
        shell = f'unshare -Upf sh -c "{python(30, 0.5)}; true"'
    mprof("run", "-q", "-M", "-T", "0.05", "-o", "x.dat", "sh", "-c", shell)
    assert max(map(max, mprof.dat("x.dat").children.values())) > 30


ORPHANS = """
import os, subprocess, sys, time
for i in range(20):
    subprocess.run(["sh", "-c", "sleep 0.05 &"])  # whose end nobody here waits for
time.sleep(0.6)
states = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    with open(f"/proc/{pid}/stat") as file:
        states.append(file.read().rpartition(")")[2].split()[0])
print("left", len(states), "dead", states.count("Z"))
sys.exit(3)
"""


def test_as_process_1_orphans_are_collected(mprof, script):
    """In a container: the program's own end is told as ever."""
    unshare = ["unshare", "-fpm", "--mount-proc"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        pytest.skip("this user may not make namespaces of pids")
    command = [*unshare, mprof.binary, "run", "-q", "-E", "-T", "0.05", "-o", "x.dat"]
    done = subprocess.run(
        [*command, *script(ORPHANS)], cwd=mprof.folder, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.endswith(" dead 0\n")
    assert mprof.dat("x.dat").memory
