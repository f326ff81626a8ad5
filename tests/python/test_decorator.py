"""``@profile`` in the forms in which programs write it."""

import pytest
from support import MAPPED_BLOCKS, environment, near, parse_tables, slack_of

MAPPED = environment(**MAPPED_BLOCKS)


@pytest.mark.parametrize(
    "decorator",
    [
        "@profile",
        "@profile()",
        "@profile(precision=4)",
        "@profile(stream=None)",
        "@profile(backend='psutil')",
        "@profile(None, None, 2, 'rss')",
        "@profile(func=None)",
    ],
)
@pytest.mark.parametrize("form", ["m", "plain"])
def test_forms_of_the_decorator(run, decorator, form):
    outcome = getattr(run, form)(
        f"""
        from memory_profiler import profile
        {decorator}
        def f(n):
            block = bytearray(n << 20)
            return len(block)
        assert f(4) == 4 << 20
        """,
        env=MAPPED,
    ).ok()
    assert outcome.table("f").at("block = ").increment == near(4)


def test_precision_of_the_import_form_is_1(run):
    outcome = run.plain(
        "from memory_profiler import profile\n@profile\ndef f():\n    return 1\nf()\n"
    )
    row = [line for line in outcome.ok().stdout.split("\n") if "return 1" in line][0]
    assert len(row.split()[1].partition(".")[2]) == 1


def test_stream_receives_the_table(run, tmp_path):
    outcome = run.plain("""
        import io
        from memory_profiler import profile
        text = io.StringIO()
        @profile(stream=text, precision=2)
        def f():
            return 1
        f()
        open("t.txt", "w").write(text.getvalue())
        """).ok()
    assert outcome.stdout == ""
    (table,) = parse_tables((tmp_path / "t.txt").read_text())
    assert table.at("return 1").occurrences == 1


def test_the_table_goes_to_the_stdout_of_the_call(run):
    run.plain("""
        import contextlib, io
        from memory_profiler import profile
        @profile
        def f():
            return 1
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            f()
        assert "return 1" in text.getvalue()
        """).ok()


@pytest.mark.parametrize(
    "backend", ["psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc", "rss", "pss", "uss"]
)
def test_backends_of_the_decorator(run, backend):
    table = (
        run.plain(
            f"""
        from memory_profiler import profile
        @profile(backend="{backend}")
        def f():
            block = bytearray(6 << 20)
            return 1
        f()
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.at("block = ").increment == near(6, slack_of(backend))


def test_an_unknown_backend_is_named(run):
    outcome = run.plain("""
        from memory_profiler import profile
        try:
            profile(backend="abacus")(lambda: 1)
        except Exception as error:
            print(type(error).__name__, error)
        """).ok()
    assert "abacus" in outcome.stdout


def test_arguments_and_results_pass_untouched(run):
    run.plain("""
        import io
        from memory_profiler import profile
        quiet = profile(stream=io.StringIO())
        @quiet
        def f(*args, **kw):
            return args, kw
        marker = object()
        assert f(1, marker, a=2) == ((1, marker), {"a": 2})
        @quiet
        def g():
            received = []
            try:
                while True:
                    received.append((yield len(received)))
            except ValueError:
                return received
        it = g()
        assert [next(it), it.send("x"), it.send("y")] == [0, 1, 2]
        try:
            it.throw(ValueError)
        except StopIteration as stop:
            assert stop.value == ["x", "y"]
        """).ok()


@pytest.mark.parametrize("form", ["m", "plain"])
def test_async_functions(run, form):
    table = (
        getattr(run, form)(
            """
        import asyncio
        from memory_profiler import profile
        @profile
        async def f(n):
            block = bytearray(n << 20)
            await asyncio.sleep(0)
            return n
        async def main():
            return await f(5)
        assert asyncio.run(main()) == 5
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.at("block = ").increment == near(5)
    assert table.at("await").occurrences == 1


def test_partial_and_bound_methods(run):
    outcome = run.m(
        """
        import functools
        def f(n):
            block = bytearray(n << 20)
            return n
        class C:
            def method(self, n):
                block = bytearray(n << 20)
                return n
        c = C()
        assert profile(c.method)(3) == 3
        g = functools.partial(f, 4)
        assert profile(g)() == 4
        """,
        env=MAPPED,
    ).ok()
    assert outcome.table("method").at("block = ").increment == near(3)
    assert outcome.table("f").at("block = ").increment == near(4)


@pytest.mark.parametrize("form", ["m", "plain"])
def test_profile_over_a_wraps_decorator_follows_it_to_the_function(run, form):
    outcome = getattr(run, form)(
        """
        import functools
        from memory_profiler import profile
        def logged(f):
            @functools.wraps(f)
            def wrapper(*args):
                return f(*args)
            return wrapper
        @profile
        @logged
        def real():
            block = bytearray(9 << 20)
            return len(block)
        assert real() == 9 << 20
        """,
        env=MAPPED,
    ).ok()
    assert len(outcome.tables) == 1
    assert outcome.table("real").at("block = ").increment == near(9)


def test_precision_and_stream_of_the_decorator_are_honoured_under_m(run):
    outcome = run.m("""
        import io
        text = io.StringIO()
        @profile(precision=6)
        def six():
            return 1
        @profile(stream=None)
        def none():
            return 1
        @profile(stream=text, precision=2)
        def elsewhere():
            return 1
        six(); none(); elsewhere()
        """).ok()
    six = [line for line in outcome.stdout.split("\n") if "return 1" in line][0]
    assert len(six.split()[1].split(".")[1]) == 6
    assert len(outcome.table("none").rows) == 3
    assert "def elsewhere" not in outcome.stdout


def test_stream_of_the_decorator_receives_its_table_under_m(run, tmp_path):
    run.m("""
        out = open("table.txt", "w")
        @profile(stream=out, precision=2)
        def elsewhere():
            return 1
        elsewhere()
        """).ok()
    text = (tmp_path / "table.txt").read_text()
    assert "def elsewhere" in text
    row = [line for line in text.split("\n") if "return 1" in line][0]
    assert len(row.split()[1].split(".")[1]) == 2


# ---- MEMORY_PROFILER=0 ----

OFF = """
import functools
def f():
    return 1
class C:
    pass
part = functools.partial(f)
for target in (f, C, C(), part, len, property(f), staticmethod(f)):
    assert profile(target) is target, target
    assert profile(stream=None, precision=4)(target) is target, target
assert profile(f) is f and f() == 1
with profile.timestamp("a block"):
    pass
"""


@pytest.mark.parametrize(
    "options", [None, [], ["--timestamp", "-o", "marks.dat"]], ids=["import", "m", "timestamp"]
)
def test_off_by_the_environment(run, tmp_path, options):
    env = environment(MEMORY_PROFILER="0")
    if options is None:
        outcome = run.plain("from memory_profiler import profile\n" + OFF, env=env)
    else:
        outcome = run.m(OFF, options=options, env=env)
    assert outcome.ok().stdout == outcome.stderr == ""
    if options:
        assert "FUNC __main__" not in (tmp_path / "marks.dat").read_text()


@pytest.mark.parametrize("value", ["1", "", "no"])
def test_only_0_is_off(run, value):
    table = run.m("@profile\ndef f():\n    return 1\nf()\n", env=environment(MEMORY_PROFILER=value))
    assert table.ok().table("f").at("return 1").occurrences == 1


CLOSED = """
    import io
    out = open("out.txt", "w")
    {imports}
    @profile(stream=out)
    def one(n):
        kept = bytearray(n << 20)
        return kept
    @profile(stream=out)
    def two():
        return 2
    @profile
    def three():
        return 3
    {call}
    """
WHY = (
    "memory_profiler: the stream of @profile over {}() cannot be written to "
    "(I/O operation on closed file): the table is printed with the others\n"
)


@pytest.mark.parametrize("to_file", [False, True])
def test_tables_of_a_stream_that_was_closed_stand_with_the_others(run, to_file):
    call = "kept = one(3), two(), three(); out.close()"
    options = ["-o", "tables.txt"] if to_file else []
    outcome = run.m(CLOSED.format(imports="", call=call), options=options, env=MAPPED)
    assert (outcome.returncode, outcome.stderr) == (0, WHY.format("one"))
    text = (run.folder / "tables.txt").read_text() if to_file else outcome.stdout
    one, two, three = parse_tables(text)
    assert one.at("kept = ").increment == near(3)
    assert [table.at("return ").occurrences for table in (one, two, three)] == [1, 1, 1]
    assert (run.folder / "out.txt").read_text() == ""


def test_a_stream_that_breaks_in_the_middle_of_a_table_has_it_again_whole(run):
    outcome = run.m("""
        class Full:
            text = ""
            def write(self, text):
                if len(self.text) > 100:
                    raise OSError(28, "No space left on device")
                self.text += text
        full = Full()
        @profile(stream=full)
        def f():
            return 1
        f()
        """).ok(r"^memory_profiler: .* over f\(\) .* \(No space left on device\).*\n$")
    assert outcome.table("f").at("return 1").occurrences == 1


def test_calls_whose_stream_was_closed_are_printed_on_stdout(run):
    imports = "from memory_profiler import profile"
    call = "kept = one(3); out.close(); again = one(2), one(1), two(), three()"
    outcome = run.plain(CLOSED.format(imports=imports, call=call), env=MAPPED)
    assert (outcome.returncode, outcome.stderr) == (0, WHY.format("one") + WHY.format("two"))
    assert [table.rows[2].increment for table in outcome.tables[:2]] == [near(2), near(1)]
    assert [table.rows[-1].text.strip() for table in outcome.tables[2:]] == ["return 2", "return 3"]
    (written,) = parse_tables((run.folder / "out.txt").read_text())
    assert written.at("kept = ").increment == near(3)


def test_what_wraps_itself_is_what_runs(run):
    outcome = run.m(
        """
        from functools import partial
        class Anything:  # every attribute, and a new one each time
            def __getattr__(self, name): return Anything()
            def __call__(self): return 7
        def f(): return bytearray(3 << 20)
        def g(): return bytearray(4 << 20)
        f.__wrapped__ = f
        g.__wrapped__ = partial(g)
        kept = profile(f)(), profile(g)()
        assert profile(Anything())() == 7
        """,
        env=MAPPED,
    )
    assert outcome.returncode == 0 and "Traceback" not in outcome.stderr, outcome.stderr
    f, g = outcome.tables
    assert (f.at("def f").increment, g.at("def g").increment) != (0, 0)
    assert outcome.stderr.count("has no Python code") == 1 and "Anything" in outcome.stderr
