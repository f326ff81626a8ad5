"""The recording of ``--attach``, inside the program: _attach_script.py begins and ends it there."""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import atexit

from . import _source
from ._live import live
from ._memprof import heap_unhook, on_modules, quietly, rest_readers, save_every
from ._saved import process_of, run_of, write_run
from ._script_profiler import ScriptProfiler
from ._selection import Selection
from ._source import last_line
from ._targets import nested_codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from ._allocations import Allocations
    from ._heap_at_end import HeapAtEnd
    from ._types import Json

LOOKS_EVERY = 1.0  # seconds, whether somebody still waits


class Lines(ScriptProfiler):
    """Counts from begin() to stop(). Source that can be read from outside it leaves alone."""

    _always_on = False

    def __init__(self, **kw: Any) -> None:
        super().__init__(**kw)
        self.outside: list[tuple[str, int]] = []  # (file, line) of functions without source

    def begin(self) -> None:
        self._core.enable()

    def stop(self) -> None:
        """Nothing is counted from here on, also not while the tables are read."""
        self._core.disable()

    def shown(self, index: int) -> tuple[CodeType, range, list[str]]:
        code = self._codes[index]
        if not _source.is_as_it_was(code):
            return super().shown(index)
        first = code.co_firstlineno
        self.outside.append((code.co_filename, first))
        return code, range(first, last_line(nested_codes(code), first) + 1), []


class Joined(Selection):
    """Says nothing in the program where functions of a module cannot be chosen."""

    def __init__(self, visit: Any, request: Json, watch: Callable[[CodeType], object]) -> None:
        super().__init__(request["targets"], request["all"], watch)
        self.visit = visit
        self.missed: set[str] = set()

    def _begins(self, code: CodeType, name: Any) -> None:
        if not self.visit.attempt(super()._begins, code, name):
            self.missed.add(str(name))

    def complaints(self) -> list[str]:
        could_not = "memory_profiler: functions of {} could not be chosen"
        return super().complaints() + [could_not.format(name) for name in sorted(self.missed)]


class Recording:
    """What is hooked into the program, and how it comes out again.

    ``visit``: see _attach_script.py. ``request``: what was asked for.
    """

    def __init__(self, visit: Any, request: Json) -> None:
        self.visit = visit
        self.pid = os.getpid()
        self.patience: float = request["patience"]
        self.sign, self.seen = 0, time.monotonic()
        self.has_ended = False  # the program
        self.is_open = True
        self.is_at_once: bool = request["at_once"]  # it ends as soon as it has begun
        self.lines: Lines | None = Lines(
            precision=request["precision"], backend=request["backend"], time=request["line_time"]
        )
        self.selection = Joined(visit, request, self.watch)
        self.allocations: Allocations | None = None
        self.heap: HeapAtEnd | None = None
        if request["allocations"]:
            from ._allocations import Allocations

            self.allocations = self.lines.allocations = Allocations(request["allocations"] == "own")
        if request["heap"]:
            from ._heap_at_end import HeapAtEnd

            self.heap = HeapAtEnd()

    def watch(self, code: CodeType) -> None:
        """Other threads may still import when it is over."""
        lines = self.lines
        if lines is not None:
            lines.watch_code(code)

    def begin(self) -> None:
        assert self.lines is not None
        if self.heap is not None:
            self.heap.start()
        if self.is_at_once:
            return
        quietly(Selection.join, self.selection)
        atexit.register(self.at_exit)
        save_every(LOOKS_EVERY, self.look)
        if self.allocations is not None:  # not quietly: what is allocated there is never seen
            self.allocations.start()
        self.lines.begin()

    def let_go(self) -> None:
        """All is as it was before."""
        save_every(LOOKS_EVERY, None)
        atexit.unregister(self.at_exit)
        on_modules(None)
        if self.allocations is not None:
            self.allocations.stop()
            heap_unhook()
        self.lines = None
        rest_readers()

    def look(self) -> None:
        """Now and then: whether somebody waits, and for this process."""
        self.visit.undisturbed(self.end_in_vain)

    def end_in_vain(self) -> None:
        if self.visit.is_in_vain() or not (self.visit.is_inside or self.is_awaited()):
            self.end()

    def is_awaited(self) -> bool:
        try:
            sign = os.stat(self.visit.folder).st_mtime_ns
        except OSError:
            return False
        if sign != self.sign:
            self.sign, self.seen = sign, time.monotonic()
        return time.monotonic() - self.seen <= self.patience

    def at_exit(self) -> None:
        """The program ends."""
        self.has_ended = True
        self.visit.undisturbed(self.end)

    def end(self) -> None:
        """Writes what was measured, once: it may be asked for while it is done. Signals are
        blocked."""
        if not self.is_open:
            return
        self.is_open = False
        if os.getpid() != self.pid:  # a child was forked: nobody waits for it
            self.let_go()
            self.visit.leave()
            return
        self.visit.do("ended", self.finish)
        self.visit.leave()
        if self.visit.is_deserted():
            self.visit.clean_up()

    def finish(self) -> None:
        assert self.lines is not None
        try:
            self.lines.stop()
            if self.allocations is not None:
                self.allocations.stop()
            quietly(Recording.write, self)
        finally:
            self.let_go()

    def write(self) -> None:
        if self.heap is not None:
            self.heap.take()
        write_run(f"{self.visit.folder}/run.json", self.run(), lasts=False)

    def run(self) -> Json:
        assert self.lines is not None
        process = process_of(self.lines, "main", list(self.lines.saved()))
        process["goes_on"] = not self.has_ended
        complaints = self.selection.complaints()
        if self.allocations is not None:
            process["heap"] = self.allocations.process_members()
            complaints += self.allocations.complaints()
        if self.heap is not None:
            process.update(self.heap.members())
            complaints += self.heap.complaints()
        more = {"complaints": complaints, "outside": self.lines.outside}
        return {**run_of([process], True), **more}


def begin(visit: Any, request: Json) -> None:
    """RuntimeError where it cannot be."""
    if live.is_on:
        raise RuntimeError("it runs under python -m memory_profiler")
    _source.program_began(request["began"])
    recording = Recording(visit, request)
    try:
        recording.begin()
    except BaseException:
        recording.let_go()
        raise
    visit.recording = recording
