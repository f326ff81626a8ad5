"""``--multiprocess``: the tables of forked and started children, brought together by the parent.

The parent makes a private folder and names it in the environment. A child that was forked forgets
the parent's numbers and counts on; one that was started afresh makes a profiler of its own (see
_child.py). Each leaves a saved run in the folder when it ends, and every ten seconds before.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import atexit
import json
import shutil
import sys

from ._as_found import AsFound
from ._memprof import save_every
from ._saved import SAVE_EVERY, process_of, run_of, write_run
from ._saved_check import BadRun, read_run
from ._saved_runs import print_function
from ._start_methods import follow_start_methods, on_import
from ._visible import complain, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._script_profiler import ScriptProfiler
    from ._types import Json, Writer

VARIABLE = "MEMORY_PROFILER_CHILDREN"  # JSON: the parent's pid, the folder, how to measure
_BEGUN, _SAVED = ".begun", ".json"


def inherited_request() -> Json | None:
    """{pid, folder, keywords} that the parent left in a child's environment; None in others."""
    try:
        request = json.loads(os.environ.get(VARIABLE, "null"))
    except ValueError:
        return None
    if not isinstance(request, dict) or request.get("pid") == os.getpid():
        return None
    return request


class Children:
    """In the parent: the folder, and what children left in it."""

    def __init__(self, profiler: ScriptProfiler, keywords: Json) -> None:
        import tempfile

        self.folder = tempfile.mkdtemp(prefix="memory_profiler-")
        self.pid = os.getpid()
        os.environ[VARIABLE] = json.dumps(
            {"pid": self.pid, "folder": self.folder, "keywords": keywords}
        )
        follow_forks(profiler, self.folder, AsFound())

    def processes(self) -> tuple[list[Json], list[str]]:
        """(saved processes by their begin, complaints); the folder is gone afterwards."""
        os.environ.pop(VARIABLE, None)
        return collect(self.folder)


def collect(folder: str) -> tuple[list[Json], list[str]]:
    """What children left in a folder: (saved processes by their begin, complaints). It is gone
    afterwards."""
    found, complaints = [], []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(_BEGUN):
            continue
        name = name[: -len(_BEGUN)]
        child = f"memory_profiler: child process {name.split('-')[1]}"
        path = os.path.join(folder, name + _SAVED)
        try:
            run = read_run(path)
        except BadRun as error:
            why = "it was killed, or ended by os._exit()" if not os.path.exists(path) else error
            complaints.append(f"{child} left no tables: {why}")
            continue
        if not run["finished"]:
            run["processes"] = [{**process, "finished": False} for process in run["processes"]]
            complaints.append(
                f"{child} was killed, ended by os._exit(), or goes on: "
                "its tables are those that it saved last"
            )
        found += run["processes"]
    shutil.rmtree(folder, ignore_errors=True)
    return found, complaints


def print_children(processes: list[Json], stream: Writer) -> None:
    """The tables of children, each process under a heading of its own."""
    for process in processes:
        if process["functions"]:
            name = visible(process["name"])
            stream.write(f"Child process {process['pid']} ({name}):\n\n")
        for function in process["functions"]:
            print_function(function, stream)


class _Child:
    """In a child: where its tables go."""

    def __init__(self, profiler: ScriptProfiler, folder: str, as_found: AsFound) -> None:
        self.profiler = profiler
        self.as_found = as_found
        self.pid = os.getpid()
        self.path = f"{folder}{os.sep}{time.time_ns():020d}-{self.pid}"
        try:
            open(self.path + _BEGUN, "x").close()
        except OSError:
            return  # the parent has ended: nobody will look
        save_every(SAVE_EVERY, lambda: self.save(False))
        _on_exit(self)

    def end(self) -> None:
        with self.as_found:
            self.save(True)

    def save(self, finished: bool) -> None:
        if os.getpid() != self.pid:
            return
        process = process_of(self.profiler, _process_name(), self.profiler.saved())
        try:
            write_run(self.path + _SAVED, run_of([process], finished), finished)
        except FileNotFoundError:
            pass  # the parent has ended and taken the folder away
        except Exception as error:  # whatever it was: what is lost is said
            why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            complain(
                f"memory_profiler: the tables of child process {self.pid} cannot be saved: {why}"
            )


def _process_name() -> str:
    """What multiprocessing calls this process, or the program it runs."""
    process = sys.modules.get("multiprocessing.process")
    name = process.current_process().name if process is not None else "MainProcess"
    program = str(sys.argv[0]) if sys.argv else ""
    return os.path.basename(program) if name == "MainProcess" and program else name


def _on_exit(child: _Child) -> None:
    """Save at the end: children of multiprocessing end without Python's own exit."""
    atexit.register(child.end)
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, child.end, exitpriority=-1000)


def follow_forks(profiler: ScriptProfiler, folder: str, as_found: AsFound) -> None:
    """Every child that is forked from now on counts for itself."""
    forked: list[_Child] = []

    def after_fork() -> None:
        profiler.restart()
        forked[:] = [_Child(profiler, folder, as_found)]

    os.register_at_fork(after_in_child=after_fork)

    def when_multiprocessing(util: Any) -> None:
        # A child of multiprocessing forgets its finalizers first, and calls this then.
        def again(_: object) -> None:
            if forked and forked[0].pid == os.getpid():
                util.Finalize(None, forked[0].end, exitpriority=-1000)

        util.register_after_fork(follow_forks, again)

    on_import(when_multiprocessing)


def in_started_child(request: Json, is_forkserver: bool) -> ScriptProfiler:
    """A process that was started afresh: a profiler of its own. Returns it.

    A fork server runs no code of the program itself: its forks do.
    """
    from ._script_profiler import ScriptProfiler

    profiler = ScriptProfiler(3, **request["keywords"])
    as_found = AsFound()
    if not is_forkserver:
        _Child(profiler, request["folder"], as_found)
    follow_forks(profiler, request["folder"], as_found)
    follow_start_methods()
    return profiler
