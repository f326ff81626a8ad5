"""Yields and returns: read with the locals alive, or not at all where nothing can have changed."""

import pytest
from support import MAPPED_BLOCKS, environment, near

MAPPED = environment(**MAPPED_BLOCKS)

EXITS = """
    kept = []
    def grow(n):
        kept.append(bytearray(n << 20))
        return n
    @profile
    def plain(n):
        for i in range(n):
            grow(3)
            yield i
        return n
    @profile
    def in_two_lines(n):
        for i in range(n):
            yield (grow(3) and
                   i)
    @profile
    def in_one_line(n):
        while n: n -= 1; yield n; grow(3)
    @profile
    def first_line(n=grow(1)): return n
    @profile
    def either(n):
        return grow(3) if n else n
    for f in plain, in_two_lines, in_one_line:
        assert len(list(f(4))) == 4
    for i in range(4):
        first_line(i)
        either(i)
    """


@pytest.mark.parametrize("options", [(), ("--exact",)])
def test_exits_of_every_kind(run, options):
    outcome = run.m(EXITS, options=options, env=MAPPED).ok()
    plain = outcome.table("plain")
    assert plain.at("grow(3)").increment == near(12)
    assert plain.at("yield i").increment == near(0)
    assert plain.at("yield i").occurrences == 4
    assert outcome.table("in_two_lines").at("yield (grow").increment == near(12)
    assert outcome.table("in_one_line").at("while n:").increment == near(12)
    assert outcome.table("first_line").at("return n").increment == near(0)
    assert outcome.table("first_line").at("return n").occurrences == 4
    assert outcome.table("either").at("return grow").increment == near(9)


def test_exit_is_read_with_locals_alive(run):
    outcome = run.m(
        """
        @profile
        def inner():
            block = bytearray(10 << 20)
            return 1
        @profile
        def outer():
            inner()
            x = 1
        outer()
        """,
        env=MAPPED,
    ).ok()
    assert outcome.table("inner").own == near(10)
    assert outcome.table("inner").at("return 1").increment == near(0)
    assert outcome.table("outer").at("    inner()").increment == near(0), "grown and died there"
