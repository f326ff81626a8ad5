"""The page of --flame in a real browser: its views, zoom, search, table and keys."""

import re
import subprocess
import sys

import pytest
from browser import MISSING

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

PROGRAM = """
import threading
kept = []
def leaf(n):
    kept.append(bytes(n))
def outer():
    for i in range(10):
        leaf(100_000)
    passing = bytes(3_000_000)
def work():
    leaf(500_000)
thread = threading.Thread(target=work)
thread.start(); thread.join()
outer()
def deep(n):
    return deep(n - 1) if n else leaf(200_000)
deep(5)
"""


@pytest.fixture(scope="module")
def flame(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flame")
    (folder / "script.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "memory_profiler", "--flame", "f.html", "script.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder / "f.html"


@pytest.fixture
def page(browser, flame):
    browser.console()
    browser.requests()
    browser.open(flame)
    yield browser
    assert browser.console() == []
    assert [url for url in browser.requests() if not url.startswith("file://")] == []


CELLS = """return Array.from(document.querySelectorAll('#icicle div'),
    d => [d.textContent, d.offsetLeft, d.offsetTop, d.offsetWidth, d.className])"""


def cells(page):
    """{text: (left, top, width)} of cells that have one."""
    return {text: place for text, *place, _ in page.run(CELLS) if text}


def text_of(page, name):
    return page.run("return document.getElementById(arguments[0]).textContent", name)


def press(page, name):
    page.run(
        """Array.from(document.querySelectorAll('button')).find(
           b => b.textContent === arguments[0]).click()""",
        name,
    )


def mebibytes(text):
    number, unit = re.match(r"([\d.]+) (KiB|MiB)", text).groups()
    return float(number) / (1024 if unit == "KiB" else 1)


def click(page, name):
    page.run(
        """Array.from(document.querySelectorAll('#icicle div')).find(
           d => d.textContent === arguments[0]).click()""",
        name,
    )


def test_widths_are_shares_and_each_stands_below_its_caller(page):
    shown = cells(page)
    assert list(shown)[0] == "script.py"
    _, _, whole = shown["script.py"]
    passing = shown["outer (script.py:9)"]
    assert passing[2] / whole == pytest.approx(
        3_000_000 / 2**20 / mebibytes(text_of(page, "total").partition(": ")[2]), abs=0.01
    )
    main, module = shown["main thread"], shown["<module> (script.py:14)"]
    for above, below in ((main, module), (module, passing)):
        assert below[1] == above[1] + 20
        assert above[0] <= below[0] and below[0] + below[2] <= above[0] + above[2] + 1


def test_views(page):
    assert text_of(page, "total").startswith("At the peak: 4.")
    press(page, "Left")
    assert re.match(r"Left: 1\.\d+ MiB in [\d,]+ blocks", text_of(page, "total"))
    assert "outer (script.py:9)" not in cells(page)
    press(page, "Allocated")
    assert re.match(r"Allocated: [45]\.\d+ MiB in [\d,]+ allocations", text_of(page, "total"))
    assert page.run("return document.querySelector('#views [aria-pressed=true]').textContent") == (
        "Allocated"
    )


def test_zoom_and_back(page):
    press(page, "Left")
    click(page, "<module> (script.py:14)")
    shown = cells(page)
    whole = shown["script.py"][2]
    assert shown["<module> (script.py:14)"][2] == whole == shown["main thread"][2]
    assert text_of(page, "path").startswith("script.py › main thread › <module> (script.py:14): ")
    press(page, "Allocated")  # the same place
    assert cells(page)["<module> (script.py:14)"][2] == whole
    press(page, "main thread")
    assert text_of(page, "path").startswith("script.py › main thread: ")
    page.keys("0")
    assert text_of(page, "path") == ""


def test_search(page):
    press(page, "Left")
    page.run("document.getElementById('search').focus()")
    page.keys("LEAF")
    found = text_of(page, "found")
    size, share, frames = re.match(
        r"(\S+ MiB), (\S+) %, in (\d+) frames that match$", found
    ).groups()
    assert mebibytes(size) == pytest.approx(1_700_000 / 2**20, abs=0.03)
    marked = [text for text, *_, kind in page.run(CELLS) if " match" in kind and text]
    assert marked and all(text.startswith("leaf") for text in marked)
    page.run("document.getElementById('search').value = 'nothing of it'")
    page.keys("x")
    assert text_of(page, "found") == "nothing matches"


def test_threads_apart_and_merged(page):
    press(page, "Left")
    top = [text for text, _, top, _, _ in page.run(CELLS) if top == 20]
    assert sorted(top) == ["main thread", "thread 2"]
    before = text_of(page, "total")
    press(page, "merge threads")
    top = [text for text, _, top, _, _ in page.run(CELLS) if top == 20]
    assert any(text.startswith(("Thread._bootstrap", "_bootstrap")) for text in top)  # on 3.10
    assert any(text == "<module> (script.py:14)" for text in top)
    assert text_of(page, "total") == before


ROWS = """return Array.from(document.querySelectorAll('#table tbody tr'),
    r => Array.from(r.cells, c => c.textContent))"""


def test_table(page):
    press(page, "Left")
    press(page, "table")
    rows = page.run(ROWS)
    leaf = next(row for row in rows if row[0].startswith("leaf "))
    assert leaf[0].endswith("script.py:5")
    assert mebibytes(leaf[1]) == pytest.approx(1_700_000 / 2**20, abs=0.03)
    assert int(leaf[2]) in (12, 13)  # and the list
    deep = next(row for row in rows if row[0].startswith("deep "))
    assert mebibytes(deep[3]) == pytest.approx(200_000 / 2**20, abs=0.01)  # once, however deep
    shares = [float(row[4].partition(" ")[0]) for row in rows]
    assert shares == sorted(shares, reverse=True)
    press(page, "Own")
    assert page.run(ROWS)[0][0].startswith("leaf ")
    press(page, "Function")
    names = [row[0] for row in page.run(ROWS)]
    assert [name.partition(" ")[0] for name in names] == sorted(
        name.partition(" ")[0] for name in names
    )


def test_keys(page):
    press(page, "Left")
    page.run("document.getElementById('icicle').focus()")
    page.keys("\ue015")  # down
    assert text_of(page, "said").startswith("main thread, 1.")
    page.keys("\ue014")  # right
    assert re.match(r"thread \d+, ", text_of(page, "said"))
    page.keys("\ue012\ue015")  # left, down
    assert text_of(page, "said").startswith("<module> (script.py:14), ")
    page.keys("\ue007")  # Enter
    assert text_of(page, "path").startswith("script.py › main thread › <module> (script.py:14): ")
    page.keys("\ue003")  # Backspace
    assert text_of(page, "path").startswith("script.py › main thread: ")
    page.keys("\ue00c")  # Esc
    assert text_of(page, "path") == ""
    page.keys("/leaf")
    assert page.run("return document.getElementById('search').value") == "leaf"
    page.keys("\ue00c")
    assert page.run("return document.getElementById('search').value") == ""


def test_the_box_that_explains(page):
    left, top = page.run(
        """const d = Array.from(document.querySelectorAll('#icicle div')).find(
           d => d.textContent === 'outer (script.py:9)').getBoundingClientRect();
           return [Math.round(d.left + 20), Math.round(d.top + 8)]"""
    )
    page.mouse(("move", left, top))
    lines = page.run("return Array.from(document.querySelectorAll('#tip div'), d => d.textContent)")
    assert lines[0] == "outer" and lines[1].endswith("/script.py:9")
    assert re.match(r"2\.86 MiB, \S+ % of all, in 1 block$", lines[2])


@pytest.mark.parametrize("width", [320, 700, 1200])
def test_nothing_is_wider_than_its_window(page, width):
    page.resize(width)
    try:
        for shape in ("icicle", "table"):
            press(page, shape)
            assert page.run("return document.documentElement.scrollWidth") <= width
    finally:
        page.size_again()
