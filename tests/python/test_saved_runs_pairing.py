"""The diff: which functions and lines of two runs are the same, through names, moves and edits."""

import copy

import pytest
from memory_profiler import diff
from memory_profiler._pairing import pair_functions, pair_lines
from saved_runs import FUNCTION, LEDGER, function, outcome_of, run_of, run_with, saved

BODY = [
    "    kept = []",
    "    for n in range(9):",
    "        kept.append(n)",
    "    more = dict()",
    "    return kept",
]


def names(before, after):
    return [
        tuple(one and f"{one['filename']}:{one['name']}" for one in pair)
        for pair in pair_functions(before, after)
    ]


def made(name, *body, **facts):
    return function(name, f"def {name.rpartition('.')[2]}(f):", *(body or BODY), **facts)


def test_a_renamed_and_moved_function_is_the_same(tmp_path):
    before = saved(tmp_path, run_with(), "a.json")
    grown = 50 + (1 << 20)
    renamed = function(
        "A.toil", "def toil():", "    return [0] * 6", filename="moved.py", first=9, growth=grown
    )
    status, out, err = outcome_of(
        diff.main, [str(before), str(saved(tmp_path, run_of(renamed), "b.json"))]
    )
    assert (status, err) == (0, "") and "moved.py: A.toil (was A.work)   +1.000 MiB\n" in out
    assert "(new)" not in out and "(gone)" not in out
    row = next(line for line in out.splitlines() if "return [0] * 6" in line)
    assert row.split()[:2] == ["4", "10"]


def test_a_recursive_function_that_was_renamed_is_the_same():
    before = made("fact", "    if f:", "        return fact(f - 1)")
    after = made("down", "    if f:", "        return down(f - 1)")
    assert names([before], [after]) == [("script.py:fact", "script.py:down")]


def test_a_short_name_is_a_word_not_a_piece_of_others():
    before = function("f", "def f(of):", "    for one in of:", "        yield f, one")
    after = function("o", "def o(of):", "    for one in of:", "        yield o, one")
    assert names([before], [after]) == [("script.py:f", "script.py:o")]
    assert names([before], [function("o", "def o(off):", "    return off")]) == [
        (None, "script.py:o"),
        ("script.py:f", None),
    ]


def test_a_renamed_and_edited_function_is_the_same():
    edited = [*BODY[:3], "    more = dict(a=1)", "    return kept"]
    assert names([made("work")], [made("toil", *edited, filename="b.py")]) == [
        ("script.py:work", "b.py:toil")
    ]
    indented = ["    " + line for line in BODY]
    assert names([made("work")], [made("A.toil", *indented)]) == [
        ("script.py:work", "script.py:A.toil")
    ]


def test_another_function_is_not_the_same():
    other = [
        "    total = 0",
        "    with open(f) as file:",
        "        total += len(file.read())",
        *BODY[3:],
    ]
    assert names([made("work")], [made("toil", *other)]) == [
        (None, "script.py:toil"),
        ("script.py:work", None),
    ]
    assert names([made("a", "    return 1")], [made("b", "    return 2")]) == [
        (None, "script.py:b"),
        ("script.py:a", None),
    ]


@pytest.mark.parametrize("edit", [[], ["    return kept, more"]])
def test_what_is_not_clear_is_not_paired(edit):
    body = BODY[:-1] + edit if edit else BODY
    assert names([made("one"), made("two")], [made("three", *body)]) == [
        (None, "script.py:three"),
        ("script.py:one", None),
        ("script.py:two", None),
    ]


def test_a_body_counts_more_than_a_name_elsewhere():
    before = [made("work")]
    after = [made("toil"), made("work", "    return 1", filename="b.py")]
    assert names(before, after) == [("script.py:work", "script.py:toil"), (None, "b.py:work")]


def test_functions_of_one_name_are_told_apart_by_their_source():
    """Methods on Python 3.10, where names are not qualified."""
    first, second = made("f", "    return 1"), made("f", "    return 2", first=9)
    (pair, gone) = pair_functions([first, second], [second])
    assert pair == (second, second) and gone == (first, None)


def test_another_checkout_holds_the_same_functions():
    before = [
        made("f", "    return 1", filename="/a/x.py"),
        made("f", "    return 2", filename="/a/y.py"),
    ]
    after = [
        made("f", "    return 3", filename="/b/x.py"),
        made("f", "    return 4", filename="/b/y.py"),
    ]
    assert names(before, after) == [("/a/x.py:f", "/b/x.py:f"), ("/a/y.py:f", "/b/y.py:f")]


def test_thousands_of_functions_that_share_nothing_are_not_compared_with_each_other():
    before = [made(f"f{n}", f"    return {n}", "    # x") for n in range(3000)]
    after = [made(f"g{n}", f"    return -{n + 1}", "    # y") for n in range(3000)]
    pairs = pair_functions(before, after)
    assert len(pairs) == 6000 and not any(one and other for one, other in pairs)


# ---- lines


@pytest.mark.parametrize("size", [3000, 300_000])
def test_lines_that_repeat_are_matched_without_trying_all(size):
    """Two lines in turn: an exact match would take a step for each three of them, 10**10 at least."""
    before = {**FUNCTION, "first_line": 1, "source": ["a\n", "b\n"] * size}
    after = {**FUNCTION, "first_line": 1, "source": ["new\n"] + ["a\n", "c\n"] * size + ["b\n"]}
    pairs = pair_lines(before, after, {}, {})
    assert {one for one, _ in pairs if one} == set(range(1, 2 * size + 1))
    assert {other for _, other in pairs if other} == set(range(1, 2 * size + 3))


def test_what_was_measured_outside_the_source_is_in_the_diff(tmp_path):
    """No growth is lost: the rows of a function add up to its change."""
    changed = copy.deepcopy(FUNCTION)
    changed["lines"].append(
        {"line": 99, "increment_bytes": 5 << 20, "memory_bytes": 9, "occurrences": 1}
    )
    changed["ledger"] = {
        **LEDGER,
        "segments_bytes": 50 + (5 << 20),
        "increments_bytes": 1050 + (5 << 20),
    }
    files = [
        str(saved(tmp_path, run, name))
        for run, name in ((run_with(), "a.json"), (run_of(changed), "b.json"))
    ]
    status, out, _ = outcome_of(diff.main, files)
    assert status == 0
    assert any(line.split() == ["99", "+5.000", "+5.000"] for line in out.splitlines())
