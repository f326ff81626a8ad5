"""A call inside a call of the same function: counted once, on the deeper call's lines."""

import sys

import pytest
from support import MAPPED_BLOCKS, environment, near

MAPPED = environment(**MAPPED_BLOCKS)

RECURSION = """
    def fact(n):
        block = bytearray(10 << 20)
        if n == 0:
            return 1
        return n * fact(n - 1)
    fact(3)
    """


def check_recursion(tables):
    assert len(tables) == 1
    table = tables[0]
    assert table.first.occurrences == 4
    assert table.at("block = ").occurrences == 4
    assert table.at("block = ").increment == near(40)
    assert table.at("return 1").occurrences == 1
    # A deeper frame's block dies after its exit was read: the line that called it sees that.
    assert table.at("return n *").occurrences == 3
    assert table.at("return n *").increment == near(-30)
    assert table.own == near(10), "at the outermost exit only its own block lives"


def test_recursion_under_m(run):
    check_recursion(run.m("\n    @profile" + RECURSION, env=MAPPED).ok().tables)


def test_recursion_imported(run):
    source = "\n    from memory_profiler import profile\n    @profile" + RECURSION
    check_recursion(run.plain(source, env=MAPPED).ok().tables)


def test_a_deeper_call_is_inside_the_outermost_one(run):
    """Deeper calls are inside the outermost segment: the sum is exit less entry, once."""
    table = (
        run.m(
            """
        kept = []
        @profile
        def f(n):
            kept.append(bytearray(4 << 20))
            if n:
                f(n - 1)
        f(4)
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.own == near(20)
    assert table.at("kept.append").increment == near(20)
    assert table.line(5).increment == near(0) and table.line(6).increment == near(0)


def test_memory_of_a_line_is_read_when_it_is_over(run):
    """Not when the deeper call begins: what it grew until then is its increment alone."""
    table = (
        run.m(
            """
        def drop(block, kept):
            kept.clear()
        @profile
        def f(n):
            kept = [bytearray(50 << 20)] if n == 0 else []
            if n == 0: drop(kept.append(bytearray(50 << 20)) or f(1), kept)
        f(0)
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    line = table.at("if n == 0:")
    assert line.increment == near(-50)
    assert line.mem == near(table.first.mem)


DEEP = """
    import sys
    {head}
    sys.setrecursionlimit(20000)
    @profile
    def f(n):
        return 0 if n == 0 else 1 + f(n - 1)
    print("depth", f(12000))
    """


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 itself crashes this deep")
@pytest.mark.parametrize("form", ["m", "plain"])
def test_a_call_12000_deep(run, form):
    outcome = getattr(run, form)(DEEP.format(head="from memory_profiler import profile")).ok()
    assert "depth 12000\n" in outcome.stdout
    assert outcome.table("f").first.occurrences == 12001


def test_a_table_is_printed_at_the_limit_of_recursion(run):
    """What prints it needs frames of its own, which the program has not left."""
    outcome = run.plain(
        """
        from memory_profiler import profile

        @profile
        def inner():
            return 1

        n = 0

        def deep():
            global n
            try:
                deep()
            except RecursionError:
                pass
            try:
                n += inner()
            except RecursionError:
                pass
            if n > 40:
                raise SystemExit

        try:
            deep()
        except SystemExit:
            print("OUT", n)
        """
    ).ok()
    assert "OUT 41\n" in outcome.stdout and len(outcome.tables) == 41
