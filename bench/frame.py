"""What the benchmarks share: environments, rounds of processes, medians with spread, the table."""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("MEMPROF_BUILD", ROOT / "build"))
REFERENCE_NS = 300_000  # what sum(range(20000)) takes on a machine of our day
# Variants that run under -m memory_profiler, and with which options.
OPTIONS = {
    "decorated": [],
    "timed": ["--line-time"],
    "peaked": ["--peak"],
    "functions": ["--functions"],
    "both": ["--functions"],
    "selected": ["-p", "shapes:build_records"],
    "live": ["--json", "run.json"],
}
WORKER = ROOT / "bench" / "worker.py"


class Failed(Exception):
    """A benchmark could not run; the message is one line for the user."""


def run(command, **options):
    done = subprocess.run(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise Failed(f"{' '.join(map(str, command))}: {last[0]}")
    return done.stdout


class Environment:
    """The Pythons of one version: `ours` has the project installed, `peer` the packages of PyPI."""

    def __init__(self, python):
        self.ours = pathlib.Path(python).absolute()  # runs start in folders of their own
        query = (
            "import json, sys, sysconfig; print(json.dumps([list(sys.version_info[:3]),"
            " sysconfig.get_path('include'), sysconfig.get_config_var('EXT_SUFFIX')]))"
        )
        version, self.include, self.suffix = json.loads(run([python, "-c", query]))
        self.version = ".".join(map(str, version))
        self.new_python = version >= [3, 12]  # sys.monitoring, no trace function
        self.folder = BUILD / f"bench-{self.version}"
        self.peer = self.folder / "peer" / "bin" / "python"
        self.folder.mkdir(parents=True, exist_ok=True)

    def build_empty_callback(self):
        source = ROOT / "bench" / "empty_callback.c"
        target = self.folder / f"empty_callback{self.suffix}"
        compiler = os.environ.get("CC", "cc")
        run(
            [
                compiler,
                "-O3",
                "-DNDEBUG",
                "-shared",
                "-fPIC",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-isystem",
                self.include,
                "-o",
                target,
                source,
            ]
        )

    def install_peers(self):
        packages = [
            "memory_profiler==0.61.0",
            "line_profiler>=5,<6",
            "ipython",
            "setuptools",
            "matplotlib",
            "memray",
            "guppy3",
            "pympler",
            "numpy",
        ]
        if not self.peer.exists():
            run([self.ours, "-m", "venv", self.peer.parent.parent])
        try:
            run(
                [
                    self.peer,
                    "-c",
                    "import memory_profiler, line_profiler, IPython, setuptools, matplotlib, memray, guppy,"
                    " pympler, numpy",
                ]
            )
        except Failed:
            run([self.peer, "-m", "pip", "install", "-q", *packages])

    def work(self, variant, scale, *shapes, peer=False):
        """
        Nanoseconds per unit by shape, as if the reference work had always taken REFERENCE_NS:
        the median of a process's repetitions, each divided by the reference timed around it. So
        a machine that changes its speed between two processes does not change their ratio.
        """
        python = self.peer if peer else self.ours
        profiled = ["-m", "memory_profiler", *OPTIONS[variant]] if variant in OPTIONS else []
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            out = pathlib.Path(folder) / "out.json"
            # By way of a small shell: a large parent would leave its own mark in getrusage().
            run(
                [
                    "sh",
                    "-c",
                    '"$@"; exit $?',
                    "sh",
                    python,
                    *profiled,
                    WORKER,
                    out,
                    variant,
                    scale,
                    *shapes,
                ],
                env=dict(os.environ, PYTHONPATH=str(self.folder)),
                cwd=folder,
            )
            return {
                shape: REFERENCE_NS * statistics.median(took / beside for took, beside in samples)
                for shape, samples in json.loads(out.read_text()).items()
            }


class Series:
    """One figure, measured once in every round."""

    def __init__(self, values):
        self.values = sorted(values)

    @property
    def median(self):
        return statistics.median(self.values)

    def text(self, digits, unit):
        low, high = self.values[0], self.values[-1]
        return f"{self.median:,.{digits}f}{unit} ({low:,.{digits}f}–{high:,.{digits}f})"


class Table:
    """The rows of the report: what, the figure with its spread, the bound and whether it held."""

    def __init__(self):
        self.rows = []

    def add(self, what, series, digits, unit, must=None, aim=None, at_least=False, note=""):
        figure = series.median
        held = must is None or (figure >= must if at_least else figure <= must)
        reached = aim is None or (figure >= aim if at_least else figure <= aim)
        sign = "≥" if at_least else "≤"
        bound = "" if must is None else f"{sign} {must:g}{unit}"
        goal = "" if aim is None else f"{sign} {aim:g}{unit}"
        verdict = (
            ""
            if must is None
            else "MISSED"
            if not held
            else "yes"
            if reached
            else "yes, not the aim"
        )
        self.rows.append([what, series.text(digits, unit), bound, goal, verdict, note])
        print("  " + " | ".join(cell for cell in self.rows[-1] if cell), file=sys.stderr)

    def text(self):
        head = ["what", "measured: median (least–most)", "must", "aim", "held", "of"]
        lines = [head, ["---"] * len(head), *self.rows]
        return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def machine():
    model = "unknown processor"
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def today():
    return time.strftime("%Y-%m-%d", time.gmtime())


def load():
    """Whether somebody else was at work: on a busy machine the spread is wide, the bounds blurred."""
    average = os.getloadavg()[2]
    busy = "" if average < 1.5 else ": busy, so take the figures with care"
    return f"Load in the last quarter of an hour {average:.1f}{busy}."


def table_program(doc, add_rows, arguments):
    """
    A script of this folder that is run alone: `arguments` are those of add_argument() by name, and
    add_rows(table, options) fills the table that it prints.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    for name, how in arguments.items():
        parser.add_argument(name, **how)
    options, table = parser.parse_args(), Table()
    try:
        add_rows(table, options)
    except Failed as failure:
        sys.exit(f"bench: {failure}")
    print(table.text())
