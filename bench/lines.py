"""The cost of line tables, as ratios within one run.  `sh tools/bench.sh` prepares and runs this.

    python bench/lines.py [--rounds N] [--events N] [--write] PYTHON...

Each PYTHON has the project installed. Every figure is the median over the rounds, with the least
and the most; within a round each kind of profiler runs in a process of its own, one behind the
other, and gives the median of 25 short repetitions, in units of a fixed piece of work timed beside
each. Overheads are above the plain run of the same round.
"""

import argparse
import pathlib
import re
import sys
import tempfile
import time

import allocation_costs
import allocations
import census
import live
import many
import mprof_sampling
import own_lines
import peak
import plot
import top
import type_watch
import usage
from frame import (
    BUILD,
    REFERENCE_NS,
    ROOT,
    Environment,
    Failed,
    Series,
    Table,
    load,
    machine,
    run,
    today,
)

SHAPES = ["julia", "fib", "generator", "records", "long", "helper", "julia*4"]
PEER_SHAPES = ["julia", "fib", "generator", "records"]
NOISE_NS = 3.0  # per line: what plain runs differ by among themselves


class Round:
    """The overheads of one round, in nanoseconds per unit."""

    def __init__(self, environment, with_peers):
        plain = environment.work("plain", 1, *SHAPES)
        empty = environment.work("empty", 1, *SHAPES)
        ours = environment.work("decorated", 1, *SHAPES)
        self.plain = plain
        # A bare pread where the lines are: in a tight loop all the kernel needs would be at hand.
        self.pread = environment.work("pread", 1, "long")["long"] - empty["long"]
        self.empty = {shape: empty[shape] - plain[shape] for shape in SHAPES}
        self.ours = {shape: ours[shape] - plain[shape] for shape in SHAPES}
        columns = ("julia", "fib", "long")
        self.timed = environment.work("timed", 1, *columns)
        self.peaked = environment.work("peaked", 1, *columns)
        for more in (self.timed, self.peaked):
            for shape in columns:
                more[shape] -= ours[shape]
        self.functions = environment.work("functions", 1, "fib")["fib"] - plain["fib"]
        self.both = environment.work("both", 1, "fib")["fib"] - plain["fib"]
        self.cprofile = environment.work("cprofile", 1, "fib")["fib"] - plain["fib"]
        self.selected = environment.work("selected", 1, "fib")["fib"]
        self.hooked = (
            plain["fib"] if environment.new_python else environment.work("hooked", 1, "fib")["fib"]
        )
        self.timer = self.old = None
        if with_peers:
            timer = environment.work("line_profiler", 1, *PEER_SHAPES, peer=True)
            old = environment.work("decorated", 0.02, "julia", "fib", peer=True)
            self.timer = {shape: timer[shape] - plain[shape] for shape in timer}
            self.old = {shape: old[shape] - plain[shape] for shape in old}


def add_event_rows(table, rounds):
    def series(figure):
        return Series([figure(one) for one in rounds])

    def against_empty(shape):
        return series(lambda one: one.ours[shape] / one.empty[shape])

    def nanoseconds(shape):
        ours, empty = series(lambda one: one.ours[shape]), series(lambda one: one.empty[shape])
        plain = series(lambda one: one.plain[shape])
        return (
            f"{ours.median:,.0f} ns; empty callback {empty.median:,.0f}, plain {plain.median:,.0f}"
        )

    for shape, what in [
        ("julia", "a line event (Julia), against an empty C callback"),
        ("fib", "a call of a small function (fib), likewise"),
        ("generator", "a resume of a generator, likewise"),
    ]:
        table.add(what, against_empty(shape), 2, "×", 1.6, 1.25, note=nanoseconds(shape))
    table.add(
        "a line that allocates a little (records), likewise",
        against_empty("records"),
        2,
        "×",
        note=nanoseconds("records"),
    )
    table.add(
        "a line longer than the gate, above pread of statm",
        series(lambda one: one.ours["long"] - one.pread),
        0,
        " ns",
        250,
        60,
        note=f"pread {series(lambda one: one.pread).median:,.0f} ns, {nanoseconds('long')}",
    )
    if rounds[0].new_python:
        table.add(
            "a line of an unprofiled helper",
            series(lambda one: one.ours["helper"]),
            1,
            " ns",
            NOISE_NS,
            note=nanoseconds("helper"),
        )
    else:
        table.add(
            "a line of an unprofiled helper, against an empty C trace",
            against_empty("helper"),
            2,
            "×",
            1.0,
            0.2,
            note=nanoseconds("helper"),
        )
    table.add(
        "an event with four threads, against one thread",
        series(lambda one: one.ours["julia*4"] / one.ours["julia"]),
        2,
        "×",
        1.1,
        note=nanoseconds("julia*4"),
    )


def add_column_rows(table, rounds):
    for columns, option in [("timed", "--line-time"), ("peaked", "--peak")]:
        for shape, what, must, aim in [
            ("julia", "a line shorter than the gate", 15, None),
            ("fib", "a call of a small function", None, None),
            # What two runs of such a line differ by is more than the bound of --line-time.
            (
                "long",
                "a line longer than the gate",
                *((3500, 1000) if columns == "peaked" else (None, None)),
            ),
        ]:
            more = Series([getattr(one, columns)[shape] for one in rounds])
            table.add(f"{option}, {what}: more than without", more, 1, " ns", must, aim)


def add_function_rows(table, rounds):
    calls = Series([one.functions for one in rounds])
    theirs = Series([one.cprofile for one in rounds])
    must = 150 if rounds[0].new_python else None
    table.add(
        "--functions, a call (fib)",
        calls,
        0,
        " ns",
        must,
        note=f"cProfile, which measures time alone: {theirs.text(0, ' ns')}",
    )
    both = Series([one.both / (one.functions + one.ours["fib"]) for one in rounds])
    table.add(
        "@profile with --functions, a call (fib), over the sum of both apart",
        both,
        2,
        "×",
        1.3,
        note=f"{Series([one.both for one in rounds]).text(0, ' ns')}",
    )


def add_selection_row(table, rounds):
    """What is not selected: before 3.12 the interpreter inlines no call under a frame-eval hook."""
    plain = Series([one.selected / one.plain["fib"] for one in rounds])
    what = "-p, a call of a function that is not selected (fib), against"
    if rounds[0].new_python:
        table.add(f"{what} plain", plain, 2, "×", 1.25)
        return
    empty = Series([one.hooked / one.plain["fib"] for one in rounds])
    table.add(
        f"{what} an empty frame-eval hook",
        Series([one.selected / one.hooked for one in rounds]),
        2,
        "×",
        1.25,
        note=f"against plain {plain.text(2, '×')}, of which the empty hook {empty.text(2, '×')}",
    )


def add_peer_rows(table, rounds):
    def ratio(peer, shape):
        return Series([getattr(one, peer)[shape] / one.ours[shape] for one in rounds])

    def note(peer, shape):
        return f"{Series([getattr(one, peer)[shape] for one in rounds]).median:,.0f} ns there"

    for peer, shape, what, must, aim in [
        ("old", "julia", "memory_profiler 0.61, a line, over ours", 300, 600),
        ("old", "fib", "memory_profiler 0.61, a call, over ours", None, None),
        ("timer", "julia", "line_profiler 5 (time only), a line, over ours", 2.5, 8),
        ("timer", "fib", "line_profiler 5 (time only), a call, over ours", 5, 15),
        ("timer", "generator", "line_profiler 5 (time only), a resume, over ours", None, None),
        ("timer", "records", "line_profiler 5 (time only), records, over ours", None, None),
    ]:
        table.add(what, ratio(peer, shape), 1, "×", must, aim, True, note(peer, shape))


def seconds(command):
    start = time.perf_counter()
    run(command)
    return time.perf_counter() - start


def add_julia_row(table, environment, rounds):
    script = ROOT / "examples" / "julia.py"
    ratios, plain_times, times = [], [], []
    for _ in range(rounds):
        plain = seconds([environment.ours, script])
        ours = seconds([environment.ours, "-m", "memory_profiler", script])
        plain_times.append(plain)
        times.append(ours)
        ratios.append(ours / plain)
    must, aim = (2.3, 1.6) if environment.new_python else (None, None)
    table.add(
        "examples/julia.py whole, against plain",
        Series(ratios),
        2,
        "×",
        must,
        aim,
        note=f"{Series(times).median:.1f} s; plain {Series(plain_times).median:.1f} s",
    )


IMPORT = """
import sys
def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
rss()
bare = set(sys.modules)
before = rss()
import memory_profiler
after = rss()
ours = ("memory_profiler",)
known = sys.stdlib_module_names
print(after - before, *sorted(name for name in set(sys.modules) - bare
                              if name.partition(".")[0] not in known | set(ours)))
"""


def add_import_rows(table, environment):
    """The least of three pairs of starts, eleven times: what else the machine does only adds."""

    def cost():
        bare = min(seconds([environment.ours, "-c", "pass"]) for _ in range(3))
        return (
            min(seconds([environment.ours, "-c", "import memory_profiler"]) for _ in range(3))
            - bare
        )

    costs = Series([1000 * cost() for _ in range(11)])
    table.add("import memory_profiler, over a bare interpreter", costs, 1, " ms", 10)
    words = [run([environment.ours, "-c", IMPORT]).split() for _ in range(5)]
    strangers = sorted({name for line in words for name in line[1:]})
    note = "third-party: " + (", ".join(strangers) or "none")
    table.add(
        "import memory_profiler, RSS",
        Series([int(line[0]) / 2**20 for line in words]),
        2,
        " MiB",
        1.5,
        note=note,
    )
    if strangers:
        raise Failed(f"import memory_profiler brings {', '.join(strangers)}")


GROWTH = """
import re

def rss():
    with open("/proc/self/smaps_rollup") as file:
        return int(re.search(r"Rss: +(\\d+)", file.read())[1]) * 1024

@profile
def spin(n):
    total = 0
    for i in range(n):
        total += i
    return total

rss()
spin(500000)
before = rss()
spin({n} // 2)
after = rss()
print("grown", after - before)
"""


def add_growth_row(table, environment, events):
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        script = pathlib.Path(folder) / "growth.py"
        script.write_text(GROWTH.replace("\\\\", "\\").replace("{n}", str(events)))
        output = run([environment.ours, "-m", "memory_profiler", script])
    grown = int(re.search(r"grown (-?\d+)", output)[1]) / 1024
    table.add(f"memory of the tool over {events:,} line events", Series([grown]), 0, " KiB", 64)


def gate_of(environment):
    text = run([environment.ours, "-m", "memory_profiler", "--version", "-v"])
    return next((line for line in text.splitlines() if line.startswith("gate")), "gate: unknown")


def bench(environment, options):
    print(f"Python {environment.version}", file=sys.stderr)
    environment.build_empty_callback()
    environment.install_peers()
    rounds = []
    for _ in range(options.rounds):
        rounds.append(Round(environment, with_peers=True))
        rounds[-1].new_python = environment.new_python
    table = Table()
    add_event_rows(table, rounds)
    add_column_rows(table, rounds)
    add_function_rows(table, rounds)
    add_selection_row(table, rounds)
    add_peer_rows(table, rounds)
    add_julia_row(table, environment, options.rounds)
    add_import_rows(table, environment)
    add_growth_row(table, environment, options.events)
    own_lines.add_rows(table, environment.ours, options.rounds)
    many.add_rows(table, environment.ours, options.rounds)
    live.add_rows(table, environment, options.rounds, 60)
    usage.add_rows(table, environment, options.rounds)
    allocations.add_rows(table, environment.ours, environment.peer, options.rounds)
    allocation_costs.add_rows(table, environment, options.rounds)
    census.add_rows(table, environment.ours, environment.peer, options.rounds)
    return f"## Python {environment.version}\n\n{gate_of(environment)}\n\n{table.text()}\n"


def bench_mprof(environment, seconds):
    """mprof, whose figures do not depend on the Python beside it, but for marked calls."""
    print("mprof", file=sys.stderr)
    mprof = environment.ours.parent / "mprof"
    table = Table()
    mprof_sampling.add_rows(table, mprof, environment.peer, seconds, environment.ours)
    top.add_rows(table, mprof, seconds)
    peak.add_rows(table, mprof, environment.peer, environment.ours)
    plot.add_rows(table, mprof, environment.peer, 5)
    type_watch.add_rows(table, mprof, 5)
    return f"## mprof, with Python {environment.version}\n\n{table.text()}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=10**8, help="line events of the growth row")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/RESULTS.md")
    options = parser.parse_args()
    environments = [Environment(python) for python in options.pythons]
    parts = [bench(environment, options) for environment in environments]
    parts.append(bench_mprof(environments[-1], 10))
    text = (
        "# What it costs\n\n"
        f"{today()}, `sh tools/bench.sh`, {machine()}; {options.rounds} rounds.\n"
        f"{load()}\n\n"
        "Medians over the rounds, with the least and the most. Overheads are above a plain run of\n"
        "the same round; `×` are ratios within a round. The peers come from PyPI:\n"
        "memory_profiler 0.61.0 and line_profiler 5, which measures time alone. Nanoseconds are\n"
        f"those of a machine on which sum(range(20000)) takes {REFERENCE_NS // 1000} µs.\n\n"
        + "\n".join(parts)
    )
    print(text)
    if options.write:
        (ROOT / "bench" / "RESULTS.md").write_text(text)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"bench: {failure}")
