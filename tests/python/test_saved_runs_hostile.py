"""Saved runs that anybody may have written: tampered with, cut, renamed, full of control characters.

$MEMPROF_FUZZ_RUNS says how many mutations are tried (200).
"""
import contextlib
import copy
import io
import json
import os
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_profiler import diff, report
from memory_profiler._saved_runs import visible
from support import python

MUTATIONS = int(os.environ.get("MEMPROF_FUZZ_RUNS", "200"))

LEDGER = {"first_line": 3, "entry_bytes": 1000, "segments_bytes": 50, "tool_bytes": 0,
          "increments_bytes": 1050}
FUNCTION = {
    "filename": "script.py", "name": "A.work", "first_line": 3, "precision": 3, "ledger": LEDGER,
    "lines": [
        {"line": 3, "increment_bytes": 1000, "memory_bytes": 1000, "occurrences": 1},
        {"line": 4, "increment_bytes": 50, "memory_bytes": 1050, "occurrences": 2, "peak_bytes": 7,
         "time_ns": 9},
    ],
    "source": ["def work():\n", "    return [0] * 6\n"],
}
RUN = {
    "format": "memory_profiler run", "version": 1, "memory_profiler": "1", "python": "3", "time": 1.0,
    "platform": "linux", "command": ["script.py"], "finished": True,
    "processes": [{"pid": 7, "parent": 1, "name": "main", "functions": [FUNCTION]}],
}


def run_with(**changes):
    """RUN, its function changed."""
    run = copy.deepcopy(RUN)
    run["processes"][0]["functions"][0].update(changes)
    return run


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
    st.none(), st.booleans(), st.integers(), st.sampled_from([0, -1, 1 << 31, 1 << 62, 1 << 80, 10**4000]),
    st.floats(), st.text(max_size=20), st.just("\ud800\x1b[2J\u202e"), st.just([]), st.just({}),
    st.lists(st.integers(), max_size=3), st.just([FUNCTION] * 3), st.just(FUNCTION["lines"] * 2))


@st.composite
def mutated(draw):
    run = copy.deepcopy(RUN)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(run))[1:]))
        holder = run
        for step in path[:-1]:
            holder = holder[step]
        if draw(st.booleans()):
            holder[path[-1]] = copy.deepcopy(draw(ANYTHING))
        else:
            del holder[path[-1]]
    return run


def outcome_of(main, arguments):
    """(exit status, stdout, stderr) of a command, called here."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    return status, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile") / "run.json"


@settings(max_examples=MUTATIONS, deadline=None, suppress_health_check=list(HealthCheck))
@given(run=mutated(), form=st.sampled_from(report.FORMS))
def test_any_change_gives_a_report_or_one_line(path, run, form):
    path.write_text(json.dumps(run))
    for main, arguments in (report.main, ["--to", form]), (diff.main, [str(path)]):
        status, out, err = outcome_of(main, [*arguments, str(path)])
        assert status in (0, 2)
        assert len(err.splitlines()) <= 1 and (status == 0 or err), err
        assert "\x1b" not in err and (form in ("json", "csv") or "\x1b" not in out)
        assert status == 0 or not out


@pytest.mark.parametrize("changes", [
    {"first_line": 0}, {"first_line": -5}, {"first_line": 1 << 40}, {"first_line": 5_000_000},
    {"ledger": {}}, {"ledger": {**LEDGER, "entry_bytes": 1.5}}, {"ledger": {**LEDGER, "tool_bytes": True}},
    {"ledger": {k: v for k, v in LEDGER.items() if k != "segments_bytes"}},
    {"lines": FUNCTION["lines"] * 2}, {"lines": FUNCTION["lines"][::-1]}, {"name": None},
    {"lines": [{**FUNCTION["lines"][0], "line": (1 << 31) - 1}]},
    {"source": "text"}, {"precision": 1 << 70},
])
@pytest.mark.parametrize("main", [report.main, diff.main], ids=["report", "diff"])
def test_absurd_members_are_refused_at_once(tmp_path, changes, main):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run_with(**changes)))
    status, out, err = outcome_of(main, [str(path)] * (2 if main is diff.main else 1))
    assert status == 2 and out == "" and len(err.splitlines()) == 1
    assert err.startswith(f"memory_profiler.{main.__module__.rpartition('.')[2]}: {path}: a ")


CONTROLS = "\x00\x07\x1b]0;owned\x07\x9b2J\x7f\r\v\f\u2028\u202e\u2066\u200b\ufeff"


@pytest.mark.parametrize("form", ["text", "html"])
def test_controls_are_made_visible(tmp_path, form):
    path = tmp_path / "run.json"
    run = run_with(name="f" + CONTROLS, filename="a\n" + CONTROLS,
                   source=["def work():" + CONTROLS + "\n", "\treturn " + CONTROLS])
    run["command"] = [CONTROLS]
    path.write_text(json.dumps(run))
    for main, arguments in ((report.main, ["--to", form, str(path)]),
                            (diff.main, ["--least", "0", str(path), str(changed(tmp_path, run))])):
        status, out, err = outcome_of(main, arguments)
        assert (status, err) == (0, "")
        assert "\\x1b" in out and "\\u202e" in out and "\\x00" in out
        assert {unicodedata.category(c) for c in out if c not in "\n\t"}.isdisjoint(
            {"Cc", "Cf", "Zl", "Zp", "Cs"})


def changed(folder, run):
    """The path of the same run, of which a line grew more."""
    other = copy.deepcopy(run)
    function = other["processes"][0]["functions"][0]
    function["lines"][1]["increment_bytes"] += 9
    function["ledger"] = {**LEDGER, "increments_bytes": 1059, "segments_bytes": 59}
    path = folder / "other.json"
    path.write_text(json.dumps(other))
    return path


def test_visible_leaves_other_text_alone():
    assert visible("é 漢字 🎉\t<&>\\x1b") == "é 漢字 🎉\t<&>\\x1b"


# ---- what is saved

def test_names_that_are_no_characters_lose_nothing(run):
    """A lone surrogate in any text of a run: the file is whole, and its reader takes it."""
    run.m("""
        import sys
        sys.argv.append("\\ud800")
        names = {"profile": profile}
        code = compile("@profile\\ndef f():\\n    return [0] * 9\\n", "a\\udcff.py", "exec")
        exec(code, names)
        names["f"]()
        exec(compile("@profile\\ndef g():\\n    return 1\\n", "b.py", "exec"), names)
        names["g"].__code__
        names["g"]()
        """, options=["--json", "run.json"]).ok()
    saved = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    functions = saved["processes"][0]["functions"]
    assert [(one["filename"], one["name"]) for one in functions] == [("a\ufffd.py", "f"), ("b.py", "g")]
    assert saved["command"][-1] == "\ufffd"
    done = python("-m", "memory_profiler.report", "run.json", cwd=run.folder).ok()
    assert len(done.tables) == 2 and done.stderr == ""


def test_an_unfinished_run_says_so_in_every_form(tmp_path):
    path, merged = tmp_path / "run.json", tmp_path / "merged.json"
    path.write_text(json.dumps({**RUN, "finished": False}))
    for form in report.FORMS:
        status, out, err = outcome_of(report.main, ["--to", form, str(path)])
        assert status == 0 and len(err.splitlines()) == 1 and "did not end" in err
        assert form != "json" or json.loads(out)["finished"] is False
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(RUN))
    for files, finished in (([path, whole], False), ([whole, whole], True)):
        _, out, _ = outcome_of(report.main, ["--to", "json", *map(str, files)])
        assert json.loads(out)["finished"] is finished
        merged.write_text(out)
        assert outcome_of(report.main, [str(merged)])[1] == outcome_of(report.main, list(map(str, files)))[1]


def test_one_run_as_json_is_that_run(tmp_path):
    path = tmp_path / "run.json"
    child = {"pid": 8, "parent": 7, "name": "child", "functions": [FUNCTION], "reads": 5}
    run = {**RUN, "processes": [*RUN["processes"], child], "new member": [1]}
    path.write_text(json.dumps(run))
    assert json.loads(outcome_of(report.main, ["--to", "json", str(path)])[1]) == run


def test_a_device_and_a_planted_link(run):
    outcome = run.m("@profile\ndef f():\n    return 1\nf()\n", options=["--json", "/dev/stdout"]).ok()
    assert outcome.stdout.splitlines()[-1].startswith('{"format":"memory_profiler run"')
    victim = run.folder / "victim"
    victim.write_text("mine")
    (run.folder / "run.json").symlink_to(victim)
    run.profiler("--json", "run.json", "script.py").ok()
    assert victim.read_text() == "mine"
    assert json.loads((run.folder / "run.json").read_text())["finished"] is True
    assert not list(run.folder.glob("*.tmp"))


# ---- the diff

def test_a_renamed_function_is_the_same(tmp_path):
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    before.write_text(json.dumps(RUN))
    renamed = run_with(name="A.toil", filename="moved.py", first_line=9,
                       source=["def toil():\n", "    return [0] * 6\n"],
                       lines=[{**line, "line": line["line"] + 6} for line in FUNCTION["lines"]])
    renamed["processes"][0]["functions"][0]["lines"][1]["increment_bytes"] = 50 + (1 << 20)
    renamed["processes"][0]["functions"][0]["ledger"] = {
        **LEDGER, "increments_bytes": 1050 + (1 << 20), "segments_bytes": 50 + (1 << 20)}
    after.write_text(json.dumps(renamed))
    status, out, _ = outcome_of(diff.main, [str(before), str(after)])
    assert status == 0 and "A.toil (was A.work)   +1.000 MiB\n" in out
    assert "(new)" not in out and "(gone)" not in out


def test_what_is_not_clear_is_not_paired(tmp_path):
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    run = copy.deepcopy(RUN)
    run["processes"][0]["functions"].append({**FUNCTION, "name": "A.second", "source": [
        "def second():\n", "    return [0] * 6\n"]})
    before.write_text(json.dumps(run))
    after.write_text(json.dumps(run_with(name="A.third", source=[
        "def third():\n", "    return [0] * 6\n"])))
    _, out, _ = outcome_of(diff.main, [str(before), str(after)])
    assert out.count("(gone)") == 2 and out.count("(new)") == 1
