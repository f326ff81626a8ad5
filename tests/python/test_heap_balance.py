"""The bytes of heap() are those of the allocators, and its objects those that others see."""

import ctypes
import subprocess
import sys

import pytest
from support import TIMEOUT, environment

LIBC = ctypes.CDLL(None)

pytestmark = pytest.mark.skipif(
    not hasattr(LIBC, "mallinfo2"), reason="a C library without mallinfo2()"
)

# What pymalloc and malloc() have given out, by their own books.
BOOKS = """
import array, collections, ctypes, datetime, decimal, gc, io, os, random, re, sys, threading
from memory_profiler import heap

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split())]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
libc.fopen.restype, libc.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p] * 2
libc.fclose.argtypes = [ctypes.c_void_p]
write_books = ctypes.pythonapi._PyObject_DebugMallocStats
write_books.argtypes = [ctypes.c_void_p]

def given():
    info = libc.mallinfo2()
    file = libc.fopen(b"books", b"w")
    write_books(file)
    libc.fclose(file)
    with open("books") as text:
        used = re.search(r"# bytes in allocated blocks\\s*=\\s*([\\d,]+)", text.read())[1]
    return int(used.replace(",", "")) + info.uordblks + info.hblkhd

# Where the addresses of its arenas pass a multiple of 16 GiB, which is chance, pymalloc's own map of
# them gets another node, mapped by malloc().
NODE = (128 << 10) + 4096

def balance(make, n):
    make(n // 50)  # what is kept of freed blocks is not a growth
    gc.collect()
    gc.disable()
    given(), heap()
    before = heap().bytes
    given_before = given()
    made = make(n)
    given_after = given()
    after = heap().bytes
    del made
    share = (after - before) / (given_after - given_before)
    if abs(share - 1) <= 0.001:
        return share
    return (after - before) / (given_after - given_before - NODE)
"""

KINDS = {
    "rows": "[{'id': i + 1000, 'name': f'n{i}', 'xy': (i + 0.5, i + 0.25)} for i in range(n)]",
    "instances": "[Two(i) for i in range(n)]",
    "instances with many attributes": "[Eight(i) for i in range(n)]",
    "instances whose dict was asked for": "[(one, vars(one))[0] for one in map(Two, range(n))]",
    "slots": "[Slots(i) for i in range(n)]",
    "lists": "[list(range(i % 60)) for i in range(n)]",
    "list subclasses": "[Lists(range(i % 60)) for i in range(n)]",
    "dict subclasses": "[collections.Counter(f'abc{i}') for i in range(n)]",
    "dicts with str keys": "[{f'k{i}_{j}': j for j in range(i % 20)} for i in range(n)]",
    "dicts with int keys": "[dict.fromkeys(range(i % 100)) for i in range(n)]",
    "ordered dicts": "[collections.OrderedDict.fromkeys(range(i % 20)) for i in range(n)]",
    "sets": "[set(range(i % 60)) for i in range(n)]",
    "deques": "[collections.deque(range(i % 200)) for i in range(n)]",
    "bytes": "[bytes(i % 700) for i in range(n)]",
    "str": "['x' * (i % 100) + str(i) for i in range(n)]",
    "str of two bytes": "['\\u1234' * (i % 100) + str(i) for i in range(n)]",
    "ints": "[i + 10**6 for i in range(n)]",
    "named tuples": "[Named(i + 1000, i + 0.5, str(i)) for i in range(n)]",
    "dates": "[datetime.datetime(2020, 1, 1) + datetime.timedelta(i % 9999) for i in range(n)]",
    "decimals": "[decimal.Decimal('1.' + '3' * (i % 200)) for i in range(n)]",
    "functions": "[(lambda i: lambda: i)(i) for i in range(n)]",
    "generators": "[(j for j in range(i)) for i in range(n)]",
    "classes": "[type(f'T{i}', (), {'x': i}) for i in range(n // 4)]",
    "files in memory": "[io.BytesIO(b'x' * (i % 300)) for i in range(n)]",
    "buffers of ctypes": "[(ctypes.c_char * (i % 100))() for i in range(n)]",
    "locks": "[threading.Lock() for i in range(n)]",
    "exceptions": "[Failed(str(i)) for i in range(n)]",
    "large blocks": "[bytes(200_000 + i) for i in range(n // 100)]",
}

CLASSES = """
class Two:
    def __init__(self, i):
        self.a, self.b = i + 1000, f"n{i}"

class Eight:
    def __init__(self, i):
        for name in "abcdefgh":
            setattr(self, name, float(i))

class Slots:
    __slots__ = ("a", "b")
    def __init__(self, i):
        self.a, self.b = i + 1000, float(i)

class Lists(list):
    pass

class Failed(Exception):
    pass

Named = collections.namedtuple("Named", "a b c")
"""

GENERATED = """
rng = random.Random(int(sys.argv[1]))
leaves = [
    lambda i: i + 10**6, float, lambda i: f"text {i}", lambda i: b"%d" % i, lambda i: (i, str(i)),
    lambda i: complex(i, 1), lambda i: range(i), Two, Slots, lambda i: None, lambda i: True,
    lambda i: datetime.date(2000 + i % 99, 1, 1), lambda i: "\\u00e9" * (i % 50 + 1),
]

def nodes(depth, n):
    while n > 0:
        i = rng.randrange(10**6)
        width = rng.randrange(1, 12)
        if depth == 0 or rng.random() < 0.5:
            yield rng.choice(leaves)(i)
            n -= 1
            continue
        inside = list(nodes(depth - 1, min(width, n)))
        n -= width
        kind = rng.randrange(7)
        if kind == 0:
            yield inside
        elif kind == 1:
            yield tuple(inside)
        elif kind == 2:
            yield {f"key {i} {j}": one for j, one in enumerate(inside)}
        elif kind == 3:
            yield {j: one for j, one in enumerate(inside)}
        elif kind == 4:
            yield {id(one) for one in inside}
        elif kind == 5:
            yield collections.deque(inside)
        else:
            one = Eight(i)
            one.inside = inside
            yield one

def make(n):
    return list(nodes(5, n))
"""


def share(folder, program, *args):
    """What a program prints, a share: of what the allocators gave out."""
    done = subprocess.run(
        [sys.executable, "-c", BOOKS + CLASSES + program, *map(str, args)],
        cwd=folder,
        # What a thread keeps of freed blocks is in use by malloc()'s own books.
        env=environment(GLIBC_TUNABLES="glibc.malloc.tcache_count=0"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return float(done.stdout)


@pytest.mark.parametrize("what", KINDS)
def test_each_kind_balances(what, tmp_path):
    program = f"print(balance(lambda n: {KINDS[what]}, 200_000))"
    assert share(tmp_path, program) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("seed", range(4))
def test_generated_heaps_balance(seed, tmp_path):
    program = GENERATED + "print(balance(make, 100_000))"
    assert share(tmp_path, program, seed) == pytest.approx(1, abs=0.001)


def test_arrays_balance(tmp_path):
    pytest.importorskip("numpy")
    program = (
        "import numpy\n"
        "def make(n):\n"
        "    return [numpy.zeros(1000 + i % 100) for i in range(n)]\n"
        "print(balance(make, 5000))"
    )
    assert share(tmp_path, program) == pytest.approx(1, abs=0.001)


# guppy's own objects are hidden from itself; what only C holds it does not reach.
GUPPY = """
from guppy import hpy
class Two:
    def __init__(self, i):
        self.a, self.b = i + 1000, f"n{i}"
kept = [Two(i) for i in range(5000)], [{f"k{i}": i + 0.5} for i in range(5000)]
heapy = hpy()
heapy.heap()
gc.collect()
rows = heapy.heap().bytype.stat.get_rows()
theirs = {row.name: (row.count, row.size) for row in rows}
ours = {row.name: (row.objects, row.bytes) for row in heap(sizes="getsizeof").types}
both = [name for name in theirs if name in ours]
assert len(both) > 60, both
fewer = [name for name in both if ours[name][0] < theirs[name][0]]
assert not fewer, fewer
print(sum(ours[name] == theirs[name] for name in both) / len(both))
"""


def test_what_guppy_sees(tmp_path):
    """Its __dict__s are made by itself, before we count."""
    pytest.importorskip("guppy")
    assert share(tmp_path, GUPPY) > 0.7
