"""pytest --memprof, in a pytest of its own."""

import ctypes
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from support import MAPPED_BLOCKS, environment, python

TESTS = """
import pytest
@pytest.mark.parametrize("n", range(12))
def test_grow(n):
    bytearray(n * 10 << 20)
@pytest.mark.memprof(peak="50 MiB")
def test_within():
    bytearray(40 << 20)
@pytest.mark.memprof(peak="150 MiB")
def test_over():
    bytearray(400 << 20)
"""


@pytest.fixture
def run_pytest(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)

    def run(*options):
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment(**MAPPED_BLOCKS),
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_summary_and_bound(run_pytest):
    outcome = run_pytest("--memprof", "--strict-markers")
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert "13 passed" in outcome.stdout and "1 failed" in outcome.stdout
    assert re.search(
        r"the process grew by (39\d|40\d)\.\d MiB at its peak in this test; its bound is 150\.0 MiB",
        outcome.stdout,
    ), outcome.stdout
    assert "peak growth of the process in the hungriest tests" in outcome.stdout
    assert "the heap had" not in outcome.stdout, "every block was given back"
    rows = re.findall(r"^ +(\d+\.\d) MiB  test_it\.py::(\S+)$", outcome.stdout, re.M)
    assert len(rows) == 10 and rows[0][1] == "test_over"
    figures = [float(figure) for figure, _ in rows]
    assert figures == sorted(figures, reverse=True)
    grown = dict((name, float(figure)) for figure, name in rows)
    assert 108 < grown["test_grow[11]"] < 114


SHORT_PEAKS = """
import mmap, time, pytest

def touched(size):
    m = mmap.mmap(-1, size); m.madvise(23, 0, size); m.close()

def test_before():
    touched(300 << 20)

@pytest.mark.parametrize("n", range(6))
def test_short(n):
    time.sleep(0.3)  # samples are milliseconds apart by now
    touched(8 << 20)

@pytest.mark.memprof(rss="4 MiB")
def test_over():
    time.sleep(0.3)
    touched(8 << 20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the mark can be set back on Linux alone")
def test_a_short_peak_below_an_earlier_one(run_pytest, tmp_path):
    (tmp_path / "test_it.py").write_text(SHORT_PEAKS)
    outcome = run_pytest("--memprof")
    assert "7 passed" in outcome.stdout and "1 failed" in outcome.stdout, outcome.stdout
    assert re.search(
        r"grew by [789]\.\d MiB at its peak in this test; its bound is 4\.0 MiB", outcome.stdout
    )
    figures = re.findall(r"^ +(\d+\.\d) MiB  test_it\.py::test_short", outcome.stdout, re.M)
    assert len(figures) == 6 and all(7.5 < float(figure) < 12 for figure in figures), figures


def test_without_the_option_only_the_bound_counts(run_pytest):
    outcome = run_pytest()
    assert "13 passed" in outcome.stdout and "1 failed" in outcome.stdout
    assert "hungriest" not in outcome.stdout


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_every_test_in_the_report(run_pytest, tmp_path, workers):
    if workers:
        pytest.importorskip("xdist")
    run_pytest("--memprof", "--junit-xml=report.xml", *workers)
    cases = ElementTree.parse(tmp_path / "report.xml").iter("testcase")
    grown = {
        case.get("name"): float(case.find("properties/property").get("value")) for case in cases
    }
    # A little less than was asked for: pytest may give some of its own back meanwhile.
    assert len(grown) == 14 and 34 < grown["test_within"] < 43 and 390 < grown["test_over"] < 405


@pytest.mark.parametrize("marker", ['"50 MiB"', 'peak="much"', 'peak="50 MiB", other=1', ""])
def test_a_marker_that_says_nothing(run_pytest, tmp_path, marker):
    (tmp_path / "test_it.py").write_text(
        f"import pytest\n@pytest.mark.memprof({marker})\ndef test_it(): pass\n"
    )
    outcome = run_pytest()
    assert outcome.returncode != 0 and "memprof: " in outcome.stdout + outcome.stderr


def test_a_failure_is_shown_before_a_bound(run_pytest, tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import pytest\n@pytest.mark.memprof(peak='1 MiB')\n"
        "def test_it():\n    bytearray(50 << 20)\n    assert 1 == 2\n"
    )
    outcome = run_pytest()
    assert "assert 1 == 2" in outcome.stdout and "its bound" not in outcome.stdout


ROOM = """
import pytest
kept = []
def test_a():
    rows = [bytes(3000) for i in range(60_000)]
    kept.append(rows[::10])
@pytest.mark.memprof(peak="50 MiB")
def test_b():
    again = [bytes(3000) for i in range(39_000)]
@pytest.mark.memprof(peak="900 MiB")
def test_c():
    pass
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc's mallinfo2")
@pytest.mark.parametrize("options", [[], ["--memprof"]])
def test_what_earlier_tests_have_freed_is_told_where_it_may_hide_growth(tmp_path, options):
    (tmp_path / "test_it.py").write_text(ROOM)
    outcome = python("-m", "pytest", "-p", "no:cacheprovider", *options, cwd=tmp_path).ok()
    assert "3 passed" in outcome.stdout, outcome.stdout
    told = re.findall(
        r"^memprof: the heap had (\d+\.\d) MiB free when test_it\.py::(\S+) began: ",
        outcome.stdout,
        re.M,
    )
    ((room, name),) = told
    assert name == "test_b" and 140 < float(room) < 175


def test_under_xdist(run_pytest):
    pytest.importorskip("xdist")
    outcome = run_pytest("--memprof", "-n", "2")
    assert "13 passed" in outcome.stdout and "1 failed" in outcome.stdout
    assert len(re.findall(r"^ +\d+\.\d MiB  test_it\.py::", outcome.stdout, re.M)) == 10
