"""What `mprof run --types` costs a program of many objects: processor time against a run without it,
and dozer's way (a thread that counts what the collector lists, in Python) beside it.

    python bench/type_watch.py [--rounds N] [--objects N] MPROF

The Pythons are those that MPROF finds. The program makes its objects, then works for some ten
seconds; its own clock measures that work alone.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

from frame import Failed, Series, Table, run

PROGRAM = """
import gc, sys, threading, time

def count():
    while True:
        time.sleep(1)
        gc.collect()
        found = {{}}
        for thing in gc.get_objects():
            kind = type(thing)
            found[kind] = found.get(kind, 0) + 1

n = {objects}
kept = [{{"id": i + 1000, "name": f"n{{i}}", "xy": (i + 0.5, i + 0.25)}} for i in range(n // 6)]
if sys.argv[2] == "dozer":
    threading.Thread(target=count, daemon=True).start()
begin = time.process_time()
for _ in range(7000):
    sum(range(50000))
with open(sys.argv[1], "w") as file:
    print(time.process_time() - begin, file=file)
"""
MUST = 1.02
WAYS = {"plain": [], "types": ["--types=1"], "dozer": []}


def seconds(mprof, folder, way):
    run([mprof, "run", "-q", "-o", "x.dat", *WAYS[way], "program.py", "took", way], cwd=folder)
    return float((folder / "took").read_text())


def censuses(folder):
    lines = (folder / "x.dat").read_text().splitlines()
    return len({line.split(" ")[2] for line in lines if line.startswith("#TYPE/")})


def add_rows(table, mprof, rounds, objects=10**6):
    took = {way: [] for way in WAYS}
    counted = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "program.py").write_text(PROGRAM.format(objects=objects))
        for _ in range(rounds):
            for way, results in took.items():
                results.append(seconds(mprof, folder, way))
                if way == "types":
                    counted.append(censuses(folder))
    ratios = {
        way: Series([one / plain for one, plain in zip(results, took["plain"])])
        for way, results in took.items()
    }
    table.add(
        f"mprof run --types=1, {objects:,} objects, over a run without",
        ratios["types"],
        3,
        "×",
        MUST,
        note=f"{min(counted)} to {max(counted)} counts; dozer's way {ratios['dozer'].text(2, '×')}",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=10**6)
    parser.add_argument("mprof", metavar="MPROF")
    options = parser.parse_args()
    table = Table()
    try:
        mprof = pathlib.Path(options.mprof).absolute()
        add_rows(table, mprof, options.rounds, options.objects)
    except (Failed, subprocess.SubprocessError, ValueError, OSError) as error:
        sys.exit(f"type_watch.py: {error}")
    print(table.text())


if __name__ == "__main__":
    main()
