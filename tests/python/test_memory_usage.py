"""memory_usage in the forms in which programs call it."""

import sys

import pytest


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


@pytest.mark.skipif(sys.platform == "darwin", reason="the mark of Linux")
@pytest.mark.parametrize("milliseconds", [0, 10, 80])
def test_a_short_call_shows_its_spike(program, milliseconds):
    """The kernel's mark is a reading where the readings missed it; the first such call alone."""
    program(f"""
def hold(mib):
    block = bytearray(mib << 20)
    time.sleep({milliseconds} / 1000)
for _ in range(2):
    memory_usage((hold, (0,)))  # what the first call allocates is no spike
pairs = memory_usage((hold, (100,)), timestamps=True)
mem = [memory for memory, _ in pairs]
assert 99 < max(mem) - mem[0] < 102, mem
assert mem[-1] - mem[0] < 2 and pairs == sorted(pairs, key=lambda pair: pair[1]), pairs
again = memory_usage((hold, (50,)), interval=60)
assert len(again) == 2 and max(again) - again[0] < 2, again  # below the mark, which never falls
more = memory_usage((hold, (150,)), interval=60)
assert len(more) == 3 and 149 < more[1] - more[0] < 152, more
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


def test_readings_a_tenth_of_a_millisecond_apart(program):
    program("""
def hold():
    return sum(range(8_000_000))
pairs = memory_usage(hold, interval=0.0001, timestamps=True)
took = pairs[-1][1] - pairs[0][1]
# More than every millisecond gives, also on a busy machine; never more than asked for.
assert took / 0.0001 / 8 < len(pairs) < took / 0.0001 + 3, (len(pairs), took)
""")


def test_lines_of_a_function(program):
    """They come while it runs, and those of its children beside them."""
    program("""
text = io.StringIO()
def wait_for(word):
    end = time.monotonic() + 30
    while word not in text.getvalue():
        assert time.monotonic() < end, text.getvalue()
        time.sleep(0.01)
def f():
    wait_for("MEM ")
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as child:
        wait_for(f"CHLD {child.pid} ")
assert memory_usage((f,), stream=text, retval=True, interval=0.02, multiprocess=True) is None
for line in text.getvalue().splitlines():
    word, *pid, mem, when = line.split(" ")
    assert word == "MEM" and not pid or word == "CHLD" and pid[0].isdigit(), line
    assert len(mem.split(".")[1]) == 6 and len(when.split(".")[1]) == 4, line
text = io.StringIO()
memory_usage((grow,), stream=text, interval=0.001)
assert len(text.getvalue().split(None, 3)[2].split(".")[1]) == 6
text = io.StringIO()
assert memory_usage((grow,), stream=text, max_usage=True) is None
""")


def test_a_stream_that_fails(program):
    program("""
class Full:
    def write(self, text):
        raise OSError("it is full")
def fail():
    grow()
    raise KeyError("mine")
for f, error in ((grow, OSError), (fail, KeyError)):
    try:
        memory_usage((f,), stream=Full(), interval=0.001)
    except error:
        continue
    raise AssertionError(f)
assert len(calls) == 2
""")


def test_lines_of_a_process(program):
    program("""
child = subprocess.Popen([sys.executable, "-c", "import subprocess, sys; "
                          "subprocess.call([sys.executable, '-c', 'import time; time.sleep(.5)'])"])
text = io.StringIO()
assert memory_usage(child, stream=text, multiprocess=True, interval=0.02) is None
words = {line.split(" ")[0] for line in text.getvalue().splitlines()}
assert words == {"MEM", "CHLD"}, words
""")


def test_each_child_of_a_function(program):
    program("""
def f():
    with subprocess.Popen([sys.executable, "-c", "b = b'x' * (90 << 20); print(flush=True); import sys; sys.stdin.read()"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        time.sleep(0.1)
readings = memory_usage(f, interval=0.01, multiprocess=True)
assert len(readings[0]) == len(readings[-1]) == 1, readings
assert max(child for main, *children in readings for child in children) > 90
assert max(main for main, *_ in readings) < 60
(main, when), *children = memory_usage(f, interval=0.01, multiprocess=True, timestamps=True)[0]
assert main > 0 and abs(when - time.time()) < 60 and children == []
""")


def test_lengths_of_time_that_are_none(program):
    program("""
for given in ({"interval": float("nan")}, {"interval": float("inf")}, {"interval": -1},
              {"timeout": float("nan")}, {"timeout": -0.5}, {"timeout": float("inf")}):
    for proc in (grow, -1):
        try:
            memory_usage(proc, **given)
        except ValueError as error:
            assert "memory_usage: " + next(iter(given)) in str(error), error
            assert "\\n" not in str(error)
        else:
            raise AssertionError(given)
assert calls == []
assert 1 <= len(memory_usage(-1, interval=0, timeout=.01)) <= 100
assert len(memory_usage(grow, interval=0)) > 2
assert len(memory_usage(grow, interval=1e300, timeout=1e300)) == 2
assert len(memory_usage(-1, interval=1e300)) == 1
assert len(memory_usage(grow, interval=.001, timeout=0)) == 2
""")


def test_what_cannot_be_measured_is_named(program):
    program("""
for wrong in (None, 1.5, "python", object()):
    try:
        memory_usage(wrong)
    except TypeError as error:
        assert "memory_usage needs a pid" in str(error), error
    else:
        raise AssertionError(wrong)
""")


def test_processes(program):
    program("""
assert len(memory_usage()) == len(memory_usage(-1)) == 1
assert abs(memory_usage(os.getpid())[0] - memory_usage(str(os.getpid()))[0]) < 2
begin = time.monotonic()
counts = [len(memory_usage(-1, interval=0.05, timeout=0.5))]
assert 0.45 < time.monotonic() - begin < 10
while counts[-1] != 10 and len(counts) < 9:  # others that run here may cost a reading
    counts.append(len(memory_usage(-1, interval=0.05, timeout=0.5)))
assert max(counts) == 10, counts
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
mem = memory_usage(child("import time; time.sleep(0.3)").pid, interval=0.01, timeout=60)
assert 5 < len(mem) < 3000, "a process that ends has no more readings"
assert memory_usage(gone) == [0.0]
assert memory_usage(child(""), interval=0.5)[-1] > 0, "no reading of who has ended"
assert memory_usage(gone, max_usage=True) == 0.0
""")


def test_timeout_of_a_slow_function(program):
    program("""
mem, result = memory_usage((time.sleep, (0.5,)), interval=0.01, timeout=0.1, retval=True)
assert 3 <= len(mem) <= 12, len(mem)
""")


def test_include_children(program):
    program("""
alone = memory_usage(grow, max_usage=True)
assert abs(memory_usage(grow, max_usage=True, include_children=True) - alone) < 2
child = subprocess.Popen([sys.executable, "-c", "b = b'x' * (90 << 20); print(flush=True); import sys; sys.stdin.read()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
both = memory_usage(grow, max_usage=True, include_children=True)
assert 90 < both - alone < 150, both - alone
child.communicate(b"\\n")
""")


@pytest.mark.parametrize(
    "backend", ["psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc", "rss", "pss", "uss"]
)
def test_backends(program, backend):
    program(f"""
mem = memory_usage((grow, (30,)), backend={backend!r}, interval=0.001)
assert 29 < max(mem) - mem[0] < 31.5, mem
peak = memory_usage((grow, (30,)), backend={backend!r}, max_usage=True)
assert peak > 29
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
