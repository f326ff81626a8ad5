"""What runs beside a measured function: a thread of the core, and no trouble from it."""

import pytest


@pytest.mark.parametrize("error", ["ValueError", "KeyboardInterrupt", "SystemExit"])
def test_exceptions_leave_children_alone(program, error):
    program(f"""
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
def fail():
    raise {error}
begin = time.monotonic()
try:
    memory_usage(fail, interval=60)
except {error}:
    pass
else:
    raise AssertionError
assert time.monotonic() - begin < 2 and child.poll() is None
child.kill()
child.wait()
assert len(os.listdir("/proc/self/task")) == 1
""")


def test_an_interrupt_at_any_moment_leaves_nothing(program):
    """Alarms at random while samplers start and stop: sooner or later everywhere."""
    program(
        """
import gc, random, signal
from memory_profiler import _samplers
random.seed(1)
signal.signal(signal.SIGALRM, signal.default_int_handler)
interrupted = 0
for backend in ("rss", "tracemalloc"):
    for _ in range(300):
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 8e-4))
            try:
                for _ in range(1000):
                    memory_usage(int, interval=60, backend=backend)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            interrupted += 1
assert interrupted > 100, interrupted
gc.collect()
assert not _samplers._all_running()
end = time.monotonic() + 20
while len(os.listdir("/proc/self/task")) > 1:
    assert time.monotonic() < end, os.listdir("/proc/self/task")
    time.sleep(0.01)
""",
        says="^$|Exception ignored (in|while)",
    )  # what the import system was interrupted in


def test_fork_inside_warns_of_nothing(program):
    # os.fork() writes a warning that became an error to stderr, as one that is shown.
    outcome = program("""
import multiprocessing
warnings.simplefilter("error")
def work(n):
    return n + 1
def only_fork():
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    time.sleep(0.1)
samples = memory_usage(only_fork, interval=0.001)
assert len(samples) > 20, "it goes on after the forks"
process = multiprocessing.get_context("fork").Process(target=work, args=(1,))
def start():
    process.start()
    process.join()
memory_usage((memory_usage, (start,)), interval=0.001)
assert process.exitcode == 0
""")
    assert outcome.stderr == ""


def test_in_daemonic_workers_threads_and_nested(program):
    program("""
import concurrent.futures, multiprocessing
def inner():
    return memory_usage((grow, (20,)), max_usage=True, retval=True)
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(1) as pool:
        mem, result = pool.apply(inner)
    assert result == 7 and mem > 20
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(r == 7 for _, r in [f.result() for f in [pool.submit(inner) for _ in range(8)]])
    outer, (mem, result) = memory_usage(inner, max_usage=True, retval=True)
    # The outer one sees what measuring costs, too: a thread, which under a sanitizer is some MiB.
    assert result == 7 and mem - 2 < outer < mem + 10, (outer, mem)
""")


def test_fork_beside_other_hooks(program):
    """Hooks in Python that run behind ours, a worker of subprocess, a thread that forks."""
    outcome = program("""
import threading
warnings.simplefilter("error")
def hook():
    return sum(i for i in range(200))
os.register_at_fork(before=hook, after_in_parent=hook, after_in_child=hook)
def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
def work():
    fork()
    time.sleep(0.05)
    subprocess.run(["true"], preexec_fn=lambda: None, check=True)
    fork()
    time.sleep(0.05)
for options in ({}, {"backend": "tracemalloc"}, {"stream": io.StringIO()}):
    assert len(memory_usage(work, interval=0.001, **options) or options["stream"].getvalue().split("\\n")) > 10
def in_thread():
    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()
    time.sleep(0.05)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")        # threads of the program's own
    assert len(memory_usage(in_thread, interval=0.001)) > 10
""")
    assert outcome.stderr == ""


def test_a_child_that_goes_on_in_the_measured_function(program):
    program("""
def f():
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    block = bytearray(40 << 20)
    time.sleep(0.02)
    return -1
for backend in ("rss", "tracemalloc"):
    readings, status = memory_usage(f, interval=0.005, retval=True, backend=backend)
    if status == -1:
        nested = memory_usage((grow, (30,)), max_usage=True, backend=backend)
        os._exit(0 if len(readings) >= 2 and nested > 29 else 3)
    assert status == 0, status
""")


def test_nested_tracemalloc_leaves_the_peak_of_the_outer_one(program):
    program("""
import tracemalloc
def outer():
    bytearray(50 << 20)
    return memory_usage(grow, backend="tracemalloc", max_usage=True)
peak, inner = memory_usage(outer, backend="tracemalloc", max_usage=True, interval=10, retval=True)
assert 50 <= peak < 52 and inner < 10, (peak, inner)
assert not tracemalloc.is_tracing()
tracemalloc.start()
bytearray(60 << 20)
assert memory_usage(grow, backend="tracemalloc", max_usage=True) < 10
assert tracemalloc.is_tracing() and tracemalloc.get_traced_memory()[1] >= 60 << 20
""")


@pytest.mark.parametrize("backend", ["uss", "tracemalloc"])
def test_what_keeps_the_readings_is_not_in_them(program, backend):
    program(f"""
from memory_profiler import _samplers
sampler = _samplers.TracedSampler(1e-4) if {backend!r} == "tracemalloc" else (
    _samplers.NativeSampler({backend!r}, 1e-4))
_samplers.start(sampler)
time.sleep(2)
count = _samplers.stop(sampler)
readings = sampler.take()
held = count * (16 if {backend!r} == "tracemalloc" else 24) / 2**20
first, last = readings[10][0], readings[-2][0]
assert abs(last - first) < held / 5 + 0.02, (first, last, held, count)
""")


def test_tracemalloc_goes_on_until_the_last_thread_is_done(program):
    program("""
import threading, tracemalloc
first, second = threading.Event(), threading.Event()
def long():
    first.set()
    assert second.wait(30)
    bytearray(30 << 20)
def short():
    assert first.wait(30)
results = []
thread = threading.Thread(target=lambda: results.append(
    memory_usage(long, backend="tracemalloc", max_usage=True, interval=10)))
thread.start()
first.wait(30)
memory_usage(short, backend="tracemalloc")
assert tracemalloc.is_tracing()
second.set()
thread.join()
assert results[0] >= 30, results
assert not tracemalloc.is_tracing()
""")


def test_the_mark_of_the_kernel_is_never_reset(program):
    program("""
def mark():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
bytearray(200 << 20)
before = mark()
memory_usage(grow, max_usage=True)
memory_usage(-1, max_usage=True, timeout=0.2)
assert mark() >= before
assert "never reset" in memory_usage.__doc__
""")
