"""memory_usage in the forms in which programs call it."""
import sys

import pytest

from support import MAPPED_BLOCKS, environment

MAPPED = environment(**MAPPED_BLOCKS)

START = """
import io, os, subprocess, sys, time, warnings
from memory_profiler import memory_usage
calls = []
def grow(n=0, result=7):
    calls.append(n)
    block = bytearray(n << 20)
    time.sleep(0.02)
    return result
"""


@pytest.fixture
def program(run):
    return lambda text, **kw: run.plain(START + text, env=MAPPED, **kw).ok()


def test_forms_of_a_call(program):
    program("""
for proc in (grow, (grow,), (grow, (30,)), [grow, (), {"n": 30}], (grow, (30,), {"result": 7})):
    mem, result = memory_usage(proc, retval=True, interval=0.001)
    assert result == 7 and all(type(m) is float for m in mem), mem
    growth = max(mem) - mem[0]
    assert (29 < growth < 31.5) if calls[-1] else growth < 1.5, (proc, growth)
for wrong in ((), (grow, (), {}, 1)):
    try:
        memory_usage(wrong)
    except ValueError:
        continue
    raise AssertionError(wrong)
""")


def test_a_function_runs_exactly_once(program):
    program("""
mem = memory_usage((grow,), interval=10)
assert len(mem) == 2 and calls == [0], (mem, calls)
calls.clear()
memory_usage((calls.append, (1,)), interval=10, max_iterations=3)
assert calls == [1, 1, 1]
""")


def test_max_usage_is_a_number(program):
    program("""
mem, result = memory_usage((grow, (40,)), max_usage=True, retval=True, multiprocess=True)
assert result == 7 and type(mem) is float
try:
    mem[0]
except TypeError:
    pass
else:
    raise AssertionError
pair = memory_usage((grow,), max_usage=True, timestamps=True)
assert len(pair) == 2 and abs(pair[1] - time.time()) < 5
""")


def test_timestamps(program):
    program("""
begin = time.time()
pairs = memory_usage((grow, (1,)), timestamps=True, interval=0.01)
times = [when for _, when in pairs]
assert times == sorted(times) and begin - 0.01 <= times[0] and times[-1] <= time.time() + 0.01
""")


def test_a_spike_between_two_samples(program):
    program("""
def spike():
    bytearray(300 << 20)
base = memory_usage()[0]
peak = memory_usage(spike, interval=60, max_usage=True)
assert 295 < peak - base < 305, peak - base
assert memory_usage(grow, interval=60, max_usage=True) - base < 20, "an old mark is not ours"
""")


def test_samples_while_c_code_holds_the_interpreter(program):
    program("""
def hold():
    return sum(range(4_000_000))      # one call of C code
begin = time.perf_counter()
pairs = memory_usage(hold, interval=0.001, timestamps=True)
took = time.perf_counter() - begin
assert len(pairs) > took / 0.001 / 3, (len(pairs), took)
""")


def test_stream(program):
    program("""
text = io.StringIO()
assert memory_usage((grow,), stream=text, retval=True, interval=0.005) is None
lines = text.getvalue().splitlines()
assert len(lines) >= 2
for line in lines:
    word, mem, when = line.split(" ")
    assert word == "MEM" and len(mem.split(".")[1]) == 6 and len(when.split(".")[1]) == 4
child = subprocess.Popen([sys.executable, "-c", "import subprocess, sys; "
                          "subprocess.call([sys.executable, '-c', 'import time; time.sleep(.5)'])"])
text = io.StringIO()
assert memory_usage(child, stream=text, multiprocess=True, interval=0.02) is None
words = {line.split(" ")[0] for line in text.getvalue().splitlines()}
assert words == {"MEM", "CHLD"}, words
""")


def test_processes(program):
    program("""
assert len(memory_usage()) == len(memory_usage(-1)) == 1
assert abs(memory_usage(os.getpid())[0] - memory_usage(str(os.getpid()))[0]) < 2
begin = time.monotonic()
assert len(memory_usage(-1, interval=0.05, timeout=0.5)) == 10
assert 0.45 < time.monotonic() - begin < 2
assert type(memory_usage(-1, max_usage=True)) is float
(main, *children), = memory_usage(-1, multiprocess=True)
assert children == []
try:
    memory_usage(2 ** 22 + 1)
except ProcessLookupError:
    pass
else:
    raise AssertionError
""")


def test_popen(program):
    program("""
def child(code="import time; time.sleep(0.4)"):
    return subprocess.Popen([sys.executable, "-c", code])
mem = memory_usage(child(), interval=0.01)
assert len(mem) > 5 and min(mem) > 0 and max(mem) > 5, mem    # the first may be at the exec
slow = child("import time; time.sleep(30)")
assert len(memory_usage(slow, interval=0.01, timeout=0.1)) == 10
slow.kill()
slow.wait()
gone = child("")
gone.wait()
assert memory_usage(gone) == [0.0]
assert memory_usage(gone, max_usage=True) == 0.0
""")


def test_timeout_of_a_slow_function(program):
    program("""
mem, result = memory_usage((time.sleep, (0.5,)), interval=0.01, timeout=0.1, retval=True)
assert 3 <= len(mem) <= 12, len(mem)
""")


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


def test_include_children(program):
    program("""
alone = memory_usage(grow, max_usage=True)
assert abs(memory_usage(grow, max_usage=True, include_children=True) - alone) < 2
child = subprocess.Popen([sys.executable, "-c", "b = b'x' * (90 << 20); print(flush=True); input()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
both = memory_usage(grow, max_usage=True, include_children=True)
assert 90 < both - alone < 150, both - alone
child.communicate(b"\\n")
""")


@pytest.mark.xfail(
    sys.version_info[:2] == (3, 13),
    strict=False,
    reason="the first releases of 3.13 count threads after the fork hooks have started ours again",
)
def test_fork_inside_warns_of_nothing(program):
    # As an error the warning would be swallowed by os.fork(); shown, it is on stderr.
    outcome = program("""
import multiprocessing
warnings.simplefilter("always")
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
    assert result == 7 and abs(outer - mem) < 2
""")


@pytest.mark.parametrize("backend", ["psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc",
                                     "rss", "pss", "uss"])
def test_backends(program, backend):
    program(f"""
mem = memory_usage((grow, (30,)), backend={backend!r}, interval=0.001)
assert 29 < max(mem) - mem[0] < 31.5, mem
peak = memory_usage((grow, (30,)), backend={backend!r}, max_usage=True)
assert peak > 29
""")


def test_joblib_style(program):
    pytest.importorskip("numpy")
    program("""
import numpy
def allocate(n, factor=1):
    return numpy.ones(n * factor, dtype="u1")
numpy.ones(10)
mem = memory_usage((allocate, (250 << 20,), {"factor": 2}), interval=.001)
assert abs(max(mem) - mem[0] - 500) < 50
""")


def test_choice_of_backend(run):
    run.plain("""
        from memory_profiler import choose_backend, _get_memory, _get_child_memory
        assert choose_backend("rss") == "rss"
        try:
            choose_backend("abacus")
        except KeyError:
            pass
        else:
            raise AssertionError
        try:
            _get_memory(-1, "tracemalloc")
        except RuntimeError as error:
            assert "source file" in str(error)
        assert list(_get_child_memory(-1)) == []
        """).ok()
