"""What a census of the heap costs: nanoseconds and bytes an object, beside guppy3 and pympler.

    python bench/census.py [--rounds N] [--objects N]... [--peer PYTHON] [HEAP...]

Of the Python that runs this, with the project installed; PYTHON has guppy3 and pympler. Each
measurement has a process of its own, which makes the heap and times the census alone.
"""

import argparse
import subprocess
import sys

from frame import Failed, Series, Table, run

SLOW = 220  # nanoseconds an object, in random order
FAST = 25
SLOWER = {"guppy3": 20, "pympler": 15}  # that many times, at least
BYTES = 5  # an object, from a million objects on
OWNERS = 260  # nanoseconds an object, and bytes
OWNERS_BYTES = 64
OBJECTS = (10**5, 10**6)

# What makes n objects, and the nanoseconds an object that must hold.
HEAPS = {
    "rows": (
        FAST,
        "[{'id': i + 1000, 'name': f'n{i}', 'xy': (i + .5, i + .25)} for i in range(n // 6)]",
    ),
    "shuffled": (
        SLOW,
        "shuffled([{'id': i + 1000, 'name': f'n{i}', 'xy': (i + .5, i)} for i in range(n // 6)])",
    ),
    "instances": (FAST, "[Two(i) for i in range(n // 3)]"),
    "ints": (FAST, "list(range(10**6, 10**6 + n))"),
}

MAKE = """
import gc, random, sys, time

class Two:
    def __init__(self, i):
        self.a, self.b = i + 1000, f"n{{i}}"

def shuffled(rows):
    random.Random(1).shuffle(rows)
    return rows

def highest():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

n = {n}
kept = {heap}
{before}
with open("/proc/self/clear_refs", "w") as mark:
    mark.write("5")
memory, begin = highest(), time.process_time()
{census}
print(time.process_time() - begin, highest() - memory, {objects})
"""

OURS = "ours", "owners"

# What is imported before, what is timed, and how many objects there are, the interpreter's too;
# peers see fewer of them, and are asked about n.
WAYS = {
    "ours": ("from memory_profiler import heap", "found = heap()", "found.objects"),
    "owners": (
        "from memory_profiler import heap; found = heap()",
        "found.owners(10)",
        "found.objects",
    ),
    "guppy3": ("from guppy import hpy; heapy = hpy()", "str(heapy.heap())", "n"),
    "pympler": (
        "from pympler import muppy, summary",
        "summary.summarize(muppy.get_objects())",
        "n",
    ),
}


def measure(python, heap, n, way):
    """(nanoseconds an object, bytes an object, seconds in all)"""
    before, census, objects = WAYS[way]
    text = MAKE.format(n=n, heap=HEAPS[heap][1], before=before, census=census, objects=objects)
    seconds, size, found = map(float, run([python, "-c", text]).split())
    return seconds / found * 1e9, size / found, seconds


def add_ours(table, name, rounds, must, must_bytes):
    times, sizes, _ = map(Series, zip(*rounds))
    table.add(name, times, 1, " ns", must)
    table.add(f"{name}: memory", sizes, 1, " B", must_bytes)


def add_ratio(table, name, peer, took):
    """Of the time of a whole census, though ours counts what peers do not see."""
    pairs = zip(took[peer], took["ours"])
    ratios = Series([others[2] / ours[2] for others, ours in pairs])
    times = Series([time for time, _, _ in took[peer]])
    table.add(name, ratios, 1, "×", SLOWER[peer], at_least=True, note=times.text(0, " ns"))


def add_rows(table, python, peer, rounds, sizes=OBJECTS, heaps=tuple(HEAPS)):
    """`peer` is a Python that has guppy3 and pympler, or None."""
    for heap in heaps:
        for n in sizes:
            took = {way: [] for way in WAYS if peer or way in OURS}
            for _ in range(rounds):
                for way, results in took.items():
                    results.append(measure(python if way in OURS else peer, heap, n, way))
            of = f"{heap}, {n:,} objects"
            bytes_of, bytes_of_owners = (BYTES, OWNERS_BYTES) if n >= 10**6 else (None, None)
            add_ours(table, f"heap(): {of}", took["ours"], HEAPS[heap][0], bytes_of)
            for way in filter(took.get, SLOWER):
                add_ratio(table, f"{way} over heap(): {of}", way, took)
            add_ours(table, f"heap().owners(): {of}", took["owners"], OWNERS, bytes_of_owners)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--objects", type=int, action="append", help="100,000 and a million")
    parser.add_argument("--peer", help="a Python that has guppy3 and pympler")
    parser.add_argument("heaps", nargs="*", metavar="HEAP", help=", ".join(HEAPS))
    options = parser.parse_args()
    table = Table()
    try:
        add_rows(
            table,
            sys.executable,
            options.peer,
            options.rounds,
            options.objects or OBJECTS,
            options.heaps or tuple(HEAPS),
        )
    except (Failed, subprocess.SubprocessError, KeyError) as error:
        sys.exit(f"census.py: {error}")
    print(table.text())


if __name__ == "__main__":
    main()
