"""with allocations() as a: nested, overlapping, in threads, under -m, and what is left behind."""

import os
import subprocess
import sys

import pytest
from support import python

HEADER = """
import ctypes, gc, random, sys, threading
import memory_profiler
from memory_profiler import allocations
H = sys.getsizeof(b"")
"""


@pytest.fixture
def ran(run):
    """Runs lines of a program below the header; its output."""

    def lines(program, *options):
        run.write("script.py", HEADER + program)
        done = python(*options, "script.py", cwd=run.folder).ok()
        assert done.stderr == ""
        return done.stdout

    return lines


def test_what_a_block_says(ran):
    ran("""
kept = []
with allocations() as a:
    blocks = [bytes(1000) for i in range(100)]
    del blocks[50:]
    big = bytes(10_000_000)
    del big
    kept.append(bytes(3000))
assert a.missing == []
assert 100 * (1000 + H) + 10_000_000 + H + 3000 + H <= a.allocated_bytes < 10_120_000
assert 102 <= a.count < 130
assert 50 * (1000 + H) + 10_000_000 + H <= a.peak_bytes < 10_056_000
assert 50 * (1000 + H) + 3000 + H <= a.left_bytes < 58_000
top = a.top(3)
assert [stack.bytes for stack in top[:2]] == [10_000_000 + H, 50 * (1000 + H)]
assert [stack.blocks for stack in top[:2]] == [1, 50]
(filename, line, name), = top[0].frames
assert filename == __file__ and name == "<module>"
assert open(__file__).read().splitlines()[line - 1].strip() == "big = bytes(10_000_000)"
assert str(top[0]) == f"script.py:{line} in <module>()"
assert sum(stack.bytes for stack in a.top(1000)) == a.peak_bytes
assert sum(stack.bytes for stack in a.top(1000, by="left")) == a.left_bytes
assert sum(stack.bytes for stack in a.top(1000, "allocated")) == a.allocated_bytes
assert a.top(0) == a.top(-1) == []
before = a.allocated_bytes, a.count, a.peak_bytes, a.left_bytes
kept.clear(); blocks.clear(); bytes(50_000_000)
assert before == (a.allocated_bytes, a.count, a.peak_bytes, a.left_bytes)
assert repr(a).startswith("<allocations(): 10")
""")


def test_blocks_from_before_count_nothing(ran):
    ran("""
old = [bytes(5000) for i in range(200)]
with allocations() as outer:
    older = [bytes(4000) for i in range(100)]
    with allocations() as inner:
        old.clear()
        older.clear()
        new = bytes(100_000)
        assert inner.left_bytes < 105_000, "read while it runs"
    assert 100_000 + H <= inner.peak_bytes < 105_000
    assert 100_000 + H <= inner.left_bytes < 105_000
    del new
    between = inner.left_bytes
    with allocations() as second:
        bytes(7_000_000)
    assert inner.left_bytes == between
assert 7_000_000 + H <= second.peak_bytes < 7_001_000 and second.left_bytes < 1000
assert outer.allocated_bytes >= 100 * (4000 + H) + 7_100_000
assert 7_000_000 + H <= outer.peak_bytes < 7_010_000
assert outer.left_bytes < 10_000
""")


PROPERTY = """
random.seed(int(sys.argv[1]))
SIZES = [700, 1500, 40_000, 300_000]

class Counted:
    def __init__(self, begin):
        self.begin, self.live, self.peak, self.allocated = begin, 0, 0, 0
    def add(self, size):
        self.live += size; self.allocated += size
        self.peak = max(self.peak, self.live)
    def drop(self, born, size):
        if born >= self.begin:
            self.live -= size

def grow(size):
    return bytes(size)

def own(block, by):
    at = [s for s in block.top(1000, by) if s.frames and s.frames[0][2] == "grow"]
    return sum(s.bytes for s in at)

live, open_blocks, now = [], [], 0
for step in range(1500):
    now += 1
    if random.random() < 0.02 and len(open_blocks) < 5:
        block = allocations(); block.start()
        open_blocks.append((block, Counted(now)))
    elif random.random() < 0.02 and open_blocks:
        block, counted = open_blocks.pop(random.randrange(len(open_blocks)))
        if random.random() < 0.5:
            block.stop()
        assert own(block, "left") == counted.live, (step, own(block, "left"), counted.live)
        assert own(block, "allocated") == counted.allocated
        assert block.peak_bytes >= counted.peak
        assert counted.peak - 20000 <= own(block, "peak") <= counted.peak
        block.stop()
    elif live and random.random() < 0.5:
        born, size, kept = live.pop(random.randrange(len(live)))
        del kept
        for block, counted in open_blocks:
            counted.drop(born, size + H)
    else:
        size = random.choice(SIZES)
        live.append((now, size, grow(size)))
        for block, counted in open_blocks:
            counted.add(size + H)
"""


@pytest.mark.parametrize("seed", range(4))
def test_any_blocks_against_the_program_s_own_count(run, seed):
    run.write("script.py", HEADER + PROPERTY)
    done = python("script.py", str(seed), cwd=run.folder).ok()
    assert done.stdout == done.stderr == ""


def test_blocks_of_threads_overlap(ran):
    ran("""
barrier = threading.Barrier(3)
results = {}
def work(name, size, waits):
    with allocations() as a:
        barrier.wait()
        kept = bytes(size)
        barrier.wait()
    if waits:
        barrier.wait()
    results[name] = a
threads = [threading.Thread(target=work, args=(i, 1_000_000 * (i + 1), False)) for i in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
total = 6_000_000
for a in results.values():
    assert a.peak_bytes >= total, "all threads count"
    assert a.peak_bytes < total + 100_000
""")


STATE = """
def state():
    api = ctypes.pythonapi
    class Allocator(ctypes.Structure):
        _fields_ = [(name, ctypes.c_void_p) for name in "ctx malloc calloc realloc free".split()]
    def of(domain):
        allocator = Allocator()
        api.PyMem_GetAllocator(domain, ctypes.byref(allocator))
        return [getattr(allocator, name) for name, _ in Allocator._fields_]
    return of(1), of(2), ctypes.cast(ctypes.CDLL(None).malloc, ctypes.c_void_p).value
"""


def test_all_is_as_before_when_the_last_has_ended(ran):
    ran(
        STATE
        + """
before = state()
for i in range(3):
    with allocations() as a:
        assert state()[0] != before[0] and state()[1] != before[1]
        seen = a.allocated_bytes  # malloc() of a program that is no library has a stub there
        ctypes.CDLL(None).malloc(70_000)
        assert a.allocated_bytes >= seen + 70_000
        with allocations() as b:
            pass
        assert state()[0] != before[0]
        c = allocations(); c.start()
    assert state()[0] != before[0], "c runs"
    c.stop()
    c.stop()
    assert state() == before
del c
forgotten = allocations(); forgotten.start()
assert state() != before
del forgotten
assert state() == before
try:
    with allocations():
        1 / 0
except ZeroDivisionError:
    assert state() == before
"""
    )


def test_what_has_wrapped_the_allocators_goes_on(ran):
    ran("""
import tracemalloc
with allocations() as a:
    tracemalloc.start()
    x = bytes(100_000)
y = bytes(200_000)
assert tracemalloc.get_traced_memory()[0] >= 300_000
tracemalloc.stop()
assert a.peak_bytes >= 100_000
with allocations() as b:
    z = bytes(300_000)
assert 300_000 + H <= b.left_bytes < 310_000
del x, y, z
""")


def test_under_the_option_the_tables_are_the_same(run):
    program = (
        "import sys\nfrom memory_profiler import allocations\n"
        "def block(): return allocations() if sys.argv[1:] else open(__file__)\n"
        "@profile\ndef f():\n"
        "    kept = [bytes(1000) for i in range(100)]\n"
        "    with block():\n"
        "        kept.append(bytes(2_000_000))\n"
        "        del kept[:50]\n"
        "    return bytes(500_000)\n"
        "f()\n"
    )
    run.write("script.py", program)
    tables = []
    for arguments in ([], ["block"]):
        done = python(
            "-m", "memory_profiler", "--allocations=own", "script.py", *arguments, cwd=run.folder
        ).ok()
        assert done.stderr == ""
        rows = [line for line in done.stdout.splitlines() if "bytes(" in line or "del " in line]
        tables.append([row.split()[5:13] for row in rows])
    assert len(tables[0]) == 4
    assert tables[0] == tables[1]


def test_finalizers_have_blocks_of_their_own(ran):
    ran("""
class Dies:
    def __del__(self):
        with allocations() as a:
            self.x = bytes(100)
        assert 100 + H <= a.peak_bytes < 5000, a
for i in range(100):
    cycle = Dies(); cycle.me = cycle
    with allocations() as a:
        other = Dies(); other.me = other
        big = bytes(100_000)
        if i % 7 == 0:
            forgotten = allocations(); forgotten.start(); forgotten.me = forgotten
        if i % 5 == 0:
            gc.collect()
        del big
    assert 100_000 + H <= a.peak_bytes < 200_000
    assert 100_000 + H <= a.top(1)[0].bytes < 110_000, (i, a, a.top(3))
    if i % 3 == 0:
        gc.collect()
del cycle, other, forgotten
gc.collect()
from memory_profiler import _allocation_blocks
assert _allocation_blocks._log.open == 0
""")


def test_not_while_the_interpreter_ends(run):
    run.write(
        "script.py",
        HEADER
        + """
class Dies:
    def __del__(self):
        try:
            allocations().start()
        except RuntimeError as error:
            print(error)
dies = Dies()
""",
    )
    done = python("script.py", cwd=run.folder).ok()
    assert done.stdout == "allocations are not recorded while the interpreter ends\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    "program, error",
    [
        ("a = allocations(); a.start(); a.start()", "has begun already"),
        ("allocations().peak_bytes", "has not begun"),
        ("allocations().top()", "has not begun"),
        ("a = allocations()\nwith a: pass\na.top(by='rss')", "not 'rss'"),
    ],
)
def test_wrong_uses(run, program, error):
    run.write("script.py", HEADER + program)
    done = python("script.py", cwd=run.folder)
    assert done.returncode == 1 and error in done.stderr.splitlines()[-1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_blocks_of_its_own(ran):
    ran("""
import os
with allocations() as a:
    kept = bytes(1_000_000)
    pid = os.fork()
    if pid == 0:
        kept = None
        with allocations() as b:
            more = bytes(2_000_000)
        ok = 2_000_000 + H <= b.left_bytes < 2_010_000 and a.left_bytes >= 1_000_000
        a.stop()
        os._exit(0 if ok else 3)
    assert os.waitpid(pid, 0)[1] == 0
assert 1_000_000 + H <= a.left_bytes < 1_100_000
""")


def test_nothing_of_it_is_imported_before_it_is_asked_for():
    code = (
        "import sys, memory_profiler\n"
        "assert 'memory_profiler._allocation_blocks' not in sys.modules\n"
        "memory_profiler.allocations\n"
        "assert 'allocations' in memory_profiler.__all__\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr


def test_what_a_block_says_is_of_one_moment_beside_other_threads(ran):
    ran("""
stop = []
def others():
    kept = []
    while not stop:
        kept.append(bytes(300))
        del kept[:-50]
thread = threading.Thread(target=others)
thread.start()
try:
    with allocations():
        for i in range(60):
            with allocations() as a:
                bytes(1000)
            files, functions, nodes = a._read.flame
            own = [nodes[k + 16 : k + 64] for k in range(0, len(nodes), 64)]
            sums = [sum(int.from_bytes(one[j : j + 8], sys.byteorder) for one in own)
                    for j in range(0, 48, 8)]
            assert sums == list(a._sums()), (sums, a._sums())
            assert a._read.sums == a._sums()
finally:
    stop.append(1)
    thread.join()
""")


def test_ended_blocks_are_read_while_others_begin(ran):
    ran("""
def work():
    for i in range(60):
        with allocations() as a:
            x = bytes(5000)
        assert a.peak_bytes >= 5000 and a.top(3) and a.count > 0
failed = []
def try_to():
    try:
        work()
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=try_to) for i in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
assert not failed, failed
""")


def test_a_block_is_not_copied(ran):
    ran("""
import copy, pickle
with allocations() as a:
    for way in copy.copy, copy.deepcopy, pickle.dumps:
        try:
            way(a)
        except TypeError as error:
            assert "cannot be copied" in str(error)
        else:
            raise AssertionError(way)
    x = bytes(70_000)
assert a.allocated_bytes > 70_000
class Odd(allocations):
    def __init__(self):
        pass
Odd()
""")
