"""The page of ``report --to html``, in a real browser: sorted, and readable on a phone."""

import copy
import json
import subprocess
import sys

import pytest
from browser import MISSING

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

LONG = "    table = {key: [row for row in rows if row.key == key and row.is_open] for key in keys}  # long"
SOURCE = ["@profile\n", "def load(rows):\n", f"{LONG}\n", "    return rows\n"]
# line, increment and memory in MiB, occurrences, peak in MiB
ROWS = [(3, 10, 10, 1, 0), (5, 20, 30, 9, 80), (6, -4, 26, 100, 90)]


def line(number, increment, memory, hits, peak):
    return {
        "line": number,
        "increment_bytes": increment << 20,
        "memory_bytes": memory << 20,
        "occurrences": hits,
        "peak_bytes": peak << 20,
        "time_ns": 1000 * number,
    }


FUNCTION = {
    "filename": "/srv/data/a-folder-with-a-long-name/package/module/script.py",
    "name": "load",
    "first_line": 3,
    "precision": 3,
    "source": SOURCE,
    "lines": [line(*row) for row in ROWS],
    "ledger": {
        "first_line": 3,
        "entry_bytes": 10 << 20,
        "segments_bytes": 16 << 20,
        "tool_bytes": 0,
        "increments_bytes": 26 << 20,
    },
}
RUN = {
    "format": "memory_profiler run",
    "version": 1,
    "command": ["/srv/data/train.py", "--first-option=value", "--second-option=value"],
    "time": 1700000000.0,
    "finished": True,
    "processes": [{"pid": 7, "name": "main", "functions": [FUNCTION]}],
}


# (allocated, allocations, at peak, left) in MiB
ALLOCATED = {3: (0, 0, 0, 0), 5: (90, 12345, 80, 9), 6: (1234, 7, 85, 0)}


def recorded():
    """The run, as it is with --allocations."""
    run = copy.deepcopy(RUN)
    (process,) = run["processes"]
    for line in process["functions"][0]["lines"]:
        allocated, count, peak, left = ALLOCATED[line["line"]]
        sums = {
            "allocated_bytes": allocated << 20,
            "allocations": count,
            "at_peak_bytes": peak << 20,
            "at_peak_blocks": min(count, peak),
            "left_bytes": left << 20,
            "left_blocks": min(count, left),
        }
        line.update(sums, own=sums)
    process["heap"] = sums
    return run


@pytest.fixture
def run():
    return RUN


WITH_ALLOCATIONS = pytest.mark.parametrize("run", [recorded()], ids=["allocations"])
BOTH = pytest.mark.parametrize("run", [RUN, recorded()], ids=["plain", "allocations"])


@pytest.fixture
def page(browser, tmp_path, run):
    """Opens the report; the browser must have nothing to complain of, and asks for nothing."""
    (tmp_path / "run.json").write_text(json.dumps(run))
    command = [sys.executable, "-m", "memory_profiler.report", "--to", "html", "-o", "out.html"]
    done = subprocess.run([*command, "run.json"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    browser.console()
    browser.requests()
    browser.open(tmp_path / "out.html")
    yield browser
    assert browser.console() == []
    assert [url for url in browser.requests() if not url.startswith("file://")] == []


def column(browser, number):
    return browser.run(
        "return Array.from(document.querySelectorAll('table.lines tbody tr'), "
        "row => row.cells[arguments[0]].textContent)",
        number,
    )


def click(browser, name):
    browser.run(
        "Array.from(document.querySelectorAll('th button')).find("
        "button => button.textContent === arguments[0]).click()",
        name,
    )


def test_each_column_sorts(page):
    assert column(page, 0) == ["3", "4", "5", "6"]
    for name, number, falling, rising in (
        ("Increment", 2, ["5", "3", "6", "4"], ["6", "3", "5", "4"]),
        ("Occurrences", 3, ["6", "5", "3", "4"], ["3", "5", "6", "4"]),
        ("Peak", 4, ["6", "5", "3", "4"], ["3", "5", "6", "4"]),
        ("Mem usage", 1, ["5", "6", "3", "4"], ["3", "6", "5", "4"]),
        ("Time", 5, ["6", "5", "3", "4"], ["3", "5", "6", "4"]),
    ):
        sorted_by = f"return document.querySelectorAll('th')[{number}].getAttribute('aria-sort')"
        click(page, name)
        assert (column(page, 0), page.run(sorted_by)) == (falling, "descending"), name
        click(page, name)
        assert (column(page, 0), page.run(sorted_by)) == (rising, "ascending"), name
    click(page, "Line")
    assert column(page, 0) == ["3", "4", "5", "6"]


@WITH_ALLOCATIONS
def test_columns_of_allocations_sort(page):
    for name, falling in (
        ("Allocated", ["6", "5", "3", "4"]),
        ("Allocs", ["5", "6", "3", "4"]),
        ("At peak", ["6", "5", "3", "4"]),
        ("Left", ["5", "3", "6", "4"]),
    ):
        click(page, name)
        assert column(page, 0) == falling, name


@BOTH
@pytest.mark.parametrize("width", [320, 400, 700, 860, 1200])
def test_code_and_numbers_are_in_the_window(page, run, width):
    page.resize(width)
    try:
        found = page.run("""
            return Array.from(document.querySelectorAll('td, th'), (cell) => {
                const box = cell.getBoundingClientRect();
                return [cell.textContent, box.left, box.right,
                        cell.scrollWidth <= cell.clientWidth + 1 || cell.clientWidth === 0];
            });""")
        assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")
        for text, left, right, fits in found:
            assert 0 <= left and right <= width and fits, (text, left, right)
        assert [text for text, *_ in found if text == LONG]
        rows = page.run("""
            return Array.from(document.querySelectorAll('table.lines tbody tr'), (row) => {
                const code = row.querySelector('.code').getBoundingClientRect();
                const number = row.cells[1].getBoundingClientRect();
                return [code.width, code.bottom - number.top, row.textContent];
            });""")
        for wide, below, text in rows:
            assert wide > 250
            # On a phone the code stands over its numbers, else beside them.
            assert (below <= 1) == (width < (860 if run is RUN else 1200)), text
    finally:
        page.size_again()


@BOTH
def test_sorting_works_with_a_finger(page, run):
    page.resize(400)
    try:
        hit = page.run("""
            return Array.from(document.querySelectorAll('th button'), (button) => {
                const box = button.getBoundingClientRect();
                return document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2) === button;
            });""")
    finally:
        page.size_again()
    assert hit == [True] * (6 if run is RUN else 10)


def test_the_command_is_broken_between_words(page):
    page.resize(400)
    try:
        tops = page.run("""
            return Array.from(document.querySelectorAll('h1 > .whole'), (word) =>
                [word.textContent, word.getBoundingClientRect().height]);""")
    finally:
        page.size_again()
    assert [word for word, _ in tops] == RUN["command"]
    assert len({height for _, height in tops}) == 1


def test_names_are_broken_between_their_parts(page):
    page.resize(400)
    try:
        lines = page.run("""
            const lines = [], walk = document.createTreeWalker(document.querySelector('h2'),
                NodeFilter.SHOW_TEXT);
            let bottom = -1;
            while (walk.nextNode())
                for (let i = 0; i < walk.currentNode.length; i++) {
                    const range = document.createRange();
                    range.setStart(walk.currentNode, i);
                    range.setEnd(walk.currentNode, i + 1);
                    const box = range.getBoundingClientRect();
                    if (!lines.length || box.top > bottom - 3) lines.push('');
                    bottom = box.bottom;
                    lines[lines.length - 1] += walk.currentNode.data[i];
                }
            return lines;""")
    finally:
        page.size_again()
    assert len(lines) > 1 and all(line[-1] in "/.-_: " for line in lines[:-1])


def test_dark_and_print(page):
    ground = "return getComputedStyle(document.body).backgroundColor"
    page.emulate(prefers_color_scheme="dark")
    dark = page.run(ground)
    page.emulate("print", prefers_color_scheme="dark")
    printed = page.run(ground)
    page.emulate()
    assert (dark, printed) == ("rgb(23, 24, 28)", "rgb(255, 255, 255)")
