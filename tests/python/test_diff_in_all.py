"""python -m memory_profiler.diff: by how much a program grew in all."""

import json
import re
import signal

import pytest
from support import MAPPED_BLOCKS, MIB, TOLERANCE, environment, near, python

MAPPED = environment(**MAPPED_BLOCKS)

NESTED = """
    import os, signal, sys
    kept = []

    @profile
    def inner(mib):
        kept.append(bytearray(mib << 20))
        if sys.argv[1:] == ["die"]:
            os.kill(os.getpid(), signal.SIGKILL)

    @profile
    def outer(mib):
        inner(mib)
        kept.append(bytearray(1 << 20))

    outer({mib})
    inner(2)
    """


@pytest.fixture
def save(run):
    """Runs the program so that it keeps these MiB; gives the saved run."""

    def save(name, mib):
        run.m(NESTED.format(mib=mib), options=["--json", name], env=MAPPED).ok()
        return json.loads((run.folder / name).read_text(encoding="utf-8"))

    return save


def command(run, name, *arguments):
    return python("-m", f"memory_profiler.{name}", *arguments, cwd=run.folder)


def in_all(outcome):
    return float(re.search(r"^In all (\S+) MiB$", outcome.stdout, re.M)[1])


def test_what_a_function_adds_is_not_added_again_for_its_caller(save, run):
    save("a.json", 10)
    one = save("b.json", 50)
    outcome = command(run, "diff", "a.json", "b.json").ok()
    assert outcome.stdout.count("+40.0") >= 4 and in_all(outcome) == near(40)
    ledgers = {f["name"]: f["ledger"] for f in one["processes"][0]["functions"]}
    assert ledgers["inner"]["outermost_bytes"] / MIB == near(2)
    assert ledgers["outer"]["outermost_bytes"] == ledgers["outer"]["segments_bytes"]
    assert command(run, "report", "--to", "json", "-o", "m.json", "a.json", "b.json").ok()
    merged = json.loads((run.folder / "m.json").read_text())["processes"][0]["functions"]
    assert sum(f["ledger"]["outermost_bytes"] for f in merged) / MIB == near(
        10 + 50 + 2 * 3, 2 * TOLERANCE
    )  # of two runs
    assert in_all(command(run, "diff", "m.json", "b.json").ok()) == near(-13)


def test_what_a_killed_caller_added_is_counted_once(save, run):
    save("a.json", 10)
    done = run.m(NESTED.format(mib=50), "die", options=["--json", "b.json"], env=MAPPED)
    assert done.returncode == -signal.SIGKILL
    killed = command(run, "diff", "a.json", "b.json").ok("killed while in inner")
    assert in_all(killed) == near(50 - 13), "what the callee had added is the caller's"


def test_runs_of_older_versions_are_compared_as_they_were(save, run):
    for name, mib in ("a.json", 10), ("b.json", 50):
        saved = save(name, mib)
        if name == "a.json":
            for function in saved["processes"][0]["functions"]:
                del function["ledger"]["outermost_bytes"]
            (run.folder / name).write_text(json.dumps(saved))
    assert in_all(command(run, "diff", "a.json", "b.json").ok()) == near(80)
