"""Reading a long profile: mprof peak and read_mprofile_file, in MB/s, beside memory_profiler.

    python bench/peak.py [--mprof PATH] [--peer PYTHON] [--samples N]

`mprof` is the one beside this Python unless given; PYTHON has memory_profiler 0.61 installed. Time is
CPU time, user and system, of one thread that never waits: what a quiet core takes, also while others
use the machine.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile

from frame import Series, Table

PEAK_BOUND, LISTS_BOUND = 300, 100  # MB/s
LISTS = """
import sys, time, mprof
begin = time.process_time()
profile = mprof.read_mprofile_file(sys.argv[1])
print(time.process_time() - begin, len(profile["mem_usage"]))
"""


def write_profile(path, samples):
    piece = 100_000
    with open(path, "w", encoding="ascii") as file:
        file.write("CMDLINE bench\n")
        for start in range(0, samples, piece):
            file.write(
                "".join(
                    f"MEM {16 + i % 500}.{i * 7919 % 1000000:06d} "
                    f"{1795356600 + i // 1000}.{i % 1000 * 10:04d}\n"
                    for i in range(start, min(start + piece, samples))
                )
            )


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def seconds_of_peak(mprof, path):
    begin = children_seconds()
    subprocess.run([*mprof, "peak", path], check=True, stdout=subprocess.PIPE)
    return children_seconds() - begin


def seconds_of_lists(python, path, samples):
    command = [*python, "-c", LISTS, path]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, count = done.stdout.split()
    assert int(count) == samples, f"{count} samples read, not {samples}"
    return float(seconds)


def add_rows(table, mprof, peer, python, samples=10_000_000):
    """`peer` is a Python with memory_profiler 0.61, or None; `python` one with ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "long.dat")
        write_profile(path, samples)
        size = path.stat().st_size / 1e6
        peaks = [size / seconds_of_peak([mprof], path) for _ in range(3)]
        lists = [size / seconds_of_lists([python], path, samples) for _ in range(3)]
        notes = ["", ""]
        if peer is not None:
            short = pathlib.Path(folder, "short.dat")  # 0.61 would take minutes for all of it
            write_profile(short, samples // 10)
            command = [peer, "-E", pathlib.Path(peer).parent / "mprof"]
            for place, seconds in enumerate(
                [
                    seconds_of_peak(command, short),
                    seconds_of_lists(command[:2], short, samples // 10),
                ]
            ):
                notes[place] = f"0.61: {size / 10 / seconds:.1f} MB/s"
    table.add(
        f"mprof peak of {samples:,} samples",
        Series(peaks),
        0,
        " MB/s",
        PEAK_BOUND,
        at_least=True,
        note=notes[0],
    )
    table.add(
        "read_mprofile_file, into Python lists",
        Series(lists),
        0,
        " MB/s",
        LISTS_BOUND,
        at_least=True,
        note=notes[1],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mprof", default=str(pathlib.Path(sys.executable).parent / "mprof"))
    parser.add_argument("--peer", help="a Python with memory_profiler 0.61")
    parser.add_argument("--samples", type=int, default=10_000_000)
    options = parser.parse_args()
    table = Table()
    add_rows(table, options.mprof, options.peer, sys.executable, options.samples)
    print(table.text())


if __name__ == "__main__":
    main()
