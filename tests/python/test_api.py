"""The other Python names that scripts, notebooks and packages use today."""

from support import MAPPED_BLOCKS, environment, near

MAPPED = environment(**MAPPED_BLOCKS)

NAMES = [
    "profile",
    "LineProfiler",
    "CodeMap",
    "TimeStamper",
    "show_results",
    "LogFile",
    "choose_backend",
    "exec_with_profiler",
    "run_module_with_profiler",
    "_get_memory",
    "_func_exec",
    "_CMD_USAGE",
    "__version__",
    "has_tracemalloc",
]


def test_names(run):
    run.plain(f"""
        import memory_profiler
        missing = [n for n in {NAMES!r} if not hasattr(memory_profiler, n)]
        assert not missing, missing
        """).ok()


def test_time_stamper(run):
    outcome = run.plain(
        """
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
        """,
        env=MAPPED,
    ).ok()
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


def test_levels_of_a_time_stamper_after_exceptions(run):
    outcome = run.plain("""
        import sys
        from memory_profiler import TimeStamper
        stamp = TimeStamper("psutil")
        @stamp
        def fails():
            raise ValueError
        @stamp
        def outer():
            for _ in range(3):
                try:
                    with stamp.timestamp("my block"):
                        fails()
                except ValueError:
                    pass
        outer()
        outer()
        stamp.show_results(sys.stdout)
        """).ok()
    levels = [line.rsplit(" ", 5) for line in outcome.stdout.splitlines()]
    levels = [(name.partition(" ")[2], int(last)) for name, *_, last in levels]
    once = [("__main__.fails", 2), (".my\u00a0block", 1)] * 3 + [("__main__.outer", 0)]
    assert levels == once * 2, outcome.stdout


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
        """).ok(says="Filename")
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


def test_logfile_survives_source_that_speaks_of_mib(run):
    outcome = run.plain("""
        import logging, sys
        from memory_profiler import LogFile, profile
        logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
        @profile(stream=LogFile("mem", reportIncrementFlag=True))
        def f():
            a = bytearray(8 << 20)  # 5 MiB of RAM
            b = 1  # 5 MiB of RAM
            return a
        f()
        """).ok()
    assert outcome.stderr == ""
    assert "a = bytearray(8 << 20)" in outcome.stdout
    assert "b = 1" not in outcome.stdout, "only the lines with an increment"


def test_the_functions_of_a_time_stamper(run):
    run.plain(
        """
        from memory_profiler import TimeStamper
        stamp = TimeStamper("psutil")
        @stamp
        def f():
            return bytearray(20 << 20)
        @stamp
        def never():
            pass
        kept = [f(), f()]
        with stamp.timestamp("my block"):
            pass
        functions = stamp.functions
        names = {function.__name__: function for function in functions}
        assert set(names) == {"f", "never", "my block"}, names
        assert names["my block"].__module__ == "" and names["f"].__module__ == "__main__"
        assert functions[names["never"]] == [] and len(functions[names["my block"]]) == 1
        assert names["f"] is getattr(f, "__wrapped__", f)
        for (before, start), (after, end) in functions[names["f"]]:
            assert 19 < after - before < 22 and start <= end
        assert len(functions[names["f"]]) == 2
        assert stamp.functions == functions
        """,
        env=MAPPED,
    ).ok()


TRACER = """
    import sys
    from memory_profiler import CodeMap, show_results
    def f(n):
        a = bytearray(n << 20)
        b = len(a)
        del a
        return b
    class Tracer:
        def __init__(self):
            self.code_map = CodeMap(include_children=False, backend="psutil")
            self.lines, self.before = [], None
        def __call__(self, frame, event, arg):
            if frame.f_code not in self.code_map:
                return None
            if event == "call":
                self.lines.append(frame.f_lineno)
                return self
            self.code_map.trace(frame.f_code, self.lines[-1], self.before)
            self.before = self.lines[-1]
            self.lines[-1] = frame.f_lineno
            if event == "return":
                self.before = self.lines.pop()
            return self
    tracer = Tracer()
    tracer.code_map.add(f.__code__)
    sys.settrace(tracer)
    f(50)
    sys.settrace(None)
    outside = bytearray(30 << 20)
    sys.settrace(tracer)
    f(10)
    sys.settrace(None)
"""


def test_code_map_that_a_tracer_of_others_feeds(run):
    """As LineProfiler of 0.61 did, with differences of readings: what is freed shows less than 0."""
    outcome = run.plain(TRACER + "    show_results(tracer, precision=3)\n", env=MAPPED).ok()
    (table,) = outcome.tables
    assert table.occurrences()[table.first.lineno] == 2
    assert table.first.increment > 5 and table.first.increment < table.first.mem
    assert table.at("bytearray(n").increment == near(60)
    assert table.at("b = len").increment == near(0)
    assert table.at("del a").increment == near(-60)
    assert table.at("bytearray(n").occurrences == 2


LOOK_ALIKES = """
    import sys
    from types import SimpleNamespace
    from memory_profiler import show_results
    import pathlib
    lines = [(1, (1.5, 20.25, 3)), (2, None), (3, (0.0, 20.25, 1))]
    class Items:
        def items(self):
            yield __file__, iter(lines)
    for code_map in (
        {__file__: lines},
        Items(),
        SimpleNamespace(items=lambda: [(__file__, iter(lines))]),
        SimpleNamespace(items=lambda: [(pathlib.Path(__file__), tuple(lines))]),
    ):
        show_results(SimpleNamespace(code_map=code_map), precision=2)
"""


def test_show_results_of_what_looks_like_a_profiler(run):
    outcome = run.plain(LOOK_ALIKES).ok()
    assert len(outcome.tables) == 4
    for table in outcome.tables:
        assert table.filename.endswith("script.py")
        assert [(row.increment, row.mem, row.occurrences) for row in table.rows] == [
            (1.5, 20.25, 3),
            (None, None, None),
            (0.0, 20.25, 1),
        ]
        assert table.rows[1].text == "from types import SimpleNamespace"


def test_a_wrapper_has_what_it_wraps(run):
    """3.10 and 3.11; later there is no wrapper, and f is f itself."""
    run.plain("""
        import functools, inspect, sys
        from memory_profiler import profile
        def plain(a, b=2):
            "doc"
            return a, b
        f = profile(stream=sys.stderr)(plain)
        if sys.version_info < (3, 12):
            assert f is not plain and f.__wrapped__ is plain
        else:
            assert f is plain and not hasattr(f, "__wrapped__")
        assert inspect.unwrap(f) is plain
        assert inspect.signature(f) == inspect.signature(plain)
        assert inspect.getsource(f) == inspect.getsource(plain)
        @functools.wraps(f)
        def outer(*args):
            return f(*args)
        assert outer.__wrapped__ is f and inspect.unwrap(outer) is plain
        class C:
            @profile
            def method(self):
                pass
        assert inspect.unwrap(C.method).__qualname__ == "C.method"
        """).ok()
