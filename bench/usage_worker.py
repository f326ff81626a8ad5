"""What bench/usage.py runs in each process, ours or 0.61's: prints its figures as JSON."""

import contextlib
import io
import json
import statistics
import sys
import time

from memory_profiler import memory_usage

ours = sys.argv[1] == "ours"
result = {}


def noop():
    pass


def begin():
    return time.perf_counter()


memory_usage((noop,))
repeats = 2000 if ours else 3
start = begin()
for _ in range(repeats):
    memory_usage((noop,))
result["calls"] = repeats / (begin() - start)

waits = []
for _ in range(500 if ours else 5):
    start = begin()
    entered = memory_usage((begin,), retval=True, interval=60, max_iterations=1)[1]
    waits.append((entered - start) * 1e6)
result["start"] = statistics.median(waits)

# The list of a run that was read ten thousand times a second: how long the caller waits for it.
if ours:
    samples, ended = memory_usage(
        (lambda: time.sleep(2) or begin(),), interval=0.0001, retval=True, max_iterations=1
    )
    result["list"] = (begin() - ended) * 1e3
    result["listed"] = len(samples)

# One call of C code that never gives the interpreter away; a warm-up says how long it is to be.
start = begin()
sum(range(10**6))
numbers = range(int(10**6 * 1.5 / (begin() - start)))
samples = memory_usage((sum, (numbers,)), interval=0.001, timestamps=True, max_iterations=1)[1:-1]
moments = [when for _, when in samples]
gaps = sorted(abs(after - before - 0.001) * 1e6 for before, after in zip(moments, moments[1:]))
result["jitter"] = gaps[int(len(gaps) * 0.99)] if gaps else None
result["held"] = 100 * len(moments) / ((moments[-1] - moments[0]) * 1000 + 1) if gaps else 0

try:
    from IPython.core.interactiveshell import InteractiveShell
except ImportError:
    InteractiveShell = None
if InteractiveShell is not None:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "memory_profiler")
    with contextlib.redirect_stdout(io.StringIO()):
        shell.run_line_magic("memit", "1")
        repeats = 20 if ours else 3
        start = begin()
        for _ in range(repeats):
            shell.run_line_magic("memit", "1")
        result["memit"] = 1000 * (begin() - start) / repeats
print(json.dumps(result))
