"""The sampler's speed against memory_profiler 0.61.

    python bench/mprof_sampling.py MPROF [--peer MPROF_OF_0.61] [--seconds 10]
"""

import argparse
import os
import pathlib
import subprocess
import tempfile
import time


def run(command, folder):
    """Wall seconds, CPU seconds and MiB of the command itself (its children are sleeps)."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def sampled(mprof, interval, seconds, folder):
    command = [mprof, "run", "-T", str(interval), "-o", "x.dat", "sleep", str(seconds)]
    wall, cpu, memory = run(command, folder)
    lines = (pathlib.Path(folder) / "x.dat").read_text().splitlines()
    moments = [float(line.split()[2]) for line in lines if line.startswith("MEM")]
    (pathlib.Path(folder) / "x.dat").unlink()
    late = max((moment - moments[0]) % interval for moment in moments)
    return len(moments), late, cpu / wall, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mprof")
    parser.add_argument("--peer")
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    print("| who | interval | samples | of | latest (ms) | CPU % | MiB |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for who, mprof in [("ours", options.mprof), ("0.61", options.peer)]:
            for interval in [0.1, 0.001, 0.0001] if mprof else []:
                count, late, cpu, memory = sampled(mprof, interval, options.seconds, folder)
                wanted = round(options.seconds / interval)
                print(f"| {who} | {interval} | {count} | {wanted} | {late * 1e3:.2f} | {cpu * 100:.2f} | {memory:.1f} |")
        plain = min(run(["true"], folder)[0] for _ in range(10))
        for who, mprof in [("ours", options.mprof), ("0.61", options.peer)]:
            if mprof:
                both = min(run([mprof, "run", "-o", "x.dat", "true"], folder)[0] for _ in range(10))
                print(f"{who}: mprof run true: {(both - plain) * 1e3:.2f} ms over true ({plain * 1e3:.2f} ms)")


if __name__ == "__main__":
    main()
