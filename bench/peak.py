"""Reading a long profile: mprof peak and read_mprofile_file, in MB/s, beside memory_profiler.

    python bench/peak.py [--mprof PATH] [--peer PYTHON] [--samples N]

`mprof` is the one beside this Python unless given; PYTHON has memory_profiler 0.61 installed. Of
three runs each the fastest counts. Time is CPU time, user and system, of one thread that never
waits: what a quiet core takes, also while others use the machine. The exit status is 1 when a bound
is missed.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile

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
            file.write("".join(
                f"MEM {16 + i % 500}.{i * 7919 % 1000000:06d} "
                f"{1795356600 + i // 1000}.{i % 1000 * 10:04d}\n"
                for i in range(start, min(start + piece, samples))
            ))


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


def report(name, size, ours, peer, bound):
    speed = size / 1e6 / ours
    ratio = f", {peer / ours:.1f} × memory_profiler" if peer else ""
    print(f"{name:20} {speed:7.0f} MB/s (bound {bound}){ratio}")
    return speed >= bound


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mprof", default=str(pathlib.Path(sys.executable).parent / "mprof"))
    parser.add_argument("--peer", help="a Python with memory_profiler 0.61")
    parser.add_argument("--samples", type=int, default=10_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "long.dat")
        write_profile(path, options.samples)
        size = path.stat().st_size
        peak = min(seconds_of_peak([options.mprof], path) for _ in range(3))
        lists = min(seconds_of_lists([sys.executable], path, options.samples) for _ in range(3))
        peer_peak = peer_lists = None
        if options.peer:
            peer = [options.peer, "-E", pathlib.Path(options.peer).parent / "mprof"]
            peer_peak = seconds_of_peak(peer, path)
            peer_lists = seconds_of_lists(peer[:2], path, options.samples)
    print(f"{options.samples} samples, {size / 1e6:.0f} MB")
    good = report("mprof peak", size, peak, peer_peak, PEAK_BOUND)
    good &= report("read_mprofile_file", size, lists, peer_lists, LISTS_BOUND)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
