"""``LineProfiler``, ``CodeMap`` and ``show_results``."""

import pytest
from support import MAPPED_BLOCKS, environment, near, python

MAPPED = environment(**MAPPED_BLOCKS)


USES = {
    "call": "p(f)(3)",
    "decorator": "@p\ndef g(n):\n    block = bytearray(n << 20)\n    return n\nf = g\ng(3)",
    "decorator with arguments": "f = p(precision=2)(f); f(3)",
    "context manager": "p.add_function(f)\nwith p:\n    f(3)",
    "add_function and enable": "p.add_function(f); p.enable(); f(3); p.disable()",
    "by count": "p.add_function(f); p.enable_by_count(); p.enable_by_count(); p.disable_by_count(); "
    "f(3); p.disable_by_count()",
    "wrap_function": "p.add_function(f); p.wrap_function(f)(3)",
    "runctx": "p.add_function(f); assert p.runctx('f(3)', globals(), globals()) is p",
    "run": "p.add_function(f); assert p.run('f(3)') is p",
    "runcall": "p.add_function(f); assert p.runcall(f, 3) == 3",
}


@pytest.mark.parametrize("use", USES)
def test_line_profiler(run, use):
    table = (
        run.plain(
            """
from memory_profiler import LineProfiler, show_results
def f(n):
    block = bytearray(n << 20)
    return n
p = LineProfiler()
"""
            + USES[use]
            + """
assert not p.enable_count
show_results(p)
""",
            env=MAPPED,
        )
        .ok()
        .tables[0]
    )
    assert table.first.occurrences == 1
    assert table.at("block = ").increment == near(3)
    assert table.at("return n").occurrences == 1


def test_line_profiler_counts_only_while_enabled(run):
    run.plain("""
        from memory_profiler import LineProfiler
        def f():
            return 1
        p = LineProfiler()
        p.add_function(f)
        f()
        assert p.code_map[f.__code__] == {}
        p.enable_by_count(); p.enable_by_count()
        f()
        p.disable_by_count()
        f()
        p.disable_by_count()
        f()
        p.disable_by_count()
        assert p.enable_count == 0
        assert sorted(m[2] for m in p.code_map[f.__code__].values()) == [2, 2]
        """).ok()


def test_line_profiler_stopped_in_the_middle_of_a_call(run):
    run.plain(
        """
        from memory_profiler import LineProfiler
        p = LineProfiler()
        def f():
            a = bytearray(4 << 20)
            p.disable()
            b = bytearray(9 << 20)
            return 1
        p.add_function(f)
        p.enable()
        f()
        lines = p.code_map[f.__code__]
        assert 3.5 < sum(m[0] for m in lines.values()) - list(lines.values())[0][0] < 4.5, lines
        f()
        assert p.code_map[f.__code__] == lines
        """,
        env=MAPPED,
    ).ok()


def test_line_profiler_arguments(run):
    run.plain(
        """
        from memory_profiler import LineProfiler
        for backend in ("psutil", "tracemalloc", "pss", "posix", "rss", "uss"):
            p = LineProfiler(backend=backend, include_children=False, max_mem=None)
            def f():
                block = bytearray(5 << 20)
                return block
            p(f)()
            inc, mem, hits = list(p.code_map[f.__code__].values())[1]
            assert 4.7 < inc < 5.3 and hits == 1, (backend, inc)
        """,
        env=MAPPED,
    ).ok()


def test_add_function_on_a_builtin_warns(run):
    outcome = run.plain("""
        import warnings
        from memory_profiler import LineProfiler
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            LineProfiler().add_function(len)
        assert len(caught) == 1 and "len" in str(caught[0].message)
        """).ok()
    assert outcome.stderr == ""


def test_classes_and_builtins_are_wrapped_with_a_warning(run):
    outcome = run.plain("""
        import warnings
        from memory_profiler import LineProfiler
        class C: pass
        wrapped = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for func in type, int, C, len:
                wrapped.append(LineProfiler()(func))
        assert len(caught) == 4
        as_type, as_int, as_class, as_len = wrapped
        assert (as_type(1), as_int("4"), as_len("abc")) == (int, 4, 3)
        assert isinstance(as_class(), C) and as_class.__name__ == "C"
        """).ok()
    assert outcome.stderr == ""


def test_code_map(run):
    run.plain("""
        import types
        from memory_profiler import CodeMap, LineProfiler
        p = LineProfiler()
        assert isinstance(p.code_map, CodeMap) and issubclass(CodeMap, dict)
        @p
        def f():
            a = 1
            def nested():
                return 2
            return nested()
        code = p.code_map._toplevel[0][1]
        f()
        assert isinstance(code, types.CodeType) and code in p.code_map
        nested = next(c for c in code.co_consts if isinstance(c, types.CodeType))
        assert p.code_map[nested] is p.code_map[code]
        (filename, same, linenos), = p.code_map._toplevel
        assert filename == __file__ or filename.endswith("script.py")
        assert same is code and list(linenos) == list(range(5, 11))
        measures = p.code_map[code]
        assert list(measures) == [5, 7, 8, 9, 10], "insertion order is line order"
        for increment, mem, occurrences in measures.values():
            assert isinstance(increment, float) and isinstance(mem, float) and isinstance(occurrences, int)
        (name, lines), = p.code_map.items()
        rows = list(lines)
        assert name == filename
        assert [line for line, _ in rows] == list(linenos)
        assert dict(rows)[6] is None and dict(rows)[7] == measures[7]
        """).ok()


def test_code_map_by_itself(run):
    run.plain("""
        from memory_profiler import CodeMap
        m = CodeMap(include_children=False, backend="psutil")
        assert m == {} and m._toplevel == [] and list(m.items()) == []
        def f():
            return 1
        m.add(f.__code__)
        m.add(f.__code__)
        assert list(m) == [f.__code__] and m[f.__code__] == {}
        assert len(m._toplevel) == 1
        assert list(m.items()) == [], "no measurement, no entry"
        m[f.__code__][5] = (0.5, 20.0, 1)
        (name, lines), = m.items()
        assert dict(lines)[5] == (0.5, 20.0, 1)
        """).ok()


def test_a_code_map_filled_by_hand_can_be_shown(run):
    table = (
        run.plain("""
        from memory_profiler import CodeMap, show_results
        class Holder: pass
        def f():
            return 1
        p = Holder()
        p.code_map = CodeMap(False, "psutil")
        p.code_map.add(f.__code__)
        p.code_map[f.__code__][3] = (20.0, 20.0, 1)
        p.code_map[f.__code__][4] = (0.5, 20.5, 7)
        show_results(p, precision=2)
        """)
        .ok()
        .tables[0]
    )
    assert table.at("return 1").increment == 0.5
    assert table.at("return 1").occurrences == 7


def test_show_results(run):
    outcome = run.plain("""
        import io, sys
        from memory_profiler import LineProfiler, show_results
        p = LineProfiler()
        @p
        def f():
            return 1
        show_results(p)
        f()
        text = io.StringIO()
        show_results(p, text, precision=4)
        show_results(p, stream=sys.stdout, precision=2)
        row = [l for l in text.getvalue().split("\\n") if "return 1" in l][0]
        assert len(row.split()[1].split(".")[1]) == 4
        """).ok()
    assert len(outcome.tables) == 1


def test_the_map_may_be_replaced_late(run):
    run.plain(
        """
        from memory_profiler import CodeMap, LineProfiler
        def f():
            block = bytearray(5 << 20)
            return block
        p = LineProfiler()
        p.add_function(f)
        p.enable()
        f()
        mine = CodeMap(False, "psutil")
        mine.add(f.__code__)
        p.code_map = mine
        p.disable()
        assert 4.7 < list(mine[f.__code__].values())[1][0] < 5.3, mine
        """,
        env=MAPPED,
    ).ok()


def test_a_profiler_that_is_gone_is_not_called(run):
    run.plain("""
        import gc
        from memory_profiler import LineProfiler
        def f():
            return 1
        for _ in range(300):
            p = LineProfiler()
            assert p(f)() == 1
        del p
        gc.collect()
        assert f() == 1
        """).ok()


# ---- `profile` under -m is one, too


ADDED = """
def f(n):
    block = bytearray(n << 20)
    return len(block)
def g():
    return 1
profile.add_function(f)
f(64)
"""


@pytest.mark.parametrize(
    "use, calls",
    [
        ("profile.enable_by_count(); f(8); profile.disable_by_count(); f(64)", 1),
        ("profile.enable_by_count(); f(8); f(8)", 2),
        ("profile.enable(); f(8); profile.disable(); f(64)", 1),
        ("with profile:\n    f(8)\nf(64)", 1),
        ("with profile:\n    with profile:\n        f(8)\n    f(8)\nf(64)", 2),
        ("profile.runcall(f, 8); profile.run('f(8)'); profile.runctx('f(8)', globals(), {})", 3),
        ("profile.wrap_function(f)(8)", 1),
        ("with profile:\n    profile.add_function(g)\n    g()\n    f(8)", 1),
        ("profile(g)()\nwith profile:\n    f(8)", 1),
    ],
)
def test_functions_added_under_m(run, use, calls):
    outcome = run.m(ADDED + use + "\n", env=MAPPED).ok()
    table = outcome.table("f")
    assert table.first.occurrences == table.at("return len").occurrences == calls
    assert table.at("block =").increment == near(8 * calls)
    others = [t.first.occurrences for t in outcome.tables if t.first.text == "def g():"]
    assert others == ([1] if "(g)" in use else [])


def test_added_under_m_and_never_enabled(run):
    assert run.m(ADDED).ok().stdout == ""


@pytest.mark.parametrize("first", ["f = profile(f)", "profile.add_function(f)"])
def test_decorated_as_well(run, first):
    """One table, with every call of the decorated function."""
    outcome = run.m(f"""
        def f():
            return 1
        {first}
        profile.add_function(f)
        f = profile(f)
        f()
        with profile:
            f()
        """).ok()
    assert outcome.table("f").first.occurrences == 2


def test_added_under_m_shown_by_the_program(run):
    outcome = run.m(
        ADDED
        + """
import io
from memory_profiler import show_results
profile(g)()
for _ in range(2):
    with profile:
        f(8)
    show_results(profile, io.StringIO())
assert [hits for _, _, hits in profile.code_map[f.__code__].values()] == [2, 2, 2]
assert [hits for _, _, hits in profile.code_map[g.__code__].values()] == [1, 1]
""",
        env=MAPPED,
    ).ok()
    assert outcome.table("f").first.occurrences == 2
    assert outcome.table("g").first.occurrences == 1


def test_added_under_m_in_a_saved_run(run):
    source = ADDED + "with profile:\n    f(8)\n"
    options = ["--json", "run.json", "--peak"]
    table = run.m(source, options=options, env=MAPPED).ok().stdout
    again = python("-m", "memory_profiler.report", "run.json", cwd=run.folder).ok().stdout
    assert "Peak" in table and table.splitlines()[:8] == again.splitlines()[:8]


def test_added_under_m_that_is_no_python(run):
    run.m("profile.add_function(len)\n").ok(r"UserWarning: Could not extract a code object .* len")
