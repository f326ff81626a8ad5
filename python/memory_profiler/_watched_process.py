"""Reading a process from here: another one, a child, or this one while it waits."""

from __future__ import annotations

import os
import time

from . import _memprof
from ._samplers import Lines
from ._units import MIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._types import Children, Writer


def pid_of(process: Any) -> int:
    """The pid of a number, of digits, or of an object that has one; -1 is this process."""
    given = process
    process = getattr(process, "pid", process)
    try:
        pid = int(process) if isinstance(process, str) else process.__index__()
    except (AttributeError, TypeError, ValueError):
        raise TypeError(
            "memory_usage needs a pid, -1, a Popen, a function or (f, args, kw), "
            f"not {given!r:.100}"
        ) from None
    return os.getpid() if pid == -1 else pid


class WatchedProcess:
    """``read()`` gives MiB as the backend has them; ``kind`` is None for tracemalloc."""

    def __init__(self, proc: Any, kind: str | None, include_children: bool) -> None:
        self._child = proc if hasattr(proc, "poll") else None
        self.pid = pid_of(proc)
        self._kind = kind
        self._include_children = include_children
        self._hwm: float | None = None
        self._is_gone = False
        if kind is None and self.pid != os.getpid():
            raise ValueError("the tracemalloc backend knows only the memory of this process")

    def is_child(self) -> bool:
        return self._child is not None

    def has_ended(self) -> bool:
        return self._is_gone or (self._child is not None and self._child.poll() is not None)

    def read(self) -> float:
        """MiB now. Raises ProcessLookupError when it is gone."""
        if self._kind is None:
            import tracemalloc

            return tracemalloc.get_traced_memory()[0] / MIB
        try:
            return read_memory(self.pid, self._kind, self._include_children)
        except ProcessLookupError:
            self._is_gone = True
            raise

    def risen_hwm(self) -> float:
        """The kernel's high-water mark in MiB if it rose since the last look, else 0."""
        if self._include_children or self._kind != "rss":
            return 0.0
        try:
            hwm, before = _memprof.read_peak(self.pid), self._hwm
        except OSError:
            return 0.0
        self._hwm = hwm
        return hwm if before is not None and hwm > before else 0.0

    def children(self) -> list[tuple[int, float]]:
        """(pid, MiB) of all descendants."""
        try:
            return _memprof.read_children(self.pid, self._kind or "rss")
        except OSError:
            return []


def read_memory(pid: int, kind: str, include_children: bool = False) -> float:
    """MiB that a process holds, with its descendants if wanted."""
    mem = _memprof.read_memory(pid, kind)
    if include_children:
        mem += sum(child for _, child in _memprof.read_children(pid, kind))
    return mem


def _readings(
    process: WatchedProcess, interval: float, count: int | None
) -> Iterator[tuple[float, float]]:
    """Yields (MiB, epoch) at absolute deadlines: so many, or None: until the child ends.

    A child that has ended before the first is read as 0; who ends later has no more readings.
    """
    taken, due = 0, time.monotonic()
    while True:
        try:
            yield process.read(), time.time()
        except ProcessLookupError:
            if taken == 0:
                if not process.is_child():
                    raise
                yield 0.0, time.time()
            return
        taken += 1
        if count == 1 and not process.is_child():
            return
        due += interval
        time.sleep(max(0, due - time.monotonic()))
        due = max(due, time.monotonic() - interval)
        if taken == count or process.has_ended():
            return


def watch(
    process: WatchedProcess,
    interval: float,
    count: int | None,
    timestamps: bool = False,
    multiprocess: bool = False,
    max_usage: bool = False,
    stream: Writer | None = None,
) -> Any:
    """The readings in the form that memory_usage() returns; a stream gets them as lines."""
    result: list[Any] = []
    peak: float = -1
    lines = None if stream is None else Lines(stream, interval)
    if max_usage:
        process.risen_hwm()
    for mem, when in _readings(process, interval, count):
        if max_usage:
            peak = max(peak, mem, process.risen_hwm())
            continue
        children = process.children() if multiprocess else ()
        if lines is not None:
            lines.write(mem, when, children)
            lines.flush()
        else:
            result.append(in_form(mem, when, children, timestamps, multiprocess))
    return peak if max_usage else result


def in_form(
    mem: float, when: float, children: Children, timestamps: bool, multiprocess: bool
) -> Any:
    """One reading as memory_usage() returns it."""
    value = (mem, when) if timestamps else mem
    return [value, *(child for _, child in children)] if multiprocess else value
