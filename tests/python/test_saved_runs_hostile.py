"""Saved runs that anybody may have written: tampered with, cut, renamed, full of control characters.

$MEMPROF_FUZZ_RUNS says how many mutations each test tries (200: some ten seconds in all).
"""

import copy
import json
import os
import sys
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from memory_profiler import diff, report
from memory_profiler._saved_runs import heads_of
from memory_profiler._visible import visible
from saved_runs import (
    FUNCTION,
    LEDGER,
    MEMBERS,
    RECORDED,
    RUN,
    function,
    outcome_of,
    run_of,
    run_with,
    saved,
)

MUTATIONS = int(os.environ.get("MEMPROF_FUZZ_RUNS", "200"))


def places(value, path=()):
    """Where something can be changed: paths of keys and indices."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], path + (key,))
    elif isinstance(value, list):
        for at in range(len(value)):
            yield from places(value[at], path + (at,))


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from([0, -1, 20, 1 << 22, 1 << 30, 1 << 31, 1 << 62, 1 << 80, 10**4000]),
    st.lists(st.integers(), max_size=3),
    st.sampled_from(
        [
            [],
            {},
            "",
            "\ud800\x1b[2J\u202e",
            [FUNCTION] * 3,
            FUNCTION["lines"] * 2,
            RUN["processes"] * 2,
            [RUN],
            [""] * 300,
        ]
    ),
)


def change(draw, run):
    """Put something else, or nothing, into one place of a run."""
    path = draw(st.sampled_from(list(places(run))[1:]))
    holder = run
    for step in path[:-1]:
        holder = holder[step]
    if draw(st.booleans()):
        holder[path[-1]] = copy.deepcopy(draw(ANYTHING))
    else:
        del holder[path[-1]]


@st.composite
def runs_and_changed(draw):
    """(a run, the same with changes)."""
    whole = draw(st.sampled_from([RUN, RECORDED]))
    run = copy.deepcopy(whole)
    if draw(st.booleans()):
        head = copy.deepcopy(draw(st.sampled_from([RUN, *heads_of(RECORDED)])))
        run = {**run, "merged": [head], "new member": {"a": [1]}}
    for _ in range(draw(st.integers(1, 3))):
        change(draw, run)
    return whole, run


def changed_runs():
    return runs_and_changed().map(lambda both: both[1])


@st.composite
def changed_texts(draw):
    """A run's text with some of it cut, doubled, or overwritten."""
    text = bytearray(json.dumps(draw(st.sampled_from([RUN, RECORDED]))).encode())
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, len(text)))
        last = draw(st.integers(first, min(first + 30, len(text))))
        middle = draw(
            st.one_of(
                st.binary(max_size=8),
                st.just(text[first:last] * 2),
                st.sampled_from([b"NaN", b"-Infinity", b"1e999", b"[" * 3000, b"\xff"]),
            )
        )
        text[first:last] = middle
    return bytes(text)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile") / "run.json"


many = settings(max_examples=MUTATIONS, deadline=None, suppress_health_check=list(HealthCheck))


def check_outcome(content, form, status, out, err, may_grow=False):
    """A report or one line, nothing that drives a terminal, and no more than the file is worth."""
    assert status in ((0, 1, 2) if may_grow else (0, 2)), err
    assert len(err.splitlines()) <= 1 and (status == 0 or err), err
    assert status != 2 or not out
    assert "\x1b" not in err and (form in ("json", "csv") or "\x1b" not in out)
    assert len(out) <= 200 * len(content) + 10_000


def check_all(path, content, form, encoding):
    path.write_bytes(content)
    status, out, err = outcome_of(report.main, ["--to", form, str(path)], encoding)
    check_outcome(content, form, status, out, err)
    status, out, err = outcome_of(diff.main, ["--least", "0", str(path), str(path)], encoding)
    check_outcome(content, "text", status, out, "".join(set(err.splitlines(True))))


@many
@given(
    run=changed_runs(),
    form=st.sampled_from(report.FORMS),
    encoding=st.sampled_from(["utf-8", "ascii"]),
)
def test_any_change_gives_a_report_or_one_line(path, run, form, encoding):
    check_all(path, json.dumps(run).encode(), form, encoding)


@many
@given(content=changed_texts(), form=st.sampled_from(report.FORMS))
def test_any_damage_gives_a_report_or_one_line(path, content, form):
    check_all(path, content, form, "utf-8")


@many
@given(runs=runs_and_changed(), copies=st.integers(1, 3))
def test_a_run_as_json_gives_the_same_report(path, runs, copies):
    """Also where what is converted was merged of several, and is merged again."""
    path.write_text(json.dumps(runs[1]))
    whole = saved(path.parent, runs[0], "whole.json")
    files = [str(path)] + [str(whole)] * (copies - 1)
    status, text, err = outcome_of(report.main, ["--to", "json", *files])
    if status == 0:
        again = path.with_name("again.json")
        again.write_text(text, encoding="utf-8")
        for form in report.FORMS:
            first = outcome_of(report.main, ["--to", form, *files])
            second = outcome_of(report.main, ["--to", form, str(again)])
            assert second[:2] == first[:2] and bool(second[2]) == bool(first[2])


@many
@given(runs=runs_and_changed(), least=st.sampled_from(["0", "1 b", "9 GiB"]))
def test_a_diff_of_a_changed_run_has_a_verdict(path, runs, least):
    content = json.dumps(runs[1]).encode()
    path.write_bytes(content)
    whole = str(saved(path.parent, runs[0], "whole.json"))
    gate = ["--fail-over" if runs[0] is RUN else "--fail-over-left", "0"]
    changes = []
    for files in ([str(path), whole], [whole, str(path)]):
        status, out, err = outcome_of(diff.main, [*gate, "--least", least, *files])
        if "did not end" in err:
            err = err.partition("\n")[2]
        check_outcome(content, "text", status, out, err, may_grow=True)
        changes.append(out.splitlines()[-1].split()[2] if out else None)
    assert changes[0] is None or float(changes[0]) == -float(changes[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"first_line": 0},
        {"first_line": -5},
        {"first_line": 1 << 40},
        {"first_line": 5_000_000},
        {"ledger": {}},
        {"ledger": {**LEDGER, "entry_bytes": 1.5}},
        {"ledger": {**LEDGER, "tool_bytes": True}},
        {"ledger": {k: v for k, v in LEDGER.items() if k != "segments_bytes"}},
        {"lines": FUNCTION["lines"] * 2},
        {"lines": FUNCTION["lines"][::-1]},
        {"name": None},
        {"lines": [{**FUNCTION["lines"][0], "line": (1 << 31) - 1}]},
        {"source": "text"},
        {"precision": 1 << 70},
        {"precision": True},
        {"lines": []},
        {"lines": [{**FUNCTION["lines"][0], "occurrences": -1}]},
    ],
)
@pytest.mark.parametrize("main", [report.main, diff.main], ids=["report", "diff"])
def test_absurd_members_are_refused_at_once(tmp_path, changes, main):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run_with(**changes)))
    status, out, err = outcome_of(main, [str(path)] * (2 if main is diff.main else 1))
    assert status == 2 and out == "" and len(err.splitlines()) == 1
    assert err.startswith(f"memory_profiler.{main.__module__.rpartition('.')[2]}: {path}: a ")


HOSTILE_NUMBERS = [None, -1, True, 1.5, "7", [], 1 << 70]


def holders_of(run):
    """What has the numbers of allocations: (where, holder)."""
    (process,) = run["processes"]
    line = process["functions"][0]["lines"][1]
    return {"a heap": process["heap"], "a line": line, "a line's own": line["own"]}


def hostile_allocations():
    """(the beginning of what is said, a run)."""
    for who in holders_of(RECORDED):
        for member in MEMBERS:
            for value in HOSTILE_NUMBERS:
                run = copy.deepcopy(RECORDED)
                holders_of(run)[who][member] = value
                yield who, run
            run = copy.deepcopy(RECORDED)
            del holders_of(run)[who][member]
            yield who, run


def check_refused(path, run, words):
    """Both commands refuse it in one line that begins so."""
    path.write_text(json.dumps(run))
    for main, arguments in (report.main, [str(path)]), (diff.main, [str(path)] * 2):
        status, out, err = outcome_of(main, arguments)
        name = main.__module__.rpartition(".")[2]
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"memory_profiler.{name}: {path}: {words}"), err


def test_absurd_allocations_are_refused(path):
    for words, run in hostile_allocations():
        check_refused(path, run, words)


@pytest.mark.parametrize("who, member", [("a line", "left_bytes"), ("a heap", "at_peak_blocks")])
def test_a_part_is_not_more_than_the_whole(path, who, member):
    run = copy.deepcopy(RECORDED)
    holders_of(run)[who][member] = 100_000
    check_refused(path, run, f"{who}'s {member} is more than was allocated")


def test_a_line_itself_has_no_more_than_with_what_it_called(path):
    run = copy.deepcopy(RECORDED)
    holders_of(run)["a line's own"]["left_bytes"] = 101
    check_refused(path, run, "a line itself allocated more than with what it called")


@pytest.mark.parametrize("junk", [None, 7, [], "text", True])
def test_allocations_that_are_no_object(path, junk):
    run = copy.deepcopy(RECORDED)
    holders_of(run)["a line"]["own"] = junk
    check_refused(path, run, "a line has no object own")
    run = copy.deepcopy(RECORDED)
    run["processes"][0]["heap"] = junk
    check_refused(path, run, "a process' heap is no object")
    run = copy.deepcopy(RECORDED)
    run["processes"][0]["heap"]["peak_at"] = junk
    check_refused(path, run, "a heap's peak_at is no object")


PEAK_AT = RECORDED["processes"][0]["heap"]["peak_at"]


@pytest.mark.parametrize(
    "place, words",
    [
        ({}, " has no whole number line"),
        ({**PEAK_AT, "line": -1}, "'s line is absurd"),
        ({**PEAK_AT, "line": 1 << 31}, "'s line is absurd"),
        ({**PEAK_AT, "line": True}, " has no whole number line"),
        ({**PEAK_AT, "name": None}, " has no name"),
        ({**PEAK_AT, "filename": ["a"]}, " has no filename"),
    ],
)
def test_a_peak_that_is_nowhere_is_refused(path, place, words):
    run = copy.deepcopy(RECORDED)
    run["processes"][0]["heap"]["peak_at"] = place
    check_refused(path, run, f"a heap's peak_at{words}")
    part = heads_of(run)[0]  # as in what was merged of it
    check_refused(path, {**copy.deepcopy(RECORDED), "merged": [part]}, f"a heap's peak_at{words}")


@pytest.mark.parametrize("member", ["freed_unseen_blocks", "unfollowed_blocks", "over_budget"])
def test_counts_of_a_heap_are_checked(path, member):
    for value in HOSTILE_NUMBERS:
        run = copy.deepcopy(RECORDED)
        run["processes"][0]["heap"][member] = value
        check_refused(path, run, "a heap")


def test_a_merged_process_with_a_heap_has_a_name(path):
    for member, value in ("pid", "7"), ("name", None):
        run = {**copy.deepcopy(RECORDED), "merged": heads_of(copy.deepcopy(RECORDED))}
        run["merged"][0]["processes"][0][member] = value
        check_refused(path, run, "a process has no ")


def test_sums_that_no_file_could_hold_are_refused(path):
    run = copy.deepcopy(RECORDED)
    line = holders_of(run)["a line"]
    for holder in (line, line["own"], run["processes"][0]["heap"]):
        holder["allocated_bytes"] = 1 << 61
    path.write_text(json.dumps(run))
    for form in report.FORMS:
        status, out, err = outcome_of(report.main, ["--to", form, *[str(path)] * 3])
        assert (status, out, err.count("\n")) == (2, "", 1) and "adds up to an absurd number" in err


CONTROLS = "\x00\x07\x1b]0;owned\x07\x9b2J\x7f\r\v\f\u2028\u202e\u2066\u200b\ufeff\xad\ud800"
UNSEEN = {"Cc", "Cf", "Zl", "Zp", "Cs"}


def hostile_run(growth):
    hostile = function(
        "f" + CONTROLS,
        "def work():" + CONTROLS,
        "\treturn\n  9  1.0 MiB" + CONTROLS,
        filename="a\n" + CONTROLS,
        growth=growth,
    )
    return {**run_of(hostile), "command": [CONTROLS]}


@pytest.mark.parametrize("form", ["text", "html"])
def test_controls_are_made_visible(tmp_path, form):
    path = str(saved(tmp_path, hostile_run(50)))
    other = str(saved(tmp_path, hostile_run(59), "other.json"))
    for main, arguments in (
        (report.main, ["--to", form, path]),
        (diff.main, ["--least", "0", path, other]),
    ):
        status, out, err = outcome_of(main, arguments)
        assert (status, err) == (0, "")
        assert "\\x1b" in out and "\\u202e" in out and "\\x00" in out and "\treturn\\x0a" in out
        assert {unicodedata.category(c) for c in out if c not in "\n\t"}.isdisjoint(UNSEEN)
    status, _, err = outcome_of(diff.main, ["--fail-over", "1 b", path, other])
    assert status == 1 and len(err.splitlines()) == 1 and "\\x1b" in err


def test_every_character_that_cannot_be_seen_is_shown():
    unseen = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) in UNSEEN]
    assert [c for c in unseen if visible(c) == c] == ["\t"]


@pytest.mark.parametrize("form", ["text", "html"])
def test_controls_of_a_heap_are_made_visible(path, form):
    run = copy.deepcopy(RECORDED)
    run["processes"][0]["name"] = "<b>" + CONTROLS
    run["processes"][0]["heap"]["peak_at"].update(name="<b>" + CONTROLS, filename=CONTROLS)
    path.write_text(json.dumps(run))
    for files in [str(path)], [str(path)] * 2:
        status, out, err = outcome_of(report.main, ["--to", form, *files])
        assert (status, err) == (0, "") and ("<b>" in out) == (form == "text")
        assert {unicodedata.category(c) for c in out if c not in "\n\t"}.isdisjoint(UNSEEN)


def test_visible_leaves_other_text_alone():
    assert visible("é 漢字 🎉\t<&>\\x1b") == "é 漢字 🎉\t<&>\\x1b"
