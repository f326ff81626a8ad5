"""pytest: bounds of what a test allocates (heap=) and of what it leaves behind (leak=)."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from support import environment


@pytest.fixture
def run_pytest(tmp_path):
    """run(text of a test file, options...): its outcome, by lines of stdout."""

    def run(text, *options, status):
        (tmp_path / "test_it.py").write_text("import pytest\nH = bytes().__sizeof__()\n" + text)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == status and done.stderr == "", done.stdout + done.stderr
        return done.stdout

    run.folder = tmp_path
    return run


ORDER = """
kept = []
def test_a():
    kept.extend(bytes(1000) for i in range(180_000))
    kept.clear()
@pytest.mark.memprof(heap="50 MiB")
def test_b():
    big = [bytes(1000) for i in range(116_000)]
@pytest.mark.memprof(heap="130 MiB")
def test_c():
    big = [bytes(1000) for i in range(116_000)]
@pytest.mark.memprof(heap=50 << 20)
def test_d():
    small = bytes(40 << 20)
"""


@pytest.mark.parametrize("order", ["abcd", "dcba", "b", "cb"])
def test_what_a_test_allocates_is_the_same_in_any_order(run_pytest, order):
    names = [f"test_it.py::test_{letter}" for letter in order]
    told = run_pytest(ORDER, *names, status=1)
    assert told.count("FAILED") == 1 and "FAILED test_it.py::test_b" in told
    peak = re.search(
        r"this test had (\d+\.\d) MiB of its own at the heap's peak; its bound is 50\.0 MiB", told
    )
    assert 114.0 < float(peak[1]) < 116.5
    owner = re.search(
        r"^  +(\d+\.\d) MiB in (\d+) blocks: test_it\.py:10 in .*test_b\(\)$", told, re.M
    )
    assert owner and int(owner[2]) >= 116_000, told


LEAKS = """
import functools, gc
kept, cache = [], {}

@pytest.fixture
def leaky():
    kept.append(bytes(50_000))
    yield
    kept.append(bytes(20_000))

@pytest.fixture(scope="module")
def shared():
    return bytes(3_000_000)

@pytest.mark.memprof(leak=0)
def test_clean(shared, tmp_path, capsys, monkeypatch):
    rows = [{"a": i, "b": str(i)} for i in range(1000)]
    cycle = []
    cycle.append(cycle)
    monkeypatch.setattr(functools, "x", "y" * 1000, raising=False)
    assert tmp_path.is_dir()
    print("some output" * 100)
    for i in range(100):
        float(i) + 0.5, (i, i), [i]

@pytest.mark.memprof(leak=0)
def test_fills_a_cache_once():
    cache.setdefault("x", bytes(100_000))

@pytest.mark.memprof(leak=0, warmup=0)
def test_fills_a_cache_at_its_only_run():
    cache.setdefault("y", bytes(100_000))

@pytest.mark.memprof(leak="1 MiB")
def test_grows():
    kept.append(bytes(2 << 20))

@pytest.mark.memprof(leak="10 KiB")
def test_by_a_fixture(leaky):
    pass

@pytest.mark.memprof(leak="100 KiB")
def test_by_a_fixture_within(leaky):
    pass

class TestClass:
    def setup_method(self):
        kept.append(bytes(30_000))
    @pytest.mark.memprof(leak="1 KiB")
    def test_by_setup(self):
        pass

def test_after(shared):
    pass
"""


def test_what_a_test_leaves(run_pytest):
    told = run_pytest(LEAKS, "-rA", "--junit-xml=report.xml", status=1)
    failed = set(re.findall(r"^FAILED test_it\.py::(\S+)", told, re.M))
    assert failed == {
        "test_fills_a_cache_at_its_only_run",
        "test_grows",
        "test_by_a_fixture",
        "TestClass::test_by_setup",
    }, told
    assert "4 failed, 4 passed in" in told
    assert re.search(r"this test left 2\.0 MiB in 1 block; its bound is 1\.0 MiB", told)
    assert re.search(r"  2\.0 MiB in 1 block: test_it\.py:\d+ in test_grows\(\)$", told, re.M)
    assert re.search(r"left 70\d\d\d bytes in [23] blocks; its bound is 10240 bytes", told), told
    assert re.search(r"50033 bytes in 1 block: test_it\.py:\d+ in leaky\(\)$", told, re.M)
    assert "functools.lru_cache" in told


def test_figures_travel(run_pytest, tmp_path):
    text = """
kept = []
@pytest.mark.memprof(heap="50 MiB", leak="3 MiB", rss="300 MiB")
def test_all():
    big = bytes(20 << 20)
    kept.append(bytes(2 << 20))
"""
    for workers in [], ["-n", "2"]:
        if workers:
            pytest.importorskip("xdist")
        run_pytest(text, "--junit-xml=report.xml", *workers, status=0)
        (case,) = ElementTree.parse(tmp_path / "report.xml").iter("testcase")
        figures = {
            entry.get("name"): float(entry.get("value"))
            for entry in case.iter("property")
            if entry.get("name").startswith("memprof_")
        }
        assert set(figures) >= {
            "memprof_heap_peak_mib",
            "memprof_left_mib",
            "memprof_peak_growth_mib",
        }
        assert 22 <= figures["memprof_heap_peak_mib"] < 22.1
        assert 2 <= figures["memprof_left_mib"] < 2.001


def test_a_test_that_fails_or_is_left_out_is_told_as_without_us(run_pytest):
    told = run_pytest(
        """
@pytest.mark.memprof(heap=0, leak=0)
def test_fails():
    kept = bytes(5000)
    assert 1 == 2
@pytest.mark.memprof(heap=0, leak=0)
def test_skips():
    pytest.skip("why not")
@pytest.mark.memprof(leak=0)
def test_error(missing):
    pass
@pytest.mark.memprof(heap=0, leak=0)
@pytest.mark.xfail(reason="known")
def test_known():
    assert 0
""",
        "-rA",
        status=1,
    )
    assert "1 failed, 1 skipped, 1 xfailed, 1 error in" in told, told
    assert "assert 1 == 2" in told and "memprof:" not in told


def test_the_older_name_is_told_once(run_pytest):
    text = '@pytest.mark.memprof(peak="900 MiB")\ndef test_one(): pass\n' * 2
    text = text.replace("test_one", "test_two", 1)
    for options in [], ["-n", "2"]:
        told = run_pytest(text, *options, status=0)
        assert told.count("peak= bounds RSS, and is called rss= now") == 1
    told = run_pytest(text.replace("peak", "rss"), status=0)
    assert "peak=" not in told


@pytest.mark.parametrize(
    "marker",
    [
        "memprof()",
        "memprof('1 MiB')",
        "memprof(heap='much')",
        "memprof(leak=-1)",
        "memprof(peak=1, rss=1)",
        "memprof(warmup=0)",
        "memprof(leak=0, warmup='no')",
        "memprof(leak={'Session': -1})",
        "memprof(leak={'Session': '1 MiB'})",
        "memprof(leak={7: 0})",
        "memprof(leak={})",
        "memprof(stack=1)",
    ],
)
def test_markers_that_are_none(run_pytest, marker):
    told = run_pytest(f"@pytest.mark.{marker}\ndef test_one(): pass\n", status=1)
    assert "1 failed" in told or "1 error" in told
    assert "memprof: " in told and "INTERNALERROR" not in told


def test_what_cannot_be_judged_does_not_pass(run_pytest, tmp_path):
    (tmp_path / "conftest.py").write_text(
        "import memory_profiler._allocation_blocks as blocks\n"
        "start = blocks.heap_start\n"
        "blocks.heap_start = lambda *arguments: [*start(*arguments), 'malloc() in Python']\n"
    )
    told = run_pytest(
        "@pytest.mark.memprof(heap='1 MiB')\ndef test_one(): pass\n"
        "@pytest.mark.memprof(leak='1 MiB')\ndef test_two(): pass\n",
        status=1,
    )
    assert "2 failed in" in told
    assert told.count("heap= and leak= cannot be judged: malloc() in Python is not seen") >= 2


THREADS = """
import concurrent.futures, threading
kept = []
def in_pool(keep):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda i: kept.append(bytes(10**6)) if keep else bytes(10**6), range(5)))
@pytest.mark.memprof(leak="20 KiB")
def test_pool_keeps():
    in_pool(True)
@pytest.mark.memprof(leak="20 KiB")
def test_pool_keeps_nothing():
    in_pool(False)
@pytest.mark.memprof(leak="20 KiB")
def test_thread_keeps():
    thread = threading.Thread(target=lambda: kept.append(bytes(10**6)))
    thread.start()
    thread.join()
"""


def test_what_threads_of_a_test_leave_is_its_own(run_pytest):
    out = run_pytest(THREADS, "-q", status=1)
    failed = set(re.findall(r"^FAILED test_it\.py::(\w+) - memprof: this test left", out, re.M))
    assert failed == {"test_pool_keeps", "test_thread_keeps"}
    assert "2 failed, 1 passed" in out


EXPECTED = """
kept = []
@pytest.mark.xfail(reason="it keeps")
@pytest.mark.memprof(leak=100)
def test_expected():
    kept.append(bytes(10**6))
@pytest.mark.xfail(strict=True, reason="it keeps")
@pytest.mark.memprof(leak=100)
def test_strictly_expected():
    kept.append(bytes(10**6))
@pytest.mark.xfail(strict=True, reason="it does not keep")
@pytest.mark.memprof(leak="20 KiB")
def test_keeps_nothing():
    bytes(10**6)
"""


def test_a_leak_that_is_expected(run_pytest):
    out = run_pytest(EXPECTED, "-q", "-rxX", status=1)
    assert "1 failed, 2 xfailed" in out
    assert re.search(r"^XFAIL test_it\.py::test_strictly_expected - it keeps", out, re.M)
    assert re.search(r"\[XPASS\(strict\)\] it does not keep", out)
    out = run_pytest(EXPECTED, "-q", "--runxfail", status=1)
    assert "2 failed, 1 passed" in out and "memprof: this test left" in out


SESSIONS = """
class Session:
    pass

kept = []

"""


def test_types_that_are_left(run_pytest):
    text = SESSIONS + (
        "@pytest.mark.memprof(leak={'Session': 1})\n"
        "def test_two_are_left():\n"
        "    kept.append([Session()])\n"
        "    kept.append(Session())\n"
        "    Session()\n"
        "\n"
        "@pytest.mark.memprof(leak={'test_it.Session': 2, 'int': 10**6})\n"
        "def test_as_many_as_may_be():\n"
        "    kept.append(Session()), kept.append(Session())\n"
        "\n"
        "@pytest.mark.memprof(leak={'Session': 0})\n"
        "def test_none_is_left():\n"
        "    Session().me = Session()\n"
    )
    told = run_pytest(text, status=1)
    assert "1 failed, 2 passed" in told
    assert "memprof: this test left 2 objects of test_it.Session; its bound is 1" in told
    # Of the second run: the first has left two before.
    assert "  kept alive by test_it.kept[2][0]" in told
    assert "  kept alive by test_it.kept[3]" in told
    for line in (11, 12):
        assert f"  1 born on {run_pytest.folder / 'test_it.py'}:{line}" in told


MISTYPED = """
class Asked(type):
    def __hash__(cls):
        raise RuntimeError("nobody may ask")
    __eq__ = __hash__

class Odd(metaclass=Asked):
    pass

@pytest.mark.memprof(leak={'Sesion': 0, 'dict': 10**6, 'app.Zzz': 0, 'test_it.Session': 0})
def test_mistyped():
    pass
"""


def test_a_name_that_no_class_has_is_told(run_pytest):
    told = run_pytest(SESSIONS + MISTYPED, status=0)
    line = "memprof: leak= counts 'Sesion', and no class has that name"
    assert f"{line} (did you mean Session?)" in told
    assert "leak= counts 'app.Zzz', and no class has that name" in told
    assert told.count("no class has that name") == 2 and "1 passed, 1 warning" in told
    told = run_pytest(SESSIONS + MISTYPED, "-W", "error", status=1)
    assert f"{line} (did you mean Session?)" in told and "1 failed" in told


def test_types_that_are_expected_to_be_left(run_pytest):
    text = SESSIONS + (
        "@pytest.mark.xfail(reason='known')\n"
        "@pytest.mark.memprof(leak={'Session': 0}, warmup=0)\n"
        "def test_one():\n"
        "    kept.append(Session())\n"
    )
    assert "1 xfailed" in run_pytest(text, status=0)
