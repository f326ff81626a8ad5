"""kill -9 at random moments of generated programs: what FILE.live says then is true."""

import random
import signal
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

from faulty import FULL
from hypothesis import HealthCheck, Phase, given, settings

sys.path.append(str(Path(__file__).resolve().parent.parent / "python"))
import diary
import programs
import scripts
from memory_profiler._saved_check import read_run
from support import environment
from test_kills import wait_until

KILLS = 1000 if FULL else 20
# Between a line and what it says of itself, or a return and what is said behind it, is some time.
MOST_WRONG = KILLS // 100 if FULL else 2


def said(folder):
    """(the line that the program was on, whether it has begun)."""
    line, has_begun = struct.unpack("QQ", (folder / "diary").read_bytes())
    return line, has_begun


def kill_one(folder, text, seconds):
    """Starts a program, kills it, and gives what it left."""
    (folder / "script.py").write_text(text)
    (folder / "diary").write_bytes(bytes(16))
    (folder / "run.json.live").unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "memory_profiler", "--json", "run.json", "script.py"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: said(folder)[1] or process.poll() is not None)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
    finally:
        process.kill()
    error = process.communicate()[1]
    assert (process.returncode, error) == (-signal.SIGKILL, "")
    return read_run(str(folder / "run.json"))


def check_laws(run, tally):
    assert run["finished"] is False
    (process,) = run["processes"]
    for function in process["functions"]:
        ledger = function["ledger"]
        in_flight = ledger.get("in_flight_bytes", 0)
        growth = ledger["entry_bytes"] + ledger["segments_bytes"] + in_flight
        assert sum(line["increment_bytes"] for line in function["lines"]) == growth
        assert all(line["occurrences"] >= 0 for line in function["lines"])
        tally["tables"] += 1
        tally["in flight"] += in_flight != 0


def is_right(run, line, allowed):
    """Whether the thread is seen where it said last that it was."""
    running = run["processes"][0]["running"]
    assert len(running) <= 1
    if line == 0 or not running:
        return (line == 0) == (not running)
    return running[0]["line"] in allowed[line]


# Saving takes up to a tenth of the time, and comes between the beginning of a line and what that
# says of itself: where the line that ran is compared, nothing is saved.
NO_SAVES = """
from memory_profiler._memprof import save_every
save_every(10, None)
"""


def kill_many(folder, kills, start):
    """What was found of so many programs."""
    tally, moments = Counter(), random.Random()

    @settings(
        max_examples=kills,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(source=programs.sources(coroutines=True), calls=programs.CALLS)
    def one(source, calls):
        text, allowed = diary.program(start + scripts.START, source, [*calls, ("c0", 1)])
        run = kill_one(folder, text, moments.uniform(0, 0.05))
        check_laws(run, tally)
        tally["kills"] += 1
        tally["wrong"] += not is_right(run, said(folder)[0], allowed)
        tally["in a function"] += bool(run["processes"][0]["running"])

    one()
    print(dict(tally))
    assert tally["kills"] >= kills and tally["in a function"] > 0
    return tally


def test_what_a_kill_leaves_is_true(tmp_path, record_property):
    tally = kill_many(tmp_path, KILLS, NO_SAVES)
    record_property(
        "campaign",
        f"{tally['kills']} kills of programs with FILE.live: {tally['tables']} tables, all balance, "
        f"{tally['in flight']} of them with something in flight; {tally['in a function']} in a "
        f"profiled function; the line that ran is another than the program said in {tally['wrong']}",
    )
    assert tally["wrong"] <= MOST_WRONG


def test_what_a_kill_leaves_is_true_while_runs_are_saved(tmp_path):
    """How many tables a kill meets is chance: on a busy machine one in two may meet none."""
    assert kill_many(tmp_path, KILLS, "")["tables"] > KILLS // 5
