"""In the way in which other packages call it today."""

import re
import subprocess
import sys

import pytest
from support import MAPPED_BLOCKS, environment

MAPPED = environment(**MAPPED_BLOCKS)


def test_a_builder_of_documentation_that_measures_its_examples(program):
    """It first watches an empty interpreter, then runs each example's blocks as one function."""
    program("""
empty = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
base = memory_usage(empty, interval=1e-3, timeout=0.2)
empty.kill()
empty.wait()
assert len(base) == 200 and 3 < max(base) < 100, (len(base), max(base))

def number(mem):
    try:
        return mem[0]                    # a list once
    except TypeError:
        return mem

def measured(func):
    mem, out = memory_usage((func, ()), interval=1e-3, max_usage=True, retval=True,
                            multiprocess=True)
    return number(mem), out

space = {}
blocks = [compile(text, "example", "exec") for text in (
    "data = bytearray(120 << 20)", "shape = len(data)", "del data", "answer = shape >> 20")]
figures = []
for block in blocks:
    mem, out = measured(lambda: exec(block, space))
    assert out is None and type(mem) is float
    figures.append(mem)
assert space["answer"] == 120
assert 119 < figures[0] - figures[3] < 122, figures

failing = compile("1 / 0", "example", "exec")
try:
    measured(lambda: exec(failing, space))
except ZeroDivisionError:
    pass
else:
    raise AssertionError
""")


PLUGIN = """
import pytest
from memory_profiler import memory_usage

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    peak = memory_usage((pyfuncitem.obj, (), arguments), max_usage=True, interval=0.001)
    pyfuncitem.user_properties.append(("peak", peak))
    return True

def pytest_runtest_logreport(report):
    if report.when == "call":
        print("PEAK", report.nodeid.rpartition(":")[2], dict(report.user_properties).get("peak"))
"""


def test_a_plugin_that_records_peaks(tmp_path):
    (tmp_path / "conftest.py").write_text(PLUGIN)
    (tmp_path / "test_them.py").write_text(
        "def test_small(tmp_path): pass\n"
        "def test_large(): bytearray(200 << 20)\n"
        "def test_fails(): assert 1 == 2\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-s", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=MAPPED,
        capture_output=True,
        text=True,
        timeout=60,
    )
    peaks = dict(re.findall(r"PEAK (\S+) (\S+)", done.stdout))
    assert "2 passed" in done.stdout and "1 failed" in done.stdout, done.stdout + done.stderr
    assert "assert 1 == 2" in done.stdout
    assert 199 < float(peaks["test_large"]) - float(peaks["test_small"]) < 203, peaks
    assert peaks["test_fails"] == "None"


def test_a_library_that_checks_its_own_memory(program):
    """500 MiB of an array, to a tenth."""
    pytest.importorskip("numpy")
    program("""
import numpy
def allocate(n, factor=1):
    return numpy.ones(n * factor, dtype="u1")
numpy.ones(10)
mem = memory_usage((allocate, (250 << 20,), {"factor": 2}), interval=.001)
assert abs(max(mem) - mem[0] - 500) < 50, (max(mem), mem[0])
mem = memory_usage((allocate, (500 << 20,)), timestamps=True, interval=.01)
assert abs(max(mem)[0] - mem[0][0] - 500) < 50
before = memory_usage(-1, interval=.02, timeout=.1)
held = allocate(500 << 20)
after = memory_usage(-1, interval=.02, timeout=.1)
assert len(before) == len(after) == 5
assert abs(numpy.median(after) - numpy.median(before) - 500) < 50
assert abs(memory_usage()[0] - memory_usage(os.getpid())[0]) < 5
""")


def test_a_decorator_that_logs(run):
    """profile() over a stream that is a logger, and the peak of each call beside it."""
    outcome = run.plain(
        """
        import functools, logging, sys
        from memory_profiler import LogFile, memory_usage, profile

        logging.basicConfig(stream=sys.stdout, format="%(name)s|%(message)s", level=logging.INFO)
        log = logging.getLogger("peaks")

        class ToLog:
            def write(self, text):
                if text.strip():
                    logging.getLogger("lines").info(text.rstrip())

        def logged(func):
            @functools.wraps(func)
            def call(*args, **kw):
                mem, result = memory_usage((func, args, kw), max_usage=True, retval=True)
                log.info("%s %.1f", func.__name__, mem)
                return result
            return call

        @logged
        @profile(stream=ToLog(), precision=2)
        def grow(n):
            block = bytearray(n << 20)
            return n

        assert grow(60) == grow(n=60) == 60
        memory_usage((grow, (1,)), stream=LogFile("samples"), interval=0.01)
        """,
        env=MAPPED,
    ).ok()
    peaks = re.findall(r"^peaks\|grow (\d+\.\d)$", outcome.stdout, re.M)
    assert len(peaks) == 3 and all(60 < float(peak) < 120 for peak in peaks[:2]), outcome.stdout
    rows = re.findall(
        r"^lines\| *\d+ +[\d.]+ MiB +(\d+\.\d\d) MiB +1 +block =", outcome.stdout, re.M
    )
    assert [round(float(row)) for row in rows] == [60, 60, 1], outcome.stdout
    assert len(re.findall(r"^samples\|MEM \d+\.\d{6} \d+\.\d{4}$", outcome.stdout, re.M)) >= 2


# ---- a cluster (Apache Spark): both classes overridden, the map replaced, code without source ----

SPARK = """
import inspect, types
from memory_profiler import CodeMap, LineProfiler

class LinesGiven(CodeMap):
    "The caller says which lines a function has: its source is elsewhere."
    def add(self, code, toplevel_code=None, *, sub_lines=None, start_line=None):
        if code in self:
            return
        if toplevel_code is None:
            toplevel_code = code
            if sub_lines is None or start_line is None:
                sub_lines, start_line = inspect.getsourcelines(code)
            rows = range(start_line, start_line + len(sub_lines))
            self._toplevel.append((code.co_filename, code, rows))
            self[code] = {}
        else:
            self[code] = self[toplevel_code]
        for inner in code.co_consts:
            if isinstance(inner, types.CodeType):
                self.add(inner, toplevel_code=toplevel_code)

class NoSource(CodeMap):
    "Only lines that were measured."
    def add(self, code, toplevel_code=None):
        if code in self:
            return
        if toplevel_code is None:
            toplevel_code = code
            self._toplevel.append((code.co_filename, code))
            self[code] = {}
        else:
            self[code] = self[toplevel_code]
        for inner in code.co_consts:
            if isinstance(inner, types.CodeType):
                self.add(inner, toplevel_code=toplevel_code)
    def items(self):
        for filename, code in self._toplevel:
            if self[code]:
                yield filename, ((line, self[code][line]) for line in self[code])

class ProfilerV1(LineProfiler):
    def __init__(self, **kw):
        super().__init__(**kw)
        self.code_map = LinesGiven(include_children=kw.get("include_children", False),
                                   backend=kw.get("backend", "psutil"))
    def __call__(self, func=None, precision=1, *, sub_lines=None, start_line=None):
        self.add_function(func, sub_lines=sub_lines, start_line=start_line)
        wrapped = self.wrap_function(func)
        wrapped.__module__ = func.__module__
        wrapped.__name__ = func.__name__
        wrapped.__doc__ = func.__doc__
        wrapped.__dict__.update(getattr(func, "__dict__", {}))
        return wrapped
    def add_function(self, func, *, sub_lines=None, start_line=None):
        self.code_map.add(func.__code__, sub_lines=sub_lines, start_line=start_line)

class ProfilerV2(LineProfiler):
    def __init__(self, **kw):
        super().__init__(**kw)
        self.code_map = NoSource(include_children=False, backend="psutil")

SOURCE = '''
def udf(x):
    block = bytearray(x << 20)
    pick = lambda n: n + 1
    return pick(x)
'''
space = {"__name__": "udf_module"}
exec(compile(SOURCE, "<command-42>", "exec"), space)
udf = space["udf"]
"""


def test_spark_with_lines_given(run):
    run.plain(
        SPARK
        + """
profiler = ProfilerV1()
assert type(profiler.code_map) is LinesGiven
wrapped = profiler(udf, sub_lines=SOURCE.split("\\n")[1:-1], start_line=2)
assert wrapped.__name__ == "udf"
assert wrapped(4) == 5
result = {name: list(lines) for name, lines in profiler.code_map.items()}
assert list(result) == ["<command-42>"], result
lines = result["<command-42>"]
assert [line for line, _ in lines] == [2, 3, 4, 5]
rows = dict(lines)
assert 3.7 < rows[3][0] < 4.3 and rows[3][2] == 1, rows
assert rows[2][2] == 1 and rows[5][2] == 1
assert type(profiler.code_map) is LinesGiven
""",
        env=MAPPED,
    ).ok()


def test_spark_without_source(run):
    run.plain(
        SPARK
        + """
for call in range(3):  # Spark makes a profiler for each batch
    profiler = ProfilerV2()
    wrapped = profiler(udf)
    assert wrapped(4) == 5
    result = {name: list(lines) for name, lines in profiler.code_map.items()}
    rows = dict(result["<command-42>"])
    assert sorted(rows) == [2, 3, 4, 5], rows
    assert 3.7 < rows[3][0] < 4.3, rows
    assert [rows[n][2] for n in (2, 3, 5)] == [1, 1, 1], rows
    assert rows[4][2] in (2, 3), rows
""",
        env=MAPPED,
    ).ok()


def test_spark_batches_of_an_iterator(run):
    run.plain(
        SPARK
        + """
def batches(it):
    for x in it:
        block = bytearray(x << 20)
        yield len(block)
profiler = ProfilerV2()
profiler.add_function(batches)
it = batches(iter([2, 3]))
out = []
while True:
    try:
        with profiler:
            out.append(next(it))
    except StopIteration:
        break
assert out == [2 << 20, 3 << 20]
rows = {line: m for name, lines in profiler.code_map.items() for line, m in lines}
first = batches.__code__.co_firstlineno
assert rows[first + 2][2] == 2 and 2.5 < rows[first + 2][0] < 3.5, rows
""",
        env=MAPPED,
    ).ok()
