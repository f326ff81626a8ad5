"""The other Python names that scripts, notebooks and packages use today."""

from support import MAPPED_BLOCKS, environment

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
    once = [("__main__.fails", 2), (".my block", 1)] * 3 + [("__main__.outer", 0)]
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
