"""What FILE.live costs: a line event with it and without, the slowest lines, and its report.

    python bench/live.py [--rounds N] [--seconds N] PYTHON

PYTHON has the project installed. Both kinds run by turns, so that a machine that changes its speed
favours none. Files lie in the build folder, on a disk that writes them back meanwhile. The slowest
lines are of `--seconds` of each kind. `sh tools/bench.sh` runs this among the others.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from frame import Environment, Failed, Series, Table, run

FUNCTIONS = 1_000
SLICE = 15  # seconds of one kind before it is the other's turn
# How long each of many short lines takes, in a histogram of tenths of a microsecond.
TAIL = """
import json, sys, time
MOST = 1_000_000  # longer than a tenth of a second: all in one
counts, longest = [0] * MOST, 0
@profile
def work(end, counts, clock):
    global longest
    last = clock()
    while last < end:
        x = last
        now = clock()
        took, last = now - last, now
        counts[took // 100 if took < 100 * MOST else MOST - 1] += 1
        if took > longest:
            longest = took
        last = clock()
work(time.perf_counter_ns() + int(float(sys.argv[1]) * 1e9), counts, time.perf_counter_ns)
with open("tail.json", "w") as file:
    json.dump([{100 * n: count for n, count in enumerate(counts) if count}, longest], file)
"""
MANY = "".join(
    f"@profile\ndef f{i}(x):\n    y = [x]\n    return y\n\n\nf{i}({i})\n" for i in range(FUNCTIONS)
)
KILLED = "import os, signal\n" + MANY + "os.kill(os.getpid(), signal.SIGKILL)\n"


def add_event_row(table, environment, rounds):
    def difference():
        plain = environment.work("decorated", 1, "julia")["julia"]
        return environment.work("live", 1, "julia")["julia"] - plain

    more = Series([difference() for _ in range(rounds)])
    table.add("a line event with FILE.live, above one without", more, 2, " ns", 1)


# ---- the slowest lines


class Tail:
    """The durations of many lines."""

    def __init__(self):
        self.counts, self.longest = {}, 0

    def add(self, counts, longest):
        for nanoseconds, count in counts.items():
            self.counts[int(nanoseconds)] = self.counts.get(int(nanoseconds), 0) + count
        self.longest = max(self.longest, longest)

    def percentile(self, share):
        rest = (1 - share) * sum(self.counts.values())
        for nanoseconds in sorted(self.counts, reverse=True):
            rest -= self.counts[nanoseconds]
            if rest <= 0:
                return nanoseconds
        raise Failed("no line was timed")


def add_slice(tail, environment, folder, options, seconds):
    (folder / "tail.py").write_text(TAIL)
    arguments = ["-m", "memory_profiler", "-o", os.devnull, *options, "tail.py", seconds]
    run([environment.ours, *arguments], cwd=folder)
    tail.add(*json.loads((folder / "tail.json").read_text()))


def add_tail_rows(table, environment, folder, seconds):
    without, with_file = Tail(), Tail()
    for begin in range(0, seconds, SLICE):
        length = min(SLICE, seconds - begin)
        add_slice(without, environment, folder, [], length)
        add_slice(with_file, environment, folder, ["--json", "run.json"], length)
    lines = sum(with_file.counts.values())
    for what, figures in (
        ("the slowest of 10,000", [tail.percentile(0.9999) / 1e3 for tail in (with_file, without)]),
        ("the slowest of all", [tail.longest / 1e3 for tail in (with_file, without)]),
    ):
        table.add(
            f"a line with FILE.live, {what}",
            Series(figures[:1]),
            1,
            " µs",
            note=f"of {lines:,} in {seconds} s; without it {figures[1]:,.1f} µs",
        )


# ---- from the kill to its report


def seconds_of_report(environment, folder):
    """Processor time of a report on a run of many functions that was killed."""
    (folder / "many.py").write_text(KILLED)
    command = [environment.ours, "-m", "memory_profiler", "--json", "many.json", "many.py"]
    status = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL).returncode
    if status != -9:
        raise Failed(f"many.py ended with {status}, it should have been killed")
    with open(folder / "report", "wb") as out:
        process = subprocess.Popen(
            [environment.ours, "-m", "memory_profiler.report", "many.json"],
            cwd=folder,
            stdout=out,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    tables = (folder / "report").read_text().count("Filename: ")
    if process.returncode != 0 or tables != FUNCTIONS:
        raise Failed(f"report: status {process.returncode}, {tables} tables")
    return usage.ru_utime + usage.ru_stime


def add_report_row(table, environment, folder, rounds):
    took = Series([seconds_of_report(environment, folder) for _ in range(rounds)])
    what = f"report of {FUNCTIONS:,} functions that a kill left: processor time"
    table.add(what, took, 2, " s", 0.3)


def add_rows(table, environment, rounds, seconds):
    with tempfile.TemporaryDirectory(dir=environment.folder) as name:
        folder = pathlib.Path(name)
        add_event_row(table, environment, rounds)
        add_tail_rows(table, environment, folder, seconds)
        add_report_row(table, environment, folder, rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    table = Table()
    add_rows(table, Environment(options.python), options.rounds, options.seconds)
    print(table.text())


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"bench: {failure}")
