"""Functions, lambdas, comprehensions and classes inside a decorated function."""

from support import MAPPED_BLOCKS, environment, near

MAPPED = environment(**MAPPED_BLOCKS)

NESTED = """
    @profile
    def f():
        def inner(n):
            block = bytearray(n << 20)
            return block
        a = inner(6)
        b = (lambda n:
             bytearray(n << 20))(3)
        class K:
            block = bytearray(2 << 20)
        return a, b
    f()
    """


def test_nested_code_fills_its_own_lines_once(run):
    table = run.m(NESTED, env=MAPPED).ok().table("f")
    assert table.at("block = bytearray(n").increment == near(6)
    assert table.at("a = inner(6)").increment == near(0)
    assert table.line(8).increment == near(3)
    assert table.line(7).increment == near(0)
    assert table.at("block = bytearray(2").increment == near(2)
    assert table.own == near(11)
    assert table.first.occurrences == 1
    assert table.at("def inner").occurrences == 2, "defined once, entered once"
    assert table.at("a = inner(6)").occurrences == 1


def test_a_comprehension_on_lines_of_its_own(run):
    table = (
        run.m(
            """
        @profile
        def f():
            a = [
                bytearray(1 << 20)
                for i in range(5)
            ]
            return a
        f()
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.own == near(5)
    assert table.at("bytearray(1 << 20)").increment + table.at("for i in").increment == near(5)
    assert table.at("bytearray(1 << 20)").occurrences == 5


def test_a_decorated_function_inside_a_decorated_one_has_its_own_table(run):
    outcome = run.m(
        """
        @profile
        def outer():
            @profile
            def inner(n):
                return bytearray(n << 20)
            return inner(30), inner(20)
        outer()
        """,
        env=MAPPED,
    ).ok()
    outer, inner = outcome.tables
    assert outer.at("return inner(30)").increment == near(50)
    assert outer.at("return bytearray").occurrences is None
    assert inner.first.occurrences == 2
    assert inner.at("return bytearray").increment == near(50)
