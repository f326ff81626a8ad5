"""What sampling costs, and what it misses: mprof run beside memory_profiler 0.61.

    python bench/mprof_sampling.py [--peer PYTHON] [--seconds 10] MPROF

PYTHON has memory_profiler 0.61 installed. Nothing is late by more than an interval: a deadline that
has passed is skipped and counted, so the samples say how many were kept. `sh tools/bench.sh` runs
this among the others.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from frame import Series, run, table_program

TICKS = os.sysconf("SC_CLK_TCK")
SETTLED = 1.0  # seconds after the start, from when on a run is looked at

CHILDREN = """
import os, signal, sys, time
children = []
for _ in range(1000):
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    children.append(pid)
time.sleep(float(sys.argv[1]))
for pid in children:
    os.kill(pid, signal.SIGKILL)
for pid in children:
    os.waitpid(pid, 0)
"""

# Says when it has ended, as well as it can, with all its children gone.
FAMILY = """
import os, time
held, go = os.pipe()
for _ in range(2000):
    if os.fork() == 0:
        os.close(go)
        os.read(held, 1)
        os._exit(0)
time.sleep(3)
os.close(go)
for _ in range(2000):
    os.wait()
with open("ended", "w") as file:
    file.write(repr(time.time()))
os._exit(0)
"""

MARKS = """
import sys, time

@profile
def marked():
    pass

def plain():
    pass

def nanoseconds(function, n=100000):
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        for _ in range(n):
            function()
        best = min(best, time.perf_counter() - begin)
    return best / n * 1e9

with open(sys.argv[1], "w") as file:
    print(nanoseconds(marked) - nanoseconds(plain), file=file)
"""


class Look:
    """What the process of mprof itself used, by /proc: seconds of a core, and KiB resident."""

    def __init__(self, pid):
        folder = pathlib.Path(f"/proc/{pid}")
        self.moment = time.perf_counter()
        self.cpu = (
            sum(int((task / "schedstat").read_text().split()[0]) for task in folder.glob("task/*"))
            / 1e9
        )
        status = (folder / "status").read_text()
        self.resident = int(status.split("VmRSS:")[1].split()[0])


def writer_of(pid):
    """What the process took that writes the page of --live, with its copies: (of a core, MiB at most)."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for folder in (pathlib.Path("/proc") / child for child in children):
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        if fields[16] != "19":  # its nice value
            continue
        age = float(pathlib.Path("/proc/uptime").read_text().split()[0]) - int(fields[19]) / TICKS
        most = int((folder / "status").read_text().split("VmHWM:")[1].split()[0])
        return sum(map(int, fields[11:15])) / TICKS / age, most / 1024
    return None


class Run:
    """mprof over a sleeping program, looked at when it has settled and shortly before its end."""

    def __init__(self, mprof, interval, seconds, folder, options=(), program=None):
        program = program or ["sleep", str(seconds)]
        command = [*mprof, "run", "-T", str(interval), *options, "-o", "x.dat", *program]
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(SETTLED)
        begin = Look(process.pid)
        time.sleep(seconds - 2 * SETTLED)
        end = Look(process.pid)
        self.writer = writer_of(process.pid)
        process.wait()
        lines = (pathlib.Path(folder) / "x.dat").read_text().splitlines()
        (pathlib.Path(folder) / "x.dat").unlink()
        moments = [float(line.split()[2]) for line in lines if line.startswith("MEM")]
        starts = [float(line.split()[-1]) for line in lines if line.startswith("#RUN/")]
        self.samples = len(moments)
        # Deadlines are counted from the start; 0.61 does not say when that was.
        self.late = max((moment - starts[0]) % interval for moment in moments) if starts else None
        self.cpu = (end.cpu - begin.cpu) / (end.moment - begin.moment)
        self.resident, self.grown = end.resident, end.resident - begin.resident
        self.per_sample = self.cpu * interval


def seconds_of(command, folder):
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def add_samples(table, ours, theirs, folder, seconds):
    for interval, least in [(0.001, 999), (0.0001, 9000)]:
        runs = [Run(ours, interval, seconds, folder) for _ in range(3)]
        run = runs[-1]
        peer = Run(theirs, interval, seconds, folder) if theirs else None
        note = f"0.61: {peer.samples:,}, {peer.cpu * 100:.0f} % of a core" if peer else ""
        table.add(
            f"-T {interval:g}: samples in {seconds:g} s",
            Series([one.samples for one in runs]),
            0,
            "",
            round(least * seconds),
            at_least=True,
            note=note,
        )
        if interval == 0.001:
            table.add(
                "-T 0.001: the latest sample", Series([one.late * 1e3 for one in runs]), 2, " ms", 1
            )
            table.add("-T 0.001: of a core", Series([one.cpu * 100 for one in runs]), 2, " %", 5)
        else:
            table.add(
                "-T 0.0001: memory of mprof",
                Series([run.resident / 1024]),
                2,
                " MiB",
                2,
                note=f"0.61: {peer.resident / 1024:.1f} MiB" if peer else "",
            )
            table.add(
                f"-T 0.0001: growth over {run.samples:,} samples", Series([run.grown]), 0, " KiB", 0
            )


def add_live_page(table, ours, folder, seconds):
    """By turns with and without the page."""
    pairs = [
        (Run(ours, 0.001, seconds, folder), Run(ours, 0.001, seconds, folder, ["--live", "x.html"]))
        for _ in range(3)
    ]
    table.add(
        "-T 0.001 --live: samples, of those without it",
        Series([100 * live.samples / alone.samples for alone, live in pairs]),
        2,
        " %",
        99.9,
        at_least=True,
    )
    table.add(
        "-T 0.001 --live: the latest sample",
        Series([live.late * 1e3 for _, live in pairs]),
        2,
        " ms",
        1,
        note=f"without it {Series([alone.late * 1e3 for alone, _ in pairs]).text(2, ' ms')}",
    )
    table.add(
        "-T 0.001 --live: of a core, the page",
        Series([live.writer[0] * 100 for _, live in pairs]),
        2,
        " %",
        5,
    )
    table.add(
        "-T 0.001 --live: memory of what writes the page",
        Series([live.writer[1] for _, live in pairs]),
        1,
        " MiB",
        10,
    )


def bare_share(program, seconds, folder):
    """The share of a core that the least of samplers takes at the default interval."""
    sleeper = subprocess.Popen(["sleep", str(seconds + 5)])
    try:
        return float(run([program, sleeper.pid, 0.1, seconds, pathlib.Path(folder) / "bare.txt"]))
    finally:
        sleeper.kill()
        sleeper.wait()


def add_default_interval(table, ours, theirs, folder, seconds):
    """By turns with a bare loop: what a wake and the kernel's readings take is not ours to save."""
    program = pathlib.Path(folder) / "bare_sampler"
    run(
        [
            os.environ.get("CC", "cc"),
            "-O2",
            "-o",
            program,
            pathlib.Path(__file__).parent / "bare_sampler.c",
        ]
    )
    pairs = [
        (Run(ours, 0.1, seconds, folder).cpu, bare_share(program, seconds, folder))
        for _ in range(5)
    ]
    note = f"0.61: {Run(theirs, 0.1, seconds, folder).cpu * 100:.1f} %" if theirs else ""
    bare = Series([theirs * 100 for _, theirs in pairs])
    table.add(
        "at the default interval: of a core",
        Series([cpu * 100 for cpu, _ in pairs]),
        3,
        " %",
        0.1,
        note=note,
    )
    table.add(
        "the same, against a bare loop of sleep, two preads and a write",
        Series([cpu / least for cpu, least in pairs]),
        2,
        "×",
        1.25,
        note=f"bare loop {bare.text(3, ' %')}",
    )


def add_rows(table, mprof, peer, seconds, python):
    """`mprof` is ours, `peer` the Python of 0.61 or None, `python` one that has ours installed."""
    ours = [os.path.abspath(mprof)]
    theirs = [str(peer), str(pathlib.Path(peer).parent / "mprof")] if peer else None
    with tempfile.TemporaryDirectory() as folder:
        add_samples(table, ours, theirs, folder, seconds)
        add_live_page(table, ours, folder, seconds)
        add_default_interval(table, ours, theirs, folder, seconds)
        script = pathlib.Path(folder) / "children.py"
        script.write_text(CHILDREN)
        family = Run(
            ours,
            0.01,
            seconds,
            folder,
            ["-M", "--nopython"],
            [sys.executable, str(script), str(seconds)],
        )
        table.add("-M, 1,000 children: a sample", Series([family.per_sample * 1e3]), 2, " ms", 10)
        true = Series([seconds_of(["true"], folder) for _ in range(20)]).values[0]
        whole = [seconds_of([*ours, "run", "-o", "x.dat", "true"], folder) for _ in range(20)]
        note = (
            f"0.61: {(min(seconds_of([*theirs, 'run', '-o', 'x.dat', 'true'], folder) for _ in range(3)) - true) * 1e3:.0f} ms"
            if theirs
            else ""
        )
        table.add(
            "mprof run true, over true", Series([(min(whole) - true) * 1e3]), 2, " ms", 5, note=note
        )
        add_last_line(table, ours, folder)
        add_marks(table, ours, python, folder)


def add_last_line(table, ours, folder):
    """From the program's end to mprof's own, which comes behind its last line."""
    script = pathlib.Path(folder) / "family.py"
    script.write_text(FAMILY)
    for options, bound in [(["-M"], 100), ([], 100)]:
        waits = []
        for _ in range(3):
            words = [*ours, "run", "--nopython", *options, "-o", "x.dat", sys.executable, script]
            run(words, cwd=folder)
            waits.append(1e3 * (time.time() - float((pathlib.Path(folder) / "ended").read_text())))
        what = " ".join(["mprof run", *options])
        table.add(
            f"{what}, 2,000 children: from the program's end to the last line",
            Series(waits),
            0,
            " ms",
            bound,
        )


def add_marks(table, ours, python, folder):
    script = pathlib.Path(folder) / "marks.py"
    script.write_text(MARKS)
    environment = dict(os.environ, MPROF_PYTHON=str(python))
    figures = []
    for _ in range(3):
        subprocess.run(
            [*ours, "run", "-q", "-o", "x.dat", script, "out.txt"],
            cwd=folder,
            check=True,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        figures.append(float((pathlib.Path(folder) / "out.txt").read_text()) / 1000)
    table.add("a marked call (--timestamp)", Series(figures), 2, " µs", 2)


if __name__ == "__main__":
    table_program(
        __doc__,
        lambda table, options: add_rows(
            table, options.mprof, options.peer, options.seconds, sys.executable
        ),
        {
            "mprof": {"metavar": "MPROF"},
            "--peer": {"metavar": "PYTHON"},
            "--seconds": {"type": float, "default": 10},
        },
    )
