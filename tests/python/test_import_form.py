"""`from memory_profiler import profile`: a table after each outermost call."""

import sys
import textwrap

import pytest
from support import MAPPED_BLOCKS, environment, near

MAPPED = environment(**MAPPED_BLOCKS)


def test_each_outermost_call_prints_a_table(run):
    outcome = run.plain("""
        import threading
        from memory_profiler import profile
        @profile
        def inner(n):
            return n and inner(n - 1)
        @profile
        def outer():
            inner(2)
            return 1
        @profile
        def gen():
            yield 1
            print("BETWEEN")
            yield 2
        outer()
        t = threading.Thread(target=inner, args=(0,)); t.start(); t.join()
        list(gen())
        """).ok()
    names = [next(r.text for r in t.rows if "def " in r.text) for t in outcome.tables]
    assert names == ["def inner(n):", "def outer():", "def inner(n):", "def gen():"]
    assert [t.first.occurrences for t in outcome.tables] == [3, 1, 1, 1]
    assert outcome.stdout.index("BETWEEN") < outcome.stdout.index("def gen():")


def test_each_call_starts_from_nothing(run):
    outcome = run.plain(
        """
        from memory_profiler import profile
        @profile
        def f(n):
            block = bytearray(n << 20)
            return 1
        f(5); f(2)
        """,
        env=MAPPED,
    ).ok()
    assert [t.at("block = ").increment for t in outcome.tables] == [near(5), near(2)]
    assert [t.at("block = ").occurrences for t in outcome.tables] == [1, 1]


def test_two_threads_at_once_do_not_mix(run):
    outcome = run.plain("""
        import threading
        from memory_profiler import profile
        barrier = threading.Barrier(2)
        @profile
        def f(n):
            barrier.wait()
            for i in range(n):
                pass
            barrier.wait()
        threads = [threading.Thread(target=f, args=(n,)) for n in (3, 8)]
        for t in threads: t.start()
        for t in threads: t.join()
        """).ok()
    counts = sorted(t.at("pass").occurrences for t in outcome.tables)
    assert counts == [3, 8]
    assert [t.first.occurrences for t in outcome.tables] == [1, 1]


def test_a_generator_that_is_dropped_prints_too(run):
    outcome = run.plain("""
        from memory_profiler import profile
        @profile
        def gen():
            try:
                yield 1
            finally:
                x = 1
        g = gen(); next(g); g.close()
        g = gen(); next(g); del g
        @profile
        def bare():
            yield 1
        g = bare(); next(g); g.close()
        """).ok()
    assert len([t for t in outcome.tables if "gen" in t.at("def ").text]) == 2
    # On 3.13 its end has no event: the table comes at the latest when the program ends.
    assert len([t for t in outcome.tables if "bare" in t.at("def ").text]) == 1


CLOSURES = """
    import gc, io, sys
    from memory_profiler import profile

    def of(*streams):
        return [stream.getvalue().count("Filename: ") for stream in streams]

    def make(n=1):
        def f(deeper=None):
            some = [v for v in (n, n)]
            total = sum(v for v in some)
            if deeper:
                deeper()
            return (lambda: total)()
        return f

    a, b, c = io.StringIO(), io.StringIO(), io.StringIO()
"""


def closures(run, text):
    return run.plain(textwrap.dedent(CLOSURES) + textwrap.dedent(text)).ok()


def test_each_closure_is_printed_as_it_was_decorated(run):
    closures(
        run,
        """
        one, two = profile(stream=a)(make()), profile(stream=b, precision=5)(make())
        one(); one(); two()
        assert of(a, b) == [2, 1], of(a, b)
        three = profile(stream=c, peak=True)(make()) if sys.platform == "linux" else None
        if three:
            three()
            assert of(a, b, c) == [2, 1, 1], of(a, b, c)
            assert "Peak" in c.getvalue() and "Peak" not in a.getvalue() + b.getvalue()
        decimals = lambda s: {len(w.split(".")[1]) for w in s.getvalue().split() if w[:1].isdigit()
                              and "." in w and w.replace(".", "").isdigit()}
        assert (decimals(a), decimals(b)) == ({1}, {5}), (decimals(a), decimals(b))
        """,
    )


def test_a_closure_that_is_not_decorated_is_not_printed(run):
    closures(
        run,
        """
        one = profile(stream=a)(make())
        make()(); make()(make())
        assert of(a) == [0], a.getvalue()
        one(make())  # a deeper call of the same code is in the table of the outermost
        assert of(a) == [1]
        other = profile(stream=b)(lambda: make()())
        other()
        assert of(a, b) == [1, 1], of(a, b)
        """,
    )


def test_what_was_decorated_and_is_gone_is_not_printed(run):
    closures(
        run,
        """
        one, two = profile(stream=a)(make()), profile(stream=b)(make())
        del one
        gc.collect()
        made = make()
        made(); two()
        assert of(a, b) == [0, 1], of(a, b)
        raw = make()
        first = profile(stream=c)(raw)
        again = profile(stream=c)(first)
        del again
        gc.collect()
        first()
        assert of(c) == [1], of(c)
        """,
    )


def test_one_function_decorated_again_is_printed_as_it_was_last(run):
    closures(
        run,
        """
        one = profile(stream=b)(profile(stream=a)(make()))
        one()
        assert of(a, b) == [0, 1], of(a, b)
        class A:
            @staticmethod
            @profile(stream=c)
            def s(): return [v for v in (1, 2)]
            @profile(stream=c)
            @classmethod
            def k(cls): return (lambda: cls)()
            @profile(stream=c)
            def m(self): return self
        A.s(); A().k(); A().m(); A.m(A())
        assert of(c) == [4], of(c)
        """,
    )


def test_a_function_with_new_code_is_printed_with_its_lines(run):
    closures(
        run,
        """
        one = profile(stream=a)(make())
        def other():
            return "other"
        profile(stream=b)(other)
        raw = make()
        two = profile(stream=c)(raw)
        def replaced(deeper=None):
            return "replaced"
        def remake(n=1):
            def f(deeper=None):
                return "replaced", n
            return f
        new = profile(stream=c)(remake())
        raw.__code__ = new.__code__
        two()
        assert of(c) == [1] and "replaced" in c.getvalue(), c.getvalue()
        """,
    )


@pytest.mark.parametrize("kind", ["generator", "coroutine", "async generator"])
def test_generators_of_one_def_decorated_in_different_ways(run, kind):
    outcome = closures(
        run,
        f"""
        import asyncio
        kind = {kind!r}
        def make(n):
            if kind == "generator":
                def g():
                    yield n
                    yield sum(v for v in (n, n))
                return lambda: list(g()), g
            if kind == "coroutine":
                async def g():
                    await asyncio.sleep(0)
                    return n
                return None, g
            async def g():
                yield n
                await asyncio.sleep(0)
                yield n
            return None, g
        def drive(g):
            async def main():
                if kind == "coroutine":
                    await g()
                else:
                    [x async for x in g()]
            list(g()) if kind == "generator" else asyncio.run(main())
        one, two = profile(stream=a)(make(1)[1]), profile(stream=b)(make(2)[1])
        drive(one); drive(one); drive(two); drive(make(3)[1])
        print("COUNTED", *of(a, b))
        """,
    )
    # On 3.10 a frame does not say whose it is: docs/truth.md.
    counted = "0 4" if sys.version_info < (3, 11) else "2 1"
    assert f"COUNTED {counted}\n" in outcome.stdout


def test_claims_go_with_the_functions(run):
    closures(
        run,
        """
        import tracemalloc
        def decorate(count):
            for i in range(count):
                profile(stream=a if i % 2 else b)(make(i))
        decorate(1000)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        decorate(20000)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        assert grown < 64 << 10, grown
        """,
    )
