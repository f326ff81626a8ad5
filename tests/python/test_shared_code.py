"""One code object with several owners, and several code objects that compare equal."""

import sys

import pytest
from support import MAPPED_BLOCKS, environment, near, python

MAPPED = environment(**MAPPED_BLOCKS)


def test_decorating_in_a_loop_makes_one_table(run):
    outcome = run.m("""
        for i in range(5):
            @profile
            def f(i=i):
                return i
            f()
        """).ok()
    assert outcome.table("f").first.occurrences == 5


def test_two_profilers_share_a_code_object(run):
    run.plain("""
        from memory_profiler import LineProfiler
        def f():
            x = 1
            return x
        one, two = LineProfiler(), LineProfiler()
        one.add_function(f); two.add_function(f)
        def hits(p):
            return [list(m.values())[0][2] if m else 0 for m in [p.code_map[f.__code__]]][0]
        with one:
            f()
        assert (hits(one), hits(two)) == (1, 0)
        with two:
            f(); f()
            with one:
                f()
        assert (hits(one), hits(two)) == (2, 3), (hits(one), hits(two))
        f()
        assert (hits(one), hits(two)) == (2, 3)
        """).ok()


def test_a_profiler_over_a_decorated_function(run):
    outcome = run.m("""
        from memory_profiler import LineProfiler, show_results
        import io
        @profile
        def f():
            return 1
        p = LineProfiler()
        g = p(f)
        g(); f()
        text = io.StringIO()
        show_results(p, text)
        row = [line for line in text.getvalue().split("\\n") if "return 1" in line][0]
        assert row.split()[5] == "1", row
        """).ok()
    assert outcome.table("f").first.occurrences == 2


def test_a_closures_siblings_are_watched(run):
    outcome = run.m("""
        def make(n):
            def f():
                return n
            return f
        one, two = make(1), make(2)
        one = profile(one)
        one(); two()
        """).ok()
    assert outcome.table("f").first.occurrences in (1, 2), "siblings may be seen too"
    if sys.version_info >= (3, 12):
        assert outcome.table("f").first.occurrences == 2


def test_the_same_source_compiled_twice_fills_one_table(run):
    table = run.m(
        """
        SOURCE = '''
        @profile
        def f():
            return 1
        '''
        for _ in range(3):
            names = {}
            exec(compile(SOURCE.replace(chr(10) + "        ", chr(10)), "twice.py", "exec"), names)
            names["f"]()
        print("TWICE")
        """,
        env=MAPPED,
    ).ok()
    assert "TWICE" in table.stdout
    (only,) = table.tables
    assert only.rows[0].occurrences == 3


@pytest.mark.parametrize("options", [[], ["--functions"]])
def test_equal_code_of_two_files_has_a_table_each(run, options):
    text = "@profile\ndef f(n):\n    kept = bytearray(n << 20)\n    return kept\n"
    for folder in ("pa", "pb"):
        run.write(f"{folder}/util.py", text)
    outcome = run.m(
        """
        from pa.util import f as one
        from pb.util import f as two
        same = one.__code__.replace(co_filename="") == two.__code__.replace(co_filename="")
        kept = one(3), two(5), two(5)
        print("EQUAL", same, one.__code__ == two.__code__)
        """,
        options=options,
        env=MAPPED,
    ).ok()
    assert "EQUAL True True" in outcome.stdout
    found = {t.filename.split("/")[-2]: t for t in outcome.tables}
    assert sorted(found) == ["pa", "pb"] and len(outcome.tables) == 2
    assert [found[name].first.occurrences for name in ("pa", "pb")] == [1, 2]
    assert [found[name].at("kept = ").increment for name in ("pa", "pb")] == [near(3), near(10)]


TWO_FUNCTIONS_OF = """
    import io
    from memory_profiler import LineProfiler, show_results

    SOURCE = "def f(n):\\n    kept = bytearray(n << 20)\\n    return kept\\n"
    functions = []
    for name in %r:
        names = {}
        exec(compile(SOURCE, name, "exec"), names)
        functions.append(names["f"])
    one, two = functions
    assert one.__code__ == two.__code__ and one.__code__ is not two.__code__
    """


def rows_of(table):
    return table.filename, table.rows[0].occurrences, table.rows[1].increment


@pytest.mark.parametrize("names", [("a.html", "b.html"), ("<string>", "<string>")])
def test_equal_functions_have_a_table_each_in_a_line_profiler(run, names):
    outcome = run.plain(
        TWO_FUNCTIONS_OF % (names,)
        + """
    profiler = LineProfiler()
    profiler.add_function(one)
    two = profiler(two)
    with profiler:
        kept = one(3), two(5), two(5)
    show_results(profiler, precision=3)
    assert profiler.code_map[one.__code__][2][2] == 1
    """,
        env=MAPPED,
    ).ok()
    assert [rows_of(table) for table in outcome.tables] == [
        (names[0], 1, near(3)),
        (names[1], 2, near(10)),
    ]


@pytest.mark.parametrize("names", [("a.html", "b.html"), ("<template>", "<template>")])
def test_equal_generated_functions_have_a_table_each_in_a_run(run, names):
    outcome = run.m(
        TWO_FUNCTIONS_OF % (names,)
        + """
    one, two = profile(one), profile(two)
    kept = one(3), two(5), two(5)
    text = io.StringIO()
    show_results(profile, text)
    assert text.getvalue().count("Filename: ") == 2, text.getvalue()
    """,
        options=["--json", "run.json"],
        env=MAPPED,
    ).ok()
    expected = [(names[0], 1, near(3)), (names[1], 2, near(10))]
    assert [rows_of(table) for table in outcome.tables] == expected
    report = python("-m", "memory_profiler.report", "run.json", cwd=run.folder).ok()
    assert [rows_of(table) for table in report.tables] == expected


def test_a_map_with_an_add_of_its_own_has_one_entry_for_equal_code(run):
    """As Apache Spark's: what both functions did is summed there."""
    run.plain(
        TWO_FUNCTIONS_OF % (("a.html", "b.html"),)
        + """
    from memory_profiler import CodeMap

    class Map(CodeMap):
        def add(self, code, toplevel_code=None):
            if code not in self:
                self._toplevel.append((code.co_filename, code, range(1, 4)))
                self[code] = {}

    profiler = LineProfiler()
    profiler.code_map = Map(False, "psutil")
    profiler.add_function(one)
    profiler.add_function(two)
    with profiler:
        one(1), two(1), two(1)
    ((code, measures),) = dict.items(profiler.code_map)
    assert measures[2][2] == 3, measures
    """,
        env=MAPPED,
    ).ok()


def test_code_nested_in_equal_functions_fills_the_right_table(run):
    outcome = run.plain(
        """
        from memory_profiler import LineProfiler, show_results

        SOURCE = (
            "def f(n):\\n"
            "    def inner(m):\\n"
            "        return bytearray(m << 20)\\n"
            "    return inner(n), [bytearray(1 << 20) for _ in range(n)]\\n"
        )
        functions = []
        for name in "one", "two":
            names = {}
            exec(compile(SOURCE, name, "exec"), names)
            functions.append(names["f"])
        profiler = LineProfiler()
        for function in functions:
            profiler.add_function(function)
        with profiler:
            kept = functions[0](2), functions[1](4)
        show_results(profiler, precision=3)
        """,
        env=MAPPED,
    ).ok()
    assert [(t.filename, t.line(3).increment, t.line(4).increment) for t in outcome.tables] == [
        ("one", near(2), near(2)),
        ("two", near(4), near(4)),
    ]
