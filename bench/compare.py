"""Runs two installations in turn, and says by which ratio each figure changed. See compare.sh."""

import argparse
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

from frame import Environment, Failed, load, machine

ALLOWED = 1.02
LEAST_ROUNDS = 15
SHAPES = {"julia": "a line", "fib": "a call", "generator": "a resume"}
SAMPLES = 200_000  # of the profile that is drawn


def lines(environment):
    """Nanoseconds of the reference's clock, by what is counted."""
    took = environment.work("decorated", 1, *SHAPES)
    return {SHAPES[shape]: took[shape] for shape in SHAPES}


def sampling(mprof, folder):
    """Processor seconds of mprof itself for a second of samples every 0.2 ms."""
    command = [mprof, "run", "-T", "0.0002", "-o", folder / "run.dat", "sleep", "1"]
    process = subprocess.Popen(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"{mprof} run: status {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def drawing(mprof, folder):
    """Seconds for a page of many samples."""
    started = time.perf_counter()
    subprocess.run(
        [mprof, "plot", "-o", folder / "chart.html", folder / "many.dat"],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def write_profile(path):
    with open(path, "w") as file:
        file.write("CMDLINE many\n")
        for i in range(SAMPLES):
            file.write(f"MEM {100 + i % 977 / 10:.6f} {1e9 + i / 1000:.4f}\n")


class Side:
    """One of the two installations."""

    def __init__(self, python, folder):
        self.environment = Environment(python)
        self.mprof = pathlib.Path(python).parent / "mprof"
        self.folder = folder

    def measure(self):
        figures = lines(self.environment)
        figures["a sample"] = sampling(self.mprof, self.folder)
        figures["a chart"] = statistics.median(drawing(self.mprof, self.folder) for _ in range(3))
        return figures


def interval(ratios, tries=4000):
    """(geometric mean, low, high): the middle 95 % of means of ratios drawn again."""
    logs = [math.log(ratio) for ratio in ratios]
    rng = random.Random(1)
    means = sorted(statistics.fmean(rng.choices(logs, k=len(logs))) for _ in range(tries))
    return tuple(
        math.exp(value)
        for value in (statistics.fmean(logs), means[int(0.025 * tries)], means[int(0.975 * tries)])
    )


def compare(old, new, rounds):
    """{what: [new / old of each round]}"""
    ratios = {}
    for number in range(rounds):
        sides = (old, new) if number % 2 else (new, old)
        figures = {id(side): side.measure() for side in sides}
        for what, took in figures[id(new)].items():
            ratios.setdefault(what, []).append(took / figures[id(old)][what])
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return ratios


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS)
    parser.add_argument("old")
    parser.add_argument("new")
    options = parser.parse_args(argv)
    if options.rounds < LEAST_ROUNDS:
        parser.error(f"argument --rounds: at least {LEAST_ROUNDS}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_profile(folder / "many.dat")
        try:
            old, new = Side(options.old, folder), Side(options.new, folder)
            ratios = compare(old, new, options.rounds)
        except (Failed, OSError, subprocess.CalledProcessError) as error:
            print(f"compare.py: {error}", file=sys.stderr)
            return 2
    print(f"{machine()}, Python {new.environment.version}, {options.rounds} rounds. {load()}\n")
    print("| what | new / old | 95 % interval | not above 1.02 |\n|---|---|---|---|")
    slower = 0
    for what, values in ratios.items():
        mean, low, high = interval(values)
        slower += low > ALLOWED
        print(
            f"| {what} | {mean:.3f} | {low:.3f}–{high:.3f} | {'yes' if low <= ALLOWED else 'SLOWER'} |"
        )
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
