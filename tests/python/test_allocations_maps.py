"""--allocations: what a program or a library maps itself, and what Python maps for its own blocks."""

import mmap
import os
import shlex
import subprocess
import sys
import sysconfig

import pytest
from support import environment
from test_allocations import ALLOCATORS, EXACT, HEAD, record  # noqa: F401

PAGE = mmap.PAGESIZE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="calls of libraries are led to us")

LIBC = """
import ctypes, mmap
PAGE = mmap.PAGESIZE
libc = ctypes.CDLL(None, use_errno=True)
pointer, size = ctypes.c_void_p, ctypes.c_size_t
libc.mmap.restype = libc.mremap.restype = pointer
libc.mmap.argtypes = [pointer, size, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [pointer, size]
libc.mremap.argtypes = [pointer, size, size, ctypes.c_int]
ANONYMOUS, FIXED = 0x22, 0x10
def map(n, at=None, protection=3, flags=0):
    return libc.mmap(at, n, protection, ANONYMOUS | flags, -1, 0)
"""


def own(recorded, text):
    """(bytes allocated, how often, left, blocks), without what ctypes makes of the call."""
    allocated, count, _, _, left, blocks = recorded.at(text)[1]
    return allocated, count, left, blocks


@ALLOCATORS
def test_anonymous_maps_of_a_program(record, allocator):  # noqa: F811
    recorded = record(
        """
        import mmap, tempfile
        @profile
        def f():
            short = mmap.mmap(-1, 50_000_001)
            short.close()
            kept = mmap.mmap(-1, 100_001)
            with tempfile.TemporaryFile() as file:
                file.truncate(30_000_000)
                of_file = mmap.mmap(file.fileno(), 30_000_000)
            again = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            again.resize(7_000_000)
            return kept, of_file, again
        kept = f()
        """,
        env={"PYTHONMALLOC": allocator},
    )
    objects = 1000  # of Python: the map, numbers
    allocated, count, at_peak, _, left, _ = recorded.at("short = ")[1]
    assert 50_000_001 <= allocated < 50_000_001 + objects and 1 <= count < 6
    assert 50_000_001 <= at_peak and left < objects
    for text, size in ("kept = mmap", 100_001), ("again.resize", 7_000_000):
        allocated, _, left, _ = own(recorded, text)
        assert size <= left <= allocated < size + objects, text
    assert own(recorded, "of_file = ")[0] < 20_000, "a file is no heap"
    assert own(recorded, "again = ")[2] < objects, "resized: the block is the other line's"
    assert recorded.heap["freed_unseen_blocks"] == 0
    assert recorded.heap["peak_at"]["name"] == "f"


def test_parts_of_maps_and_several_at_once(record):  # noqa: F811
    recorded = record(
        LIBC
        + """
@profile
def f():
    a = map(10 * PAGE)
    b = map(10 * PAGE, a, flags=FIXED)  # over it
    libc.munmap(b + 3 * PAGE, 2 * PAGE)
    c = map(1000 * PAGE, protection=0)
    d = map(100 * PAGE, c, flags=FIXED)  # first
    e = map(100 * PAGE + 1, c + 100 * PAGE, flags=FIXED)  # second
    assert libc.munmap(c + 50 * PAGE, 100 * PAGE) == 0
    assert libc.munmap(c + 1, PAGE) == -1 and ctypes.get_errno() == 22
    g = libc.mremap(map(20 * PAGE), 20 * PAGE, 5 * PAGE, 1)  # less
    h = map(PAGE); libc.munmap(h, PAGE); libc.munmap(h, PAGE)  # twice
    return 0
f()
"""
    )
    objects = 2000
    for text, allocated, left in [
        ("a = map(10", 10, 0),
        ("# over it", 10, 8),
        ("c = map(1000", 0, 0),
        ("# first", 100, 50),
        ("# second", 100, 50),
        ("# less", 25, 5),
        ("# twice", 1, 0),
    ]:
        inclusive, _ = recorded.at(text)
        assert 0 <= inclusive[0] - allocated * PAGE < objects, text
        assert 0 <= inclusive[4] - left * PAGE < objects, text
    assert recorded.heap["freed_unseen_blocks"] == 0


@ALLOCATORS
def test_the_memory_of_blocks_is_not_counted_twice(record, allocator):  # noqa: F811
    """Python maps it by the MiB."""
    recorded = record(
        """
        @profile
        def blocks():
            rows = [None] * 50_000
            for i in range(50_000):
                rows[i] = bytes(67)
            return rows
        rows = blocks()
        """,
        env={"PYTHONMALLOC": allocator},
    )
    assert recorded.at("rows[i] =")[1][:2] == (50_000 * (67 + HEAD), 50_000)


@pytest.mark.skipif(not EXACT, reason="before, a traced call makes a frame object")
@ALLOCATORS
def test_the_memory_of_frames_is_not_counted(record, allocator):  # noqa: F811
    recorded = record(
        """
        import sys
        sys.setrecursionlimit(30_000)
        @profile
        def deep(steps):
            for step in steps:
                deep(steps)
        deep(iter(b"x" * 8000))
        """,
        env={"PYTHONMALLOC": allocator},
    )
    assert recorded.at("deep(steps)")[1] == (0, 0, 0, 0, 0, 0)


def test_maps_in_threads_without_the_lock_and_in_forks(record):  # noqa: F811
    recorded = record(
        LIBC
        + """
import os, threading, warnings
warnings.simplefilter("ignore")  # forks beside threads are what is tried
@profile
def worker():
    for i in range(200):
        block = map(8 * PAGE)  # in turns
        libc.munmap(block + 4 * PAGE, 4 * PAGE)
        libc.munmap(block, 4 * PAGE)
@profile
def f():
    kept = mmap.mmap(-1, 1 << 20)
    threads = [threading.Thread(target=worker) for i in range(4)]
    for thread in threads: thread.start()
    for i in range(10):
        pid = os.fork()
        if pid == 0:
            kept.close()
            mmap.mmap(-1, 1 << 21)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    for thread in threads: thread.join()
    return kept
kept = f()
"""
    )
    allocated, _, left, blocks = own(recorded, "kept = mmap")
    assert (1 << 20) <= left <= allocated < (1 << 20) + 1000
    assert recorded.heap["freed_unseen_blocks"] == 0
    inclusive, _ = recorded.at("# in turns")
    assert 0 <= inclusive[0] - 4 * 200 * 8 * PAGE < 4 * 200 * 1500  # ctypes
    assert inclusive[4] < 4 * PAGE


LIBRARY = """
#include <pthread.h>
#include <sys/mman.h>
#define MAP(n) mmap(0, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
static void *body(void *unused) { munmap(MAP(9 << 20), 9 << 20); return unused; }
void grab(void) { MAP(1 << 20); MAP(1 << 20); }
void work(void) {
    pthread_t thread;
    pthread_create(&thread, 0, body, 0);
    pthread_join(thread, 0);
}
"""


@pytest.mark.parametrize("name", ["own", "größer", b"\xff\xe2\x82", "\U0001f40d"])
def test_a_library_that_maps_is_named(record, run, name):  # noqa: F811
    path = os.fsencode(run.folder) + b"/lib" + os.fsencode(name) + b".so"
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC"))
    (run.folder / "library.c").write_text(LIBRARY)
    subprocess.run(
        [*compiler, "-shared", "-fPIC", "-pthread", "-o", path, "library.c"],
        cwd=run.folder,
        check=True,
    )
    recorded = record(f"""
import ctypes, os
library = ctypes.CDLL(os.fsdecode({path!r}))
@profile
def f():
    library.grab()
    library.work()
f()
""")
    allocated, count, left, blocks = own(recorded, "library.grab()")
    assert (2 << 20) <= left <= allocated < (2 << 20) + 1000 and 2 <= blocks <= count < 10
    assert own(recorded, "library.work()")[0] < 1000, "the thread's, which runs no Python"
    peak = recorded.heap["peak_at"]
    assert (os.fsencode(peak["filename"]), peak["line"], peak["name"]) == (path, 0, "mmap")
    assert recorded.heap["at_peak_bytes"] > 11 << 20


ARENAS = """
import ctypes
from memory_profiler import _memprof
class Allocator(ctypes.Structure):
    _fields_ = [("context", ctypes.c_void_p), ("alloc", ctypes.c_void_p), ("free", ctypes.c_void_p)]
api = ctypes.pythonapi
def get():
    found = Allocator()
    api.PyObject_GetArenaAllocator(ctypes.byref(found))
    return found.context, found.alloc, found.free
def address(name):
    return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value
def put(*allocator):
    api.PyObject_SetArenaAllocator(ctypes.byref(Allocator(*allocator)))
first = get()
"""


def test_the_allocator_of_arenas_is_put_back(run):
    outcome = run.plain(
        ARENAS
        + """
for i in range(3):
    assert _memprof.heap_start("/nowhere", "") == []
    assert get() != first
    kept = [bytes(500) for i in range(10000)]
    assert _memprof.heap_stop() == []
    assert get() == first
print("well")
"""
    )
    assert outcome.ok().stdout == "well\n"


def test_a_source_that_is_not_seen_is_told(run):
    """Arenas of the C library, whose address was taken before anybody looked: all goes on."""
    outcome = run.plain(
        ARENAS
        + """
put(4096, address("aligned_alloc"), address("getpid"))  # (context, size), and nothing is freed
second = get()
assert _memprof.heap_start("/nowhere", "") == ["mmap() in Python"]
assert get() != second
kept = [bytes(500) for i in range(10000)]
put(*second)  # meanwhile
assert _memprof.heap_stop() == []
assert get() == second
assert _memprof.heap_totals()[0][0] > 5_000_000
print("well")
""",
        env=environment(PYTHONMALLOC="pymalloc"),
    )
    assert outcome.ok().stdout == "well\n"
