"""What recording every allocation costs: processor time of typical work, as a ratio to plain.

    python bench/allocations.py [--rounds N] [--peer PYTHON] [WORK...]

Of the Python that runs this, with the project installed; PYTHON has memray. Each round runs all in
turn, each in a process of its own that times the work alone. With Python's own allocators memray
sees what we do; by default it sees no block up to 512 bytes.
"""

import argparse
import subprocess
import sys

from frame import Failed, Series, Table, run

# What it does, and the ratio that must hold.
WORKS = {
    "julia": (
        1.40,
        """
def work():
    total = 0
    for i in range(60):
        z, c = complex(0.1 * i / 60, 0.3), complex(-0.62772, -0.42193)
        for j in range(20000):
            z = z * z + c
            if abs(z) > 2: z = complex(0.1, 0.1)
            total += 1
    return total""",
    ),
    "records": (
        1.45,
        """
def work():
    rows = []
    for i in range(300000):
        name = "item%d" % i
        row = {"id": i, "name": name}
        row["tags"] = [name, i]
        rows.append(row)
    return rows""",
    ),
    "json": (
        1.30,
        """
import json
text = json.dumps([{"id": i, "name": "item%d" % i, "tags": [i, str(i)]} for i in range(60000)])
def work():
    for i in range(4): json.loads(text)""",
    ),
    "strings": (
        1.50,
        """
def work():
    for i in range(700000):
        a = "x%d" % i
        b = a + "abc"
        c = b.upper()""",
    ),
    "threads": (
        1.20,
        """
import threading, zlib
data = bytes(range(256)) * 200
def one():
    for i in range(40000): str(i) + "x"
    for i in range(60): zlib.compress(data)
def work():
    threads = [threading.Thread(target=one) for i in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()""",
    ),
    "numpy": (
        1.10,
        """
import numpy
a = numpy.arange(5000.0)
def work():
    for i in range(12000): (a * 2 + 1 - a).sum()""",
    ),
    "fib": (
        1.08,
        """
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def work(): fib(27)""",
    ),
    "imports": (
        1.6,
        """
def work():
    import asyncio, unittest, http.server, xml.dom.minidom, email.mime.text, concurrent.futures""",
    ),
    "bushy recursion": (
        3.5,
        """
def tree(n): return [tree(n - 1), tree(n - 1)] if n else [0]
def work(): tree(15)""",
    ),
}

TIMED = """
import time
begin = time.process_time()
kept = work()
took = time.process_time() - begin
"""
WAYS = {
    "plain": ("", ""),
    "ours": (
        "from memory_profiler import _memprof\nassert _memprof.heap_start('/nowhere', '') == []\n",
        "_memprof.heap_stop()\n",
    ),
    "memray": ("import memray\ntracker = memray.Tracker('{out}')\ntracker.__enter__()\n", ""),
    "memray, all": (
        "import memray\n"
        "tracker = memray.Tracker('{out}', trace_python_allocators=True)\ntracker.__enter__()\n",
        "",
    ),
}


def seconds(python, source, way):
    before, after = WAYS[way]
    text = source + "\n" + before.replace("{out}", "/dev/null") + TIMED + after + "print(took)\n"
    return float(run([python, "-c", text]))


def add_rows(table, python, peer, rounds, works=tuple(WORKS)):
    """`peer` is a Python that has memray, or None."""
    for name in works:
        must, source = WORKS[name]
        took = {way: [] for way in WAYS if peer or "memray" not in way}
        for _ in range(rounds):
            for way, times in took.items():
                times.append(seconds(peer if "memray" in way else python, source, way))
        ratios = {
            way: Series([one / plain for one, plain in zip(times, took["plain"])])
            for way, times in took.items()
        }
        notes = [f"{way}: {ratios[way].text(2, '×')}" for way in ratios if "memray" in way]
        table.add(f"--allocations: {name}", ratios["ours"], 2, "×", must, note="; ".join(notes))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", help="a Python that has memray")
    parser.add_argument("works", nargs="*", metavar="WORK", help=", ".join(WORKS))
    options = parser.parse_args()
    table = Table()
    try:
        add_rows(table, sys.executable, options.peer, options.rounds, options.works or tuple(WORKS))
    except (Failed, subprocess.SubprocessError, KeyError) as error:
        sys.exit(f"allocations.py: {error}")
    print(table.text())


if __name__ == "__main__":
    main()
