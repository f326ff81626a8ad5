"""What recording every allocation costs apart from typical work: a pair, a frame, memory, a report.

    python bench/allocation_costs.py [--rounds N] PYTHON

PYTHON has the project installed. Each measurement has a process of its own.
"""

import json
import os
import pathlib
import tempfile

from frame import ROOT, Environment, Series, run, table_program

PAIRS = 3_000_000
DEPTH = 100
CALLS = 47  # from each function to the next, of three: their product is the number of stacks

START = "from memory_profiler import _memprof\nassert _memprof.heap_start('/nowhere', '') == []\n"

PAIR = """
import ctypes, os
with_lock, without = ctypes.PyDLL({library!r}), ctypes.CDLL({library!r})
for function in with_lock.object_pairs, without.thread_pairs:
    function.restype = ctypes.c_double
with_lock.object_pairs.argtypes = [ctypes.c_long]
without.thread_pairs.argtypes = [ctypes.c_int, ctypes.c_long]
{start}
def at_depth(n):
    return with_lock.object_pairs({pairs}) if n == 1 else at_depth(n - 1)
print(with_lock.object_pairs({pairs}), at_depth({depth} - 1),
      without.thread_pairs(os.cpu_count(), {pairs}))
"""

MEMORY = """
{start}
rows = []
for i in range(300000):
    name = "item%d" % i
    rows.append({{"id": i, "name": name, "tags": [name, i]}})
large = [bytes(20000) for i in range(1000)]
with open("/proc/self/status") as status:
    highest = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
print("[", highest, end="")
{stop}
print("]")
"""
TOTALS = """
_memprof.heap_stop()
sums, place, unseen, unfollowed, stacks, over, resident = _memprof.heap_totals()
print(",", sums[2], ",", stacks, ",", resident, end="")
"""

REPORT = """
import time
_memprof.heap_stop()
begin = time.process_time()
rows, totals, stacks = _memprof.heap_rows(), _memprof.heap_totals(), _memprof.heap_stacks(5, 0)
print(time.process_time() - begin, totals[4])
"""


def build_pairs(environment):
    """The path of the library."""
    target = environment.folder / "heap_pairs.so"
    run(
        [
            os.environ.get("CC", "cc"),
            *"-O2 -shared -fPIC -Wall -Wextra -Werror -pthread -isystem".split(),
            environment.include,
            "-o",
            target,
            ROOT / "bench" / "heap_pairs.c",
        ]
    )
    return str(target)


def add_pair_rows(table, environment, rounds):
    library, found = build_pairs(environment), {"plain": [], "ours": []}
    for _ in range(rounds):
        for way, start in ("plain", ""), ("ours", START):
            source = PAIR.format(library=library, start=start, pairs=PAIRS, depth=DEPTH)
            found[way].append(
                [float(word) for word in run([environment.ours, "-c", source]).split()]
            )
    both = list(zip(found["plain"], found["ours"]))
    note = Series([ours[0] - plain[0] for plain, ours in both]).text(1, " ns") + " above plain"
    pairs = Series([ours[0] / plain[0] for plain, ours in both])
    table.add("--allocations: a pair of PyObject_Malloc(32)", pairs, 1, "×", 3.5, note=note)
    frames = Series([(ours[1] - ours[0]) / (DEPTH - 1) for _, ours in both])
    table.add(f"likewise, for each frame more, to a depth of {DEPTH}", frames, 2, " ns", 1.1)
    threads = Series([ours[2] / plain[2] for plain, ours in both])
    note = Series([ours[2] for _, ours in both]).text(0, " ns")
    table.add("--allocations: threads in malloc(), one a core", threads, 2, "×", 1.35, note=note)


def add_memory_row(table, environment, rounds):
    shares, notes = [], []
    for _ in range(rounds):
        plain = json.loads(run([environment.ours, "-c", MEMORY.format(start="", stop="")]))
        source = MEMORY.format(start=START, stop=TOTALS)
        highest, peak, stacks, resident = json.loads(run([environment.ours, "-c", source]))
        bound = 0.27 * peak + 100 * stacks + 4096 * 1000 + (2 << 20)
        shares.append((highest - plain[0]) / bound)
        notes.append(resident / (highest - plain[0]))
    note = f"of it the log knows {Series(notes).text(2, '×')}"
    what = "--allocations: memory of the tool, over its bound"
    table.add(what, Series(shares), 2, "×", 1, note=note)


def many_stacks():
    """A program with so many stacks that allocate."""
    calls = "\n".join(["    b()"] * CALLS)
    deeper = "\n".join(["    c()"] * CALLS)
    blocks = "\n".join(["    kept.append([0])"] * CALLS)
    return f"kept = []\ndef a():\n{calls}\ndef b():\n{deeper}\ndef c():\n{blocks}\na()\n"


def add_report_row(table, environment, rounds):
    seconds, stacks = [], 0
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "stacks.py"
        script.write_text(START + many_stacks() + REPORT)
        for _ in range(rounds):
            took, stacks = map(float, run([environment.ours, script]).split())
            seconds.append(took)
    table.add(f"--allocations: the report of {stacks:,.0f} stacks", Series(seconds), 2, " s", 0.5)


def add_rows(table, environment, rounds):
    add_pair_rows(table, environment, rounds)
    add_memory_row(table, environment, rounds)
    add_report_row(table, environment, rounds)


if __name__ == "__main__":
    table_program(
        __doc__,
        lambda table, options: add_rows(table, Environment(options.python), options.rounds),
        {"python": {"metavar": "PYTHON"}, "--rounds": {"type": int, "default": 5}},
    )
