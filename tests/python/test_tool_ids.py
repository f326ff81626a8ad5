"""Tool ids of sys.monitoring: we need one, and programs take and free them as they like."""

import re
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with 3.12")

FORMS = pytest.mark.parametrize(
    "form, head", [("m", ""), ("plain", "from memory_profiler import profile")]
)


@pytest.mark.parametrize("form", ["m", "plain"])
def test_one_tool_id_left_is_enough(run, form):
    outcome = getattr(run, form)("""
    import sys
    if not sys.monitoring.get_tool(3):
        sys.monitoring.use_tool_id(3, "another")
    from memory_profiler import profile
    @profile
    def f():
        return 1
    f()
    """).ok()
    assert outcome.table("f").at("return 1").occurrences == 1


def test_no_tool_id_left_is_one_clear_line(run):
    outcome = run.plain("""
    import sys
    for i in (3, 4):
        sys.monitoring.use_tool_id(i, "another")
    from memory_profiler import profile
    @profile
    def f():
        return 1
    @profile
    def g():
        return 1
    assert f() == g() == 1
    """).ok("^memory_profiler: ")
    assert outcome.stdout == ""
    assert outcome.one_line_error() == (
        "memory_profiler: sys.monitoring tool ids 3 and 4 are both in use; "
        "functions are not profiled"
    )


TAKES_IDS = """
import sys
monitoring, mine = sys.monitoring, []
{head}
@profile
def before(n):
    x = [n]
    return x
@profile
def generator(n):
    yield n
    yield n
before(1)
{takes}
def others():
    return 1
@profile
def after(n):
    x = [n]
    return x
before(2), after(3), list(generator(4)), others()
{last}
"""
FREES_ALL = "for i in range(6): monitoring.free_tool_id(i)"
TAKES_OURS = """
ours = next(i for i in range(6) if monitoring.get_tool(i) == "memory_profiler")
monitoring.free_tool_id(ours)
monitoring.use_tool_id(ours, "another")
monitoring.register_callback(ours, monitoring.events.PY_START, lambda code, at: mine.append(code))
"""
SAW_ONLY_ITS_OWN = """
assert not mine and monitoring.get_tool(ours) == "another", mine
monitoring.set_events(ours, monitoring.events.PY_START)
others()
assert mine == [others.__code__], mine
"""
TAKES_ALL = (
    TAKES_OURS
    + """
for i in range(6):
    if monitoring.get_tool(i) is None:
        monitoring.use_tool_id(i, "another")
"""
)


def tables_by_name(outcome):
    """Name of a function -> how often its first row and the others ran, of all its tables."""
    names = {}
    for table in outcome.tables:
        name = re.search(r"def (\w+)", " ".join(row.text for row in table.rows))[1]
        ran = [row.occurrences for row in table.rows if row.ran]
        names.setdefault(name, []).append(ran)
    return names


@pytest.mark.parametrize("takes", [FREES_ALL, TAKES_OURS], ids=["freed", "taken"])
@FORMS
def test_a_tool_id_that_the_program_took_is_got_back(run, form, head, takes):
    source = TAKES_IDS.format(
        head=head, takes=takes, last="" if takes is FREES_ALL else SAW_ONLY_ITS_OWN
    )
    names = tables_by_name(getattr(run, form)(source).ok())
    if form == "m":
        assert names == {"before": [[2, 2, 2]], "generator": [[1, 1, 1]], "after": [[1, 1, 1]]}
    else:
        assert names == {
            "before": [[1, 1, 1], [1, 1, 1]],
            "generator": [[1, 1, 1]],
            "after": [[1, 1, 1]],
        }


@FORMS
def test_where_the_program_takes_all_tool_ids_one_line_says_so(run, form, head):
    source = TAKES_IDS.format(head=head, takes=TAKES_ALL, last=SAW_ONLY_ITS_OWN)
    outcome = getattr(run, form)(source).ok("functions are not profiled")
    assert outcome.one_line_error().startswith("memory_profiler: sys.monitoring tool ids 3 and 4")
    assert tables_by_name(outcome) == {"before": [[1, 1, 1]]}


def test_calls_are_counted_on_where_the_tool_id_was_freed(run):
    source = TAKES_IDS.format(head="", takes=FREES_ALL, last="")
    outcome = run.m(source, options=["--functions"]).ok()
    calls = {
        name: int(count)
        for count, name in re.findall(
            r"^ *(\d+) .* script\.py:\d+\((before|after|generator)\)$", outcome.stdout, re.M
        )
    }
    assert calls == {"before": 2, "after": 1, "generator": 1}, outcome.stdout
