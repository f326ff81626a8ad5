"""python -m memory_profiler --heap: what lives when the program has ended."""

import json
import re
import sys

from support import python

PROGRAM = """
    class Row:
        def __init__(self, i):
            self.i = i
    @profile
    def load():
        return [Row(i) for i in range(2000)]
    rows = load()
    """


def heap_of(text):
    """(objects in all, {type: objects}) of the block below the tables."""
    _, _, block = text.partition("Heap at the end: ")
    heading, heads, *lines = block.splitlines()
    assert heads.split() == ["Type", "Objects", "Size", "%", "Cumulative", "%"]
    rows = {}
    for line in lines:
        if line.startswith("and "):
            break  # and the bill below
        found = re.match(r"(\S+)(?: \*)? +([\d,]+) ", line)
        rows[found[1]] = int(found[2].replace(",", ""))
    return int(heading.split()[0].replace(",", "")), rows


def test_below_the_tables(run):
    done = run.m(PROGRAM, options=["--heap"]).ok()
    assert done.table("load").at("return").occurrences > 2000
    objects, rows = heap_of(done.stdout)
    assert rows["__main__.Row"] == 2000
    assert objects > sum(rows.values()) > 5000
    assert done.stdout.index("Filename: ") < done.stdout.index("Heap at the end: ")


def test_the_bill_below_it(run):
    import pytest

    if sys.platform != "linux":
        pytest.skip("what the kernel tells: Linux")
    done = run.m(PROGRAM + "kept = bytes(30 << 20)\n", options=["--heap"]).ok()
    _, _, block = done.stdout.partition("\n\nResident memory ")
    rows = dict(re.findall(r"^(\S.*?) +(-?[\d.]+) MiB ", block, re.M))
    assert float(rows["objects"]) > 30 and float(rows["RSS"]) > 10
    assert re.search(r"^Objects are \d+\.\d % of the [\d.]+ MiB that malloc\(\) ", block, re.M)


def test_after_an_exception_and_an_exit(run):
    done = run.m(PROGRAM + "rows.append(1 / 0)\n", options=["--heap"])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert heap_of(done.stdout)[1]["__main__.Row"] == 2000
    done = run.m(PROGRAM + "raise SystemExit(3)\n", options=["--heap"])
    assert (done.returncode, done.stderr) == (3, "")
    assert heap_of(done.stdout)[1]["__main__.Row"] == 2000


def test_without_a_table(run):
    done = run.m("kept = [complex(i) for i in range(5000)]\n", options=["--heap"], quiet=False).ok()
    assert heap_of(done.stdout)[1]["complex"] == 5000
    assert "Filename" not in done.stdout


def test_in_a_file(run):
    done = run.m(PROGRAM, options=["--heap", "-o", "tables.txt"]).ok()
    assert done.stdout == ""
    assert heap_of((run.folder / "tables.txt").read_text())[1]["__main__.Row"] == 2000


def test_saved(run):
    done = run.m(PROGRAM, options=["--heap", "--json", "run.json"]).ok()
    (process,) = json.loads((run.folder / "run.json").read_text())["processes"]
    rows = {row["name"]: row for row in process["heap_types"]}
    assert rows["__main__.Row"]["objects"] == 2000
    assert sum(row["objects"] for row in rows.values()) == heap_of(done.stdout)[0]
    assert rows["__main__.Row"]["bytes"] >= 2000 * 48
    if sys.platform == "linux":
        bill = process["bill"]
        assert sum(row["bytes"] for row in bill["rows"]) == bill["rss"]
        parts = {row["name"]: row["bytes"] for row in bill["rows"]}
        assert parts["objects"] == sum(row["bytes"] for row in rows.values())
        assert parts["objects"] + parts["native blocks"] == bill["given_out"]
    run.m(PROGRAM, options=["--json", "plain.json"]).ok()
    assert "heap_types" not in (run.folder / "plain.json").read_text()
    for name in ("run.json", "plain.json"):
        python("-m", "memory_profiler.report", name, cwd=run.folder).ok()


def test_a_program_that_does_not_start_has_none(run):
    done = run.profiler("--heap", "missing.py")
    assert done.returncode == 1
    assert "Heap" not in done.stdout


def test_beside_jokers(run):
    """What is built in may have been replaced, and the standard library."""
    done = run.m(
        PROGRAM
        + """
    import builtins, json, sys
    sys.getallocatedblocks = lambda: 1 / 0
    json.dumps = None
    builtins.sum = builtins.sorted = builtins.len = None
    """,
        options=["--heap"],
    ).ok()
    assert heap_of(done.stdout)[1]["__main__.Row"] == 2000


def test_a_forked_child_has_none_of_its_own(run):
    done = run.m(
        PROGRAM
        + """
    import os
    if os.fork() == 0:
        rows.clear()
        raise SystemExit
    os.wait()
    """,
        options=["--heap"],
    )
    assert done.returncode == 0
    assert done.stdout.count("Heap at the end: ") == 1
    assert heap_of(done.stdout)[1]["__main__.Row"] == 2000


def test_calls_over_time_have_no_heap(run):
    done = run.m(PROGRAM, options=["--timestamp", "--heap"])
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("no --heap with it")


PEAK = """
    import time
    class Row:
        def __init__(self, i):
            self.text = "x" * 1000 + str(i)
    @profile
    def load():
        kept = []
        for n in range(40):
            kept.append([Row(i) for i in range(1000)])
            time.sleep(0.03)  # counting takes a tenth of the time at most
        for n in range(40):  # which on a busy machine it has used up
            time.sleep(0.03)
        del kept
        return 1
    load()
    """


def test_at_the_peak(run):
    """What is gone at the end."""
    for options in (["--heap=peak"], ["--heap=peak", "--json", "run.json"]):
        done = run.m(PEAK, options=options).ok()
        share, at, peak = re.search(
            r"^Heap at (\d+) % of the peak \(([\d.]+) of ([\d.]+) MiB\): ", done.stdout, re.M
        ).groups()
        assert 70 <= int(share) <= 100 and float(at) <= float(peak)
        assert abs(int(share) - 100 * float(at) / float(peak)) < 1  # of figures that are rounded
        rows = int(re.search(r"^__main__\.Row +([\d,]+) ", done.stdout, re.M)[1].replace(",", ""))
        assert 20_000 < rows <= 40_000
        assert "Heap at the end" not in done.stdout
    process = json.loads((run.folder / "run.json").read_text())["processes"][0]
    assert process["heap_types_at_bytes"] <= process["heap_types_peak_bytes"]
    types = {row["name"]: row["objects"] for row in process["heap_types"]}
    assert types["__main__.Row"] > 20_000
    assert "__main__.Row" not in run.m(PEAK, options=["--heap"]).ok().stdout.split("Heap at")[1]


def test_at_the_peak_without_a_reading_it_is_that_of_the_end(run):
    done = run.m("kept = [complex(i) for i in range(5000)]\n", options=["--heap=peak"]).ok()
    assert re.search(r"^Heap at \d+ % of the peak ", done.stdout, re.M)
    assert re.search(r"^complex +5,\d+ ", done.stdout, re.M)
