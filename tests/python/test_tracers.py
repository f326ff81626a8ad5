"""Other tools at work at the same time, and children by every start method."""

import re
import sys
from textwrap import dedent

import pytest
from support import MAPPED_BLOCKS, environment, near, python

MAPPED = environment(**MAPPED_BLOCKS)
MONITORING = sys.version_info >= (3, 12)

WORK = """
    def helper(n):
        return bytearray(n << 20)
    @profile
    def f(n):
        total = 0
        for i in range(n):
            total += i
        block = helper(6)
        return total
    """


def check_work(table, calls=1):
    assert table.first.occurrences == calls
    assert table.at("total += i").occurrences == 5 * calls
    assert table.at("block = ").increment == near(6 * calls) or calls > 1
    assert table.at("return total").occurrences == calls


FORMS = pytest.mark.parametrize(
    "form, head", [("m", ""), ("plain", "from memory_profiler import profile")]
)


def program(head, tail):
    return head + "\n" + dedent(WORK) + dedent(tail)


# ---- other tools ----


@FORMS
def test_cprofile_inside(run, form, head):
    outcome = getattr(run, form)(
        program(
            head,
            """
    import cProfile, io, pstats
    p = cProfile.Profile()
    p.enable(); f(5); p.disable()
    text = io.StringIO(); pstats.Stats(p, stream=text).print_stats()
    assert "(helper)" in text.getvalue(), text.getvalue()
    """,
        ),
        env=MAPPED,
    ).ok()
    check_work(outcome.table("f"))


def test_cprofile_under_m(run):
    run.write("script.py", program("", "f(5)\n"))
    outcome = run.profiler("-m", "cProfile", "script.py", env=MAPPED).ok()
    assert outcome.stderr == ""
    assert "(helper)" in outcome.stdout
    check_work(outcome.table("f"))


def test_cprofile_around(run):
    run.write("script.py", program("from memory_profiler import profile", "f(5)\n"))
    outcome = python("-m", "cProfile", "script.py", cwd=run.folder, env=MAPPED).ok()
    check_work(outcome.table("f"))
    assert "(helper)" in outcome.stdout


@FORMS
def test_sys_setprofile(run, form, head):
    outcome = getattr(run, form)(
        program(
            head,
            """
    import sys
    seen = []
    hook = lambda frame, event, arg: seen.append((event, frame.f_code.co_name))
    sys.setprofile(hook)
    f(5)
    assert sys.getprofile() is hook
    sys.setprofile(None)
    assert ("call", "helper") in seen and ("return", "helper") in seen
    assert seen.count(("call", "f")) == seen.count(("return", "f")) == 1
    assert ("call", "helper") in seen
    """,
        ),
        env=MAPPED,
    ).ok()
    check_work(outcome.table("f"))


@FORMS
def test_sys_settrace_by_the_program(run, form, head):
    outcome = getattr(run, form)(
        program(
            head,
            """
    import sys
    seen = []
    def trace(frame, event, arg):
        if frame.f_code.co_name in ("f", "helper"):
            seen.append((event, frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno))
        return trace
    sys.settrace(trace)
    f(5)
    assert sys.gettrace() is trace
    sys.settrace(None)
    lines = [line for event, name, line in seen if event == "line" and name == "f"]
    assert lines == [2] + [3, 4] * 5 + [3, 5, 6], lines
    assert ("line", "helper", 1) in seen and ("return", "helper", 1) in seen
    f(5)
    assert sys.gettrace() is None
    """,
        ),
        env=MAPPED,
    ).ok()
    tables = outcome.tables
    if form == "m":
        check_work(tables[0], calls=2)
    else:
        assert len(tables) == 2
        check_work(tables[0]), check_work(tables[1])


@FORMS
def test_a_tracer_set_inside_the_profiled_function_stays(run, form, head):
    outcome = getattr(run, form)(f"""
    {head}
    import sys
    seen = []
    def trace(frame, event, arg):
        seen.append(event)
        return trace
    def traced():
        return 1
    @profile
    def f():
        sys.settrace(trace)
        traced()
        return 5
    assert f() == 5
    assert sys.gettrace() is trace
    sys.settrace(None)
    assert "call" in seen and "line" in seen
    """).ok()
    assert outcome.table("f").at("return 5").occurrences == 1


@FORMS
def test_a_tracer_that_raises(run, form, head):
    outcome = getattr(run, form)(
        program(
            head,
            """
    import sys
    def trace(frame, event, arg):
        if event == "line" and frame.f_code.co_name == "helper":
            raise KeyError("from the tracer")
        return trace
    sys.settrace(trace)
    try:
        f(5)
    except KeyError as error:
        print("GOT", error)
    assert sys.gettrace() is None
    """,
        )
    ).ok()
    assert "GOT 'from the tracer'" in outcome.stdout
    assert outcome.table("f").at("block = ").occurrences == 1


COVERAGE_CORES = ["ctrace", "pytrace"] + (["sysmon"] if MONITORING else [])


@pytest.mark.parametrize("core", COVERAGE_CORES)
@pytest.mark.parametrize("form", ["m", "plain"])
def test_coverage(run, core, form):
    env = environment(COVERAGE_CORE=core, **MAPPED_BLOCKS)
    head = "from memory_profiler import profile" if form == "plain" else ""
    run.write(
        "script.py",
        program(
            head,
            """
    def never():
        return 0
    f(5)
    """,
        ),
    )
    if form == "plain":
        outcome = python("-m", "coverage", "run", "script.py", cwd=run.folder, env=env).ok()
    else:
        outcome = python(
            "-m", "coverage", "run", "-m", "memory_profiler", "script.py", cwd=run.folder, env=env
        ).ok()
    check_work(outcome.table("f"))
    report = (
        python("-m", "coverage", "report", "-m", "--include", "script.py", cwd=run.folder, env=env)
        .ok()
        .stdout
    )
    row = next(line for line in report.split("\n") if line.startswith("script.py"))
    assert row.split()[2] == "1", f"just the line of never() was missed: {row}"


@pytest.mark.parametrize("form", ["m", "plain"])
def test_the_debugger(run, form):
    head = "from memory_profiler import profile" if form == "plain" else ""
    outcome = getattr(run, form)(
        f"""
    {head}
    def helper():
        y = 1
        return y
    @profile
    def f():
        x = 1
        breakpoint()
        helper()
        z = 2
        return z
    print("RESULT", f())
    """,
        stdin="p 'x is', x\nstep\nnext\nwhere\ncontinue\n",
        env=environment(PYTHONBREAKPOINT="pdb.set_trace"),
    )
    outcome.ok()
    assert "('x is', 1)" in outcome.stdout
    assert "RESULT 2" in outcome.stdout
    outcome.stdout = outcome.stdout.replace("(Pdb) Filename", "(Pdb)\nFilename")  # the last prompt
    table = outcome.table("f")
    assert table.at("z = 2").occurrences == 1
    assert table.at("return z").occurrences == 1


def test_the_debugger_in_code_that_is_not_selected(run):
    run.write(
        "script.py",
        "def f():\n    return 1\ndef g():\n    breakpoint()\n    y = 2\n    return y\ng()\nf()\n",
    )

    def stops(*words):
        outcome = python(
            *words,
            "script.py",
            cwd=run.folder,
            stdin="next\ncontinue\n",
            env=environment(PYTHONBREAKPOINT="pdb.set_trace"),
        )
        return re.findall(r"^-> .*|script\.py\(\d+\)", outcome.ok().stdout, re.M)

    plain = stops()
    assert len(plain) == 4
    assert stops("-m", "memory_profiler", "-q", "-p", "script.py:f") == plain


def test_the_debugger_around(run):
    run.write("script.py", program("from memory_profiler import profile", "f(5)\n"))
    outcome = python(
        "-m",
        "pdb",
        "-c",
        "break helper",
        "-c",
        "continue",
        "-c",
        "p 'n is', n",
        "-c",
        "continue",
        "-c",
        "quit",
        "script.py",
        cwd=run.folder,
        env=MAPPED,
    ).ok()
    assert "('n is', 6)" in outcome.stdout, outcome.stdout
    assert outcome.tables[0].at("return total").occurrences == 1


# ---- what profile returns ----

IDENTITY = """
    from memory_profiler import profile
    def f(a, *, b=1):
        "doc"
        return a + b
    f.mark = 1
    g = profile(f)
    """


@pytest.mark.skipif(not MONITORING, reason="a callable stands in before 3.12")
@pytest.mark.parametrize("form", ["m", "plain"])
def test_profile_returns_the_function_itself(run, form):
    getattr(run, form)(
        IDENTITY
        + """
    import types
    assert g is f and type(g) is types.FunctionType
    assert vars(f) == {"mark": 1}
    """
    ).ok()


@pytest.mark.skipif(MONITORING, reason="the function itself is returned from 3.12 on")
@pytest.mark.parametrize("form", ["m", "plain"])
def test_what_stands_in_has_the_functions_attributes(run, form):
    getattr(run, form)(
        IDENTITY
        + """
    import inspect
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__defaults__",
                 "__kwdefaults__", "__annotations__", "__code__", "__globals__", "__closure__"):
        assert getattr(g, name) == getattr(f, name), name
    assert g.mark == 1 and callable(g)
    assert inspect.signature(g) == inspect.signature(f)
    assert inspect.getsource(g) == inspect.getsource(f)
    g.new = 5
    assert g.new == 5 and callable(g) and g(1) == 2 and g(1, b=5) == 6
    class C:
        m = g
    assert C().m.__self__.__class__ is C
    """
    ).ok()


@FORMS
def test_undecorated_code_is_not_traced(run, form, head):
    """While no profiled function runs, nothing is armed."""
    getattr(run, form)(
        program(
            head,
            """
    import sys, threading
    assert sys.gettrace() is None and sys.getprofile() is None
    f(1)
    assert sys.gettrace() is None and sys.getprofile() is None
    if hasattr(sys, "monitoring"):
        assert all(sys.monitoring.get_tool(i) is None for i in (0, 1, 2, 5))
        ours = [i for i in (3, 4) if sys.monitoring.get_tool(i)]
        assert len(ours) == 1, ours
        events = sys.monitoring.get_events(ours[0])
        costly = sys.monitoring.events
        assert events & (costly.LINE | costly.PY_START | costly.CALL | costly.INSTRUCTION) == 0
    """,
        )
    ).ok()


# ---- when it ends ----


def test_tracing_ends_with_the_call(run):
    """Code after a profiled call is as fast as before it: no trace function is left behind."""
    run.plain(
        program(
            "from memory_profiler import profile",
            """
    import io, time
    f = profile(f, stream=io.StringIO())
    def loop():
        start = time.perf_counter()
        for i in range(300_000):
            pass
        return time.perf_counter() - start
    before = min(loop() for _ in range(5))
    for _ in range(20):
        f(5)
    after = min(loop() for _ in range(5))
    assert after < 2 * before + 0.005, (before, after)
    """,
        )
    ).ok()


def test_a_tracer_set_in_an_unwatched_function_sees_its_lines(run):
    outcome = run.m("""
        import sys
        seen = []
        def trace(frame, event, argument):
            seen.append(event)
            return trace
        def helper():
            sys.settrace(trace); sys._getframe().f_trace = trace
            b = 2
            c = 3
            sys.settrace(None)
        def numbers():
            yield 1
        @profile
        def f():
            generator = numbers()
            next(generator)
            helper()
            return generator
        generator = f()
        print(seen.count("line"), generator.gi_frame.f_trace_lines)
        """).ok()
    assert outcome.stdout.startswith("3 True\n")
