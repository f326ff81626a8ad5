"""What a chart costs: mprof plot on long profiles, beside memory_profiler 0.61 with matplotlib.

    python bench/plot.py [--rounds N] [--peer PYTHON] MPROF

PYTHON has memory_profiler 0.61 and matplotlib installed. Times are those of the whole command, from
its start to the finished file; memory is the largest resident set of mprof or of the gnuplot that it
starts. `sh tools/bench.sh` runs this among the others.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from frame import Failed, Series, table_program

PEER_SAMPLES = 1_000_000
PIECE = 100_000


def write_samples(path, samples):
    """A run at a millisecond, with spikes."""
    with open(path, "w", encoding="ascii") as file:
        file.write("CMDLINE bench --long\n")
        for start in range(0, samples, PIECE):
            file.write(
                "".join(
                    f"MEM {400 + i // 20000 % 300 + i % 17 + (500 if i % 99991 == 0 else 0)}.{i % 1000000:06d} "
                    f"{1795356600 + i // 1000}.{i % 1000 * 10:04d}\n"
                    for i in range(start, min(start + PIECE, samples))
                )
            )


def write_calls(path, calls):
    with open(path, "w", encoding="ascii") as file:
        file.write("CMDLINE bench --calls\n")
        for i in range(1000):
            file.write(f"MEM {50 + i % 100}.500000 {1795356600 + i / 10:.4f}\n")
        for i in range(calls):
            begin = 1795356600 + i * 100 / calls
            file.write(
                f"FUNC module.function_{i % 40} 50.0 {begin:.4f} 60.0 {begin + 0.04:.4f} {i % 3}\n"
            )


# A process of its own starts the command: a large parent would leave its own mark in what wait4()
# says of the child.
MEASURE = """
import os, sys, time
begin = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(time.perf_counter() - begin, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status), file=sys.stderr)
"""


def measure(command, folder, environment=None):
    """(seconds, MiB) of a command that must succeed."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, *map(str, command)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
    )
    *said, figures = done.stderr.splitlines() or ["no message"]
    seconds, mebibytes, status = figures.split()
    if status != "0":
        raise Failed(f"{command[0]}: {(said or ['no message'])[-1]}")
    return float(seconds), float(mebibytes)


def series(command, folder, rounds):
    done = [measure(command, folder) for _ in range(rounds)]
    return Series([seconds for seconds, _ in done]), Series([mebibytes for _, mebibytes in done])


def peer_seconds(peer, profile, folder):
    environment = dict(os.environ, MPLBACKEND="Agg")
    command = [pathlib.Path(peer).parent / "mprof", "plot", "-o", "peer.png", profile]
    return measure(command, folder, environment)[0]


def add_rows(table, mprof, peer, rounds):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_samples(folder / "million.dat", 1_000_000)
        write_samples(folder / "ten.dat", 10_000_000)
        write_calls(folder / "calls.dat", 2000)
        os.sync()  # what the kernel still writes would take its part of the time
        for profile, suffix, what, must in [
            ("million.dat", "png", "10⁶ samples to PNG", 0.3),
            ("ten.dat", "png", "10⁷ samples to PNG", 0.8),
            ("calls.dat", "png", "2,000 calls to PNG", 0.3),
            ("million.dat", "html", "10⁶ samples to HTML", 0.3),
        ]:
            seconds, mebibytes = series(
                [mprof, "plot", profile, "-o", f"out.{suffix}"], folder, rounds
            )
            note = ""
            if peer is not None and suffix == "png" and profile != "ten.dat":
                note = f"{peer_seconds(peer, profile, folder) / seconds.median:,.0f} × faster than 0.61"
            table.add(f"{what}", seconds, 2, " s", must, note=note)
            if profile == "ten.dat":
                table.add(f"{what}: memory", mebibytes, 0, " MiB", 40)
        size = (folder / "out.html").stat().st_size / 1000
        table.add("10⁶ samples to HTML: size", Series([size]), 0, " KB", 300)


if __name__ == "__main__":
    table_program(
        __doc__,
        lambda table, options: add_rows(
            table, os.path.abspath(options.mprof), options.peer, options.rounds
        ),
        {
            "mprof": {"metavar": "MPROF"},
            "--peer": {"metavar": "PYTHON"},
            "--rounds": {"type": int, "default": 5},
        },
    )
