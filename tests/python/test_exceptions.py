"""Lines that raise, and functions that end by it."""

from support import MAPPED_BLOCKS, environment, near

MAPPED = environment(**MAPPED_BLOCKS)


def test_imported_profile_prints_the_table_when_the_function_raises(run):
    outcome = run.plain(
        """
        from memory_profiler import profile
        @profile
        def f():
            block = bytearray(6 << 20)
            raise KeyError("mine")
        f()
        """,
        env=MAPPED,
    )
    assert outcome.returncode == 1
    assert outcome.stderr.rstrip().endswith("KeyError: 'mine'")
    table = outcome.table("f")
    assert table.at("block = ").increment == near(6)
    assert table.at("raise KeyError").occurrences == 1


def test_an_exception_does_not_close_a_line(run):
    table = (
        run.m(
            """
        def fails(block):
            raise ValueError
        @profile
        def f():
            kept = [bytearray(8 << 20)]
            try:
                fails(kept.pop())
            except ValueError:
                x = 1
            return x
        f()
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.at("kept = ").increment == near(8)
    # The traceback holds the frame that holds the block until the handler ends.
    assert table.at("fails(kept.pop())").increment == near(0)
    assert table.at("fails(kept.pop())").occurrences == 1
    assert table.at("except ValueError").occurrences == 1
    assert table.own == near(0)


def test_what_is_dropped_on_the_way_belongs_to_the_raising_line(run):
    table = (
        run.m(
            """
        class Drops:
            def __init__(self, block):
                self.block = block
            def __add__(self, other):
                self.block = None
                raise ValueError
        @profile
        def f():
            d = Drops(bytearray(8 << 20))
            try:
                d + 1
            except ValueError:
                x = 1
        f()
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.at("d + 1").increment == near(-8)


def test_a_line_that_unwinds_is_closed(run):
    table = (
        run.m(
            """
        @profile
        def f():
            kept.append(bytearray(5 << 20)) or fails
        kept = []
        try:
            f()
        except NameError:
            pass
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.at("kept.append").increment == near(5)


def test_unwinding_is_read_with_locals_alive(run):
    outcome = run.m(
        """
        @profile
        def inner():
            block = bytearray(10 << 20)
            raise ValueError
        @profile
        def outer():
            try:
                inner()
            except ValueError:
                x = 1
            y = 2
        outer()
        """,
        env=MAPPED,
    ).ok()
    assert outcome.table("inner").own == near(10)
    outer = outcome.table("outer")
    assert outer.at("        inner()").increment == near(10), "the traceback holds it"
    assert outer.own == near(0)
