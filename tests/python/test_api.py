"""The Python names that scripts, notebooks and other packages use today.

Longer than 500 lines because every public name has its test here, in the order of the contract.
"""
import pytest

from support import MAPPED_BLOCKS, environment, near, parse_tables

MAPPED = environment(**MAPPED_BLOCKS)

NAMES = ["profile", "LineProfiler", "CodeMap", "TimeStamper", "show_results", "LogFile",
         "choose_backend", "exec_with_profiler", "run_module_with_profiler", "_get_memory",
         "_func_exec", "_CMD_USAGE", "__version__", "has_tracemalloc"]


def test_names(run):
    run.plain(f"""
        import memory_profiler
        missing = [n for n in {NAMES!r} if not hasattr(memory_profiler, n)]
        assert not missing, missing
        """).ok()


# ---- profile() ----

@pytest.mark.parametrize("decorator", ["@profile", "@profile()", "@profile(precision=4)",
                                       "@profile(stream=None)", "@profile(backend='psutil')",
                                       "@profile(None, None, 2, 'rss')", "@profile(func=None)"])
@pytest.mark.parametrize("form", ["m", "plain"])
def test_forms_of_the_decorator(run, decorator, form):
    outcome = getattr(run, form)(f"""
        from memory_profiler import profile
        {decorator}
        def f(n):
            block = bytearray(n << 20)
            return len(block)
        assert f(4) == 4 << 20
        """, env=MAPPED).ok()
    assert outcome.table("f").at("block = ").increment == near(4)


def test_precision_of_the_import_form_is_1(run):
    outcome = run.plain("from memory_profiler import profile\n@profile\ndef f():\n    return 1\nf()\n")
    row = [line for line in outcome.ok().stdout.split("\n") if "return 1" in line][0]
    assert len(row.split()[1].partition(".")[2]) == 1


def test_stream_receives_the_table(run, tmp_path):
    outcome = run.plain("""
        import io
        from memory_profiler import profile
        text = io.StringIO()
        @profile(stream=text, precision=2)
        def f():
            return 1
        f()
        open("t.txt", "w").write(text.getvalue())
        """).ok()
    assert outcome.stdout == ""
    table, = parse_tables((tmp_path / "t.txt").read_text())
    assert table.at("return 1").occurrences == 1


def test_the_table_goes_to_the_stdout_of_the_call(run):
    run.plain("""
        import contextlib, io
        from memory_profiler import profile
        @profile
        def f():
            return 1
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            f()
        assert "return 1" in text.getvalue()
        """).ok()


@pytest.mark.parametrize("backend", ["psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc",
                                     "rss", "pss", "uss"])
def test_backends_of_the_decorator(run, backend):
    table = run.plain(f"""
        from memory_profiler import profile
        @profile(backend="{backend}")
        def f():
            block = bytearray(6 << 20)
            return 1
        f()
        """, env=MAPPED).ok().table("f")
    assert table.at("block = ").increment == near(6)


def test_an_unknown_backend_is_named(run):
    outcome = run.plain("""
        from memory_profiler import profile
        try:
            profile(backend="abacus")(lambda: 1)
        except Exception as error:
            print(type(error).__name__, error)
        """).ok()
    assert "abacus" in outcome.stdout


def test_arguments_and_results_pass_untouched(run):
    run.plain("""
        import io
        from memory_profiler import profile
        quiet = profile(stream=io.StringIO())
        @quiet
        def f(*args, **kw):
            return args, kw
        marker = object()
        assert f(1, marker, a=2) == ((1, marker), {"a": 2})
        @quiet
        def g():
            received = []
            try:
                while True:
                    received.append((yield len(received)))
            except ValueError:
                return received
        it = g()
        assert [next(it), it.send("x"), it.send("y")] == [0, 1, 2]
        try:
            it.throw(ValueError)
        except StopIteration as stop:
            assert stop.value == ["x", "y"]
        """).ok()


@pytest.mark.parametrize("form", ["m", "plain"])
def test_async_functions(run, form):
    table = getattr(run, form)("""
        import asyncio
        from memory_profiler import profile
        @profile
        async def f(n):
            block = bytearray(n << 20)
            await asyncio.sleep(0)
            return n
        async def main():
            return await f(5)
        assert asyncio.run(main()) == 5
        """, env=MAPPED).ok().table("f")
    assert table.at("block = ").increment == near(5)
    assert table.at("await").occurrences == 1


def test_property_setters_and_deleters(run):
    outcome = run.m("""
        class C:
            @property
            def x(self):
                return 1
            @x.setter
            @profile
            def x(self, value):
                self.block = bytearray(value << 20)
            y = profile(property(lambda self: 1, lambda self, v: None))
        c = C()
        c.x = 5
        c.y = c.x
        """, env=MAPPED).ok()
    setters = [t for t in outcome.tables if any("self.block" in row.text for row in t.rows)]
    assert len(setters) == 1
    assert setters[0].at("self.block").increment == near(5)


def test_partial_and_bound_methods(run):
    outcome = run.m("""
        import functools
        def f(n):
            block = bytearray(n << 20)
            return n
        class C:
            def method(self, n):
                block = bytearray(n << 20)
                return n
        c = C()
        assert profile(c.method)(3) == 3
        g = functools.partial(f, 4)
        assert profile(g)() == 4
        """, env=MAPPED).ok()
    assert outcome.table("method").at("block = ").increment == near(3)
    assert outcome.table("f").at("block = ").increment == near(4)


# ---- LineProfiler ----

USES = {
    "call": "p(f)(3)",
    "decorator": "@p\ndef g(n):\n    block = bytearray(n << 20)\n    return n\nf = g\ng(3)",
    "decorator with arguments": "f = p(precision=2)(f); f(3)",
    "context manager": "p.add_function(f)\nwith p:\n    f(3)",
    "add_function and enable": "p.add_function(f); p.enable(); f(3); p.disable()",
    "by count": "p.add_function(f); p.enable_by_count(); p.enable_by_count(); p.disable_by_count(); "
                "f(3); p.disable_by_count()",
    "wrap_function": "p.add_function(f); p.wrap_function(f)(3)",
    "runctx": "p.add_function(f); assert p.runctx('f(3)', globals(), globals()) is p",
    "run": "p.add_function(f); assert p.run('f(3)') is p",
    "runcall": "p.add_function(f); assert p.runcall(f, 3) == 3",
}


@pytest.mark.parametrize("use", USES)
def test_line_profiler(run, use):
    table = run.plain("""
from memory_profiler import LineProfiler, show_results
def f(n):
    block = bytearray(n << 20)
    return n
p = LineProfiler()
""" + USES[use] + """
assert not p.enable_count
show_results(p)
""", env=MAPPED).ok().tables[0]
    assert table.first.occurrences == 1
    assert table.at("block = ").increment == near(3)
    assert table.at("return n").occurrences == 1


def test_line_profiler_counts_only_while_enabled(run):
    run.plain("""
        from memory_profiler import LineProfiler
        def f():
            return 1
        p = LineProfiler()
        p.add_function(f)
        f()
        assert p.code_map[f.__code__] == {}
        p.enable_by_count(); p.enable_by_count()
        f()
        p.disable_by_count()
        f()
        p.disable_by_count()
        f()
        p.disable_by_count()
        assert p.enable_count == 0
        assert sorted(m[2] for m in p.code_map[f.__code__].values()) == [2, 2]
        """).ok()


def test_line_profiler_stopped_in_the_middle_of_a_call(run):
    run.plain("""
        from memory_profiler import LineProfiler
        p = LineProfiler()
        def f():
            a = bytearray(4 << 20)
            p.disable()
            b = bytearray(9 << 20)
            return 1
        p.add_function(f)
        p.enable()
        f()
        lines = p.code_map[f.__code__]
        assert 3.5 < sum(m[0] for m in lines.values()) - list(lines.values())[0][0] < 4.5, lines
        f()
        assert p.code_map[f.__code__] == lines
        """, env=MAPPED).ok()


def test_line_profiler_arguments(run):
    run.plain("""
        from memory_profiler import LineProfiler
        for backend in ("psutil", "tracemalloc", "pss", "posix", "rss", "uss"):
            p = LineProfiler(backend=backend, include_children=False, max_mem=None)
            def f():
                block = bytearray(5 << 20)
                return block
            p(f)()
            inc, mem, hits = list(p.code_map[f.__code__].values())[1]
            assert 4.7 < inc < 5.3 and hits == 1, (backend, inc)
        """, env=MAPPED).ok()


def test_add_function_on_a_builtin_warns(run):
    outcome = run.plain("""
        import warnings
        from memory_profiler import LineProfiler
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            LineProfiler().add_function(len)
        assert len(caught) == 1 and "len" in str(caught[0].message)
        """).ok()
    assert outcome.stderr == ""


# ---- CodeMap ----

def test_code_map(run):
    run.plain("""
        import types
        from memory_profiler import CodeMap, LineProfiler
        p = LineProfiler()
        assert isinstance(p.code_map, CodeMap) and issubclass(CodeMap, dict)
        @p
        def f():
            a = 1
            def nested():
                return 2
            return nested()
        code = p.code_map._toplevel[0][1]
        f()
        assert isinstance(code, types.CodeType) and code in p.code_map
        nested = next(c for c in code.co_consts if isinstance(c, types.CodeType))
        assert p.code_map[nested] is p.code_map[code]
        (filename, same, linenos), = p.code_map._toplevel
        assert filename == __file__ or filename.endswith("script.py")
        assert same is code and list(linenos) == list(range(5, 11))
        measures = p.code_map[code]
        assert list(measures) == [5, 7, 8, 9, 10], "insertion order is line order"
        for increment, mem, occurrences in measures.values():
            assert isinstance(increment, float) and isinstance(mem, float) and isinstance(occurrences, int)
        (name, lines), = p.code_map.items()
        rows = list(lines)
        assert name == filename
        assert [line for line, _ in rows] == list(linenos)
        assert dict(rows)[6] is None and dict(rows)[7] == measures[7]
        """).ok()


def test_code_map_by_itself(run):
    run.plain("""
        from memory_profiler import CodeMap
        m = CodeMap(include_children=False, backend="psutil")
        assert m == {} and m._toplevel == [] and list(m.items()) == []
        def f():
            return 1
        m.add(f.__code__)
        m.add(f.__code__)
        assert list(m) == [f.__code__] and m[f.__code__] == {}
        assert len(m._toplevel) == 1
        assert list(m.items()) == [], "no measurement, no entry"
        m[f.__code__][5] = (0.5, 20.0, 1)
        (name, lines), = m.items()
        assert dict(lines)[5] == (0.5, 20.0, 1)
        """).ok()


def test_a_code_map_filled_by_hand_can_be_shown(run):
    table = run.plain("""
        from memory_profiler import CodeMap, show_results
        class Holder: pass
        def f():
            return 1
        p = Holder()
        p.code_map = CodeMap(False, "psutil")
        p.code_map.add(f.__code__)
        p.code_map[f.__code__][3] = (20.0, 20.0, 1)
        p.code_map[f.__code__][4] = (0.5, 20.5, 7)
        show_results(p, precision=2)
        """).ok().tables[0]
    assert table.at("return 1").increment == 0.5
    assert table.at("return 1").occurrences == 7


# ---- the way of Apache Spark: both classes overridden, the map replaced, code without source ----

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
    run.plain(SPARK + """
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
""", env=MAPPED).ok()


def test_spark_without_source(run):
    run.plain(SPARK + """
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
""", env=MAPPED).ok()


def test_spark_batches_of_an_iterator(run):
    run.plain(SPARK + """
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
""", env=MAPPED).ok()


def test_the_map_may_be_replaced_late(run):
    run.plain("""
        from memory_profiler import CodeMap, LineProfiler
        def f():
            block = bytearray(5 << 20)
            return block
        p = LineProfiler()
        p.add_function(f)
        p.enable()
        f()
        mine = CodeMap(False, "psutil")
        mine.add(f.__code__)
        p.code_map = mine
        p.disable()
        assert 4.7 < list(mine[f.__code__].values())[1][0] < 5.3, mine
        """, env=MAPPED).ok()


def test_a_profiler_that_is_gone_is_not_called(run):
    run.plain("""
        import gc
        from memory_profiler import LineProfiler
        def f():
            return 1
        for _ in range(300):
            p = LineProfiler()
            assert p(f)() == 1
        del p
        gc.collect()
        assert f() == 1
        """).ok()


# ---- show_results ----

def test_show_results(run):
    outcome = run.plain("""
        import io, sys
        from memory_profiler import LineProfiler, show_results
        p = LineProfiler()
        @p
        def f():
            return 1
        show_results(p)
        f()
        text = io.StringIO()
        show_results(p, text, precision=4)
        show_results(p, stream=sys.stdout, precision=2)
        row = [l for l in text.getvalue().split("\\n") if "return 1" in l][0]
        assert len(row.split()[1].split(".")[1]) == 4
        """).ok()
    assert len(outcome.tables) == 1


# ---- TimeStamper ----

def test_time_stamper(run):
    outcome = run.plain("""
        import sys
        from memory_profiler import TimeStamper
        stamp = TimeStamper("psutil", include_children=False)
        @stamp
        def f(n):
            block = bytearray(n << 20)
            return n
        @stamp
        def fails():
            raise ValueError
        assert f(5) == 5
        try:
            fails()
        except ValueError:
            pass
        with stamp.timestamp("label"):
            f(2)
        with stamp.timestamp():
            pass
        stamp.show_results(sys.stdout)
        """, env=MAPPED).ok()
    lines = [line.split(" ") for line in outcome.stdout.splitlines()]
    assert all(line[0] == "FUNC" for line in lines), outcome.stdout
    names = [line[1] for line in lines]
    assert len([n for n in names if n.endswith("f")]) == 2
    assert any(n.endswith("fails") for n in names)
    assert any(n.endswith("label") for n in names)
    for line in lines:
        mem0, t0, mem1, t1 = map(float, line[2:6])
        assert t0 <= t1 and mem0 > 1 and mem1 > 1


def test_time_stamper_as_the_decorator_of_a_coroutine_and_a_generator(run):
    outcome = run.plain("""
        import asyncio, sys
        from memory_profiler import TimeStamper
        stamp = TimeStamper("psutil")
        @stamp
        async def co():
            await asyncio.sleep(0.05)
            return 5
        assert asyncio.run(co()) == 5
        stamp.show_results(sys.stdout)
        """).ok()
    line = outcome.stdout.splitlines()[0].split(" ")
    assert line[1].endswith("co") and float(line[5]) - float(line[3]) > 0.04


# ---- LogFile and the rest ----

def test_logfile(run):
    outcome = run.plain("""
        import logging, sys
        from memory_profiler import LogFile, profile
        logging.basicConfig(stream=sys.stdout, format="%(name)s|%(message)s", level=logging.INFO)
        log = LogFile("mem")
        assert log.logger.name == "mem" and log.reportIncrementFlag is False
        @profile(stream=log)
        def f():
            return 1
        f()
        log.flush()
        """).ok()
    assert "mem|Filename: " in outcome.stdout
    assert "return 1" in outcome.stdout


def test_logfile_as_stdout(run):
    """The documented use: sys.stdout = LogFile('name')."""
    outcome = run.plain("""
        import logging, sys
        from memory_profiler import LogFile, profile
        logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.INFO)
        sys.stdout = LogFile("mem", reportIncrementFlag=False)
        @profile
        def f():
            return 1
        f()
        """).ok()
    assert "return 1" in outcome.stderr


def test_choose_backend(run):
    run.plain("""
        import warnings
        from memory_profiler import choose_backend
        assert choose_backend() == choose_backend(None) == "psutil"
        for name in ("psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc"):
            assert choose_backend(name) == name
        """).ok()


def test_get_memory(run):
    run.plain("""
        import os, time
        from memory_profiler import _get_memory
        pages = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        for backend in ("psutil", "posix", "psutil_pss", "psutil_uss"):
            assert 0 < _get_memory(-1, backend) < pages + 2
        assert abs(_get_memory(os.getpid(), "psutil") - pages) < 2
        mem, when = _get_memory(-1, "psutil", timestamps=True)
        assert abs(mem - pages) < 2 and abs(when - time.time()) < 5
        assert abs(_get_memory(-1, "psutil", include_children=True) - pages) < 2
        """).ok()


def test_exec_with_profiler_and_run_module(run):
    run.write("inner.py", "@profile\ndef f():\n    return 1\nf()\n")
    run.plain("""
        import io, sys
        from memory_profiler import (LineProfiler, exec_with_profiler, run_module_with_profiler,
                                     show_results)
        for act in ((lambda p: exec_with_profiler("inner.py", p, "psutil", ["a"])),
                    (lambda p: run_module_with_profiler("inner", p, "psutil", ["a"]))):
            p = LineProfiler()
            act(p)
            assert sys.argv[1:] == ["a"]
            text = io.StringIO()
            show_results(p, text)
            assert "return 1" in text.getvalue()
        """).ok()


def test_func_exec(run):
    run.plain("""
        from memory_profiler import _func_exec
        space = {"n": 2}
        _func_exec("m = n + 1", space)
        assert space["m"] == 3
        """).ok()


def test_import_is_light(run):
    outcome = run.plain("""
        import sys
        before = set(sys.modules)
        import memory_profiler
        new = {name.split(".")[0] for name in set(sys.modules) - before}
        foreign = {n for n in new if n not in sys.stdlib_module_names and n != "memory_profiler"}
        assert not foreign, foreign
        assert not new & {"asyncio", "multiprocessing", "subprocess", "logging", "pdb", "psutil"}, new
        """).ok()
    assert outcome.stdout == outcome.stderr == ""
