"""``--allocations``: who allocates, who owns the peak, and what is left; the log is in the core."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import sys
from contextlib import suppress

from ._memprof import heap_rows, heap_start, heap_stop, heap_totals
from ._tables import Measurement
from ._units import MIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._memprof import _HeapSums, _Key
    from ._types import Json, Measure

MEMBERS = (
    "allocated_bytes",
    "allocations",
    "at_peak_bytes",
    "at_peak_blocks",
    "left_bytes",
    "left_blocks",
)
HEAP_COUNTS = ("freed_unseen_blocks", "unfollowed_blocks", "stacks", "over_budget")
_NOTHING: _HeapSums = (0, 0, 0, 0, 0, 0)


def columns(sums: Any) -> tuple[float, int, float, float]:
    """(MiB allocated, allocations, MiB at the peak, MiB left): what a table shows."""
    allocated, count, at_peak, _, left, _ = sums
    return allocated / MIB, count, at_peak / MIB, left / MIB


def with_sums(measures: dict[int, Measure], sums_of: Any) -> dict[int, Measure]:
    """Measures of lines that ran, with what these have allocated: sums_of(line)."""
    return {
        line: Measurement(
            measure,
            getattr(measure, "peak", None),
            getattr(measure, "time", None),
            columns(sums_of(line)),
        )
        for line, measure in measures.items()
    }


class Allocations:
    """The log of this process. ``own``: tables show what lines themselves allocated; ``flame``:
    stacks of threads are kept apart; without ``columns`` tables have none of it."""

    def __init__(self, own: bool, flame: bool = False, columns: bool = True) -> None:
        self.own, self.flame, self.columns = own, flame, columns
        self.missing: list[str] = []
        self.lost: list[str] = []
        self.is_started = self.is_stopped = False
        self.before_stop: Callable[[], None] = lambda: None
        self._pid = 0  # of the process that is recorded
        self._files: dict[str, dict[int, tuple[_HeapSums, _HeapSums]]] | None = None
        self._totals: Any = None

    def kind(self) -> tuple[bool, bool, bool]:
        """What another one like this is made of."""
        return self.own, self.flame, self.columns

    def start(self) -> None:
        """Just before the program runs. RuntimeError where nothing can be recorded."""
        runpy = sys.modules.get("runpy")  # it has started us, but where we came to a program
        launcher = runpy.run_module.__code__.co_filename if runpy else ""
        self.missing = heap_start(os.path.dirname(__file__), launcher, 0, self.flame)
        self.is_started = True
        self._pid = os.getpid()

    def restart(self) -> None:
        """In a forked child: what it inherited is not its own."""
        was_started = self.is_started
        self.__init__(*self.kind())  # type: ignore[misc]
        if was_started:
            with suppress(RuntimeError):  # then its lines have none, and the report says so
                self.start()

    def stop_with(self, at_exit: Any) -> None:
        """The program's main code has ended: stops when its threads have, at the latest before
        what it has registered to be done at the exit."""
        others: Any = ()
        with suppress(Exception):  # a program may have put anything there
            if "threading" in sys.modules:
                others = [t for t in sys.modules["threading"].enumerate() if not t.daemon]
        if len(others) > 1:
            at_exit(self.stop)
        else:
            self.stop()

    def stop(self) -> None:
        """The program's code and its threads have ended; more often is nothing."""
        if self.is_started and not self.is_stopped:
            self.before_stop()
        self.lost += [what for what in heap_stop() if what not in self.missing]
        self.is_stopped = True

    def _read(self) -> dict[str, dict[int, tuple[_HeapSums, _HeapSums]]]:
        if self._files is None:
            self._files = {}
            for file, line, inclusive, own in heap_rows():
                if file is not None:
                    self._files.setdefault(file, {})[line] = inclusive, own
            self._totals = heap_totals()
        return self._files

    def sums(self, filename: str, line: int) -> tuple[_HeapSums, _HeapSums]:
        """(inclusive, own) of a line that ran."""
        return self._read().get(filename, {}).get(line, (_NOTHING, _NOTHING))

    def with_columns(self, filename: str, measures: dict[int, Measure]) -> dict[int, Measure]:
        """Measures of lines that ran, with what these have allocated."""
        if self._pid != os.getpid() or not self.columns:
            return measures
        return with_sums(measures, lambda line: self.sums(filename, line)[self.own])

    def add_to_lines(self, filename: str, lines: list[Json]) -> None:
        """Adds what a saved run says of lines that ran."""
        if not self.is_stopped or self._pid != os.getpid():
            return  # what is alive is not what is left
        for line in lines:
            inclusive, own = self.sums(filename, line["line"])
            line.update(zip(MEMBERS, inclusive))
            line["own"] = dict(zip(MEMBERS, own))

    def process_members(self) -> Json:
        """What a process has in a saved run."""
        self._read()
        sums, place, unseen, unfollowed, stacks, over_budget, _ = self._totals
        members = {
            **dict(zip(MEMBERS, sums)),
            **dict(zip(HEAP_COUNTS, (unseen, unfollowed, stacks, over_budget))),
        }
        if place is not None:
            members["peak_at"] = dict(zip(("filename", "line", "name"), place))
        return members

    def summary(self) -> str:
        """The line below the tables."""
        if self._pid != os.getpid():
            return "Heap: what a forked child allocates is recorded with --multiprocess"
        return heap_summary(self.process_members())

    def complaints(self) -> list[str]:
        return [
            f"memory_profiler: {self.option()} does not see {what} in this Python"
            for what in self.missing
        ] + [
            f"memory_profiler: {self.option()} did not see {what} to the end: the program has put"
            " back the allocator of before"
            for what in self.lost
        ]

    def option(self) -> str:
        """Which one has asked for it."""
        return "--allocations" if self.columns else "--flame"


def heap_summary(heap: Json) -> str:
    """The line below the tables, of what a process has in a saved run."""
    sums: Any = tuple(heap[key] for key in MEMBERS)
    at = heap.get("peak_at")
    text = heap_line(sums, at and (at["filename"], at["line"], at["name"]))
    if unseen := heap.get("freed_unseen_blocks"):
        text += f" ({unseen} block{'s' * (unseen != 1)} freed unseen)"
    if unfollowed := heap.get("unfollowed_blocks"):
        text += f" ({unfollowed} block{'s' * (unfollowed != 1)} not followed: no memory for it)"
    if heap.get("over_budget"):
        text += " (too many stacks: deeper calls stand on their callers)"
    return text


def heap_line(sums: _HeapSums, place: _Key | None) -> str:
    """``Heap: peak 9.6 MiB in 52 blocks, at script.py:13 in blocks(); left 8.0 MiB``."""
    from ._visible import visible

    _, _, at_peak, blocks, left, _ = sums
    text = f"Heap: peak {at_peak / MIB:.1f} MiB in {blocks} block{'s' * (blocks != 1)}"
    if place is not None:
        filename, line, name = place
        text += f", at {visible(filename.rpartition('/')[2])}:{line} in {visible(name)}()"
    return f"{text}; left {left / MIB:.1f} MiB"
