"""kill -9 and SIGSTOP at random moments: what was sampled is there, and the readers take the file."""

import os
import random
import re
import signal
import subprocess
import time

import pytest
from faulty import FULL, WHOLE_LINE

KILLS = 500 if FULL else 16
INTERVAL = 0.002
PROGRAM = """
import os, sys
from memory_profiler import profile
progress = os.open("progress", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
for i in range(10**6):
    with profile.timestamp(f"b{i}"):
        kept = bytes(1000)
    os.write(progress, b"b%d " % i)
"""


def wait_until(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.001)


def moments_of(text):
    return [float(found) for found in re.findall(r"^MEM \S+ (\S+)$", text, re.M)]


def assert_nothing_between_is_lost(text):
    """Every deadline from the first sample to the last has its sample, or is counted as missed."""
    moments = moments_of(text)
    missed = [int(float(found)) for found in re.findall(r"^#?MISSED[ /](\d+)", text, re.M)]
    deadlines = round((moments[-1] - moments[0]) / INTERVAL) + 1
    assert len(moments) + (missed[-1] if missed else 0) >= deadlines - 1


@pytest.mark.parametrize("who", ["mprof", "program"])
def test_a_kill_at_any_moment_loses_nothing(faults, who, record_property):
    (faults.folder / "program.py").write_text(PROGRAM)
    (faults.folder / "x.dat").write_text("")
    moments, partial, spans = random.Random(who), 0, 0
    for _ in range(KILLS // 2):
        for name in ("progress", "x.dat"):
            (faults.folder / name).write_text("")
        process = faults.start(
            faults.mprof,
            "run",
            "-qE",
            "--nopython",
            "-T",
            str(INTERVAL),
            "-o",
            "x.dat",
            faults.python,
            "program.py",
        )
        wait_until(lambda: len(moments_of(faults.dat("x.dat"))) >= 2 and faults.dat("progress"))
        pid = int(re.search(r"^#?RUN[ /](\d+)", faults.dat("x.dat"), re.M)[1])
        time.sleep(moments.uniform(0, 0.05))
        before = faults.dat("x.dat")
        os.kill(process.pid if who == "mprof" else pid, signal.SIGKILL)
        error = process.communicate(timeout=30)[1] if who == "program" else None
        if who == "mprof":
            os.kill(pid, signal.SIGKILL)
            process.wait()
        wait_until(
            lambda: (
                not os.path.exists(f"/proc/{pid}")
                or "State:\tZ" in open(f"/proc/{pid}/status").read()
            )
        )
        text = faults.dat("x.dat")
        assert text.startswith(before)
        assert process.returncode == (137 if who == "program" else -9)
        assert error in (None, "")
        damaged = [line for line in text.split("\n") if not re.fullmatch(WHOLE_LINE, line)]
        assert len(damaged) <= 1
        partial += len(damaged)
        ended = set(faults.dat("progress").split(" ")[:-1])
        spans += len(ended)
        written = {
            name.replace("\u00a0", " ") for name in re.findall(r"^FUNC \.(b\d+) ", text, re.M)
        }
        assert ended <= written
        if who == "program":
            assert_nothing_between_is_lost(text)
        assert faults.peak("x.dat") > 1
    record_property(
        "campaign",
        f"{KILLS // 2} kills of the {who}: {spans} calls that had ended, none lost; "
        f"{partial} partial lines",
    )


def in_state(pid, letter):
    return re.search(r"State:\s(\w)", open(f"/proc/{pid}/status").read())[1] == letter


@pytest.mark.parametrize("who", ["mprof", "program"])
def test_being_stopped_and_continued_is_survived(faults, who, record_property):
    rounds = 50 if FULL else 3
    process = faults.start(
        faults.mprof,
        "run",
        "-qE",
        "-T",
        str(INTERVAL),
        "-o",
        "x.dat",
        "sh",
        "-c",
        "while [ ! -e end ]; do sleep 0.01; done; exit 5",
    )
    for _ in range(rounds):
        count = len(moments_of(faults.dat("x.dat"))) if (faults.folder / "x.dat").exists() else 0
        wait_until(
            lambda: (
                (faults.folder / "x.dat").exists()
                and len(moments_of(faults.dat("x.dat"))) > count + 2
            )
        )
        pid = (
            process.pid
            if who == "mprof"
            else int(re.search(r"^#?RUN[ /](\d+)", faults.dat("x.dat"), re.M)[1])
        )
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: in_state(pid, "T"))
        if who == "program":
            count = len(moments_of(faults.dat("x.dat")))
            wait_until(lambda: len(moments_of(faults.dat("x.dat"))) > count + 2)
        os.kill(pid, signal.SIGCONT)
    (faults.folder / "end").touch()
    assert process.communicate(timeout=30)[1] == ""
    assert process.returncode == 5
    assert_nothing_between_is_lost(faults.dat("x.dat"))
    assert faults.peak("x.dat") > 0.5
    record_property("campaign", f"{rounds} stops of the {who}: every deadline sampled or counted")


def test_many_short_children(faults, record_property):
    children = 5000 if FULL else 250
    process = faults.start(
        faults.mprof,
        "run",
        "-qEM",
        "-T",
        "0.01",
        "-o",
        "x.dat",
        "sh",
        "-c",
        f"i=0; while [ $i -lt {children} ]; do /bin/true; i=$((i+1)); done; echo $i; read line; exit 3",
        stdin=subprocess.PIPE,
    )
    assert process.stdout.readline() == f"{children}\n"
    status = open(f"/proc/{process.pid}/status").read()
    mark = int(re.search(r"VmHWM:\s*(\d+) kB", status)[1])
    assert mark < 16 << 10
    process.stdin.write("go on\n")
    assert process.communicate(timeout=30)[1] == ""
    assert process.returncode == 3
    assert faults.peak("x.dat") > 0.5
    record_property("campaign", f"{children} children under -M: mprof needed {mark / 1024:.1f} MiB")
