"""--allocations in saved runs: report in all forms, merging, diff, and the gates on the heap."""

import copy
import csv
import io
import json
import sys

import pytest
from memory_profiler import diff, report
from saved_runs import (
    FUNCTION,
    MEMBERS,
    RECORDED,
    RUN,
    function,
    outcome_of,
    recorded,
    recorded_run,
    run_of,
    saved,
)
from test_html_report import Page

MIB = 1 << 20

SCRIPT = """
    import sys
    kept = []

    def keep(n):
        kept.append(bytes(n))

    @profile
    def work(n):
        for i in range(n):
            keep(1_000_000)
        block = bytearray(5_000_000)
        del block

    @profile
    def again():
        work(2)
    work(int(sys.argv[1]))
    again()
    """
HEAD = sys.getsizeof(b"")  # of a bytes object


def report_of(folder, form, *runs, status=0, says=""):
    """What a report of runs prints."""
    paths = [str(saved(folder, run, f"{i}.json")) for i, run in enumerate(runs)]
    found, out, err = outcome_of(report.main, ["--to", form, *paths])
    assert (found, err) == (status, says)
    return out


def diff_of(folder, before, after, *options):
    """(exit status, stdout, stderr) of the comparison of two runs."""
    paths = [str(saved(folder, run, name)) for run, name in ((before, "a.json"), (after, "b.json"))]
    return outcome_of(diff.main, [*paths, *options])


@pytest.fixture
def save(run):
    """Runs the script with a number of blocks; gives (the saved run, what it printed)."""

    def save(blocks, name, *options):
        options = ["--json", name, *(options or ["--allocations"])]
        outcome = run.m(SCRIPT, str(blocks), options=options).ok()
        return json.loads((run.folder / name).read_text(encoding="utf-8")), outcome.stdout

    return save


# ---- of real runs


def test_the_report_prints_what_the_run_printed(save, tmp_path):
    one, printed = save(3, "a.json")
    text = report_of(tmp_path, "text", one)
    assert text == printed and text.splitlines()[-1].startswith("Heap: peak ")
    assert " in work(); left " in text.splitlines()[-1]


def test_real_runs_are_compared_to_the_byte(save, run, tmp_path):
    (one, _), (two, _) = save(3, "a.json"), save(8, "b.json")
    heaps = [each["processes"][0]["heap"]["left_bytes"] for each in (one, two)]
    change = heaps[1] - heaps[0]
    assert 0 <= change - 5 * (1_000_000 + HEAD) < 4096  # of the list
    status, out, err = diff_of(tmp_path, one, two, "--fail-over-left", f"{change - 1} b")
    assert status == 1 and err.startswith(
        f"memory_profiler.diff: what was left in the heap grew by {change / MIB:.3f} MiB, over the "
    )
    (kept,) = [line for line in out.splitlines() if line.endswith("    keep(1_000_000)")]
    allocated, left = map(float, kept.split()[-3:-1])
    assert min(allocated, left) >= 4.768 and max(allocated, left) < 4.78
    assert out.splitlines()[-1].endswith(f" left {change / MIB:+.3f} MiB")
    status, _, err = diff_of(tmp_path, one, two, "--fail-over-left", f"{change} b")
    assert (status, err) == (0, "")


def test_a_child_that_did_not_record_is_told(tmp_path):
    """What is known of a part of a function's calls alone is not shown as all."""
    mixed = copy.deepcopy(RECORDED)
    child = {"pid": 8, "parent": 7, "name": "child", "functions": [FUNCTION]}
    other = recorded(function("alone", "a", "b", filename="x.py"), (5, 1, 5, 1, 5, 1))
    mixed["processes"][0]["functions"].append(other)
    mixed["processes"].append(child)
    path = str(saved(tmp_path, mixed))
    says = (
        f"{path}: no allocations were recorded of process 8 (child): functions that ran in it have "
        "none\n"
    )
    status, out, err = outcome_of(report.main, ["--to", "csv", path])
    assert (status, err) == (0, f"memory_profiler.report: {says}")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["left_bytes"] for row in rows] == ["", "", "0", "5"]
    assert [row["own_left_bytes"] for row in rows] == ["", "", "0", "0"]
    status, out, err = outcome_of(diff.main, [path, path])
    assert (status, out) == (
        0,
        "In all +0.000 MiB\n",
    ) and err == 2 * f"memory_profiler.diff: {says}"
    status, out, err = outcome_of(diff.main, [path, path, "--fail-over-peak", "0"])
    assert (status, out) == (2, "") and err.endswith(
        f"{path}: --fail-over-peak: allocations were not recorded of all of its processes "
        "(--allocations)\n"
    )


# ---- forms


def test_the_line_of_the_heap_and_the_columns(tmp_path):
    run = recorded_run(
        recorded(FUNCTION, (3 * MIB, 9, 2 * MIB, 5, MIB, 2)),
        heap=(4 * MIB, 10, 3 * MIB, 7, 2 * MIB, 3),
        freed_unseen_blocks=2,
    )
    head, _, _, last = report_of(tmp_path, "text", run).splitlines()[3:7]
    assert head.split("Allocated")[1].split("Line")[0].split() == ["Allocs", "At", "peak", "Left"]
    numbers = last.partition("return")[0].split()[-7:]
    assert numbers == ["3.000", "MiB", "9", "2.000", "MiB", "1.000", "MiB"]
    assert report_of(tmp_path, "text", run).endswith(
        "\n\n\nHeap: peak 3.0 MiB in 7 blocks, at script.py:4 in f(); left 2.0 MiB "
        "(2 blocks freed unseen)\n"
    )
    assert json.loads(report_of(tmp_path, "json", run)) == run


def test_csv_has_the_numbers_behind_the_others(tmp_path):
    plain = report_of(tmp_path, "csv", RUN).splitlines()
    lines = report_of(tmp_path, "csv", RECORDED).splitlines()
    assert lines[0] == ",".join([plain[0], *MEMBERS, *(f"own_{key}" for key in MEMBERS)])
    assert plain[0].endswith(",source")
    assert lines[1] == plain[1] + ",0" * 12
    assert lines[2] == plain[2] + ",500,9,300,5,100,2,400,8,300,5,90,1"


def page_of(folder, *runs):
    page = Page(report_of(folder, "html", *runs))
    page.close()
    return page


def test_html_shows_and_shades_them(tmp_path):
    lines = [
        (7, (MIB, 1, 0, 0, 0, 0)),
        (8, (8 * MIB, 100, 4 * MIB, 50, 2 * MIB, 25)),
        (9, (4 * MIB, 10, 4 * MIB, 10, 0, 0)),
    ]
    work = function("work", "def work():", "a", "b", first=7)
    first, last = work["lines"]
    between = {**first, "line": 8, "increment_bytes": 0}
    own = {"own": dict.fromkeys(MEMBERS, 0)}
    work["lines"] = [
        {**line, **dict(zip(MEMBERS, sums)), **own}
        for line, (_, sums) in zip((first, between, last), lines)
    ]
    run = recorded_run(work, heap=(9 * MIB, 101, 4 * MIB, 50, 2 * MIB, 25), line=8, name="<work>")
    page = page_of(tmp_path, run)
    assert page.facts["heap"] == (
        "peak 4.0 MiB in 50 blocks, at script.py:8 in <work>(); left 2.0 MiB"
    )
    (table,) = page.tables
    assert [cell[0] for cell in table[0][4:]] == [
        "Allocated", "Allocs", "At peak", "Left", "Line contents",
    ]  # fmt: skip
    assert [[cell[0] for cell in row[4:8]] for row in table[1:]] == [
        ["1.000", "1", "0.000", "0.000"],
        ["8.000", "100", "4.000", "2.000"],
        ["4.000", "10", "4.000", "0.000"],
    ]
    assert [[cell[1] for cell in row[4:8]] for row in table[1:]] == [
        ["heap more1", "heap", "heap", "heap"],
        ["heap more10"] * 4,
        ["heap more5", "heap more1", "heap more10", "heap"],
    ]
    assert 'class="lines four wide"' in page.text and "asked for" in page.text
    assert "asked for" not in page_of(tmp_path, RUN).text


def test_html_sorts_them(tmp_path):
    """Every head but that of the code is made a button."""
    heads = page_of(tmp_path, RECORDED).text.split("</tr></thead>")[0].split("<thead>")[1]
    assert heads.count('class="code"') == 1 and heads.count('class="heap"') == 4
    assert "if (head.classList.contains('code')) return;" in report_of(tmp_path, "html", RECORDED)


# ---- merging


def test_sums_of_runs(tmp_path):
    text = report_of(tmp_path, "json", RECORDED, RECORDED, RECORDED)
    (process,) = json.loads(text)["processes"]
    line = process["functions"][0]["lines"][1]
    assert [line[key] for key in MEMBERS] == [1500, 27, 900, 15, 300, 6]
    assert [line["own"][key] for key in MEMBERS] == [1200, 24, 900, 15, 270, 3]
    assert [process["heap"][key] for key in MEMBERS] == [2400, 36, 2100, 24, 600, 9]
    assert process["heap"]["stacks"] == 12 and process["heap"]["freed_unseen_blocks"] == 0
    assert "peak_at" not in process["heap"], "each has a peak of its own"


@pytest.mark.parametrize("form", report.FORMS)
def test_a_merged_run_gives_the_same_report(tmp_path, form):
    other = copy.deepcopy(RECORDED)
    other["processes"][0].update(pid=9, name="other")
    merged = json.loads(report_of(tmp_path, "json", RECORDED, other))
    text = report_of(tmp_path, form, merged)
    assert text == report_of(tmp_path, form, RECORDED, other)
    if form == "text":
        assert text.splitlines()[-2:] == [
            f"Heap of process {who}: peak 0.0 MiB in 8 blocks, at script.py:4 in f(); left 0.0 MiB"
            for who in ("7 (main)", "9 (other)")
        ]


def test_the_programs_children_are_merged_as_runs_are(tmp_path):
    both = copy.deepcopy(RECORDED)
    both["processes"] += [{**copy.deepcopy(both["processes"][0]), "pid": 8, "name": "child"}]
    last = list(csv.DictReader(io.StringIO(report_of(tmp_path, "csv", both))))[-1]
    assert [int(last[key]) for key in MEMBERS] == [1000, 18, 600, 10, 200, 4]
    assert report_of(tmp_path, "text", both).count("Heap of process ") == 2
    status, out, _ = diff_of(tmp_path, RECORDED, both, "--fail-over-allocated", "800 b")
    assert status == 0 and out.endswith("; heap: allocated +0.001, peak +0.001, left +0.000 MiB\n")


@pytest.mark.parametrize("form", report.FORMS)
def test_recorded_and_unrecorded_runs_are_not_one(tmp_path, form):
    paths = [tmp_path / "0.json", tmp_path / "1.json"]
    for runs, (has, without) in (((RECORDED, RUN), paths), ((RUN, RECORDED), reversed(paths))):
        says = f"{without}: no allocations were recorded (--allocations), as in {has}\n"
        text = report_of(tmp_path, form, *runs, status=2, says=f"memory_profiler.report: {says}")
        assert text == ""


# ---- diff


def of_work(allocated, left, growth=50, own=0):
    """A run whose function allocated and left so many MiB."""
    sums = allocated * MIB, 4, allocated * MIB, 4, left * MIB, 2
    work = recorded(function("work", "def work():", "    go()", growth=growth), sums)
    work["lines"][1]["own"].update(allocated_bytes=own * MIB, left_bytes=own * MIB)
    return recorded_run(work, heap=sums)


def test_lines_that_allocate_more_are_shown_though_they_did_not_grow(tmp_path):
    status, out, err = diff_of(tmp_path, of_work(3, 1), of_work(7, 1))
    assert (status, err) == (0, "")
    assert out == (
        "script.py: work   +0.000 MiB\n"
        "  Line A  Line B            A            B       Change    Allocated         Left   "
        "Line Contents\n"
        "       4       4       +0.000       +0.000       +0.000       +4.000       +0.000   "
        "    go()\n"
        "\n"
        "In all +0.000 MiB; heap: allocated +4.000, peak +4.000, left +0.000 MiB\n"
    )
    status, out, err = diff_of(tmp_path, of_work(3, 1), of_work(7, 1), "--least", "5 MiB")
    assert (status, len(out.splitlines()), err) == (0, 1, "")


def test_functions_that_came_and_went(tmp_path):
    nothing = recorded_run(heap=(0,) * 6)
    for runs, number, note in (
        ((nothing, of_work(3, 2)), "+3.000       +2.000", "(new)"),
        ((of_work(3, 2), nothing), "-3.000       -2.000", "(gone)"),
    ):
        status, out, err = diff_of(tmp_path, *runs)
        assert (status, err) == (0, "")
        assert number in out and note in out and "Allocated" in out


def test_runs_without_allocations_look_as_ever(tmp_path):
    other = run_of(function("work", "def work():", "    go()", growth=MIB))
    status, out, err = diff_of(tmp_path, run_of(), other)
    assert (status, err) == (0, "") and "Allocated" not in out
    assert out.splitlines()[1] == (
        "  Line A  Line B            A            B       Change   Line Contents"
    )
    assert out.endswith("\nIn all +1.000 MiB\n")


GATES = [
    ("allocated", "what the program allocated", 4),
    ("peak", "the peak of the heap", 4),
    ("left", "what was left in the heap", 2),
]


@pytest.mark.parametrize("word, what, grew", GATES)
def test_a_gate_on_the_heap(tmp_path, word, what, grew):
    runs = of_work(3, 1), of_work(7, 3, own=1)
    option = f"--fail-over-{word}"
    status, _, err = diff_of(tmp_path, *runs, option, f"{grew} MiB")
    assert (status, err) == (0, "")
    by = "" if word == "peak" else ", of it +1.000 MiB by lines of work"
    status, out, err = diff_of(tmp_path, *runs, option, f"{grew * MIB - 1} b")
    assert status == 1 and out
    assert err == (
        f"memory_profiler.diff: {what} grew by {grew}.000 MiB, over the bound of {grew}.000 MiB{by}\n"
    )
    status, _, err = diff_of(tmp_path, *reversed(runs), option, "0")
    assert (status, err) == (0, "")


def test_every_gate_that_closes_says_so(tmp_path):
    runs = of_work(3, 1), of_work(7, 3, growth=9 * MIB)
    options = [
        f"--fail-over{word}={bound}" for word, bound in (("", 0), ("-left", 0), ("-peak", 9))
    ]
    status, _, err = diff_of(tmp_path, *runs, *options)
    assert status == 1 and [line.split(" grew by ")[0] for line in err.splitlines()] == [
        "memory_profiler.diff: work",
        "memory_profiler.diff: what was left in the heap",
    ]
    with pytest.raises(SystemExit, match="2"):
        diff_of(tmp_path, *runs, "--fail-over-left", "much")


@pytest.mark.parametrize("word", [gate[0] for gate in GATES])
def test_a_gate_needs_runs_that_were_recorded(tmp_path, word):
    status, out, err = diff_of(tmp_path, RUN, RUN, f"--fail-over-{word}", "1")
    assert (status, out) == (2, "")
    assert err == (
        f"memory_profiler.diff: {tmp_path}/a.json: --fail-over-{word}: allocations were not "
        "recorded of it (--allocations)\n"
    )


def test_recorded_and_unrecorded_runs_are_not_compared(tmp_path):
    for runs, has, without in (((RECORDED, RUN), "a", "b"), ((RUN, RECORDED), "b", "a")):
        assert diff_of(tmp_path, *runs) == (
            2,
            "",
            f"memory_profiler.diff: {tmp_path}/{without}.json: no allocations were recorded "
            f"(--allocations), as in {tmp_path}/{has}.json\n",
        )
