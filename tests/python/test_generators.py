"""Generators and coroutines: what happens while they wait is not their own."""

import pytest
from support import MAPPED_BLOCKS, TOLERANCE, environment, near

MAPPED = environment(**MAPPED_BLOCKS)


@pytest.mark.parametrize("form", ["m", "plain"])
def test_generator(run, form):
    table = (
        getattr(run, form)(
            """
        from memory_profiler import profile
        @profile
        def numbers(n):
            block = bytearray(15 << 20)
            for i in range(n):
                yield i
            del block
        kept = []
        for i in numbers(3):
            kept.append(bytearray(7 << 20))
        """,
            env=MAPPED,
        )
        .ok()
        .table("numbers")
    )
    assert table.first.occurrences == 1
    assert table.at("block = ").increment == near(15)
    assert table.at("yield i").occurrences == 3
    assert table.at("yield i").increment == near(0), "growth while suspended is not its own"
    assert table.at("del block").increment == near(-15)


@pytest.mark.parametrize("form", ["m", "plain"])
def test_async_generator(run, form):
    table = (
        getattr(run, form)(
            """
        import asyncio
        from memory_profiler import profile
        @profile
        async def ticks(n):
            block = bytearray(9 << 20)
            for i in range(n):
                await asyncio.sleep(0)
                yield i
            del block
        async def main():
            kept = []
            async for i in ticks(3):
                kept.append(bytearray(5 << 20))
        asyncio.run(main())
        """,
            env=MAPPED,
        )
        .ok()
        .table("ticks")
    )
    assert table.first.occurrences == 1
    assert table.at("block = ").increment == near(9)
    assert table.at("yield i").occurrences == 3
    assert table.at("yield i").increment == near(0)
    assert table.at("await asyncio").increment == near(0)
    assert table.at("del block").increment == near(-9)


def test_two_tasks_of_one_coroutine_do_not_mix(run):
    table = (
        run.m(
            """
        import asyncio
        @profile
        async def work(n):
            block = bytearray(n << 20)
            await asyncio.sleep(0.01)
            more = 1
            del block
        async def main():
            await asyncio.gather(work(8), work(11))
        asyncio.run(main())
        """,
            env=MAPPED,
        )
        .ok()
        .table("work")
    )
    assert table.first.occurrences == 2
    assert table.at("block = ").increment == near(19)
    assert table.at("await asyncio").occurrences == 2
    # Both wait at the same time; what the other allocates meanwhile is not this task's.
    assert table.at("await asyncio").increment == near(0, TOLERANCE + 0.25)
    assert table.at("more = 1").increment == near(0)
    assert table.at("del block").increment == near(-19)


def test_a_resume_is_no_start(run):
    table = (
        run.m("""
        @profile
        def g():
            for i in range(4):
                x = yield i
            return x
        list(g())
        """)
        .ok()
        .table("g")
    )
    assert table.first.occurrences == 1
    assert table.at("yield i").occurrences == 4
    assert table.at("for i in").occurrences == 5


def test_what_grows_between_resume_and_the_next_line_is_the_yield_lines(run):
    table = (
        run.m(
            """
        @profile
        def g():
            kept = [(yield 1), bytearray(7 << 20)]
            yield 2
        kept = []
        for i in g():
            kept.append(bytearray(4 << 20))
        """,
            env=MAPPED,
        )
        .ok()
        .table("g")
    )
    assert table.at("kept = ").increment == near(7)
    assert table.at("yield 2").increment == near(0)


def test_closed_through_the_delegating_one(run):
    outcome = run.m(
        """
        kept = []
        @profile
        def inner():
            try:
                yield 1
            finally:
                kept.append(bytearray(6 << 20))
        @profile
        def outer():
            yield from inner()
        g = outer()
        next(g)
        g.close()
        """,
        env=MAPPED,
    ).ok()
    assert outcome.table("inner").at("kept.append").increment == near(6)
    assert outcome.table("outer").at("yield from").increment == near(0)
