"""Where memory, stack or interpreters run out: an exception or a line, never a crash."""

import json
import subprocess
import sys

import pytest
from support import environment

_testcapi = pytest.importorskip("_testcapi", reason="this Python came without its own tests")

# One allocation after the other is refused, while each of these is done. They go to the core itself:
# from 3.12 on the interpreter crashes by its own doing when it makes a function without memory.
ACTS = {
    "watching": "Profiler(always_on=True).watch(codes)",
    "watching calls": "Profiler(per_call=True, always_on=True, finished=is_).watch(codes, act)",
    "enabling": "kept.enable(); plain(2); kept.disable()",
    "results": "kept.used(); kept.rows(0); kept.ledger(0); kept.info(); kept.costs()",
    "calling": "counted(3)",
    "yielding": "list(numbers())",
    "raising": "bad()",
    "first calls in a thread": "_thread.start_new_thread(counted, (2,)); time.sleep(0.001)",
    "a call view": "v = CallView(); v.start(); plain(1); v.stop(); v.functions()",
    "a recorder": "r = SpanRecorder(); r.watch(plain.__code__, 'x'); plain(1); r.read()",
    "a block": "recorder.begin(act, 'x'); recorder.end(act)",
    "modules": "on_modules(is_); exec(module, {}); on_modules(None)",
    "saving": "save_every(100, time.time); save_every(1, None)",
    "formatting": "format_row(1, (1.0, 2.0, 3), 'x', 3); format_call(1, 1, 1.0, 1.0, 1.0, 3, 'x')",
}

SOURCE = """
import sys, time, _thread, _testcapi
from operator import is_
from memory_profiler._memprof import *
from memory_profiler._memprof import CallView, Profiler, SpanRecorder

def plain(n):
    return [n] * n

def counted(n):
    return [str(k) for k in range(n)]

def numbers():
    yield [1] * 10
    yield [2] * 10

def bad():
    raise ValueError("x")

codes = (plain.__code__,)
module = compile("x = 1", "m", "exec")
kept, calls, recorder = Profiler(), Profiler(per_call=True, always_on=True, finished=is_), SpanRecorder()
kept.watch(codes)
for function in (counted, numbers, bad):
    calls.watch((function.__code__,), function)

def act():
    {act}

class Quiet:
    def write(self, text):
        return len(text)

REFUSED = MemoryError, ValueError, OSError, RuntimeError, SystemError  # a tuple needs memory

# A function of its own: the place of a handler far into a function is an int that needs memory.
def is_refused(first):
    try:
        _testcapi.set_nomemory(first, first + 3)
        act()
    except REFUSED as error:
        return isinstance(error, MemoryError)
    finally:
        _testcapi.remove_mem_hooks()
    return False

errors, real, quiet = 0, sys.stderr, Quiet()
for first in range(200):
    sys.stderr = quiet
    errors += is_refused(first)
    sys.stderr = real
try:
    act()
except ValueError:
    pass
print("still here", counted(3), errors)
"""


# A tool of sys.monitoring alone; 3.15.2 ends here by a signal, whoever has asked for these events.
INTERPRETERS_OWN = """
import sys, _testcapi
events = sys.monitoring.events
sys.monitoring.use_tool_id(4, "a tool")
for event in (events.RAISE, events.PY_UNWIND):
    sys.monitoring.register_callback(4, event, slice)
def act():
    return [str(1)] * 3
def refused(first):
    try:
        _testcapi.set_nomemory(first, first + 3)
        act()
    except MemoryError:
        pass
    finally:
        _testcapi.remove_mem_hooks()
sys.monitoring.set_events(4, events.RAISE | events.PY_UNWIND)
for first in range(200):
    refused(first)
"""


@pytest.fixture(scope="module")
def interpreter():
    """What it cannot do without us it cannot do with us."""
    if sys.version_info >= (3, 12):
        done = subprocess.run([sys.executable, "-c", INTERPRETERS_OWN], capture_output=True)
        if done.returncode < 0:
            pytest.skip(
                "events of exceptions without memory crash this interpreter without us, too"
            )


@pytest.mark.parametrize("act", ACTS)
def test_no_memory_is_an_exception_not_a_crash(interpreter, run, act):
    outcome = run.plain(SOURCE.format(act=ACTS[act])).ok()
    assert outcome.stdout.startswith("still here ['0', '1', '2'] ")
    assert outcome.stderr == ""


@pytest.mark.parametrize("backend", ["rss", "pss", "tracemalloc"])
@pytest.mark.parametrize("depth", ["f(10 ** 6)", "list(g(10 ** 6))", "A().deep(10 ** 6)"])
def test_recursion_to_the_limit_is_a_recursion_error(run, depth, backend):
    outcome = run.m(
        f"""
        import sys
        @profile
        def f(n):
            return 0 if n == 0 else 1 + f(n - 1)
        @profile
        def g(n):
            if n:
                yield from g(n - 1)
            yield n
        class A:
            @profile
            def deep(self, n):
                return self.deep(n - 1)
        for limit in (200, 1000, 3000):
            sys.setrecursionlimit(limit)
            try:
                {depth}
            except RecursionError as error:
                print("RecursionError", limit)
        print(f(20))
        """,
        options=["--backend", backend],
    ).ok()
    lines = outcome.stdout.splitlines()
    assert lines[:4] == ["RecursionError 200", "RecursionError 1000", "RecursionError 3000", "20"]
    assert outcome.table("f").first.occurrences >= 21


# The program of which nothing is left, and what it does then.
USES_UP_MEMORY = """
import resource, tracemalloc
{first}
@profile
def eat():
    resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))
    global l
    l = []
    n = 1 << 16
    while n:
        try:
            l.append(bytearray(n))
        except MemoryError:
            {then}
eat()
{last}
raise SystemExit(3)
"""
BIT_BY_BIT = {"first": "", "then": "n >>= 1", "last": ""}
TO_THE_FIRST_ERROR = {"first": "", "then": "raise", "last": ""}
# More than an arena of pymalloc (1 MiB) and what tracemalloc's tables grow by, wherever it lies.
WITH_SOME_FREED = {"first": "", "then": "break", "last": "l.clear()"}


def end_of_memory(run, program, *options):
    """(the plain run, a profiled one whose table is whole) of a program that uses up its memory."""
    plain = {**program, "first": "profile = lambda f: f\ntracemalloc.start()"}
    alone = run.plain(USES_UP_MEMORY.format(**plain), name="plain.py")
    outcome = run.m(USES_UP_MEMORY.format(**program), options=options)
    table = outcome.table("eat")
    assert table.first.occurrences == 1 and table.at("l.append").occurrences > 1000
    assert "return without exception" not in outcome.stderr
    assert (
        "Exception ignored in" not in outcome.stderr and "/memory_profiler/" not in outcome.stderr
    )
    return alone, outcome


@pytest.mark.parametrize("program", [BIT_BY_BIT, TO_THE_FIRST_ERROR], ids=["bits", "error"])
def test_without_memory_under_tracemalloc_a_program_ends_with_its_table(run, program):
    alone, outcome = end_of_memory(run, program, "--backend", "tracemalloc")
    # Where not even an exit can be made any more, it is MemoryError, plain as well.
    assert {alone.returncode, outcome.returncode} <= {1, 3}
    if outcome.returncode == 1:
        assert "MemoryError" in outcome.stderr


@pytest.mark.parametrize("backend", ["rss", "tracemalloc"])
def test_a_program_that_frees_what_its_exit_needs_has_its_exit_status(run, backend):
    alone, outcome = end_of_memory(run, WITH_SOME_FREED, "--backend", backend)
    assert (alone.returncode, outcome.returncode) == (3, 3)
    failed = "memory_profiler: a reading of memory failed: Cannot allocate memory\n"
    assert outcome.stderr in ("", failed)


def test_without_memory_files_and_functions_are_written_and_the_status_is_kept(run):
    _, outcome = end_of_memory(run, BIT_BY_BIT, "--json", "run.json", "--functions")
    assert (outcome.returncode, outcome.stderr) == (3, "")
    saved = json.loads((run.folder / "run.json").read_text())
    assert saved["finished"] is True
    assert "eat" in outcome.stdout.partition("Function")[2]


DEPTH = """
import sys
def depth(n=1):
    try:
        return depth(n + 1)
    except RecursionError:
        return n
first = depth()
sys.setrecursionlimit(sys.getrecursionlimit() + 500)
second = depth()
try:
    sys.setrecursionlimit(1)
except RecursionError as error:
    print(error)
print(first, second)
"""


@pytest.mark.parametrize("options", [[], ["--functions"], ["--all", "--backend", "tracemalloc"]])
def test_a_program_has_as_many_frames_as_without_us(run, options):
    plain = run.plain(DEPTH).ok()
    outcome = run.m(DEPTH, options=options).ok()
    said = [line for line in outcome.stdout.splitlines() if line in plain.stdout.splitlines()]
    assert said == plain.stdout.splitlines()


def test_what_is_thrown_into_a_generator_survives_the_first_reading(run):
    outcome = run.plain(
        """
        import threading
        from memory_profiler._memprof import Profiler
        import tracemalloc
        tracemalloc.start()
        def numbers():
            yield 1
        waiting = numbers()
        profiler = Profiler(backend="tracemalloc", always_on=True)
        profiler.watch((numbers.__code__,))
        profiler.see_calls()
        def throw():
            try:
                waiting.throw(KeyError("thrown"))
            except BaseException as error:
                print(type(error).__name__, error)
        thread = threading.Thread(target=throw)
        thread.start()
        thread.join()
        """
    ).ok()
    assert outcome.stdout == "KeyError 'thrown'\n"


def test_a_reader_that_is_not_tracemallocs_own_is_refused(run):
    run.write(
        "sitecustomize.py",
        """
        import _tracemalloc
        _tracemalloc.get_traced_memory = lambda: (1, 2)
        """,
    )
    outcome = run.m(
        "print('ran')",
        options=["--backend", "tracemalloc"],
        env=environment(PYTHONPATH=str(run.folder)),
    )
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.one_line_error() == (
        "memory_profiler: tracemalloc cannot be read: its get_traced_memory() was replaced"
    )


SUBINTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
{first}
code = '''
try:
    import memory_profiler
    @memory_profiler.profile
    def f():
        return [1] * 10
    f()
except ImportError as error:
    print("ImportError", error)
print("inside", flush=True)
'''
for _ in range(3):
    one = interpreters.create()
    interpreters.run_string(one, code)
    interpreters.destroy(one)
print("outside")
"""


@pytest.mark.parametrize(
    "first",
    [
        "",
        "import memory_profiler",
        "from memory_profiler import profile\nf = profile(lambda: 1)\nf()",
    ],
)
def test_subinterpreters_work_or_say_that_they_cannot(run, first):
    outcome = run.plain(SUBINTERPRETER.format(first=first)).ok()
    lines = outcome.stdout.splitlines()
    assert lines.count("inside") == 3 and lines[-1] == "outside"
    if sys.version_info >= (3, 12):
        assert sum(line.startswith("ImportError") for line in lines) == 3
    else:
        assert sum("return [1] * 10" in line or "6 " in line for line in lines) >= 3
