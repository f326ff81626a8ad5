"""--lprof FILE: the times of lines, as line_profiler reads them."""

import re

import pytest
from support import python

PROGRAM = """
    import time

    class Thing:
        @profile
        def wait(self, seconds):
            time.sleep(seconds)
            return seconds

    @profile
    def numbers():
        for i in range(3):
            yield i

    @profile
    def never():
        return 1

    Thing().wait(0.03)
    Thing().wait(0.05)
    list(numbers())
    """
ROW = re.compile(r"^ *(\d+) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+)  (.*)$", re.M)


@pytest.fixture
def written(run):
    outcome = run.m(PROGRAM, options=["--lprof", "times.lprof"]).ok()
    assert "% Time" in outcome.stdout, "it implies --line-time"
    return outcome


def test_line_profiler_shows_it(written, run):
    pytest.importorskip("line_profiler", reason="needs line_profiler")
    shown = python("-m", "line_profiler", "times.lprof", cwd=run.folder).ok().stdout
    assert "Timer unit: 1e-06 s" in shown and "never" not in shown
    functions = re.findall(r"^Function: (\S+) at line (\d+)$", shown, re.M)
    assert [name.rpartition(".")[2] for name, _ in functions] == ["wait", "numbers"]
    rows = {row[5].strip(): (int(row[1]), float(row[2])) for row in ROW.findall(shown)}
    hits, microseconds = rows["time.sleep(seconds)"]
    assert hits == 2 and 80_000 <= microseconds < 10_000_000
    assert rows["return seconds"][0] == 2 and rows["yield i"][0] == 3


def test_line_profiler_loads_it(written, run):
    line_profiler = pytest.importorskip("line_profiler", reason="needs line_profiler")
    stats = line_profiler.load_stats(str(run.folder / "times.lprof"))
    assert type(stats) is line_profiler.LineStats and stats.unit == 1e-9
    (wait,) = [lines for key, lines in stats.timings.items() if key[2].endswith("wait")]
    assert [(line, hits) for line, hits, _ in wait] == [(6, 2), (7, 2)]
    assert all(type(time) is int and time >= 0 for _, _, time in wait)
    assert {key[0] for key in stats.timings} == {str(run.folder / "script.py")}


def test_equal_code_of_one_name_is_summed(run):
    line_profiler = pytest.importorskip("line_profiler", reason="needs line_profiler")
    run.m(
        """
        for i in range(2):
            names = {"profile": profile}
            exec("@profile\\ndef f():\\n    return 1\\nf()\\n", names)
        """,
        options=["--lprof", "times.lprof"],
    ).ok()
    timings = line_profiler.load_stats(str(run.folder / "times.lprof")).timings
    ((lines),) = timings.values()
    assert [(line, hits) for line, hits, _ in lines] == [(3, 2)]


def test_what_cannot_be_written_is_said_before_the_program_runs(run):
    outcome = run.m("print('ran')\n", options=["--lprof", "no/such/folder/x"])
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "cannot write no/such/folder/x" in outcome.one_line_error()
