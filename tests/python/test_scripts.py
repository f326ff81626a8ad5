"""Generated scripts, each run as somebody would run it: it ends as it does without the profiler.

$MEMPROF_PROGRAMS says how many are tried (200).
"""

import json
import os
import re
import signal

import pytest
import scripts
from hypothesis import HealthCheck, Phase, assume, given, note, settings
from support import Runner, python

PROGRAMS = int(os.environ.get("MEMPROF_PROGRAMS", "200"))

# One line each, so that all tracebacks and warnings show the same numbers. Where nobody decorates,
# decorating does nothing.
PLAIN = "profile = lambda function: function\n"
IMPORTED = "from memory_profiler import profile\n"
GIVEN = "# profile is there\n"


# asyncio's debug mode says what took longer than a tenth of a second: on a busy machine anything. And
# its loop holds tasks weakly: one that nobody else knows says so if it is collected before the loop
# ends, and whose allocation collects it is chance.
OF_THE_MOMENT = re.compile(
    r"memory_profiler: child process |Executing <.* took [\d.]+ seconds$"
    r"|Task was destroyed but it is pending!$|task: <Task pending "
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("scripts")


def own_lines(outcome, folder):
    """What the script printed for itself; under us its name is what the command said."""
    text = outcome.stdout.replace(f"{folder}{os.sep}", "")
    return [line for line in text.splitlines() if line.startswith("OUT")]


def own_errors(outcome, folder):
    """stderr, without what differs from run to run, and without the lines that are ours."""
    text = outcome.stderr.replace(f"{folder}{os.sep}", "")
    # From 3.13 on a traceback shows the line after -c, by which multiprocessing starts a child.
    text = re.sub(r" at 0x[0-9a-f]+|pid=\d+|import memory_profiler\._child; ", "", text)
    return [line for line in text.splitlines() if not OF_THE_MOMENT.match(line)]


def check(plain, ours, folder, what):
    note(f"{what}: {ours.returncode}\n{ours.stdout}{ours.stderr}")
    note(f"plain: {plain.returncode}\n{plain.stdout}{plain.stderr}")
    assert ours.returncode == plain.returncode, what
    assert own_lines(ours, folder) == own_lines(plain, folder), what
    assert own_errors(ours, folder) == own_errors(plain, folder), what


def check_ledgers(path):
    for process in json.loads(path.read_text())["processes"]:
        for function in process["functions"]:
            ledger = function["ledger"]
            assert ledger["increments_bytes"] == ledger["entry_bytes"] + ledger["segments_bytes"]
            assert ledger["increments_bytes"] == sum(
                line["increment_bytes"] for line in function["lines"]
            )


# Not made smaller: that takes minutes, and a program is short enough to be read.
# The same ones each time where few are tried: a change is judged by itself.
@settings(
    max_examples=PROGRAMS,
    derandomize=PROGRAMS <= 200,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(case=scripts.scripts())
def test_scripts_end_as_they_do_without_us(folder, case):
    run, flags, source = Runner(folder), case["flags"], case["source"]
    for name in ("run.json", "tables"):
        (folder / name).unlink(missing_ok=True)
    note(" ".join(["python", *flags, "-m memory_profiler", *case["options"], "script.py"]))
    note(source)

    def outcome(before, *words):
        run.write("script.py", before + source)
        return python(*flags, *words, "script.py", cwd=folder)

    plain = outcome(PLAIN)
    assume(plain.returncode != -signal.SIGSEGV)  # 3.12: see memprof/ext/base/collector.h
    check(
        plain,
        outcome(GIVEN, "-m", "memory_profiler", "-q", *case["options"]),
        folder,
        "the command",
    )
    check(plain, outcome(IMPORTED), folder, "the import")
    if (folder / "run.json").exists():
        check_ledgers(folder / "run.json")
