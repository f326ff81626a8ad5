"""Options of ``profile`` and ``memory_usage`` that cannot be: said at once, in one exception, and
whatever 0.61 takes is taken."""

import io
import itertools

import pytest
from memory_profiler import LineProfiler, memory_usage
from support import environment

STREAMS = {
    "None": "None",
    "text": "io.StringIO()",
    "LogFile": "LogFile('x')",
    "stdout": "sys.stdout",
}
RIGHT = {
    "precision": ["0", "1", "20", "True", "Index(3)"],
    "stream": [*STREAMS.values(), "Writes()"],
    "backend": [repr(name) for name in ("psutil", "posix", "rss", "tracemalloc")],
    "time": ["True", "0", "None"],
}
WRONG = {
    "precision": {
        "ValueError": ["-1", "21", "1000", "-(1 << 80)", "1 << 80"],
        "TypeError": ["'x'", "'3'", "2.0", "float('nan')", "[1]", "b''", "object"],
    },
    "stream": {"TypeError": ["5", "'name'", "b''", "[]", "object()", "NoWrite()", "0", "''"]},
    "backend": {
        "ValueError": ["'x'", "'RSS'", "'rss '", "'psutil\\0'"],
        "TypeError": ["5", "b'rss'", "['rss']", "1.5"],
    },
    "nope": {"TypeError": ["1"]},
}
PRELUDE = """
import io, logging, sys
from memory_profiler import LogFile
class Index:
    def __init__(self, value): self.value = value
    def __index__(self): return self.value
class Writes:
    def write(self, text): pass
class NoWrite:
    write = None
def attempt(**options):
    def f():
        return 1
    try:
        decorate = profile(**options)
    except Exception as error:
        return type(error).__name__, str(error), False
    try:
        decorated = decorate(f)
    except Exception as error:
        return type(error).__name__, str(error), True
    decorated()
    return None
"""
FORMS = {
    "import": lambda run, text: run.plain("from memory_profiler import profile\n" + text),
    "under -m": lambda run, text: run.m(text),
    "--timestamp": lambda run, text: run.m(
        "from memory_profiler import profile\n" + text, options=["--timestamp", "-o", "calls.dat"]
    ),
}


def report_of(run, form, calls):
    """[(error or None) of each call profile(...)]; the program goes on after each of them."""
    lines = [f"    attempt({call})," for call in calls]
    text = "\n".join(
        [PRELUDE, "results = [", *lines, "]", "open('results', 'w').write(repr(results))"]
    )
    outcome = FORMS[form](run, text).ok()
    return eval((run.folder / "results").read_text()), outcome


@pytest.mark.parametrize("form", ["import", "under -m"])
def test_a_wrong_option_is_one_error_where_it_is_given(run, form):
    wrong = [
        (f"{name}={value}", name, kind)
        for name, kinds in WRONG.items()
        for kind, values in kinds.items()
        for value in values
    ]
    found, outcome = report_of(run, form, [call for call, _, _ in wrong])
    for (call, name, kind), error in zip(wrong, found, strict=True):
        assert error is not None, call
        assert error[0] == kind and name in error[1] and "\n" not in error[1], (call, error)
        assert error[2] is False, call  # before the function is there
    assert outcome.stdout == ""


@pytest.mark.parametrize("form", FORMS)
def test_options_that_are_right_are_taken_in_all_combinations(run, form):
    calls = [
        ", ".join(f"{name}={value}" for name, value in zip(RIGHT, values))
        for values in itertools.product(*RIGHT.values())
    ]
    found, _ = report_of(run, form, calls)
    assert [call for call, error in zip(calls, found, strict=True) if error is not None] == []


def test_a_wrong_option_loses_no_table(run):
    outcome = run.m("""
        def attempt(**options):
            try:
                profile(**options)(lambda: 1)()
            except (TypeError, ValueError):
                return "refused"
        @profile
        def f():
            return 1
        f()
        assert attempt(precision=-1) == attempt(stream=5) == attempt(precision="x") == "refused"
        """).ok()
    assert outcome.table("f").first.occurrences == 1


def test_switched_off_nothing_is_asked(run):
    run.plain(
        "from memory_profiler import profile\ndef f(): return 7\n"
        "assert profile(precision=-1, stream=5)(f) is f\n",
        env=environment(MEMORY_PROFILER="0"),
    ).ok()


@pytest.mark.parametrize(
    "options, error",
    [
        ({"interval": "x"}, TypeError),
        ({"interval": None}, TypeError),
        ({"interval": -1}, ValueError),
        ({"interval": float("nan")}, ValueError),
        ({"timeout": "x"}, TypeError),
        ({"timeout": -1}, ValueError),
        ({"backend": "x"}, KeyError),
        ({"backend": 5}, KeyError),
        ({"stream": 5}, TypeError),
        ({"stream": "name"}, TypeError),
        ({"stream": object()}, TypeError),
        ({"max_iterations": "x"}, TypeError),
    ],
)
def test_memory_usage_says_so_before_it_calls(options, error):
    called = []
    with pytest.raises(error) as raised:
        memory_usage((called.append, (1,)), **options)
    assert called == [] and str(raised.value)
    if "backend" in options:
        assert str(raised.value).startswith("memory_usage: unknown backend ")
        assert "psutil_pss" in str(raised.value)
    assert memory_usage((called.append, (1,)), stream=io.StringIO()) is None and called == [1]


@pytest.mark.parametrize("option", ["--precision", "--pdb-mmem"])
@pytest.mark.parametrize(
    "value", ["", ",", "nan", "inf", "1e999", "-1", "\u0663", "0x3", "1 2", "x"]
)
def test_a_number_that_is_none_is_one_line_that_names_the_option(run, option, value):
    outcome = run.m("print('runs')", options=[f"{option}={value}"])
    assert (outcome.returncode, outcome.stdout) == (2, "")
    usage, line = outcome.stderr.splitlines()
    assert usage.startswith("usage: ") and f"argument {option}: " in line


@pytest.mark.parametrize(
    "written, meant",
    [
        ("--jsn", "--json"),
        ("--functoins=own", "--functions"),
        ("--Peak", "--peak"),
        ("--pdb-mem=3", "--pdb-mmem"),
        ("--multiproces", None),  # a beginning is the option itself
        ("--nothing-like-it", None),
    ],
)
def test_an_option_that_looks_like_another_one(run, written, meant):
    outcome = run.m("print('runs')", options=[written])
    if meant is None and outcome.returncode == 0:
        assert outcome.stdout == "runs\n"
        return
    assert outcome.returncode == 2 and outcome.stdout == ""
    hint = f" (did you mean {meant}?)" if meant else ""
    assert outcome.stderr.splitlines()[-1].endswith(f"unrecognized arguments: {written}{hint}")


@pytest.mark.parametrize("name", ["interval", "timeout"])
@pytest.mark.parametrize("value", ["3", [1], 1j])
def test_times_that_are_no_numbers(name, value):
    with pytest.raises(TypeError, match=f"^memory_usage: {name} must be a number of seconds, not "):
        memory_usage((max, (1, 2)), **{name: value})


@pytest.mark.parametrize("value", ["3", [1]])
def test_limits_that_are_no_numbers(value):
    with pytest.raises(TypeError, match="^LineProfiler: max_mem must be a number of MiB, not "):
        LineProfiler(max_mem=value)
    with pytest.raises(ValueError, match="^LineProfiler: max_mem .* not nan$"):
        LineProfiler(max_mem=float("nan"))
    LineProfiler(max_mem=float("inf"))
