"""How often a line started and a function was entered; what the first row shows."""

import sys

from support import MAPPED_BLOCKS, environment, near

MAPPED = environment(**MAPPED_BLOCKS)


def test_the_first_row_counts_entries(run):
    table = run.m("""
        import threading
        @profile
        def f(n):
            if n:
                f(n - 1)
        @profile
        def g():
            yield 1
            yield 2
        f(2); f(1)
        t = threading.Thread(target=f, args=(1,)); t.start(); t.join()
        list(g()); list(g())
        """).ok()
    assert table.table("f").first.occurrences == 7
    assert table.table("g").first.occurrences == 2
    assert table.table("f").first.increment == near(table.table("f").first.mem, 0.5)


def test_where_the_only_line_is_the_first_row(run):
    outcome = run.m(
        """
        kept = []
        f = profile(lambda: kept.append(bytearray(3 << 20)))
        f(); f()
        """,
        env=MAPPED,
    ).ok()
    (table,) = outcome.tables
    assert len(table.rows) == 1
    assert table.first.occurrences == 2
    assert table.first.mem - table.first.increment == near(0), (
        "memory at first entry and 6 MiB; the largest reading is the same"
    )


def test_a_jump_back_within_a_line_is_a_start(run):
    table = (
        run.m("""
        @profile
        def f():
            for i in range(6): x = i
            n = 4
            while n: n -= 1
            a = [i for i in range(3)]
            return a
        f()
        """)
        .ok()
        .table("f")
    )
    assert table.at("for i in range(6)").occurrences == 7
    # sys.settrace says so: up to 3.13 the compiler puts a copy of the test at the loop's end.
    jumps = 4 if sys.version_info >= (3, 14) else 3
    assert table.at("while n").occurrences == 1 + jumps
    inlined = sys.version_info >= (3, 12)
    assert table.at("a = [i").occurrences == (4 if inlined else 6), "one start, three jumps back"
