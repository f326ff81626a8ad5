"""--heap in saved runs: types and the bill in report, merged, in diff, and the gate on objects."""

import copy
import json

import pytest
from memory_profiler import diff, report
from saved_runs import RUN, outcome_of, saved
from test_saved_allocations import diff_of, report_of

MIB = 1 << 20
BILL = {
    "rss": 10 * MIB,
    "swap": 0,
    "given_out": 8 * MIB,
    "rows": [
        {"name": "objects", "bytes": 6 * MIB},
        {"name": "native blocks", "bytes": 2 * MIB},
        {"name": "unexplained", "bytes": 2 * MIB},
    ],
}


def counted(bill=None, **types):
    """A run in which so many objects of types lived, each of 64 bytes."""
    run = copy.deepcopy(RUN)
    run["processes"][0]["heap_types"] = [
        {"name": name.replace("__", "."), "objects": n, "bytes": 64 * n}
        for name, n in types.items()
    ]
    if bill is not None:
        run["processes"][0]["bill"] = copy.deepcopy(bill)
    return run


def test_report_has_what_was_printed(tmp_path):
    text = report_of(tmp_path, "text", counted(BILL, app__Session=1200, dict=100))
    _, _, heap = text.partition("Heap at the end: ")
    assert heap.splitlines()[:4] == [
        "1,300 objects, 81.2 KiB, 2 types",
        "Type         Objects      Size     %  Cumulative %",
        "app.Session    1,200  75.0 KiB  92.3          92.3",
        "dict             100   6.2 KiB   7.7         100.0",
    ]
    assert "Objects are 75.0 % of the 8.0 MiB that " in heap and "RSS " in heap
    page = report_of(tmp_path, "html", counted(app__Session=1200, dict=100))
    assert "1,300 objects, 81.2 KiB, 2 types" in page


def test_a_bill_without_objects(tmp_path):
    bill = {**BILL, "why_not": "a reason\x1b[2J"}
    bill["rows"] = [{"name": "in use\x07", "bytes": 8 * MIB}, {"name": "rest", "bytes": 2 * MIB}]
    text = report_of(tmp_path, "text", counted(bill, dict=1))
    assert text.endswith("\nObjects are not counted: a reason\\x1b[2J\n")
    assert "in use\\x07 " in text


def test_merged_runs_add_their_types(tmp_path):
    runs = counted(BILL, Session=5, dict=7), counted(BILL, Session=6, list=1)
    merged = json.loads(report_of(tmp_path, "json", *runs))
    rows = {row["name"]: row["objects"] for row in merged["processes"][0]["heap_types"]}
    assert rows == {"Session": 11, "dict": 7, "list": 1}
    assert "bill" not in merged["processes"][0]
    assert report_of(tmp_path, "text", merged) == report_of(tmp_path, "text", *runs)
    merged = json.loads(report_of(tmp_path, "json", runs[0], RUN))
    assert "heap_types" not in merged["processes"][0]
    runs[0]["processes"][0]["heap_types"][0]["objects"] = 1 << 61
    paths = [str(saved(tmp_path, runs[0], "huge.json"))] * 3
    status, out, err = outcome_of(report.main, ["--to", "json", *paths])
    assert (status, out, err.count("\n")) == (2, "", 1) and "adds up to an absurd number" in err


def test_diff_tells_what_grew(tmp_path):
    before, after = counted(Session=5, dict=7, gone=1), counted(Session=1205, dict=7)
    status, out, err = diff_of(tmp_path, before, after)
    assert (status, err) == (0, "")
    assert out.splitlines()[-4:] == [
        "Heap at the end: +1,199 objects, +74.9 KiB, 2 types",
        "Type     Objects       Size",
        "Session   +1,200  +75.0 KiB",
        "gone          -1      -64 B",
    ]
    assert diff_of(tmp_path, RUN, after)[1].endswith("MiB\n")


@pytest.mark.parametrize("name", ["app.Session", "Session"])
def test_a_gate_on_a_type(tmp_path, name):
    runs = counted(app__Session=5, dict=7), counted(app__Session=1205, dict=1000)
    assert diff_of(tmp_path, *runs, "--fail-over-objects", f"{name}=1200")[::2] == (0, "")
    status, out, err = diff_of(tmp_path, *runs, "--fail-over-objects", f"{name}=1199")
    assert status == 1 and out
    assert err == (
        "memory_profiler.diff: app.Session grew by 1,200 objects, over the bound of 1,199\n"
    )


def test_a_gate_on_any_type_and_several(tmp_path):
    runs = counted(Session=5, dict=7), counted(Session=1205, dict=107, list=1)
    status, _, err = diff_of(tmp_path, *runs, "--fail-over-objects", "0")
    assert status == 1 and [line.split()[1:5] for line in err.splitlines()] == [
        ["Session", "grew", "by", "1,200"],
        ["dict", "grew", "by", "100"],
        ["list", "grew", "by", "1"],
    ]
    assert " by 1 object, " in err
    options = "--fail-over-objects", "Session=2000", "--fail-over-objects", "dict=99"
    status, _, err = diff_of(tmp_path, *runs, *options)
    assert status == 1 and err.startswith("memory_profiler.diff: dict ") and err.count("\n") == 1
    assert diff_of(tmp_path, *reversed(runs), "--fail-over-objects", "0")[::2] == (0, "")


def test_a_type_that_is_in_neither_run_is_said(tmp_path):
    run = counted(Session=5)
    assert diff_of(tmp_path, run, run, "--fail-over-objects", "Sesion=0")[::2] == (
        0,
        "memory_profiler.diff: there is no Sesion in either run\n",
    )


def test_a_gate_needs_runs_with_types(tmp_path):
    for runs, which in ((RUN, counted(a=1)), "a"), ((counted(a=1), RUN), "b"):
        assert diff_of(tmp_path, *runs, "--fail-over-objects", "1") == (
            2,
            "",
            f"memory_profiler.diff: {tmp_path}/{which}.json: --fail-over-objects: types were not "
            "counted in it (--heap)\n",
        )


@pytest.mark.parametrize("text", ["", "=1", "Session=", "-1", "x", "1.5", "a=-1", "1e3", "9" * 40])
def test_a_bound_that_is_none(tmp_path, text, capsys):
    with pytest.raises(SystemExit, match="2"):
        diff.main(["a", "b", f"--fail-over-objects={text}"])
    assert "no number of objects: " in capsys.readouterr().err


# ---- hostile files

HOSTILE_NUMBERS = [None, -1, True, 1.5, "7", [], 1 << 70]


def check_refused(tmp_path, run, words):
    """Both commands refuse it in one line that begins so, also in what a run was merged of."""
    merged = {**RUN, "merged": [{"command": [], "processes": run["processes"]}]}
    for made in run, merged:
        path = saved(tmp_path, made)
        for main, arguments in (report.main, [str(path)]), (diff.main, [str(path)] * 2):
            status, out, err = outcome_of(main, arguments)
            assert (status, out, err.count("\n")) == (2, "", 1), err
            assert err.partition(": ")[2].startswith(f"{path}: {words}"), err


def hostile():
    """(what is said, a run)."""
    for junk in None, 7, "text", {}:
        run = counted(BILL, dict=1)
        run["processes"][0]["heap_types"] = junk
        yield "a process' heap_types are no list", run
        run = counted(BILL, dict=1)
        run["processes"][0]["heap_types"] = [junk] if junk != {} else [7]
        yield "a type is no object", run
        run = counted(BILL, dict=1)
        run["processes"][0]["bill"] = junk if junk != {} else []
        yield "a bill is no object", run
        run = counted({**BILL, "rows": junk})
        yield "a bill has no rows", run
        run = counted({**BILL, "rows": [junk if junk != {} else []]})
        yield "a bill's row is no object", run
        run = counted(dict=1)
        run["processes"][0]["heap_types"][0]["name"] = junk if junk != "text" else 7
        yield "a type has no name", run
    for number in HOSTILE_NUMBERS:
        for key in "objects", "bytes":
            run = counted(dict=1)
            run["processes"][0]["heap_types"][0][key] = number
            yield "a type", run
        for key in "rss", "swap", "given_out":
            yield "a bill", counted({**BILL, key: number})
    for value in None, 1, "true":
        run = counted(dict=1)
        run["processes"][0]["heap_types"][0]["is_partial"] = value
        yield "a type's is_partial is no truth value", run
    run = counted(dict=1)
    run["processes"][0]["heap_types"] *= 2
    yield "a type is there twice", run
    yield "a bill's rss is absurd", counted({**BILL, "rss": 0, "rows": []})
    yield "a bill does not add up", counted({**BILL, "rss": 1})
    yield "a bill has no why_not", counted({**BILL, "why_not": 7})


def test_hostile_types_and_bills_are_refused(tmp_path):
    for words, run in hostile():
        check_refused(tmp_path, run, words)


def test_hostile_names_of_types_are_shown_safely(tmp_path):
    run = counted(BILL, dict=1)
    run["processes"][0]["heap_types"][0]["name"] = "a\n\x1b[2J\u202e</script>\ud800"
    after = counted(dict=1)
    for status, out, err in (
        outcome_of(report.main, [str(saved(tmp_path, run))]),
        diff_of(tmp_path, after, run, "--fail-over-objects", "0"),
    ):
        assert status in (0, 1) and not set(out + err) & set("\x1b\u202e\ud800")
        assert "a\\x0a\\x1b[2J\\u202e</script>\\ud800" in out
