"""What a program and its children held together stands beside what the program held alone."""

import re
import sys

import pytest

from plots import COMMAND, ENVIRONMENT, chld, mem, run_line, texts_of_svg

# Two children hold their blocks at once: each waits for a line from the other's turn.
POOL = """
import subprocess, sys
hold = "block = bytearray(80 << 20); print('held', flush=True); input()"
pool = [
    subprocess.Popen([sys.executable, "-S", "-c", hold], stdin=-1, stdout=-1, text=True)
    for _ in range(2)
]
import os, time
for child in pool:
    assert child.stdout.readline() == "held\\n"
def samples():
    return open(os.environ["MPROF_OUTPUT"]).read().count("\\nMEM ")
before, end = samples(), time.monotonic() + 30
while samples() < before + 3 and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(1.2 if sys.argv[1:] else 0)
for child in pool:
    child.communicate("\\n")
"""
LAST = re.compile(
    r"mprof: peak of the sum (\d+\.\d\d) MiB at \d+\.\d s · main process (\d+\.\d\d) MiB at "
)


def lines_of_peak(mprof, name="x.dat"):
    result = mprof("peak", name)
    assert (result.returncode, result.stderr) == (0, "")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    return [(row[0].strip(), float(row[-1].split()[0])) for row in rows]


@pytest.mark.parametrize("options", [["-M"], ["-C"], ["-MC"]], ids=" ".join)
def test_a_run_says_both(mprof, script, options):
    result = mprof("run", *options, "-T", "0.05", "-o", "x.dat", *script(POOL))
    assert result.returncode == 0
    notices = result.stderr.splitlines()
    assert len(notices) == 3
    together, alone = map(float, LAST.match(notices[-1]).groups())
    assert 160 < together < 260 and 5 < alone < 60
    peaks = lines_of_peak(mprof)
    assert peaks[0][0] == "x.dat"
    of = dict(peaks)
    by_sum = "-M" == options[0]
    assert peaks[-1][0] == ("Sum" if by_sum else "Main process")
    assert of["Sum" if by_sum else "x.dat"] == pytest.approx(together, abs=0.006)
    assert of["x.dat" if by_sum else "Main process"] == pytest.approx(alone, abs=0.006)
    assert sum(name.startswith("Child ") for name in of) == (0 if options == ["-C"] else 2)
    chart = mprof("plot", "x.dat", env=ENVIRONMENT)
    assert chart.returncode == 0
    said = "peak of the sum" if by_sum else "main process alone"
    assert re.search(rf"{said} \d+(\.\d+)? MiB at", chart.stdout), chart.stdout


def test_without_children_nothing_more_is_said(mprof):
    for option in ("-M", "-C"):
        result = mprof("run", option, "-o", "x.dat", "true")
        assert result.stderr.splitlines()[-1].startswith("mprof: peak ")
        assert "sum" not in result.stderr and len(lines_of_peak(mprof)) == 1


def test_children_that_were_not_counted_are_told(mprof, script):
    result = mprof("run", "-T", "0.05", "-o", "x.dat", *script(POOL), "slowly")
    *_, uncounted, last = result.stderr.splitlines()
    assert uncounted == (
        "mprof: 2 child processes were not counted: -C adds their memory, -M records each"
    )
    assert last.startswith("mprof: peak ") and float(last.split()[2]) < 60
    assert len(lines_of_peak(mprof)) == 1
    quiet = mprof("run", "-q", "-o", "x.dat", *script(POOL))
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_one_child_and_its_own(mprof):
    child = f"'{sys.executable}' -S -c 'import time; time.sleep(1.2)'"
    result = mprof("run", "-T", "0.05", "-o", "x.dat", "sh", "-c", f"{child}; true")
    assert "mprof: 1 child process was not counted: -C adds its memory, " in result.stderr
    nested = mprof("run", "-T", "0.05", "sh", "-c", f'sh -c "{child}; true"; true')
    assert "mprof: 2 child processes were not counted" in nested.stderr


SAMPLES = [(0, 10), (1, 12), (2, 11)]
FIRST, SECOND = [(0, 5), (1, 50)], [(1, 30), (2, 60)]


def recorded(words="rss each"):
    """As it is written: a sample, then those of the children."""
    text = COMMAND + (run_line(words) if words else "")
    for time, memory in SAMPLES:
        text += mem([(time, memory)])
        for pid, samples in ((4001, FIRST), (4002, SECOND)):
            text += chld(pid, [sample for sample in samples if sample[0] == time])
    return text


def test_the_sum_is_that_of_one_moment(mprof):
    """Not of the peaks: 12 + 50 + 30, while the second child is at 60 when the first has gone."""
    (mprof.folder / "x.dat").write_text(recorded())
    assert lines_of_peak(mprof) == [
        ("x.dat", 12),
        ("Child 4001", 50),
        ("Child 4002", 60),
        ("Sum", 92),
    ]
    for name in ("x.svg", "x.html", "x.gp"):
        assert mprof("plot", "x.dat", "-o", name, env=ENVIRONMENT).returncode == 0
    text = " ".join(texts_of_svg((mprof.folder / "x.svg").read_text()))
    assert "peak of the sum 92.0 MiB at 1.00 s" in text
    assert "peak of the sum 92.0 MiB at 1.00 s" in (mprof.folder / "x.html").read_text()


@pytest.mark.parametrize("words", ["rss sum+each", None], ids=["sum", "0.61"])
def test_what_may_be_a_sum_is_not_added_to_its_parts(mprof, words):
    """memory_profiler's files do not say whether they are."""
    (mprof.folder / "x.dat").write_text(recorded(words))
    assert [name for name, _ in lines_of_peak(mprof)] == ["x.dat", "Child 4001", "Child 4002"]


def test_lines_in_any_order_give_no_wrong_sum(mprof):
    """Where the samples of children do not follow those that they belong to."""
    text = COMMAND + run_line("rss each") + mem(SAMPLES) + chld(4001, FIRST) + chld(4002, SECOND)
    (mprof.folder / "x.dat").write_text(text)
    assert [name for name, _ in lines_of_peak(mprof)] == ["x.dat", "Child 4001", "Child 4002"]
    late = [(3, 50), (4, 60)]
    (mprof.folder / "x.dat").write_text(
        COMMAND + run_line("rss each") + mem(SAMPLES) + chld(7, late)
    )
    assert [name for name, _ in lines_of_peak(mprof)] == ["x.dat", "Child 7"]
