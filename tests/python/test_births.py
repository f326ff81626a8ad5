"""heap().born(): the lines that made what lives, against what is known and against tracemalloc."""

import gc
import json
import subprocess
import sys
import tracemalloc

import pytest
from memory_profiler import allocations, heap

N = 500


class Made:
    def __init__(self, i):
        self.number = i


def tuples():
    return [(i, i + 1.5) for i in range(N)]


def dicts():
    return [{"a": i, "b": None} for i in range(N)]


def instances():
    return [Made(i) for i in range(N)]


def texts():
    return [f"text {i}" for i in range(N)]


def numbers():
    return [i + 100000 for i in range(N)]


def lists():
    return [[i] for i in range(N)]


MAKERS = {tuple: tuples, dict: dicts, Made: instances, str: texts, int: numbers, list: lists}


def line_of(function):
    return function.__code__.co_firstlineno + 1


@pytest.mark.parametrize("kind", MAKERS)
def test_each_has_its_own_line(kind):
    gc.collect()  # what Python has put aside, and would use again, is given back
    with allocations():
        kept = MAKERS[kind]()
        rows = [row for row in heap(kind).born(1000) if row.file == __file__]
        known = heap(kind).objects
        everything = heap(kind).born(10**6)
    line = line_of(MAKERS[kind])
    of_line = [row for row in rows if row.line == line]
    assert len(of_line) == 1
    assert N - 130 <= of_line[0].objects <= N + 1 and of_line[0].bytes >= 28 * (N - 130)
    assert abs(sum(row.objects for row in everything) - known) <= 20
    assert len(kept) == N


def test_what_was_there_before_is_one_row():
    kept = instances()
    with allocations():
        row, *others = heap(Made).born()
        everything = heap().born(10**6)
    assert (row.where, row.file, row.line, row.objects) == ("before the recording", None, None, N)
    assert others == [] and len(kept) == N
    old = [row for row in everything if row.where == "before the recording"]
    assert len(old) == 1 and old[0].type == "all types"


def test_as_tracemalloc_says():
    tracemalloc.start()
    try:
        with allocations():
            kept = [bytes(1000 + i % 7) for i in range(3000)]
            born = next(row for row in heap(bytes).born() if row.file == __file__)
        theirs = tracemalloc.take_snapshot().statistics("lineno")
    finally:
        tracemalloc.stop()
    there = next(
        one
        for one in theirs
        if (one.traceback[0].filename, one.traceback[0].lineno) == (__file__, born.line)
    )
    own = sum(map(sys.getsizeof, kept))
    assert born.objects == 3000
    assert abs(born.bytes - own) <= 0.03 * own  # a block of malloc() has 8 bytes more, in steps
    assert own <= there.size <= own + sys.getsizeof(kept) + 1000


def test_it_prints_as_a_table():
    with allocations():
        kept = instances()
        text = str(heap(Made).born())
    head, line = text.split("\n")
    assert head.split() == ["Type", "Born", "on", "Objects", "Alive"]
    assert line.split()[:3] == [f"{__name__}.Made", f"test_births.py:{line_of(instances)}", "500"]
    assert len(kept) == N


def test_without_a_recording_it_says_so():
    with pytest.raises(RuntimeError, match="no allocations are recorded"):
        heap().born()
    with pytest.raises(ValueError, match="births are told of what lives"):
        (heap() - heap()).born()
    with pytest.raises(ValueError, match="takes how many"):
        heap().born(-1)


SCRIPT = """
class Session:
    def __init__(self, i):
        self.data = [float(i)] * 50

sessions = [Session(i) for i in range(4000)]
print("done")
"""


@pytest.mark.parametrize("option", ["--heap", "--heap=peak"])
def test_below_the_tables(tmp_path, option):
    (tmp_path / "script.py").write_text(SCRIPT)
    run = subprocess.run(
        [sys.executable, "-m", "memory_profiler", option, "--allocations", "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("done\n")
    kept, born = run.stdout.split("\nKept alive by")[1].split("\nType  ", 1)
    row = next(line for line in kept.split("\n") if line.startswith("__main__.sessions "))
    # An instance, its list, its float, and from 3.13 on no dict; a row of its own may be one.
    assert int(row.split()[3].replace(",", "")) in (12001, 16001)
    row = next(line for line in born.split("\n") if line.startswith("__main__.Session "))
    assert row.split()[1:3] == ["script.py:6", "4,000"]


def test_owners_without_allocations(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    run = subprocess.run(
        [sys.executable, "-m", "memory_profiler", "--heap", "--json", "run.json", "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "\nKept alive by" in run.stdout and "Born on" not in run.stdout
    (process,) = json.loads((tmp_path / "run.json").read_text())["processes"]
    (row,) = [row for row in process["heap_owners"] if row["name"] == "__main__.sessions"]
    assert row["type"] == "list" and row["objects"] in (12001, 16001) and "is_shared" not in row
    report = subprocess.run(
        [sys.executable, "-m", "memory_profiler.report", "run.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (report.returncode, report.stderr) == (0, "")
    kept = run.stdout.split("\nKept alive by")[1].split("\n\n")[0]
    assert "\nKept alive by" + kept in report.stdout
