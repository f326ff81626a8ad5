"""--multiprocess: children that are killed, or end without Python's exit, leave all their calls."""

import json
import re
import signal
import sys

import pytest
from memory_profiler import _children_left
from saved_runs import run_with
from support import environment, parse_tables, python

METHODS = ["fork", "spawn", "forkserver"]

WORK = """
    import multiprocessing, os, signal, sys, threading, time

    @profile
    def work(how=None, ready=None):
        block = bytearray(1 << 20)
        if how == "sleep": ready.set(); time.sleep(1000)
        if how == "kill": os.kill(os.getpid(), signal.SIGKILL)
        if how == "exit": os._exit(3)
        return len(block)
    """

HEADING = re.compile(r"^Child process (\d+) \((.*?)\)(.*):\n\n", re.M)


class Child:
    def __init__(self, pid, name, end, text):
        self.pid, self.name, self.end = int(pid), name, end
        self.tables = parse_tables(text)

    @property
    def calls(self):
        """How often its one function was called, and how often it came to its last line."""
        (table,) = self.tables
        last = table.at("return")
        return table.at("block =").occurrences, last.occurrences


@pytest.fixture
def killed(run):
    """Runs a program; gives ({name: child}, processes of the JSON by name, outcome)."""

    def killed(source, *args, start=WORK, says=None, **extra):
        (run.folder / "t").mkdir()
        outcome = run.m(
            start + source,
            *args,
            options=["--multiprocess", "--json", "run.json"],
            env=environment(TMPDIR=str(run.folder / "t"), **extra),
        ).ok(says)
        assert list((run.folder / "t").glob("memory_profiler-*")) == []
        parts = HEADING.split(outcome.stdout)[1:]
        found = [Child(*parts[at : at + 4]) for at in range(0, len(parts), 4)]
        assert len({child.name for child in found}) == len(found)
        saved = json.loads((run.folder / "run.json").read_text())
        assert saved["finished"] is True
        return (
            {child.name: child for child in found},
            {process["name"]: process for process in saved["processes"]},
            outcome,
        )

    return killed


# ---- in a call, and between calls


@pytest.mark.parametrize("method", METHODS)
def test_how_children_end(killed, method):
    found, saved, _ = killed(
        """
    def main(how, ready):
        for _ in range(5): work()
        if how == "idle exit": os._exit(0)
        if how.startswith("idle"): ready.set(); time.sleep(1000)
        work(how, ready)

    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1])
        for how in ("kill", "exit", "sleep", "idle", "idle kill", "idle exit", "end"):
            ready = context.Event()
            process = context.Process(target=main, args=(how, ready), name=how)
            process.start()
            if how in ("sleep", "idle", "idle kill"):
                ready.wait()
                process.kill() if how == "idle kill" else process.terminate()
            process.join()
    """,
        method,
    )
    assert list(found) == ["kill", "exit", "sleep", "idle", "idle kill", "idle exit", "end"]
    for how, line in (("kill", 7), ("exit", 8), ("sleep", 6)):
        assert found[how].calls == (6, 5)
        where = rf", killed while in work\(\) at \S*script.py:{line}"
        assert re.fullmatch(where, found[how].end), found[how].end
        process = saved[how]
        assert process["finished"] is False and process["pid"] == found[how].pid
        (running,) = process["running"]
        assert (running["thread"], running["line"]) == (found[how].pid, line)
        assert running["function"] == "work"
    for how in ("idle", "idle kill", "idle exit", "end"):
        assert found[how].calls == ((6, 6) if how == "end" else (5, 5))
        assert found[how].end == ""
        assert "finished" not in saved[how] and "running" not in saved[how]


POOLS = {
    "with": """
        with context.Pool(3) as pool:
            pool.map(work, [None] * 40, 1)
        pool.join()
    """,
    "terminate": """
        pool = context.Pool(3)
        pool.map(work, [None] * 40, 1)
        pool.terminate()
        pool.join()
    """,
    "futures": """
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(3, mp_context=context) as pool:
            assert list(pool.map(work, [None] * 40)) == [1 << 20] * 40
    """,
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pool", POOLS)
def test_pools_leave_all_calls(killed, pool, method):
    found, saved, outcome = killed(
        f"""
    if __name__ == "__main__":
        context = multiprocessing.get_context(sys.argv[1]){POOLS[pool]}
    """,
        method,
    )
    assert sum(child.calls[1] for child in found.values()) == 40
    assert all(child.end == "" and child.calls[0] == child.calls[1] for child in found.values())
    assert all("finished" not in process for process in saved.values())
    assert outcome.stderr == ""


def test_a_pool_of_joblib_leaves_all_calls(killed, run):
    pytest.importorskip("joblib", reason="joblib is not installed")
    run.write(
        "tasks.py",
        """
        from memory_profiler import profile

        @profile
        def work(n):
            block = bytearray(1 << 20)
            return len(block)
        """,
    )
    found, _, outcome = killed(
        """
    import joblib, tasks
    from joblib.externals.loky import get_reusable_executor

    if __name__ == "__main__":
        parallel = joblib.Parallel(n_jobs=2, backend="loky")
        assert parallel(joblib.delayed(tasks.work)(n) for n in range(20)) == [1 << 20] * 20
        get_reusable_executor().shutdown(wait=True)
    """,
        start="",
    )
    assert sum(child.calls[1] for child in found.values()) == 20
    assert outcome.stderr == ""


def test_a_child_that_goes_on(killed):
    found, saved, outcome = killed(
        """
    reader, writer = os.pipe()
    parent, pid = os.getpid(), os.fork()
    if pid == 0:
        work(); work()
        os.close(1), os.close(2)
        os.write(writer, b"x")
        while os.getppid() == parent: time.sleep(0.05)
        os._exit(0)
    assert os.read(reader, 1) == b"x"
    print("pid", pid)
    """,
        says="goes on",
    )
    pid = int(re.search(r"pid (\d+)", outcome.stdout)[1])
    (child,) = found.values()
    assert (child.pid, child.end, child.calls) == (pid, ", which goes on", (2, 2))
    line = f"memory_profiler: child process {pid} goes on: its tables are those so far\n"
    assert outcome.stderr == line
    process = saved["script.py"]
    assert (process["finished"], process["goes_on"], process["running"]) == (False, True, [])


# ---- what a fork leaves of its parent


def test_what_the_parent_ran_does_not_run_in_the_child(killed):
    """A thread forks while the first one is in a call: the child has that thread alone."""
    found, saved, _ = killed(
        """
    @profile
    def outer():
        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()

    def fork():
        if os.fork() == 0:
            work()
            os._exit(0)
        os.wait()

    outer()
    """,
        PYTHONWARNINGS="ignore",  # of forks with threads
    )
    (child,) = found.values()
    assert child.end == "" and child.calls == (1, 1)
    assert "finished" not in saved["script.py"]


def test_killed_while_another_thread_was_in_a_call(killed):
    found, saved, _ = killed("""
    if os.fork() == 0:
        ready = threading.Event()
        threading.Thread(target=work, args=("sleep", ready), daemon=True).start()
        ready.wait()
        os._exit(0)
    os.wait()
    """)
    (child,) = found.values()
    assert child.end == ", killed while in work() at script.py:6"
    (running,) = saved["script.py"]["running"]
    assert running["thread"] != child.pid


def test_grandchildren(killed):
    found, _, _ = killed("""
    def fork(name, end):
        sys.argv[0] = name
        if os.fork() == 0:
            end()
            os._exit(0)
        os.wait()

    work()
    fork("above", lambda: (work(), work(), fork("below", lambda: (work(), work(), work()))))
    """)
    assert {name: child.calls for name, child in found.items()} == {
        "above": (2, 2),
        "below": (3, 3),
    }


def test_killed_in_the_function_that_forked(killed):
    found, saved, _ = killed("""
    @profile
    def outer():
        work()
        pid = os.fork()
        if pid == 0:
            work()
            block = os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        return pid

    outer()
    """)
    (child,) = found.values()
    assert child.end == ", killed while in outer() at script.py:17"
    of_work, of_outer = child.tables
    assert of_work.at("return").occurrences == 1
    assert of_outer.at("os.kill").occurrences == 1 and not of_outer.at("os.fork").ran
    (running,) = saved["script.py"]["running"]
    assert running["thread"] == child.pid


# ---- where there can be no such file


def test_a_folder_without_live_tables_is_told_once(killed):
    """Files there may not be as long as such a box: tables are saved meanwhile."""
    found, _, outcome = killed(
        """
    import glob, resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (30000, resource.RLIM_INFINITY))
    held = []
    def is_saved():
        names = glob.glob(f"{os.environ['TMPDIR']}/*/*-{os.getpid()}.json")
        return any('"work"' in open(name).read() for name in names)
    for n in range(4):
        pid = os.fork()
        if pid == 0:
            sys.argv[0] = f"child {n}"
            work() if n < 3 else None
            while n == 2 and not is_saved():
                held.append(b"x" * (1 << 20))
                work()
            os._exit(0) if n > 1 else sys.exit(0)
        os.waitpid(pid, 0)
        print("pid", pid, flush=True)
    """,
        says="cannot be kept",
    )
    pids = re.findall(r"pid (\d+)", outcome.stdout)
    refused, *others = outcome.stderr.splitlines()
    assert re.fullmatch(
        r"memory_profiler: live tables of child processes cannot be kept in \S+ \(File too large\): "
        "one that is killed leaves what it saved last",
        refused,
    )
    assert len(found) == 3
    assert others == [
        f"memory_profiler: child process {pids[2]} was killed, ended by os._exit(), or goes on: "
        "its tables are those that it saved last",
        f"memory_profiler: child process {pids[3]} left no tables: it was killed, or ended by "
        "os._exit()",
    ]


# ---- a parent that is killed


@pytest.mark.parametrize("has_live", [True, False])
def test_report_finds_the_children_of_a_killed_parent(run, has_live):
    (run.folder / "t").mkdir()
    if not has_live:
        (run.folder / "run.json.live").mkdir()
    outcome = run.m(
        WORK
        + """
    for how in ("kill", None):
        process = multiprocessing.get_context("fork").Process(target=work, args=(how,), name=f"{how}")
        process.start()
        process.join()
        work()
    work("kill")
    """,
        options=["--multiprocess", "--json", "run.json"],
        env=environment(TMPDIR=str(run.folder / "t")),
    )
    assert outcome.returncode == -signal.SIGKILL and outcome.stdout == ""
    shown = python("-m", "memory_profiler.report", "--to", "json", "run.json", cwd=run.folder)
    assert shown.returncode == 0
    processes = {process["name"]: process for process in json.loads(shown.stdout)["processes"]}
    assert list(processes) == ["main", "kill", "None"]
    assert processes["kill"]["running"][0]["line"] == 7
    assert "finished" not in processes["None"]
    prefix = "memory_profiler.report: run.json: "
    killed_in = "killed while in work() at script.py:7"
    assert shown.stderr.splitlines() == [
        prefix + f"the run did not end: {killed_in if has_live else 'this is what it saved last'}",
        prefix + f"child process {processes['kill']['pid']} (kill) did not end: {killed_in}",
    ]


@pytest.mark.parametrize("folder", ["elsewhere", "memory_profiler-file", 7, "memory_profiler-\0"])
def test_a_folder_that_a_file_names_is_not_trusted(run, folder):
    (run.folder / "elsewhere").mkdir()
    (run.folder / "elsewhere" / "1-2.begun").touch()
    (run.folder / "memory_profiler-file").touch()
    saved = {**run_with(), "finished": False}
    saved["children_folder"] = folder if type(folder) is int else str(run.folder / folder)
    assert _children_left.add_children(saved) == [] and "children_folder" not in saved


# ---- many


def _calls_of(function, *args):
    """How many calls, of Python or C, it takes."""
    count = [0]

    def on_event(frame, event, arg):
        count[0] += event in ("call", "c_call")

    sys.setprofile(on_event)
    try:
        function(*args)
    finally:
        sys.setprofile(None)
    return count[0]


def test_the_end_is_linear_in_children(tmp_path):
    work = {}
    for n in (100, 400):
        folder = tmp_path / str(n)
        folder.mkdir()
        for child in range(n):
            (folder / f"{child:020d}-{child + 10}{_children_left.BEGUN}").touch()
            text = json.dumps({**run_with(), "finished": True})
            (folder / f"{child:020d}-{child + 10}{_children_left.SAVED}").write_text(text)
        work[n] = _calls_of(_children_left.left_in, str(folder))
        assert len(_children_left.left_in(str(folder))[0]) == n
    assert work[400] < 4.1 * work[100]


def test_hundreds_of_short_children(killed):
    found, _, outcome = killed("""
    for n in range(200):
        sys.argv[0] = f"child {n}"
        if os.fork() == 0:
            work()
            os._exit(0) if n % 2 else sys.exit(0)
        if n % 10 == 9:
            for _ in range(10): os.wait()
    """)
    assert outcome.stderr == ""
    assert sorted(found) == sorted(f"child {n}" for n in range(200))
    assert all(child.calls == (1, 1) and child.end == "" for child in found.values())
