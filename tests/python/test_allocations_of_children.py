"""--allocations with --multiprocess: each process has a log of its own."""

import json
import os

import pytest
from support import python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

HEADER = """
import os, subprocess, sys
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
H = sys.getsizeof(b"")
kept = []
"""


@pytest.fixture
def ran(run):
    """Runs a program; (stdout, its saved run)."""

    def program(text, *options):
        run.write("script.py", HEADER + text)
        done = python(
            "-m",
            "memory_profiler",
            "--multiprocess",
            "--json",
            "run.json",
            *options,
            "script.py",
            cwd=run.folder,
        ).ok()
        assert done.stderr == ""
        return done.stdout, json.loads((run.folder / "run.json").read_text())

    return program


def check_laws(process):
    heap = process["heap"]
    assert heap["allocated_bytes"] >= heap["at_peak_bytes"] >= heap["left_bytes"] >= 0
    for function in process["functions"]:
        for line in function["lines"]:
            assert line["left_bytes"] <= line["allocated_bytes"]
            assert line["own"]["allocated_bytes"] <= line["allocated_bytes"]
            assert line["at_peak_bytes"] <= heap["at_peak_bytes"]


def most_allocated(process):
    """{KB a line allocated itself: KB left} of lines with more than 100: lists grow as well."""
    return {
        round(line["own"]["allocated_bytes"] / 1000): round(line["own"]["left_bytes"] / 1000)
        for function in process["functions"]
        for line in function["lines"]
        if line["own"]["allocated_bytes"] > 100_000
    }


FORK = """
@profile
def work(n):
    twice = 2 * n
    inherited.clear()
    kept.append(bytes(n))
    temporary = bytes(twice)
    del temporary
inherited = [bytes(500_000) for i in range(10)]
work(1_000_000)
inherited = [bytes(500_000) for i in range(10)]
pid = os.fork()
if pid == 0:
    work(3_000_000)
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
work(2_000_000)
"""


def test_a_forked_child_begins_with_nothing(ran):
    printed, saved = ran(FORK, "--allocations")
    main, child = saved["processes"]
    for process in main, child:
        check_laws(process)
    assert most_allocated(child) == {3000: 3000, 6000: 0}
    assert most_allocated(main) == {3000: 3000, 6000: 0}
    assert 9_000_000 <= child["heap"]["at_peak_bytes"] < 9_200_000
    assert 3_000_000 <= child["heap"]["left_bytes"] < 3_200_000, "what it inherited is not its own"
    assert main["heap"]["at_peak_bytes"] >= 8_000_000
    own, childs = printed.split("Child process ")
    assert "Heap: peak" in own and "Heap: peak 8.6 MiB" in childs and "left 2.9 MiB" in childs
    (row,) = [line for line in childs.splitlines() if "kept.append(" in line]
    assert row.split()[6] == "2.861"


def test_own_is_what_children_show_too(ran):
    program = """
def make(n): return bytes(n)
@profile
def work(n):
    block = make(n)
pid = os.fork()
work(3_000_000)
if pid == 0: sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""
    for option, shown in ("--allocations", "2.861"), ("--allocations=own", "0.000"):
        printed, _ = ran(program, option)
        rows = [line.split() for line in printed.splitlines() if "block = make" in line]
        assert [row[6] for row in rows] == [shown, shown]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers(ran, method):
    program = f"""
@profile
def work(n):
    size = n * 1_000_000
    kept.append(bytes(size))
    return n
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(work, [1, 2, 3, 4])) == [1, 2, 3, 4]
    with context.Pool(2) as pool:
        assert pool.map(work, [1, 2]) == [1, 2]
        pool.close()
        pool.join()
"""
    _, saved = ran(program, "--allocations")
    children = [process for process in saved["processes"][1:] if process["functions"]]
    assert children
    for process in children:
        check_laws(process)
    allocated = sum(sum(most_allocated(process)) for process in children)
    assert abs(allocated - 13_000) <= len(children)


def test_a_python_that_the_program_starts(ran, run):
    run.write("other.py", "@profile\ndef work():\n    return bytes(3_000_000)\nwork()\n")
    _, saved = ran(
        "assert subprocess.run([sys.executable, 'other.py'], stdout=-3).returncode == 0\n"
        "@profile\ndef main():\n    return bytes(200_000)\nmain()\n",
        "--allocations",
    )
    main, other = saved["processes"]
    assert most_allocated(other) == {3000: 0}
    assert most_allocated(main) == {200: 0}


def test_without_the_option_a_child_records_nothing(run):
    run.write("script.py", HEADER + FORK)
    done = python("-m", "memory_profiler", "--allocations", "script.py", cwd=run.folder).ok()
    assert done.stderr == ""
    assert done.stdout.count("Heap: peak ") == 1
    child = done.stdout.split("Heap: what a forked child allocates is recorded with --multiprocess")
    assert len(child) == 2 and "Allocated" not in child[0]


def test_a_child_that_is_killed_says_what_is_missing(run):
    run.write(
        "script.py",
        HEADER
        + """
@profile
def work():
    kept.append(bytes(1_000_000))
work()
pid = os.fork()
if pid == 0:
    work()
    os.kill(os.getpid(), 9)
os.waitpid(pid, 0)
""",
    )
    done = python(
        "-m",
        "memory_profiler",
        "--multiprocess",
        "--allocations",
        "--json",
        "run.json",
        "script.py",
        cwd=run.folder,
    )
    assert done.returncode == 0
    report = python("-m", "memory_profiler.report", "run.json", cwd=run.folder).ok(
        "no allocations were recorded of process "
    )
    assert "Heap: peak" in report.stdout


def test_reports_add_processes_up(ran, run):
    ran(FORK, "--allocations")
    report = python("-m", "memory_profiler.report", "run.json", cwd=run.folder).ok()
    assert report.stderr == ""
    assert report.stdout.count("Heap of process ") == 2
    (row,) = [line for line in report.stdout.splitlines() if "kept.append(" in line]
    assert row.split()[6] == "5.722"
