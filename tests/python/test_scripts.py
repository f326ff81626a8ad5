"""Generated scripts, each run as somebody would run it: it ends as it does without the profiler.

$MEMPROF_PROGRAMS says how many are tried (200).
"""
import json
import os
import re

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

import scripts
from support import Runner

PROGRAMS = int(os.environ.get("MEMPROF_PROGRAMS", "200"))

# Where nobody decorates, decorating does nothing.
PLAIN = "def profile(function):\n    return function\n"
IMPORTED = "from memory_profiler import profile\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("scripts")


def own_lines(outcome):
    """What the script printed for itself."""
    return [line for line in outcome.stdout.splitlines() if line.startswith("OUT")]


def own_errors(outcome, folder):
    """stderr, without what differs by nature: paths, addresses, the line that the prelude takes."""
    text = outcome.stderr.replace(str(folder) + os.sep, "")
    return re.sub(r", line \d+| at 0x[0-9a-f]+", "", text)


def check(plain, ours, folder, what):
    note(f"{what}: {ours.returncode}, plain {plain.returncode}\n{ours.stderr}\nplain:\n{plain.stderr}")
    assert ours.returncode == plain.returncode, what
    assert own_lines(ours) == own_lines(plain), what
    assert own_errors(ours, folder) == own_errors(plain, folder), what


def check_ledgers(path):
    for process in json.loads(path.read_text())["processes"]:
        for function in process["functions"]:
            ledger = function["ledger"]
            assert ledger["increments_bytes"] == ledger["entry_bytes"] + ledger["segments_bytes"]
            assert ledger["increments_bytes"] == sum(
                line["increment_bytes"] for line in function["lines"])


# Not made smaller: that takes minutes, and a program is short enough to be read.
@settings(max_examples=PROGRAMS, deadline=None, database=None, phases=[Phase.generate],
          suppress_health_check=list(HealthCheck))
@given(case=scripts.scripts())
def test_scripts_end_as_they_do_without_us(folder, case):
    run = Runner(folder)
    (folder / "run.json").unlink(missing_ok=True)
    note(f"options {case['options']}\n{case['source']}")
    plain = run.plain(PLAIN + case["source"])
    ours = run.m(case["source"], options=case["options"])
    check(plain, ours, folder, "python -m memory_profiler")
    check(plain, run.plain(IMPORTED + case["source"]), folder, "from memory_profiler import profile")
    if "--json" in case["options"] and "os._exit" not in case["source"]:
        check_ledgers(folder / "run.json")
