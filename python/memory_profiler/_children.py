"""``--multiprocess``: the tables of forked and started children, brought together by the parent.

The parent makes a private folder and names it in the environment. A child that was forked forgets
the parent's numbers and counts on; one that was started afresh makes a profiler of its own (see
_child.py). Each leaves a saved run in the folder when it ends; until then its tables lie in a file
there (_live.py), which stays when it is killed. Where that cannot be had it saves them meanwhile.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import atexit
import json
import shutil
import sys
from contextlib import suppress

from ._allocations import Allocations, heap_summary
from ._as_found import AsFound
from ._before_exec import before_exec
from ._children_left import BEGUN, LIVE, PREFIX, REFUSED, SAVED, left_in
from ._live import live, tell_head
from ._memprof import save_every
from ._saved import SAVE_EVERY, process_of, run_of, write_run
from ._saved_runs import places_of, print_function
from ._start_methods import follow_start_methods, on_import
from ._visible import complain, reason, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._script_profiler import ScriptProfiler
    from ._types import Json, Writer

_this: list[_Child] = []  # which one this process is, or was forked from

VARIABLE = "MEMORY_PROFILER_CHILDREN"  # JSON: the parent's pid, the folder, how to measure


def inherited_request() -> Json | None:
    """{pid, folder, keywords, allocations} that the parent left in a child's environment; None in
    others."""
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

        self.folder = tempfile.mkdtemp(prefix=PREFIX)
        self.pid = os.getpid()
        self.has_flames = profiler.allocations is not None and profiler.allocations.flame
        self.flames: Json = {"stacks": [], "missing": 0}
        live.is_for_children = True
        os.environ[VARIABLE] = json.dumps(
            {
                "pid": self.pid,
                "folder": self.folder,
                "keywords": keywords,
                "allocations": profiler.allocations and profiler.allocations.kind(),
            }
        )
        follow_forks(profiler, self.folder, AsFound())

    def processes(self) -> tuple[list[Json], list[str]]:
        """(saved processes by their begin, complaints); the folder is gone afterwards."""
        os.environ.pop(VARIABLE, None)
        if self.has_flames:
            from ._flame import left_in

            stacks, missing = left_in(self.folder, BEGUN)
            self.flames = {"stacks": stacks, "missing": missing}
        return collect(self.folder)


def collect(folder: str) -> tuple[list[Json], list[str]]:
    """What children left in a folder: (saved processes by their begin, complaints). It is gone
    afterwards."""
    found, complaints = left_in(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return found, [f"memory_profiler: {complaint}" for complaint in complaints]


def print_children(
    processes: list[Json], stream: Writer, own: bool = False, heap: bool = True
) -> None:
    """The tables of children, each process under a heading of its own; own: lines are shown with
    what they themselves have allocated; heap: with a line about that, where it was recorded."""
    for process in processes:
        if process["functions"] or process.get("running"):
            stream.write(f"{_heading(process)}:\n\n")
        for function in process["functions"]:
            print_function(function, stream, own=own)
        if heap and "heap" in process:
            stream.write(heap_summary(process["heap"]) + "\n\n")


def _heading(process: Json) -> str:
    """Which child it was, and how it ended where that was in the middle of something."""
    who = f"Child process {process['pid']} ({visible(process['name'])})"
    if process.get("goes_on"):
        return f"{who}, which goes on"
    places = places_of(process)
    return f"{who}, killed while {visible(places)}" if places else who


def end_this() -> None:
    """Where this process is such a child: all that it has measured is left for its parent."""
    for child in _this:
        if child.pid == os.getpid():
            child.end()


class _Child:
    """In a child: where its tables go."""

    def __init__(self, profiler: ScriptProfiler, folder: str, as_found: AsFound) -> None:
        self.profiler = profiler
        self.as_found = as_found
        self.pid = os.getpid()
        self.folder = folder
        self.name = ""
        self.path = f"{folder}{os.sep}{time.time_ns():020d}-{self.pid}"
        save_every(SAVE_EVERY, None)  # that was the parent's
        # In this order: a child that is killed before the last of them has done nothing yet.
        refused = None
        try:
            live.move(self.path + LIVE)
            self.tell()
        except FileNotFoundError:
            return  # the parent has ended: nobody will look
        except OSError as error:
            refused = error
        try:
            open(self.path + BEGUN, "x").close()
        except OSError:
            return
        if refused is not None:
            self.do_without(refused)
        live.tell_who = self.tell  # a spawned process is given its name later
        _this[:] = [self]
        _on_exit(self)

    def do_without(self, error: OSError) -> None:
        """Tables cannot be kept in a file: they are saved, and the parent says so once."""
        save_every(SAVE_EVERY, lambda: self.save(False))
        with suppress(OSError), open(os.path.join(self.folder, REFUSED), "x") as file:
            file.write(
                f"live tables of child processes cannot be kept in {self.folder} "
                f"({reason(error)}): one that is killed leaves what it saved last"
            )

    def tell(self) -> None:
        """Who this is, for who reads its tables when it was killed."""
        name = _process_name()
        if live.path is not None and name != self.name:
            self.name = name
            tell_head(self.profiler, name)

    def end(self) -> None:
        with self.as_found:
            if self.save(True):
                complaint = live.end()
                if complaint:
                    complain(complaint)

    def save(self, finished: bool) -> bool:
        """Whether all that was measured stands in the folder now."""
        if os.getpid() != self.pid:
            return False
        allocations = self.profiler.allocations
        if finished and allocations is not None:
            allocations.stop()
        process = process_of(self.profiler, _process_name(), self.profiler.saved())
        if finished and allocations is not None and allocations.is_started:
            process["heap"] = allocations.process_members()
        try:
            write_run(self.path + SAVED, run_of([process], finished), lasts=False)
            if allocations is not None and "heap" in process:
                self.leave_stacks(allocations)
            return True
        except FileNotFoundError:
            return False  # the parent has ended and taken the folder away
        except Exception as error:  # whatever it was: what is lost is said
            complain(
                f"memory_profiler: the tables of child process {self.pid} cannot be saved: "
                f"{reason(error)}"
            )
            return False

    def leave_stacks(self, allocations: Allocations) -> None:
        """For --flame; the parent says how many have left none."""
        if allocations.flame:
            from ._flame import SUFFIX, leave

            with suppress(Exception):
                leave(self.path + SUFFIX, f"{_process_name()}, process {self.pid}")


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


def follow_forks(
    profiler: ScriptProfiler, folder: str, as_found: AsFound, this: _Child | None = None
) -> None:
    """Every child that is forked from now on counts for itself; ``this``: what the process is."""
    here = [this]

    def after_fork() -> None:
        live.forked()
        profiler.restart()
        with as_found:
            here[0] = _Child(profiler, folder, as_found)

    os.register_at_fork(after_in_child=after_fork)

    def when_multiprocessing(util: Any) -> None:
        # A child of multiprocessing has its name by now, forgets its finalizers and calls this.
        def again(_: object) -> None:
            child = here[0]
            if child is not None and child.pid == os.getpid():
                util.Finalize(None, child.end, exitpriority=-1000)
                with as_found:
                    child.tell()

        util.register_after_fork(follow_forks, again)

    on_import(when_multiprocessing)


def in_started_child(request: Json, is_forkserver: bool) -> ScriptProfiler:
    """A process that was started afresh: a profiler of its own. Returns it.

    A fork server runs no code of the program itself: its forks do.
    """
    from ._script_profiler import ScriptProfiler

    live.start()
    live.is_for_children = True
    profiler = ScriptProfiler(3, **request["keywords"])
    if request.get("allocations"):
        profiler.allocations = Allocations(*request["allocations"])
        with suppress(RuntimeError):
            profiler.allocations.start()
    as_found = AsFound()
    before_exec(end_this)
    this = None if is_forkserver else _Child(profiler, request["folder"], as_found)
    follow_forks(profiler, request["folder"], as_found, this)
    follow_start_methods()
    return profiler
