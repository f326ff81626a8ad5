"""--allocations: who allocates, who owns the peak, and what is left, to the byte."""

import json
import sys

import pytest
from memory_profiler._saved_check import check_run
from saved_runs import MEMBERS
from support import environment

HEAD = sys.getsizeof(b"")  # of a bytes object
EXACT = sys.version_info >= (3, 12)  # before that a traced call makes a frame object


class Recorded:
    """What a saved run says of what was allocated."""

    def __init__(self, outcome, path):
        self.outcome = outcome.ok()
        self.run = json.loads(path.read_text(encoding="utf-8"))
        check_run(self.run)
        (self.process,) = self.run["processes"]
        self.heap = self.process["heap"]
        self.lines = {}
        for function in self.process["functions"]:
            for line in function["lines"]:
                text = function["source"][line["line"] - function["first_line"]]
                self.lines[text.strip()] = line

    def at(self, text):
        """The numbers of the line that has this text: inclusive, own."""
        (line,) = [line for key, line in self.lines.items() if text in key]
        return tuple(line[key] for key in MEMBERS), tuple(line["own"][key] for key in MEMBERS)


@pytest.fixture
def record(run):
    def record(source, *options, env=None):
        path = run.folder / "run.json"
        outcome = run.m(
            source,
            options=["--allocations", "--json", str(path), *options],
            env=environment(**env) if env else None,
        )
        return Recorded(outcome, path)

    return record


ALLOCATORS = pytest.mark.parametrize("allocator", ["pymalloc", "malloc", "debug"])


@ALLOCATORS
def test_owners_of_the_peak(record, allocator):
    recorded = record(
        """
        @profile
        def f():
            rows, kept = [None] * 100, [None] * 50
            for i in range(100):
                rows[i] = bytes(1000)
            i = 100
            while i > 50:
                i -= 1
                rows[i] = None
            b = bytes(10_000_000)
            del b
            for i in range(50):
                kept[i] = bytes(3000)
            return rows, kept
        result = f()
        """,
        env={"PYTHONMALLOC": allocator},
    )
    half = 50 * (1000 + HEAD)
    inclusive, own = recorded.at("rows[i] = bytes")
    assert inclusive == own == (2 * half, 100, half, 50, half, 50)
    big = 10_000_000 + HEAD
    assert recorded.at("b = bytes")[1] == (big, 1, big, 1, 0, 0)
    after = 50 * (3000 + HEAD)
    assert recorded.at("kept[i] =")[1] == (after, 50, 0, 0, after, 50)
    assert recorded.heap["peak_at"]["name"] == "f" and recorded.heap["freed_unseen_blocks"] == 0
    assert recorded.heap["at_peak_bytes"] >= big + half + 8 * 150
    assert recorded.heap["at_peak_bytes"] - (big + half + 8 * 150) < 8192  # of the module
    assert f"Heap: peak {recorded.heap['at_peak_bytes'] / 2**20:.1f} MiB" in recorded.outcome.stdout


def test_a_line_has_what_it_called_and_recursion_counts_once(record):
    recorded = record("""
        @profile
        def helper(n):
            return bytes(n)
        @profile
        def caller():
            x = helper(5000)
            y = helper(7000)
            return x, y
        @profile
        def deeper(n):
            block = bytes(2000)
            if n > 1:
                return block, deeper(n - 1)
            return block
        kept = caller(), deeper(5)
        """)
    x, y = 5000 + HEAD, 7000 + HEAD
    assert recorded.at("return bytes(n)")[1] == (x + y, 2, x + y, 2, x + y, 2)
    for text, size in ("x = helper", x), ("y = helper", y):
        inclusive, own = recorded.at(text)
        made = [total - own for total, own in zip(inclusive, own)]
        assert made[2:] == [size, 1, size, 1]
        # A frame object of each traced call; on 3.10 that is Python's own, and kept for the next.
        assert made[:2] == [size, 1] if EXACT else made[0] - size <= 1024 and made[1] <= 2
        assert own == (0,) * 6 if EXACT else own[0] <= 1024 and own[1] <= 2
    one = 2000 + HEAD
    assert recorded.at("block = bytes")[1][:2] == (5 * one, 5)
    # Four levels below the outermost; the tuple of each return is a line of its own.
    inclusive, own = recorded.at("return block, deeper")
    made = inclusive[0] - own[0] - 4 * one, inclusive[1] - own[1] - 4
    assert made == (0, 0) if EXACT else made[0] <= 4 * 1024 and made[1] <= 8


def test_one_function_under_many_callers(record):
    """More than a thread keeps at hand of what it has looked up."""
    calls = "\n".join(f"    pair()  # {i}." for i in range(600))
    recorded = record(f"""
def pair():
    a = bytes(100)
    b = bytes(300)
@profile
def f():
{calls}
pair()  # what Python makes at the first call is no other line's
f()
f()
""")
    sizes = 2 * (100 + 300 + 2 * HEAD)
    for i in range(600):
        inclusive, own = recorded.at(f"# {i}.")
        made = inclusive[0] - own[0] - sizes, inclusive[1] - own[1] - 4, inclusive[4]
        # Before, frame objects, and what Python keeps of a function that is called often.
        assert made == (0, 0, 0) if EXACT else 0 <= made[0] <= 2048 and 0 <= made[1] <= 4, i


def test_every_way_to_allocate(record):
    recorded = record("""
        import ctypes, threading
        @profile
        def grown():
            x = bytearray(100)
            x.extend(bytes(100000))
            return x
        @profile
        def in_thread(out):
            out.append(bytes(4444))
        @profile
        def numbers():
            for i in range(10):
                block = bytes(600)
                yield block
        @profile
        def foreign():
            libc = ctypes.CDLL(None)
            libc.malloc.restype = ctypes.c_void_p
            libc.malloc.argtypes = [ctypes.c_size_t]
            for i in range(3):
                libc.malloc(777)
        out = [None] * 8
        out.clear()
        threads = [threading.Thread(target=in_thread, args=(out,)) for i in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        kept = grown(), list(numbers()), foreign()
        """)
    end = HEAD if sys.version_info >= (3, 15) else 1  # from then on its block is one of bytes
    assert recorded.at("x.extend")[1][4] == 100_100 + end  # its own; what it took is not left
    assert recorded.at("out.append")[1][0] >= 3 * (4444 + HEAD)
    assert recorded.at("block = bytes(600)")[1][:2] == (10 * (600 + HEAD), 10)
    assert recorded.at("libc.malloc(777)")[1][4:] == (3 * 777, 3)


def test_numpy_and_libraries_that_are_loaded_later(record):
    recorded = record("""
        @profile
        def f():
            import numpy
            zeros = numpy.zeros(1_000_000)
            return zeros
        kept = f()
        """)
    allocated, _, _, _, left, _ = recorded.at("zeros = numpy")[0]
    assert 8_000_000 <= allocated < 8_100_000 and 8_000_000 <= left < 8_010_000


def test_code_that_dies_and_code_at_its_address(record):
    recorded = record("""
        @profile
        def f():
            for i in range(3000):
                names = {}
                exec(compile("x = bytes(1000 + %d)" % i, "file%d.py" % (i % 7), "exec"), names)
                names.clear()
        f()
        """)
    inclusive, own = recorded.at("exec(compile(")
    assert inclusive[0] - own[0] >= sum(1000 + i + HEAD for i in range(3000))
    assert inclusive[5] < 100, "what died is not left"


@pytest.mark.parametrize("options", [[], ["--line-time", "--peak"], ["--functions"]])
def test_what_is_recorded_of_us_is_nothing(record, options):
    """Lines above 256: the interpreter makes an object of each number that it tells us."""
    recorded = record(
        "\n" * 400
        + "\n".join(
            [
                "@profile",
                "def f(n):",
                "    x = 1",
                "    while n:",
                "        n -= 1",
                "    return x",
                "f(200)",
                "f(200)",
            ]
        ),
        *options,
    )
    for text in "x = 1", "while n:", "n -= 1", "return x":
        inclusive, own = recorded.at(text)
        if EXACT:
            assert inclusive == own == (0, 0, 0, 0, 0, 0), text
        else:
            assert inclusive[4:] == (0, 0), text


def test_columns_and_the_line_below_the_tables(run):
    source = """
        @profile
        def f():
            if 0:
                never = 1
            return bytes(3 << 20)
        kept = f()
        """
    outcome = run.m(source, options=["--allocations"]).ok()
    head = "Line #    Mem usage    Increment  Occurrences    Allocated     Allocs      At peak"
    assert head + "         Left   Line Contents" in outcome.stdout
    (row,) = [line for line in outcome.stdout.splitlines() if "bytes(3" in line]
    assert row.split()[6:14] == ["3.000", "MiB", "1", "3.000", "MiB", "3.000", "MiB", "return"]
    (row,) = [line for line in outcome.stdout.splitlines() if "never" in line]
    assert row.split() == ["4", "never", "=", "1"], "what never ran has no numbers"
    last = outcome.stdout.rstrip().splitlines()[-1]
    assert (
        last.startswith("Heap: peak 3.0 MiB in ")
        and ", at script.py:" in last
        and "; left 3." in last
    )
    assert outcome.stderr == ""
    assert "Heap:" not in run.m(source).ok().stdout


def test_own_numbers_are_asked_for(run):
    outcome = run.m(
        """
        def helper(): return bytes(3 << 20)
        @profile
        def f():
            return helper()
        kept = f()
        """,
        options=["--allocations=own"],
    ).ok()
    (row,) = [line for line in outcome.stdout.splitlines() if "return helper" in line]
    words = row.split()[6:13]
    assert words[2] == "0" or not EXACT
    assert [*words[:2], *words[3:]] == ["0.000", "MiB", "0.000", "MiB", "0.000", "MiB"]


def test_what_is_left_is_read_before_atexit(record):
    recorded = record("""
        import atexit, threading, time
        kept = []
        @profile
        def f():
            kept.append(bytes(1 << 20))
        def late():
            time.sleep(0.2)
            kept.append(bytes(1 << 19))
        atexit.register(kept.clear)
        f()
        threading.Thread(target=late).start()
        """)
    assert recorded.at("kept.append(bytes(1 << 20))")[0][4] >= (1 << 20) + HEAD
    assert recorded.heap["left_bytes"] > (1 << 20) + (1 << 19)


@pytest.mark.parametrize(
    "end, status",
    [("raise SystemExit(3)", 3), ("1 / 0", 1), ("import os; os.kill(os.getpid(), 15)", -15)],
)
def test_ends_are_as_without_us(run, end, status):
    source = f"@profile\ndef f(): return bytes(1 << 20)\nkept = f()\n{end}\n"
    outcome = run.m(source, options=["--allocations"])
    assert outcome.returncode == status
    assert "Heap: peak 1.0 MiB in " in outcome.stdout and ", at script.py:" in outcome.stdout
    assert run.m(source).stderr == outcome.stderr


def test_forks_and_pools(record):
    recorded = record("""
        import os, subprocess, sys
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context
        def work(n): return len(bytes(n))
        @profile
        def f():
            kept = bytes(1 << 20)
            for i in range(20):
                pid = os.fork()
                if pid == 0:
                    more = [bytes(1000) for i in range(1000)]
                    os._exit(len(more) != 1000)
                assert os.waitpid(pid, 0)[1] == 0
            with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
                assert list(pool.map(work, [10, 20])) == [10, 20]
            subprocess.run([sys.executable, "-c", "print(len(bytes(100)))"], check=True)
            return kept
        kept = f()
        """)
    size = (1 << 20) + HEAD
    assert recorded.at("kept = bytes(1 << 20)")[1] == (size, 1, size, 1, size, 1)


def test_threads_that_hold_no_lock(record):
    """zlib and hashlib let go of the interpreter's lock while they allocate."""
    recorded = record("""
        import threading, zlib
        data = bytes(300_000)
        @profile
        def work():
            for i in range(50):
                packed = zlib.compress(data)
                back = zlib.decompress(packed)
        threads = [threading.Thread(target=work) for i in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """)
    allocated, count, _, _, left, blocks = recorded.at("packed = zlib")[0]
    assert allocated > 200 * 250_000 and count >= 200 and 0 <= left < 4096
    assert recorded.at("back = zlib")[0][4] < 4096
    assert recorded.heap["freed_unseen_blocks"] == 0


TRACED = """
import tracemalloc
assert tracemalloc.is_tracing() is {first}
{before}
@profile
def f():
    y = [None] * 1000
    for i in range(1000):
        y[i] = bytes(100)
    return y
y = f()
"""


def test_an_allocator_that_is_put_back_is_told(run):
    source = TRACED.format(first=True, before="tracemalloc.stop()")
    outcome = run.m(source, options=["--allocations"], env=environment(PYTHONTRACEMALLOC="1"))
    assert outcome.returncode == 0 and "Heap: peak" in outcome.stdout
    assert [line for line in outcome.stderr.splitlines() if "to the end" in line] == [
        f"memory_profiler: --allocations did not see {what} to the end: the program has put back"
        " the allocator of before"
        for what in ("objects of Python", "the memory of Python's objects")
    ]


@pytest.mark.parametrize("before", ["tracemalloc.start(5)", "tracemalloc.start(); {stop}"])
def test_tracemalloc_that_the_program_starts(record, before):
    before = before.replace("{stop}", "x = [bytes(9) for i in range(99)]; tracemalloc.stop()")
    recorded = record(TRACED.format(first=False, before=before))
    assert recorded.outcome.stderr == ""
    allocated, allocations, *_ = recorded.at("y[i] = bytes")[1]
    assert allocations >= 1000 and allocated >= 1000 * (100 + HEAD)
    if "stop" in before:
        assert (allocated, allocations) == (1000 * (100 + HEAD), 1000)


def test_the_backend_tracemalloc_beside_it(record):
    source = TRACED.format(first=True, before="")
    recorded = record(source, "--backend", "tracemalloc")
    blocks = 1000 * (100 + HEAD)
    assert recorded.outcome.stderr == ""
    assert recorded.at("y[i] = bytes")[1][:2] == (blocks, 1000)
    assert recorded.at("y = [None]")[1][0] >= 8 * 1000


GENERATED = """
import random, sys
HEAD = sys.getsizeof(b"")
@profile
def program(seed):
    rng = random.Random(seed)
    slots = [None] * 64
    sizes = [0] * 64
    total = count = 0
    for step in range(4000):
        at = rng.randrange(64)
        slots[at] = None
        size = rng.choice((1, 100, 500, 600, 5000, 70_000)) + rng.randrange(300)
        if rng.random() < 0.6:
            slots[at] = bytes(size)  # counted
            sizes[at] = size + HEAD
            total += size + HEAD
            count += 1
        else:
            sizes[at] = 0
    return slots, total, count, sum(sizes), sum(1 for size in sizes if size)
slots, *counts = program({seed})
print("COUNTED", *counts)
"""


@pytest.mark.parametrize("seed", range(4))
def test_generated_programs_count_themselves(record, seed):
    recorded = record(GENERATED.replace("{seed}", str(seed)))
    total, count, left, blocks = map(
        int, recorded.outcome.stdout.split("COUNTED ")[1].split("\n")[0].split()
    )
    allocated, allocations, at_peak, _, still, still_blocks = recorded.at("# counted")[1]
    assert (allocated, allocations, still, still_blocks) == (total, count, left, blocks)
    assert left <= at_peak <= recorded.heap["at_peak_bytes"]


@pytest.mark.skipif(sys.platform != "linux", reason="what the kernel counts, page by page: Linux")
def test_the_log_is_not_in_the_other_columns(run):
    """Memory of small blocks, for each of which the log has a place."""
    source = """
        @profile
        def f():
            first = [bytes(10) for i in range(100)]
            rows = [bytes(24) for i in range(400_000)]
            more = [bytes(3000) for i in range(4000)]
            return rows, more
        f()
        """
    with_log = run.m(source, options=["--allocations", "--peak"]).ok()
    without = run.m(source, options=["--peak"]).ok()
    for text in "rows = ", "more = ":
        one, other = (
            [line for line in outcome.stdout.splitlines() if text in line][0].split()
            for outcome in (with_log, without)
        )
        for column in 3, 6:  # increment, peak; which freed pieces malloc() uses again may differ
            assert float(one[column]) == pytest.approx(float(other[column]), rel=0.02, abs=0.5)
