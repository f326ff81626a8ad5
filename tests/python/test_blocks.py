"""with profile(stream=…): a table of the lines of a block."""

import sys
import textwrap

import pytest
from support import MAPPED_BLOCKS, environment, near, parse_tables

MAPPED = environment(**MAPPED_BLOCKS)

PROGRAM = """
    import io, memory_profiler
    from memory_profiler import profile

    def helper():
        block = bytearray(2 << 20)
        return block

    text = io.StringIO()
    with memory_profiler.profile(stream=text, precision=3):
        first = bytearray(5 << 20)
        several = [bytearray(1 << 20) for i in range(3)]
        called = helper()
        if called:
            del first
    after = bytearray(7 << 20)
    open("table.txt", "w").write(text.getvalue())
    """


def lines_of(table):
    return [row.text.strip() for row in table.rows]


@pytest.mark.parametrize("under", ["plain", "m"])
def test_a_block_has_a_table_of_its_lines(run, under):
    outcome = getattr(run, under)(PROGRAM, env=MAPPED).ok()
    assert outcome.stdout == ""
    (table,) = parse_tables((run.folder / "table.txt").read_text())
    assert lines_of(table)[0].startswith("with memory_profiler") and len(table.rows) == 6
    assert [row.increment for row in table.rows[1:]] == [
        near(5),
        near(3),
        near(2),
        near(0),
        near(-5),
    ]
    assert table.first.mem == near(table.first.increment) and table.first.occurrences == 1
    assert table.at("first =").occurrences == 1


def test_a_block_in_a_decorated_function_and_one_in_another(run):
    outcome = run.m(
        """
        from memory_profiler import profile as imported

        @profile
        def f():
            before = 1
            with profile(precision=2), open("script.py"):
                outer = bytearray(4 << 20)
                with imported(precision=4):
                    inner = bytearray(3 << 20)
                    del outer
                last = 2
            return inner
        f()
        """,
        env=MAPPED,
    ).ok()
    inner, outer, f = outcome.tables
    assert lines_of(inner) == [
        "with imported(precision=4):",
        "inner = bytearray(3 << 20)",
        "del outer",
    ]
    assert len(outer.rows) == 6 and outer.rows[0].text.strip().startswith(
        "with profile(precision=2)"
    )
    for table in (inner, outer, f):
        assert table.at("inner =").increment == near(3)
        assert table.at("del outer").increment == near(-4)
        assert table.at("inner =").occurrences == 1
    for table in (outer, f):
        assert table.at("outer =").increment == near(4)
    assert f.at("before =").ran and f.at("return inner").occurrences == 1


def test_each_run_of_a_block_prints_its_own_table(run):
    outcome = run.plain(
        """
        from memory_profiler import profile
        asked = profile()
        def f(n):
            with asked:
                kept = bytearray(n << 20)
                if n > 2:
                    f(n - 1)
        for n in 1, 3:
            f(n)
        """,
        env=MAPPED,
    ).ok()
    one, deeper, three = outcome.tables
    assert [one.at("kept").increment, deeper.at("kept").increment] == [near(1), near(2)]
    for table, grown in (one, 1), (deeper, 2), (three, 3):
        assert table.at("kept").occurrences == 1, "a deeper call has a block of its own"
        assert table.at("kept").increment == near(grown)


OVERLAPS = {
    "tasks": """
        async def f(n):
            with profile():
                for i in range(n):
                    kept = [bytearray(n << 20) for j in range(2)]
                    await asyncio.sleep(0)
                def inner(): return 1
                called = inner()
        async def main():
            await asyncio.gather(f(3), f(4), f(5))
        asyncio.run(main())
        """,
    "generators": """
        def f(n):
            with profile():
                for i in range(n):
                    kept = [bytearray(n << 20) for j in range(2)]
                    yield
                def inner(): return 1
                called = inner()
        for all in itertools.zip_longest(f(3), f(4), f(5)):
            pass
        """,
    "recursion": """
        def f(n):
            with profile():
                for i in range(n):
                    kept = [bytearray(n << 20) for j in range(2)]
                n == 5 or f(n + 1)
                def inner(): return 1
                called = inner()
        f(3)
        """,
}


@pytest.mark.parametrize("under", ["plain", "m"])
@pytest.mark.parametrize("kind", OVERLAPS)
def test_blocks_that_overlap_count_their_own_lines(run, kind, under):
    program = textwrap.dedent(OVERLAPS[kind])
    outcome = getattr(run, under)(
        "import asyncio, itertools\nfrom memory_profiler import profile\n" + program, env=MAPPED
    ).ok()
    tables = {table.at("for i").occurrences - 1: table for table in outcome.tables}
    assert sorted(tables) == [3, 4, 5]
    for n, table in tables.items():
        assert table.at("kept =").increment == near(2 * n)
        assert table.at("called =").occurrences == 1
    per_round = {table.at("kept =").occurrences / n for n, table in tables.items()}
    assert len(per_round) == 1, "the comprehension is its own block's too"


@pytest.mark.parametrize("under", ["plain", "m"])
def test_a_block_in_several_threads_at_once(run, under):
    outcome = getattr(run, under)("""
        import threading
        from memory_profiler import profile
        barrier = threading.Barrier(3)
        def f(n):
            with profile():
                barrier.wait()
                for i in range(n):
                    kept = [i for j in range(2)]
                barrier.wait()
                def inner(): return 1
                called = inner()
        threads = [threading.Thread(target=f, args=(n,)) for n in (3, 40, 500)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """).ok()
    assert sorted(table.at("for i").occurrences for table in outcome.tables) == [4, 41, 501]
    for table in outcome.tables:
        assert table.at("called =").occurrences == 1


def test_a_block_that_raises_prints_its_table_first(run):
    outcome = run.plain(
        """
        from memory_profiler import profile
        try:
            with profile():
                kept = bytearray(3 << 20)
                1 / 0
        except ZeroDivisionError as error:
            print("raised", error)
        """,
        env=MAPPED,
    ).ok()
    (table,) = outcome.tables
    assert table.at("kept =").increment == near(3) and table.at("1 / 0").ran
    assert outcome.stdout.endswith("raised division by zero\n")


def test_a_block_on_one_line(run):
    outcome = run.plain(
        """
        from memory_profiler import profile
        with profile(): kept = bytearray(3 << 20)
        """,
        env=MAPPED,
    ).ok()
    (table,) = outcome.tables
    (row,) = table.rows
    assert row.increment - row.mem == near(3, slack=0.3) and row.occurrences == 1


def test_blocks_without_source_in_generators_and_on_exit_stacks(run):
    outcome = run.plain(
        """
        import contextlib
        from memory_profiler import profile
        exec("with profile():\\n    kept = bytearray(3 << 20)\\n")
        def numbers():
            with profile():
                yield 1
                kept = bytearray(2 << 20)
                yield kept
        for n in numbers():
            elsewhere = bytearray(9 << 20)
        with contextlib.ExitStack() as stack:
            stack.enter_context(profile())
            other = bytearray(4 << 20)
        """,
        env=MAPPED,
    ).ok()
    no_source, generator, stack = outcome.tables
    assert no_source.line(2).increment == near(3)
    assert [row.increment for row in generator.rows[1:]] == [near(0), near(2), near(0)]
    assert stack.at("other = ").increment == near(4)


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of lines: Linux")
def test_a_block_has_the_columns_that_are_asked_for(run):
    run.plain(
        """
        import io
        from memory_profiler import profile
        text = io.StringIO()
        with profile(stream=text, peak=True, time=True):
            x = bytearray(5 << 20)
        lines = text.getvalue().split("\\n")
        (head,) = [line for line in lines if line.startswith("Line #")]
        assert "Peak" in head and "% Time" in head, lines
        """,
        env=MAPPED,
    ).ok()


def test_a_block_where_profiling_is_off_and_under_mprofs_recorder(run):
    program = "from memory_profiler import profile\nwith profile() as asked:\n    x = 1\n"
    off = run.plain(program, env=environment(MEMORY_PROFILER="0")).ok()
    assert off.stdout == ""
    recorded = run.m(program, options=["--timestamp", "-o", "x.dat"]).ok()
    assert recorded.tables[0].at("x = 1").occurrences == 1
    recorded = run.m(program.split("\n", 1)[1], options=["--timestamp", "-o", "y.dat"]).ok()
    assert recorded.stdout == ""
    assert (run.folder / "y.dat").read_text().startswith("FUNC .<block> ")


def test_the_frames_of_a_block_see_no_profiler(run):
    run.plain("""
        import sys, io
        from memory_profiler import profile
        before = sys.gettrace(), sys.getprofile()
        with profile(stream=io.StringIO()):
            assert (sys.gettrace(), sys.getprofile()) == before
            x = 1
        assert (sys.gettrace(), sys.getprofile()) == before
        """).ok()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_block_in_a_child_that_nobody_counts(run, method):
    """There it does nothing, and what it is given as a decorator comes back."""
    done = run.m(f"""
        import multiprocessing
        def child():
            with profile(precision=1) as asked:
                assert asked(child) is child
            assert profile(child) is child
            print("OUT", flush=True)
        if __name__ == "__main__":
            process = multiprocessing.get_context({method!r}).Process(target=child)
            process.start()
            process.join()
            assert process.exitcode == 0
        """).ok()
    assert done.stdout == "OUT\n"
