"""What is decorated, counted and imported may go in any order, and leaves nothing behind."""

import itertools

import pytest

GC = {
    "on": "",
    "off": "import gc; gc.collect(); gc.disable()\n",
    "frozen": "import gc; gc.collect(); gc.freeze()\n",
    "off and frozen": "import gc; gc.freeze(); gc.disable()\n",
}

# Programs whose decorated things live until the interpreter ends, in cycles and without.
PROGRAMS = {
    "method": """
        class A:
            @profile
            def f(self):
                return [1] * 1000
        A().f()
        """,
    "class": """
        @profile
        class A:
            def f(self):
                return [1] * 1000
            g = property(lambda self: self.f())
        A().f()
        """,
    "cycle": """
        class A:
            def __init__(self):
                @profile
                def f():
                    return self
                self.f = f
            def __del__(self):
                self.f()
        a = A()
        a.f()
        """,
    "generator left midway": """
        @profile
        def numbers():
            yield 1
            yield 2
        left = numbers()
        next(left)
        cycle = [left]
        cycle.append(cycle)
        """,
    "profilers": """
        from memory_profiler import LineProfiler
        def f():
            return [1] * 1000
        class Kept:
            def __init__(self):
                self.profiler = LineProfiler()
                self.profiler.add_function(f)
                self.profiler.kept = self
        for _ in range(20):
            kept = Kept()
            kept.profiler.runcall(f)
        """,
    "threads": """
        import threading
        @profile
        def f():
            return [1] * 1000
        threads = [threading.Thread(target=f) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """,
    "at exit": """
        import atexit
        @profile
        def f():
            return [1] * 1000
        atexit.register(f)
        f()
        """,
}


@pytest.mark.parametrize("name, gc", list(itertools.product(PROGRAMS, GC)))
def test_programs_end_well_whatever_the_collector_does(run, name, gc):
    from textwrap import dedent

    source = GC[gc] + dedent(PROGRAMS[name])
    for options in ([], ["--all"], ["--functions"]):
        run.m(source, options=options).ok()
    run.plain("from memory_profiler import profile\n" + source).ok()


def test_decorating_leaves_no_cycle(run):
    run.plain("""
        import gc
        from memory_profiler import profile
        def work():
            @profile
            class A:
                def f(self): return 1
                @property
                def g(self): return 2
                @staticmethod
                def h(): return 3
        work()
        gc.collect()
        gc.disable()
        profile(lambda: 1)
        profile(property(lambda self: 1))
        profile(staticmethod(lambda: 1))
        assert gc.collect() == 0
        """).ok()


def test_a_profiler_that_dies_in_a_cycle_while_the_program_runs(run):
    assert (
        run.plain("""
        import gc
        from memory_profiler import LineProfiler
        gc.disable()
        def f():
            return [1] * 1000
        for i in range(50):
            profiler = LineProfiler()
            profiler.add_function(f)
            profiler.runcall(f)
            profiler.itself = profiler
            del profiler
            f()
            gc.collect()
            f()
        print("done")
        """)
        .ok()
        .stdout
        == "done\n"
    )


def test_code_that_is_gone_is_forgotten_with_its_table(run):
    outcome = run.plain("""
        import gc, io
        from memory_profiler import profile
        from memory_profiler._memprof import shared
        out = io.StringIO()
        for i in range(300):
            names = {"profile": profile(stream=out)}
            exec(f"@profile\\ndef f{i}():\\n    return {i}\\n", names)
            assert names[f"f{i}"]() == i
        del names
        gc.collect()
        print(out.getvalue().count("Filename: <string>"))
        """).ok()
    assert outcome.stdout == "300\n"


def test_a_generator_whose_code_goes_still_prints(run):
    tables = (
        run.plain("""
        import gc
        from memory_profiler import profile
        names = {"profile": profile}
        exec("@profile\\ndef numbers():\\n    yield 1\\n    yield 2\\n", names)
        left = names["numbers"]()
        next(left)
        del left, names
        gc.collect()
        """)
        .ok()
        .tables
    )
    assert len(tables) == 1 and tables[0].rows[0].occurrences == 1


FRESH = """
    import gc, io, resource, sys

    def once():
        for name in [n for n in sys.modules if n.partition(".")[0] == "memory_profiler"]:
            del sys.modules[name]
        import memory_profiler
        from memory_profiler._memprof import CallView
        out = io.StringIO()
        @memory_profiler.profile(stream=out)
        def f():
            return [1] * 10
        f()
        assert out.getvalue().count("Filename:") == 1
        view = CallView()
        view.start()
        f()
        view.stop()
        assert view.functions()
        profiler = memory_profiler.LineProfiler()
        profiler.add_function(f)
        profiler.runcall(f)
        assert len(profiler.code_map) == 1
        memory_profiler.TimeStamper().timestamp("x")

    for _ in range(100):
        once()
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(900):
        once()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if hasattr(sys, "monitoring"):
        print([sys.monitoring.get_tool(tool) for tool in range(6)].count("memory_profiler") <= 1)
    """


def test_a_thousand_fresh_imports(run):
    grown, *rest = run.plain(FRESH).ok().stdout.split()
    assert int(grown) < 900 * 8, "KiB: less than a module for each import"
    assert rest in ([], ["True"])


def test_two_imports_count_a_function_once(run):
    tables = (
        run.plain("""
        import sys
        from memory_profiler import profile
        def f():
            return 1
        f = profile(f)
        for name in [n for n in sys.modules if n.partition(".")[0] == "memory_profiler"]:
            del sys.modules[name]
        from memory_profiler import profile
        f = profile(f)
        f()
        """)
        .ok()
        .tables
    )
    assert len(tables) == 1


ASKER = """
    import ctypes, sys
    freed = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    def ask():
        '''As a debugger does that keeps something with code objects.'''
        name = "_PyEval_RequestCodeExtraIndex"
        if sys.version_info >= (3, 12):
            name = "PyUnstable_Eval_RequestCodeExtraIndex"
        request = getattr(ctypes.pythonapi, name)
        request.argtypes, request.restype = (freed,), ctypes.c_ssize_t
        callback = freed(values.append)
        assert request(callback) >= 0
        return callback
    values = []
    callback = ask()
    exec("def g():\\n    return 1\\ng()")
    print("values", values)
    del callback  # what is freed from now on must not call it
    """


@pytest.mark.parametrize("options", [[], ["--functions"], ["--all"], ["-p", "ctypes"]])
def test_another_who_keeps_something_with_code_hears_of_its_own_alone(run, options):
    outcome = run.m(ASKER, options=options).ok()
    assert "values []" in outcome.stdout
