"""python -m memory_profiler.memit: the memory of a statement, each run in a fresh process."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from support import MAPPED_BLOCKS, environment, near, python

MAPPED = environment(**MAPPED_BLOCKS)
NUMBER = r"(\d+\.\d\d)(?: to (\d+\.\d\d))? MiB"
LINE = re.compile(rf"^(?:(\d+) runs: )?peak memory: {NUMBER}, increment: {NUMBER}$", re.M)


@pytest.fixture
def memit(tmp_path):
    def memit(*arguments, options=(), env=MAPPED):
        return python(*options, "-m", "memory_profiler.memit", *arguments, cwd=tmp_path, env=env)

    return memit


def numbers(outcome):
    """(runs or None, least peak, most peak, least increment, most increment) of its one line."""
    (found,) = LINE.findall(outcome.stdout)
    runs, *values = found
    peak, most_peak, grown, most_grown = values
    return (
        int(runs) if runs else None,
        *map(float, (peak, most_peak or peak, grown, most_grown or grown)),
    )


def test_peak_and_increment_of_one_run(memit):
    runs, peak, most, grown, most_grown = numbers(memit("-r", "1", "bytearray(40 << 20)").ok())
    assert runs is None and peak == most and grown == most_grown == near(40)
    assert peak > 40


def test_every_run_is_in_a_process_of_its_own(memit, tmp_path):
    statement = (
        "kept = bytearray(20 << 20); import os; open('pids', 'a').write(f'{os.getpid()}\\n')"
    )
    runs, peak, most_peak, least, most = numbers(memit("-r", "3", statement).ok())
    assert runs == 3 and (least, most) == (near(20), near(20)) and most_peak - peak < 5
    assert len(set((tmp_path / "pids").read_text().split())) == 3


def test_there_are_five_runs_where_nothing_is_said(memit):
    assert numbers(memit().ok())[0] == 5


def test_what_was_freed_again_is_in_the_peak(memit):
    assert numbers(memit("-r1", "x = bytearray(30 << 20)", "del x").ok())[3] == near(30)


def test_setup_is_not_measured(memit):
    outcome = memit(
        "-r",
        "1",
        "-s",
        "import array",
        "--setup",
        "kept = bytearray(50 << 20)",
        "bytearray(9 << 20)",
    )
    assert numbers(outcome.ok())[3] == near(9)


def test_the_statement_prints_and_has_nothing_of_ours(memit):
    statement = "import sys; print(sorted(n for n in globals() if n[:2] != '__'), sys.argv, sys.flags.optimize)"
    outcome = memit("-r", "1", "-s", "own = 1", statement, options=["-O"]).ok()
    assert outcome.stdout.startswith("['own', 'sys'] ['-c'] 1\n"), outcome.stdout


@pytest.mark.parametrize(
    "statement, last",
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("x ==", "SyntaxError: invalid syntax"),
        ("raise SystemExit(4)", "memory_profiler.memit: .* with exit status 4"),
        ("import os; os._exit(0)", "memory_profiler.memit: .* with exit status 0"),
        ("import os; os.kill(os.getpid(), 9)", "memory_profiler.memit: .* killed by signal 9"),
    ],
)
def test_a_run_that_fails(memit, statement, last):
    outcome = memit(statement)
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert re.fullmatch(last, outcome.stderr.splitlines()[-1]), outcome.stderr
    assert "memit.py" not in outcome.stderr and outcome.stderr.count("Error") <= 1


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "1.5", "9999999999"])
def test_wrong_numbers_of_runs(memit, wrong):
    outcome = memit("-r", wrong, "1")
    assert outcome.returncode == 2 and "-r" in outcome.stderr and outcome.stdout == ""


def test_a_statement_that_begins_like_an_option(memit):
    assert numbers(memit("-r", "1", "--", "-1").ok())[0] is None


@pytest.mark.parametrize("to_group", [False, True])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_statement_too(tmp_path, name, to_group):
    statement = "import time; open('began', 'w').close(); time.sleep(30); open('late', 'w').close()"
    process = subprocess.Popen(
        [sys.executable, "-m", "memory_profiler.memit", statement],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "began").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    number = signal.Signals[name]
    (os.killpg if to_group else os.kill)(process.pid, number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (128 + number, "") and "Traceback" not in err
    with pytest.raises(ProcessLookupError):  # nobody of the group is left
        os.killpg(process.pid, 0)
