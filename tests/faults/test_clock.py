"""The wall clock is set while a program is recorded. The clock of this machine is never touched."""

import os
import pathlib
import re
import subprocess
import time

import pytest

STAMPED = """
import os, sys
@profile
def work(n):
    return len(bytearray(n << 20))
work(1)
open("stepped", "w").close()
work(1)
print("done", flush=True)
sys.stdin.readline()
work(1)
sys.exit(7)
"""


@pytest.fixture(scope="module")
def stepping(tmp_path_factory):
    """A library to preload, that sets the clock for one process and those it starts."""
    library = tmp_path_factory.mktemp("clock") / "stepping.so"
    subprocess.run(
        [
            os.environ.get("CC", "cc"),
            "-shared",
            "-fPIC",
            "-O",
            "-o",
            library,
            pathlib.Path(__file__).with_name("stepping_clock.c"),
        ],
        check=True,
    )
    return library


def numbers(text, keyword, field):
    return [float(line.split(" ")[field]) for line in text.splitlines() if line.startswith(keyword)]


def steps_in(text):
    return [float(found) for found in re.findall(r"^#?STEP[ /](-?[\d.]+)", text, re.M)]


@pytest.mark.parametrize("step", [3600, -3600, 10**8, -(10**8)])
def test_a_step_of_the_clock_is_noted_and_the_samples_go_on(faults, stepping, step):
    process = faults.start(
        faults.mprof,
        "run",
        "-qE",
        "-T",
        "0.01",
        "-o",
        "x.dat",
        "script.py",
        stdin=-1,
        env={
            **os.environ,
            "LD_PRELOAD": str(stepping),
            "STEP": str(step),
            "STEP_WHEN": str(faults.folder / "stepped"),
        },
    )
    faults.script.write_text(STAMPED)
    assert process.stdout.readline() == "done\n"
    end = time.monotonic() + 30
    while not steps_in(faults.dat("x.dat")):
        assert time.monotonic() < end, "no step was noted"
        time.sleep(0.01)
    process.stdin.write("go on\n")
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 7
    text = faults.dat("x.dat")
    assert [round(found) for found in steps_in(text)] == [step]
    moments = numbers(text, "MEM ", 2)
    gaps = [after - before for before, after in zip(moments, moments[1:])]
    assert min(gaps) > 0 and max(gaps) < abs(step)
    assert text.count("\nFUNC ") == 3
    assert faults.peak("x.dat") > 5
    for form in "x.html", "x.txt":
        assert faults.run(faults.mprof, "plot", "-o", form, "x.dat").stderr == ""
        assert (faults.folder / form).stat().st_size > 500


def test_a_step_changes_no_table(faults, stepping):
    faults.script.write_text(STAMPED)
    run = faults.run(
        *faults.profiler,
        "--line-time",
        "--peak",
        "--json",
        "r.json",
        "script.py",
        status=7,
        env={
            **os.environ,
            "LD_PRELOAD": str(stepping),
            "STEP": "-3600",
            "STEP_WHEN": str(faults.folder / "stepped"),
        },
    )
    assert run.stderr == ""
    rows = re.findall(r"^ +\d+ .*return len", run.stdout, re.M)
    assert len(rows) == 1 and not re.search(r"\s-\d{3}", rows[0])
