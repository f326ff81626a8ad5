"""When a run that goes on is saved: at once, as memory rises, and not so often that it hurts."""

import json
import re
import signal

import pytest
from support import MAPPED_BLOCKS, MIB, environment, mem_resolution

MAPPED = environment(**MAPPED_BLOCKS)

# A second of saving is a week away: what is saved is saved for memory.
START = """
    import time
    import memory_profiler._memprof as core

    WEEK = 604800.0
    times, kept = [], []

    def save():
        begin = time.monotonic()
        time.sleep(pause)
        times.append((begin, time.monotonic()))

    @profile
    def touch():
        return len(kept)

    @profile
    def hold(mib):
        kept.append(bytearray(mib << 20))

    def touch_until_saved(n):
        while len(times) < n:
            touch()
    """


def test_saved_at_once_and_whenever_memory_rose_by_a_tenth(run):
    run.m(
        START
        + """
    pause = 0
    hold(300)
    core.save_every(WEEK, save)
    touch_until_saved(1)
    for n in range(2, 5):
        hold(10)
        for _ in range(1000): touch()
        assert len(times) == n - 1, "less than a tenth"
        hold(30 + 5 * n)
        touch_until_saved(n)
    kept.clear()
    for _ in range(1000): touch()
    hold(300)
    for _ in range(1000): touch()
    assert len(times) == 4, "memory was there before"
    core.save_every(WEEK, None)
    """,
        env=MAPPED,
        options=["--exact"],
    ).ok()


def test_saved_as_time_goes_by(run):
    run.m(
        START
        + """
    pause = 0
    core.save_every(0.001, save)
    touch_until_saved(5)
    """,
        options=["--exact"],
    ).ok()


def test_saving_takes_a_tenth_of_the_time_at_most(run):
    run.m(
        START
        + """
    pause = 0.02
    core.save_every(0.0001, save)
    for n in range(1, 6):
        hold(20)
        touch_until_saved(n)
    for (begin, end), (next_one, _) in zip(times, times[1:]):
        assert next_one - end >= 10 * (end - begin), times
    """,
        env=MAPPED,
        options=["--exact"],
    ).ok()


RISING = """
    import json, os, signal

    kept = []

    @profile
    def hold(mib):
        kept.append(bytearray(mib << 20))

    @profile
    def touch():
        return len(kept)

    def memory():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def saved():
        with open(FILE()) as file:
            run = json.load(file)
        return max(
            (line["memory_bytes"] for process in run["processes"] if process["pid"] == os.getpid()
             for function in process["functions"] for line in function["lines"]),
            default=0,
        )

    def rise():
        for _ in range(12):
            hold(25)
            while not os.path.exists(FILE()) or saved() * 1.1 < memory() - SLACK: touch()
        print(memory(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """.replace("SLACK", str(2 * mem_resolution() + MIB))


def test_a_run_without_live_tables_is_saved_as_memory_rises(run):
    """Twelve steps, each above a tenth at first: every ten seconds would not do in time."""
    (run.folder / "run.json.live").mkdir()
    outcome = run.m(
        RISING.replace("FILE()", '"run.json"') + "\n    rise()\n",
        options=["--json", "run.json"],
        env=MAPPED,
    )
    assert outcome.returncode == -signal.SIGKILL
    assert re.fullmatch(
        r"memory_profiler: no \S*run.json.live \(.*\): a run that is killed leaves what it saved last\n",
        outcome.stderr,
    )
    saved = json.loads((run.folder / "run.json").read_text())
    (process,) = saved["processes"]
    most = max(line["memory_bytes"] for f in process["functions"] for line in f["lines"])
    assert saved["finished"] is False
    assert most * 1.1 >= int(outcome.stdout) - 2 * mem_resolution() - MIB


def test_a_child_without_live_tables_is_saved_as_memory_rises(run):
    (run.folder / "scratch").mkdir()
    outcome = run.m(
        RISING.replace("FILE()", 'f"{path}"')
        + """
    import resource, glob
    resource.setrlimit(resource.RLIMIT_FSIZE, (30000, resource.RLIM_INFINITY))
    if os.fork() == 0:
        (begun,) = glob.glob(f"{os.environ['TMPDIR']}/*/*.begun")
        path = begun[: -len("begun")] + "json"
        rise()
    os.wait()
    """,
        options=["--multiprocess", "--json", "run.json"],
        env=environment(**MAPPED_BLOCKS, TMPDIR=str(run.folder / "scratch")),
    ).ok(says="cannot be kept")
    saved = json.loads((run.folder / "run.json").read_text())
    (child,) = [process for process in saved["processes"] if process["name"] == "script.py"]
    assert child["finished"] is False
    most = max(line["memory_bytes"] for f in child["functions"] for line in f["lines"])
    at_kill = int(outcome.stdout.splitlines()[0])
    assert most * 1.1 >= at_kill - 2 * mem_resolution() - MIB


@pytest.mark.parametrize("options", [(), ("--multiprocess",)])
def test_a_file_is_there_before_the_first_function_ran(run, options):
    run.m(
        """
        import json
        with open("run.json") as file:
            run = json.load(file)
        assert run["finished"] is False and run["processes"][0]["functions"] == []
        """,
        options=["--json", "run.json", *options],
    ).ok()
