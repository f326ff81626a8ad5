"""The cost of memory_usage and %memit, beside memory_profiler 0.61.  `sh tools/bench.sh` runs it.

    python bench/usage.py [--rounds N] PYTHON...

Each PYTHON has the project installed, and IPython if %memit is to be timed. In every round ours and
0.61 each run in a process of its own, one behind the other.
"""

import argparse
import json
import sys

from frame import ROOT, Environment, Failed, Series, Table, run


def measure(python, who):
    return json.loads(run([python, ROOT / "bench" / "usage_worker.py", who]).splitlines()[-1])


def add_rows(table, environment, rounds):
    pairs = [
        (measure(environment.ours, "ours"), measure(environment.peer, "peer"))
        for _ in range(rounds)
    ]

    def ours(figure):
        return Series([one[figure] for one, _ in pairs])

    def theirs(figure, digits, unit):
        known = [other[figure] for _, other in pairs if other.get(figure) is not None]
        return (
            f"0.61: {Series(known).median:,.{digits}f}{unit}" if known else "0.61: not one sample"
        )

    table.add(
        "memory_usage((noop,)), calls per second", ours("calls"), 0, "", note=theirs("calls", 1, "")
    )
    table.add(
        "memory_usage((noop,)), calls per second, over 0.61",
        Series([one["calls"] / other["calls"] for one, other in pairs]),
        0,
        "×",
    )
    table.add(
        "memory_usage, from the call to the function's first line",
        ours("start"),
        0,
        " µs",
        200,
        note=theirs("start", 0, " µs"),
    )
    table.add(
        "memory_usage, from the function's end to a list of 2 s at 0.1 ms",
        ours("list"),
        2,
        " ms",
        25,
        note=f"{ours('listed').median:,.0f} samples",
    )
    table.add(
        "samples 1 ms apart while C code holds the interpreter: 99 % of gaps are off by at most",
        ours("jitter"),
        0,
        " µs",
        note=theirs("jitter", 0, " µs"),
    )
    table.add(
        "likewise, deadlines that got their sample",
        ours("held"),
        1,
        " %",
        note=theirs("held", 1, " %"),
    )
    if all("memit" in one and "memit" in other for one, other in pairs):
        table.add("%memit 1", ours("memit"), 2, " ms", note=theirs("memit", 0, " ms"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for python in options.pythons:
        environment = Environment(python)
        environment.install_peers()
        table = Table()
        add_rows(table, environment, options.rounds)
        print(f"Python {environment.version}\n\n{table.text()}\n")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"bench: {failure}")
