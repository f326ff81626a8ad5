"""`from memory_profiler import profile`: a table after each outermost call."""

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
