"""profile(heap=True) in the import form: what an outermost call has left behind, by type."""

import re

import pytest

HEADER = """
from memory_profiler import profile
class Row:
    def __init__(self, i):
        self.i = i
kept = []
"""


def left_behind(stdout):
    """[{type: objects}] of the tables below those of lines."""
    found = []
    for block in stdout.split("Left behind by ")[1:]:
        rows = block.partition("\n\n")[0].splitlines()[2:]
        parts = [re.match(r"(\S+)(?: \*)? +\+?(-?[\d,]+) ", row) for row in rows]
        found.append({part[1]: int(part[2].replace(",", "")) for part in parts if part})
    return found


def ran(run, program):
    done = run.plain(HEADER + program).ok()
    assert done.stderr == ""
    return done


def test_below_the_table_of_each_outermost_call(run):
    done = ran(
        run,
        """
@profile(heap=True)
def load(n):
    if n == 5:
        return load(3)
    passing = [complex(i) for i in range(400)]
    kept.extend([Row(i) for i in range(n * 1000)])
    return n
assert (load(2), load(5)) == (2, 3)
assert load.__name__ == "load"
""",
    )
    assert done.stdout.count("Left behind by load(): ") == 2 == len(done.tables)
    first, second = left_behind(done.stdout)
    assert (first["__main__.Row"], second["__main__.Row"]) == (2000, 3000)
    assert "complex" not in first and "complex" not in second
    assert done.stdout.index("Filename: ") < done.stdout.index("Left behind by ")


def test_what_it_returns_is_there_and_an_exception_goes_on(run):
    done = ran(
        run,
        """
@profile(heap=True)
def make():
    return [Row(i) for i in range(700)]
@profile(heap=True)
def fails():
    kept.append([Row(i) for i in range(300)])
    raise KeyError("mine")
rows = make()
try:
    fails()
except KeyError as error:
    assert error.args == ("mine",)
""",
    )
    assert [one["__main__.Row"] for one in left_behind(done.stdout)] == [700, 300]


def test_to_its_stream_and_with_columns(run):
    done = ran(
        run,
        """
import io
out = io.StringIO()
@profile(stream=out, heap=True, allocations=True)
def make():
    kept.append(Row(1))
make()
text = out.getvalue()
assert text.index("Allocated") < text.index("Heap: peak") < text.index("Left behind by make(): ")
""",
    )
    assert done.stdout == ""


def test_while_a_collection_runs_it_is_said(run):
    done = ran(
        run,
        """
import gc
@profile(heap=True)
def make():
    return 7
def called(phase, info):
    if phase == "start":
        gc.callbacks.clear()
        assert make() == 7
gc.callbacks.append(called)
gc.collect()
""",
    )
    assert "What make() left behind is not known: " in done.stdout


@pytest.mark.parametrize(
    "program, says",
    [
        ("@profile(heap=True)\ndef f():\n    yield\n", "heap=True) is for calls that run from"),
        (
            "with profile(heap=True):\n    pass\n",
            "around a block stands memory_profiler.heap_growth()",
        ),
    ],
)
def test_what_it_cannot_be(run, program, says):
    done = run.plain(HEADER + program)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("TypeError: ")
    assert says in done.stderr.splitlines()[-1]


def test_under_the_command_it_is_said_once(run):
    done = run.m(
        "@profile(heap=True)\ndef f():\n    return 1\n@profile(heap=True)\ndef g():\n    return 2\nf(), g()\n"
    )
    assert done.returncode == 0
    assert done.stderr.count("at the end is printed with --heap") == 1
    assert len(done.tables) == 2
