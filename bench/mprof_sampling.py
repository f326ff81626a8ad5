"""The sampler's speed against memory_profiler 0.61.

    python bench/mprof_sampling.py MPROF [--peer MPROF_OF_0.61] [--seconds 10]
"""

import argparse
import pathlib
import subprocess
import tempfile
import time


def run(command, folder, look_after=None):
    """Wall seconds; and the share of a core and MiB of the command itself, looked at while it runs
    (what wait4() says carries our own size, and the children's time)."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    cpu = memory = None
    if look_after:
        time.sleep(look_after)
        proc = pathlib.Path(f"/proc/{process.pid}")
        cpu_ns = sum(int((task / "schedstat").read_text().split()[0]) for task in proc.glob("task/*"))
        cpu = cpu_ns / 1e9 / (time.perf_counter() - begin)
        memory = int((proc / "status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    process.wait()
    return time.perf_counter() - begin, cpu, memory


def sampled(mprof, interval, seconds, folder):
    command = [mprof, "run", "-T", str(interval), "-o", "x.dat", "sleep", str(seconds)]
    _, cpu, memory = run(command, folder, look_after=seconds * 0.9)
    lines = (pathlib.Path(folder) / "x.dat").read_text().splitlines()
    moments = [float(line.split()[2]) for line in lines if line.startswith("MEM")]
    (pathlib.Path(folder) / "x.dat").unlink()
    late = max((moment - moments[0]) % interval for moment in moments)
    return len(moments), late, cpu, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mprof")
    parser.add_argument("--peer")
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    options.mprof = str(pathlib.Path(options.mprof).resolve())
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
