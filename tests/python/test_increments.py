"""What a line's increment is: the last reading is subtracted, not the largest."""

import platform

import pytest
from support import MAPPED_BLOCKS, TOLERANCE, environment, near

MAPPED = environment(**MAPPED_BLOCKS)


def test_a_loop_that_frees_shows_what_it_did(run):
    table = (
        run.m("""
        @profile
        def loop():
            t = 0
            for i in range(5):
                L = [j ^ (j >> i) for j in range(300000)]
                t += sum(L)
                del L
            return t
        loop()
        """)
        .ok()
        .table("loop")
    )
    made = table.at("L = [")
    assert 0 < made.increment < 5 * 30, "a list of 300,000 numbers has 11 MiB, five at most 57"
    assert table.at("t += ").increment == near(0)
    assert table.at("del L").increment <= TOLERANCE
    # What was made and not given back is what the call left behind, which is no more than one list.
    assert -TOLERANCE <= table.own < 20
    assert all(abs(row.increment) < 300 for row in table.rows if row.ran)


def test_increments_subtract_the_last_reading_not_the_largest(run):
    table = (
        run.m(
            """
        @profile
        def f(n):
            x = bytearray(n << 20)
            y = 1
            del x
        f(100)
        f(10)
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.at("x = bytearray").increment == near(110)
    assert table.at("y = 1").increment == near(0)
    assert table.at("del x").increment == near(-110)
    assert table.at("y = 1").occurrences == 2
    assert table.at("y = 1").mem == near(table.first.mem + 100, TOLERANCE + 1)


def test_the_line_that_calls_a_profiled_function_has_its_growth(run):
    outcome = run.m(
        """
        @profile
        def inner():
            return bytearray(20 << 20)
        @profile
        def outer():
            a = 1
            kept = inner()
            return kept
        outer()
        """,
        env=MAPPED,
    ).ok()
    assert outcome.table("outer").at("kept = inner()").increment == near(20)
    assert outcome.table("outer").at("return kept").increment == near(0)
    assert outcome.table("inner").at("return bytearray").increment == near(20)


CHILD = """
    import subprocess, sys
    code = "b = bytearray(40 << 20); print('ready', flush=True); input()"
    args, pipe = [sys.executable, "-c", code], subprocess.PIPE
    @profile
    def f():
        own = bytearray(5 << 20)
        child = subprocess.Popen(args, stdin=pipe, stdout=pipe)
        child.stdout.readline()
        mark = 1
        child.communicate(b"\\n")
        last = 1
    f()
    """


def test_include_children_counts_them(run):
    table = run.m(CHILD, options=["--include-children"], env=MAPPED).ok().table("f")
    assert table.at("own = ").increment == near(5)
    seen = table.at("child = ").increment + table.at("child.stdout").increment
    assert 40 < seen < 80, "the child's 40 MiB and its interpreter"
    assert table.at("mark = 1").increment == near(0, TOLERANCE + 0.5)
    assert table.at("child.communicate").increment < -40


def test_without_include_children_they_are_not_counted(run):
    table = run.m(CHILD, env=MAPPED).ok().table("f")
    assert table.at("child.stdout").increment == near(0, TOLERANCE + 0.5)


REUSED = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": "0",
}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the variables are those of glibc")
def test_a_reused_heap_shows_0(run):
    """What malloc kept of a freed block, and gives out again, asks the kernel for nothing."""
    table = (
        run.m(
            """
        @profile
        def f():
            a = bytearray(8 << 20)
            del a
            b = bytearray(8 << 20)
            c = bytearray(8 << 20)
            return b, c
        f()
        """,
            env=environment(**REUSED),
        )
        .ok()
        .table("f")
    )
    assert table.at("a = ").increment == near(8)
    assert table.at("del a").increment == near(0)
    assert table.at("b = ").increment == near(0)
    assert table.at("c = ").increment == near(8)
