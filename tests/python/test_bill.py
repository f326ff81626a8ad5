"""The bill of resident memory: it adds up, and says where staged memory went."""

import sys

import pytest
from support import environment, python

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what the kernel tells: Linux")

MIB = 1 << 20
HEADER = """
import ctypes, json, mmap, os, sys, threading, time
import memory_profiler
bill = memory_profiler.bill
def rows(bill):
    return {row.name: row.bytes for row in bill.rows}
before = rows(bill())
"""
FOOTER = """
after = bill()
assert sum(row.bytes for row in after.rows) == after.rss
print(json.dumps({"before": before, "after": after.to_json()}))
"""

MALLOC = "malloc = ctypes.CDLL(None).malloc; malloc.restype = ctypes.c_void_p\n"

# What a program does, and by how many MiB rows grow by it; others by less than 2.
STAGED = {
    "small objects": ("kept = [[i] for i in range(300_000)]", {"objects": 34.5}),
    "small objects, freed": (
        "kept = [str(i) * 3 for i in range(400_000)]; del kept[::2]; kept = kept[:10]; big = []\n"
        "blocks = [bytes(100) for i in range(300_000)]; blocks = blocks[::50]",
        {"pymalloc free": None, "objects": None, "native blocks": None},
    ),
    "blocks of malloc": ("kept = [bytes(3000) for i in range(10_000)]", {"objects": 29}),
    "blocks of malloc, freed": (
        "kept = [bytes(3000) for i in range(20_000)]; kept = kept[::2]",
        {"objects": 29, "malloc free": 29},
    ),
    "a large block": ("kept = b'x' * (50 << 20)", {"objects": 50}),
    "a block that is not touched": (
        MALLOC + "kept = malloc(50 << 20)",
        {"native blocks": 50, "not resident": -50},
    ),
    "a part of it": (
        MALLOC + "kept = malloc(50 << 20); ctypes.memset(kept, 1, 20 << 20)",
        {"native blocks": 50, "not resident": -30},
    ),
    "shared memory": (
        "kept = mmap.mmap(-1, 30 << 20)\nfor i in range(0, 30 << 20, 4096): kept[i] = 1",
        {"shared": 30},
    ),
    "a file": (
        "open('file', 'wb').write(b'x' * (20 << 20)); file = open('file', 'r+b')\n"
        "kept = mmap.mmap(file.fileno(), 0); sum(kept[i] for i in range(0, 20 << 20, 4096))",
        {"files": 20},
    ),
    "past malloc": (
        "kept = mmap.mmap(-1, 30 << 20, mmap.MAP_PRIVATE)\n"
        "for i in range(0, 30 << 20, 4096): kept[i] = 1",
        {"unexplained": 30},
    ),
}


@pytest.mark.parametrize("malloc", ["pymalloc", "malloc"])
@pytest.mark.parametrize("name", STAGED)
def test_staged_memory_stands_in_its_row(run, name, malloc):
    import json

    program, grown = STAGED[name]
    run.write("script.py", HEADER + program + FOOTER)
    done = python("script.py", cwd=run.folder, env=environment(PYTHONMALLOC=malloc)).ok()
    assert done.stderr == ""
    said = json.loads(done.stdout)
    after = {row["name"]: row["bytes"] for row in said["after"]["rows"]}
    assert set(after) == set(said["before"])
    for row, bytes_after in after.items():
        growth = (bytes_after - said["before"][row]) / MIB
        if grown.get(row, 0) is not None and not (malloc == "malloc" and name.startswith("small")):
            assert abs(growth - grown.get(row, 0)) < 3, (row, growth)
    others = grown.get("unexplained", 0) * MIB
    assert abs(after["unexplained"] - others) <= max(4 * MIB, 0.02 * said["after"]["rss"])


def test_freed_small_blocks_are_pymalloc_s(run):
    run.write(
        "script.py",
        HEADER
        + "blocks = [bytes(100) for i in range(300_000)]; blocks = blocks[::50]\n"
        + "assert rows(bill())['pymalloc free'] - before['pymalloc free'] > 30 << 20\n",
    )
    assert (
        python("script.py", cwd=run.folder, env=environment(PYTHONMALLOC="pymalloc")).ok().stderr
        == ""
    )


def test_stacks_of_threads_and_of_deep_python(run):
    run.write(
        "script.py",
        HEADER
        + """
sys.setrecursionlimit(100_000)
ready, end = threading.Barrier(5), threading.Event()
def deep(n=5000):
    if n:
        return deep(n - 1)
    ready.wait()
    end.wait()
threading.stack_size(64 << 20)
threads = [threading.Thread(target=deep) for i in range(4)]
for thread in threads:
    thread.start()
ready.wait()
def is_waiting(task):  # the stack of a thread that runs at the moment is not known
    with open(f"/proc/self/task/{task}/syscall") as file:
        return file.read(7) != "running"
own = str(threading.get_native_id())
while not all(map(is_waiting, {*os.listdir("/proc/self/task")} - {own})):
    time.sleep(0.01)
after = bill()
end.set()
for thread in threads:
    thread.join()
stacks = rows(after)["stacks"] - before["stacks"]
assert sum(row.bytes for row in after.rows) == after.rss
if sys.version_info >= (3, 11):
    assert stacks > 4 * 5000 * 60, stacks
else:
    assert stacks > 3 << 20, stacks  # a C call for each
assert abs(rows(after)["unexplained"]) < 4 << 20
""",
    )
    assert python("script.py", cwd=run.folder).ok().stderr == ""


def test_it_prints_as_a_table():
    import memory_profiler

    made = memory_profiler.bill()
    lines = str(made).splitlines()
    assert lines[0].split() == ["Resident", "memory", "Size", "%"]
    assert lines[-2].split()[0] == "RSS" and lines[-2].split()[-1] == "100.0"
    assert [line[:20].strip() for line in lines[1:-2]] == [row.name for row in made.rows]
    assert made._repr_html_().count("<tr>") == len(lines) - 1
    share = 100 * made.objects / made.given_out
    assert 0 < share < 101
    assert lines[-1] == (
        f"Objects are {share:.1f} % of the {made.given_out / MIB:.1f} MiB that malloc() and pymalloc "
        "have given out"
    )
    assert made.objects + made.rows[1].bytes == made.given_out


def test_objects_are_those_of_the_census(run):
    run.write(
        "script.py",
        HEADER
        + """
kept = [str(i) * 9 for i in range(100_000)]
census = memory_profiler.heap()
after = bill()
assert abs(after.objects - census.bytes) < 50_000, (after.objects, census.bytes)
assert after.to_json()["rows"][0] == {"name": "objects", "bytes": after.objects}
grown = after.given_out - sum(before[name] for name in ("objects", "native blocks"))
assert abs(grown - (after.objects - before["objects"])) < 0.02 * grown, grown
""",
    )
    assert python("script.py", cwd=run.folder).ok().stderr == ""


def test_while_a_collection_runs_objects_are_not_counted(run):
    run.write(
        "script.py",
        HEADER
        + """
import gc
made = []
gc.callbacks.append(lambda phase, info: made.append(bill()) if phase == "start" else None)
gc.collect()
gc.callbacks.clear()
assert made[0].objects is None and sum(row.bytes for row in made[0].rows) == made[0].rss
assert (made[0].rows[0].name, made[0].rows[0].bytes) == ("in use", made[0].given_out)
print(str(made[0]).splitlines()[-1])
""",
    )
    done = python("script.py", cwd=run.folder).ok()
    assert done.stderr == ""
    assert done.stdout.startswith("Objects are not counted: the heap cannot be walked while a coll")


def test_our_own_hooks_are_not_in_its_way(run):
    run.plain("""
        from memory_profiler import allocations, bill, heap_growth
        kept = [str(i) for i in range(100_000)]
        before = bill()
        def check(now, slack=1 << 20):
            assert abs(now.given_out - before.given_out) < slack, (now, before)
            assert abs(now.objects - before.objects) < slack
        with heap_growth() as grown:
            check(bill())
        check(bill())
        with allocations() as a:
            check(bill())
        check(bill())
    """).ok()


def test_what_tracemalloc_hides_is_said(run):
    outcome = run.plain("""
        import tracemalloc
        tracemalloc.start()
        from memory_profiler import bill
        made = bill()
        print([row.name for row in made.rows if row.name in ("in use", "objects", "pymalloc free")])
        assert sum(row.bytes for row in made.rows) == made.rss
        print(str(made).splitlines()[-1])
        tracemalloc.stop()
        assert bill().objects
    """).ok()
    names, why = outcome.stdout.splitlines()
    assert names == "['in use']"
    assert "while its allocator is wrapped, as by tracemalloc: it is unexplained" in why
