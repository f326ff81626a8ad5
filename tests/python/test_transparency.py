"""A profiled function looks as it did, from outside and from inside."""

import pytest


@pytest.mark.parametrize("form", ["m", "plain"])
def test_what_decorates_keeps_the_functions_identity(run, form):
    outcome = getattr(run, form)("""
        import inspect, pickle
        from memory_profiler import profile
        @profile
        def f(a, b: int = 2, *, c=3) -> str:
            "what f does"
        f.mark = 7
        @profile
        async def co():
            return 5
        @profile
        def gen():
            yield 1
        @profile
        async def agen():
            yield 1
        class K:
            @profile
            def method(self, x):
                return x
        assert str(inspect.signature(f)) == "(a, b: int = 2, *, c=3) -> str"
        assert (f.__name__, f.__qualname__, f.__module__) == ("f", "f", "__main__")
        assert f.__doc__ == "what f does" and f.__annotations__ == {"b": int, "return": str}
        assert K.method.__qualname__ == "K.method"
        assert inspect.iscoroutinefunction(co)
        assert inspect.isgeneratorfunction(gen)
        assert inspect.isasyncgenfunction(agen)
        assert pickle.loads(pickle.dumps(f)) is f
        assert pickle.loads(pickle.dumps(K.method)) is K.method
        assert f.mark == 7
        """).ok()
    assert outcome.stderr == ""


WITHOUT_TRACE = """
    import os, sys, threading, traceback
    {head}
    def facts():
        frame = sys._getframe(1)
        names = []
        while frame is not None and frame.f_code.co_name != "<module>":
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        free = os.dup(0)
        os.close(free)
        threads = threading.active_count(), len(os.listdir("/proc/self/task"))
        return names, sys.gettrace(), free, threads
    @profile
    def f(n):
        if n:
            return f(n - 1)
        return facts()
    @profile
    def g():
        yield facts()
    @profile
    def fails():
        raise ValueError
    before = facts()
    print(f(2), next(g()))
    try:
        fails()
    except ValueError as error:
        print([frame.name for frame in traceback.extract_tb(error.__traceback__)])
    assert sys.gettrace() is None and sys.getprofile() is None
    print([threading.gettrace(), threading.getprofile()])
    """


@pytest.mark.parametrize("form", ["m", "plain"])
def test_nothing_to_see_inside_a_profiled_function(run, form):
    expected = (
        run.plain(WITHOUT_TRACE.format(head="def profile(f): return f"), name="expected.py")
        .ok()
        .stdout
    )
    source = WITHOUT_TRACE.format(head="from memory_profiler import profile")
    outcome = getattr(run, form)(source).ok()
    lines = [line for line in outcome.stdout.split("\n") if line.startswith(("(", "["))]
    assert lines == expected.rstrip("\n").split("\n")
