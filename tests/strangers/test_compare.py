"""The comparison of strangers' suites finds what it is for."""

import pytest
from compare import Difference, Run, differences, judge, parse_expectations, unsteady

GOOD = Run(0, {"a": "passed", "b": "skipped"})


def test_equal_runs_do_not_differ():
    assert differences(GOOD, Run(0, dict(GOOD.outcomes))) == []


def test_a_test_that_ends_differently_is_found():
    assert differences(GOOD, Run(1, {"a": "failed", "b": "skipped"})) == [
        Difference("a", "passed", "failed")
    ]


def test_a_test_that_is_missing_and_one_that_is_new_are_found():
    assert differences(GOOD, Run(0, {"a": "passed", "c": "passed"})) == [
        Difference("b", "skipped", "missing"),
        Difference("c", "missing", "passed"),
    ]


@pytest.mark.parametrize("status, words", [(-11, "killed by signal 11"), (None, "out of time")])
def test_a_crash_and_a_hang_are_found_beside_other_differences(status, words):
    found = differences(GOOD, Run(status, {"a": "failed", "b": "skipped"}))
    assert found[-1] == Difference("", "status 0", words) and len(found) == 2
    assert differences(GOOD, Run(status, dict(GOOD.outcomes))) == [
        Difference("", "status 0", words)
    ]


def test_a_status_alone_is_found():
    assert differences(GOOD, Run(3, dict(GOOD.outcomes))) == [
        Difference("", "status 0", "status 3")
    ]


def test_tests_that_are_unsteady_without_us_are_told_apart():
    assert unsteady([GOOD, Run(1, {"a": "failed", "b": "skipped"}), GOOD]) == {"a"}
    assert unsteady([GOOD, GOOD]) == set()


LIST = """
# suite     test     modes         why
test_sys    T.test_x all,columns   it counts references
test_sys    -        functions     it ends with a signal
"""


def test_what_differs_by_nature_is_no_failure():
    known = parse_expectations(LIST)
    inside = Difference("test.test_sys.T.test_x", "passed", "failed")
    assert judge("test_sys", "all", [inside], known) == ([], {known[0]})
    assert judge("test_sys", "functions", [inside], known) == ([inside], set())
    assert judge("test_os", "all", [inside], known) == ([inside], set())
    whole = Difference("", "status 0", "killed by signal 5")
    assert judge("test_sys", "functions", [whole], known) == ([], {known[1]})
    assert judge("test_sys", "all", [whole], known) == ([whole], set())


def test_what_differs_on_one_python_is_known_there_alone():
    line = "test_pdb@3.13.0 - functions it stops a line late"
    assert parse_expectations(line, "3.13.1") == []
    assert [one.suite for one in parse_expectations(line, "3.13.0")] == ["test_pdb"]


def test_flaky_tests_are_left_out():
    assert judge("s", "all", [Difference("a", "passed", "failed")], [], {"a"}) == ([], set())


def test_a_line_without_a_reason_is_refused():
    with pytest.raises(ValueError, match="line 1"):
        parse_expectations("test_sys - all")
