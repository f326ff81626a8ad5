"""``report --to html``: what the page says of a run, and that nothing in a run can act in it."""

import base64
import hashlib
import html.parser
import re
import time

import pytest
from memory_profiler import report
from saved_runs import LEDGER, function, outcome_of, run_of, saved

MIB = 1 << 20


class Page(html.parser.HTMLParser):
    """Tags with their attributes; facts; rows of tables as texts with the classes of their cells."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.facts, self.tables = text, [], {}, []
        self._open, self._fact = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in ("meta", "wbr"):
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append(["", attributes.get("class", "")])

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "dt" in self._open:
            self._fact = data
        elif "dd" in self._open:
            self.facts[self._fact] = self.facts.get(self._fact, "") + data
        elif {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1][0] += data

    def close(self):
        super().close()
        assert self._open == []


def page_of(tmp_path, *runs):
    paths = [str(saved(tmp_path, run, f"{i}.json")) for i, run in enumerate(runs)]
    status, out, err = outcome_of(report.main, ["--to", "html", *paths])
    assert status == 0, err
    page = Page(out)
    page.close()
    return page


def line(number, increment, memory=20, **more):
    return {
        "line": number,
        "increment_bytes": int(increment * MIB),
        "memory_bytes": int(memory * MIB),
        "occurrences": 1,
        **more,
    }


def measured(name, lines, first=3, filename="script.py"):
    """A function that was measured so."""
    total = sum(each["increment_bytes"] for each in lines)
    entry = lines[0]["increment_bytes"]
    return {
        **function(name, *(f"text {each['line']}" for each in lines), filename=filename),
        "first_line": first,
        "ledger": {
            **LEDGER,
            "first_line": first,
            "entry_bytes": entry,
            "segments_bytes": total - entry,
            "increments_bytes": total,
        },
        "lines": lines,
    }


LOAD = measured(
    "load",
    [
        line(3, 10, 10, peak_bytes=0),
        line(4, 30, 40, peak_bytes=90 * MIB),
        line(5, -15, 25, peak_bytes=0),
        line(6, 3, 28, peak_bytes=45 * MIB),
    ],
)
WORK = measured("A.work", [line(13, 11, 11), line(14, 50.5, 61.5), line(15, 0, 61)], first=13)


@pytest.fixture
def utc():
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def test_the_summary(tmp_path, utc):
    run = {**run_of(LOAD, WORK), "command": ["train.py", "--folds", "3"], "time": 1700000000.4}
    page = page_of(tmp_path, run)
    assert "<h1>train.py --folds 3</h1>" in page.text
    assert page.facts["peak"] == "61.5 MiB, the highest reading, after A.work(), script.py:14"
    assert page.facts["peak of a line"] == "90.0 MiB above its start, in load(), script.py:4"
    assert page.facts["date"] == "2023-11-14 22:13:20"
    assert page.facts["Python"] == "3 on linux"
    assert page.facts["counted"] == "1 run, 1 process, 2 functions"
    assert "did not end" not in page.facts
    assert page.facts["50.5 MiB"] == "A.work(), script.py:14 text 14"
    places = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    names = {f"#{attributes['id']}" for tag, attributes in page.tags if "id" in attributes}
    assert places[0] == "#f1l14" and set(places) <= names


def test_what_grew_most_is_ranked(tmp_path):
    """The memory at the first entry is no growth."""
    page = page_of(tmp_path, run_of(LOAD, WORK))
    ranked = re.findall(r"<dt>([\d.]+) MiB</dt>", page.text)
    assert ranked == ["50.5", "30.0", "3.0"]
    assert "Lines that grew most" not in page_of(tmp_path, run_of(LOAD)).text


def test_increments_and_peaks_have_heat(tmp_path):
    load, work = page_of(tmp_path, run_of(LOAD, WORK)).tables
    assert [cell[0] for cell in load[0]] == [
        "Line", "Mem usage", "Increment", "Occurrences", "Peak", "Line contents",
    ]  # fmt: skip
    assert [row[2][1] for row in load[1:]] == ["", "more10", "less5", "more1"]
    assert [row[4][1] for row in load[1:]] == ["", "more10", "", "more5"]
    assert [row[4][0] for row in load[1:]] == ["0.000", "90.000", "0.000", "45.000"]
    assert [cell[0] for cell in work[0]][-2:] == ["Occurrences", "Line contents"]


def test_several_runs(tmp_path):
    one = {**run_of(LOAD), "time": 1e9}
    other = {**run_of(WORK), "time": 2e9, "python": "3.13", "command": ["other.py"]}
    page = page_of(tmp_path, one, other)
    assert re.fullmatch(r"2001-09-\d\d .* to 2033-05-\d\d .*", page.facts["date"])
    assert page.facts["Python"] == "3, 3.13 on linux"
    assert page.facts["counted"] == "2 runs, 2 processes, 2 functions"
    assert "<h1>script.py + other.py</h1>" in page.text


def test_a_run_that_did_not_end_says_so(tmp_path):
    run = {**run_of(LOAD), "finished": False}
    thread = {"thread": 1, "function": "load", "filename": "script.py", "line": 4}
    run["processes"][0]["running"] = [thread]
    assert page_of(tmp_path, run).facts["did not end"] == "in load() at script.py:4"
    del run["processes"][0]["running"]
    assert page_of(tmp_path, run).facts["did not end"]


@pytest.mark.parametrize("moment", [0, -1, 1e300, 10**30])
def test_a_time_that_is_none_is_left_out(tmp_path, moment):
    assert "date" not in page_of(tmp_path, {**run_of(LOAD), "time": moment}).facts


@pytest.mark.parametrize("junk", [None, 7, "<b>", ["<b>"], {"<b>": 1}, True])
def test_what_a_merged_run_holds_may_be_anything(tmp_path, junk):
    part = {"command": ["<i>"], "time": junk, "python": junk, "platform": junk, "processes": junk}
    page = page_of(tmp_path, {**run_of(LOAD), "merged": [part, {"command": []}]})
    assert "<i>" not in page.text and "<b>" not in page.text


def test_nothing_of_a_run_acts(tmp_path):
    hostile = "</script></table><script>alert(1)</script>\"'<img src=x onerror=alert(1)>"
    bad = {**measured(hostile, LOAD["lines"], filename=hostile), "source": [hostile + "\n"] * 4}
    run = {**run_of(bad, WORK), "command": [hostile], "python": hostile, "finished": False}
    thread = {"thread": 1, "function": hostile, "filename": hostile, "line": 4}
    run["processes"][0]["running"] = [thread]
    page = page_of(tmp_path, run)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not {"img", "b", "i"} & {tag for tag, _ in page.tags}
    assert not any(
        key.startswith("on") or key in ("style", "src") for _, a in page.tags for key in a
    )
    policy = next(
        a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
    for name in ("style", "script"):
        (text,) = re.findall(f"<{name}>(.*?)</{name}>", page.text, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert "http" not in page.text.replace("http-equiv", "")


def test_it_is_made_for_phones_and_needs_no_script(tmp_path):
    text = page_of(tmp_path, run_of(LOAD)).text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert (
        text.index("</table>") < text.index("<script>")
        and "<button" not in text.split("<script>")[0]
    )
