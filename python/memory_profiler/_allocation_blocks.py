"""``with allocations() as a:``: what is allocated from some instant on, by all threads."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

from _thread import RLock
from contextlib import suppress
from typing import NamedTuple
from weakref import WeakSet

from ._allocations import MEMBERS, heap_line
from ._memprof import (
    heap_read,
    heap_rows,
    heap_span_begin,
    heap_span_end,
    heap_stacks,
    heap_start,
    heap_stop,
    heap_totals,
    heap_unhook,
    heap_whole,
)
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from ._memprof import _HeapSums, _Key

_BY = {"peak": 0, "left": 1, "allocated": 2}
_MOST_STACKS = 200  # that are looked through for those that are wanted


class AllocationStack(NamedTuple):
    """A stack that allocated: bytes and blocks of what its innermost line allocated itself.

    ``frames`` are ``(filename, line, function)``, the innermost first; none where no Python ran.
    """

    bytes: int
    blocks: int
    frames: tuple[tuple[str, int, str], ...]

    def __str__(self) -> str:
        if not self.frames:
            return "no Python"
        return " < ".join(
            f"{visible(os.path.basename(filename))}:{line} in {visible(name)}()"
            for filename, line, name in self.frames
        )


class _Read(NamedTuple):
    """All that can be said of a block that has ended."""

    sums: _HeapSums
    peak_at: _Key | None
    stacks: dict[int, list[tuple[list[_Key], _HeapSums]]]
    rows: list[tuple[str | None, int, _HeapSums, _HeapSums]]
    flame: tuple[list[str], list[tuple[int, str]], bytes]


class _Log:
    """Who uses the log of this process, which only the last one may end.

    Finalizers may begin and end blocks of their own wherever objects are made in here.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock = RLock()  # a block that is forgotten ends wherever it is collected
        self.open = 0
        self.is_ours = False  # else --allocations has begun it, and ends it
        self.unread: WeakSet[allocations] = WeakSet()  # their numbers are still in the log alone

    def begin(self, block: allocations) -> None:
        self.open += 1
        try:
            block._span = heap_span_begin()
            if block._span is None:
                self._begin_log(block)
        except BaseException:
            self.open -= 1
            raise
        self.unread.add(block)

    def _begin_log(self, block: allocations) -> None:
        for other in list(self.unread):
            other._keep()
        self.unread = WeakSet()
        try:
            block.missing = heap_start(os.path.dirname(__file__), "")
            block._span = heap_whole()
            self.is_ours = True
        except RuntimeError:
            block._span = heap_span_begin()  # somebody may have begun it meanwhile
            if block._span is None:
                raise

    def end(self, block: allocations) -> None:
        self.open -= 1
        if self.is_ours and self.open == 0:
            self.is_ours = False
            block.missing += [what for what in heap_stop() if what not in block.missing]
            block._totals = heap_totals(block._span)
            heap_unhook()
            return
        block._keep()
        if block._span is not None:
            heap_span_end(block._span)


_log = _Log()


def _log_here() -> _Log:
    """That of this process: a forked child records nothing of its parent's, and may have inherited
    a lock that nobody will release."""
    global _log
    if _log.pid != os.getpid():
        unread, _log = _log.unread, _Log()
        _log.unread = unread
    return _log


class allocations:
    """What the process allocates while a block of code runs, in all threads, to the byte.

        with memory_profiler.allocations() as a:
            work()
        print(a.peak_bytes, a.left_bytes)

    Numbers are of what was allocated after the block began, so what was there before counts
    nothing when it is freed; they can be read while it runs, too, and are not changed by what
    happens after its end. Nothing is collected. Blocks may lie in each other, overlap, and run in
    several threads.
    While one runs allocations cost more time; when the last has ended all is as before.

    ``missing`` says in words what could not be seen; mostly nothing. RuntimeError where nothing can
    be recorded: in other interpreters than the main one, and without the interpreter's lock.
    """

    def __init__(self) -> None:
        self.missing: list[str] = []
        self._span: object | None = None
        self._read: _Read | None = None
        self._totals: Any = None  # of one that ended last, until all of it is read
        self._state = "new"
        self._pid = 0  # of the process whose allocations are meant

    def start(self) -> None:
        """Begins; ``__enter__`` does so. RuntimeError if it has begun already."""
        if self._state != "new":
            raise RuntimeError("this block of allocations() has begun already")
        log = _log_here()
        with log.lock:
            log.begin(self)
            self._state, self._pid = "open", log.pid

    def stop(self) -> None:
        """Ends; ``__exit__`` does so. More often is nothing."""
        log = _log_here()
        with log.lock:
            if self._state == "open":
                self._state = "ended"
                if self._pid == log.pid:
                    log.end(self)

    def __enter__(self) -> allocations:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("a block of allocations() cannot be copied")

    def __del__(self) -> None:
        if getattr(self, "_state", "new") == "open":
            self.stop()

    def _now(self) -> _Read:
        if self._state == "new":
            raise RuntimeError("this block of allocations() has not begun")
        if self._read is not None:
            return self._read
        try:
            totals, *stacks, rows, flame = heap_read(_MOST_STACKS, self._span)
        except RuntimeError:
            if self._read is not None:  # kept by who has begun the log anew just now
                return self._read
            raise
        return _Read(totals[0], totals[1], dict(enumerate(stacks)), rows, flame)

    def _keep(self) -> None:
        self._read = self._now()

    def _sums(self) -> _HeapSums:
        if self._read is None and self._state != "new":
            with suppress(RuntimeError):  # others have begun the log anew: then it was kept
                totals = self._totals or heap_totals(self._span)
                sums: _HeapSums = totals[0]
                return sums
        return self._now().sums

    @property
    def allocated_bytes(self) -> int:
        """Bytes that were asked for, in all."""
        return self._sums()[0]

    @property
    def count(self) -> int:
        """How many allocations."""
        return self._sums()[1]

    @property
    def peak_bytes(self) -> int:
        """The most of them that were alive at once."""
        return self._sums()[2]

    @property
    def left_bytes(self) -> int:
        """Of them those that are alive, or were when the block ended."""
        return self._sums()[4]

    def top(self, n: int = 10, by: str = "peak") -> list[AllocationStack]:
        """The n stacks with most bytes: at the ``"peak"``, ``"left"``, or ``"allocated"``."""
        if by not in _BY:
            raise ValueError(f"top() is by 'peak', 'left' or 'allocated', not {by!r}")
        at = 2 * ((_BY[by] + 1) % 3)  # where it stands in the six numbers
        merged: dict[tuple[_Key, ...], list[int]] = {}
        for frames, sums in self._now().stacks[_BY[by]]:
            both = merged.setdefault(tuple(frames), [0, 0])
            both[0] += sums[at]
            both[1] += sums[at + 1]
        ranked = sorted(merged.items(), key=lambda item: -item[1][0])
        return [
            AllocationStack(size, blocks, frames) for frames, (size, blocks) in ranked[: max(0, n)]
        ]

    def flame(self, path: str | os.PathLike[str], of: str = "peak") -> None:
        """Writes the stacks to a file: ``.html`` is a page with an icicle and a table, ``.txt``
        collapsed stacks, ``.json`` for speedscope.

        ``of``: ``"peak"``, ``"left"`` or ``"allocated"``, which a page shows first, and a text
        holds. ValueError for another name or view; OSError.
        """
        from ._flame import about_this, check_name, check_view, stacks_of, write

        if self._state == "new":
            raise RuntimeError("this block of allocations() has not begun")
        name, of = check_name(os.fspath(path)), check_view(of)
        read = self._now()
        stacks = stacks_of("allocations()", read.flame)
        about = about_this(heap_line(read.sums, read.peak_at))
        write(name, of, "A block of allocations()", about, [stacks])

    def _left(self) -> list[tuple[list[_Key], int, int]]:
        """(frames, bytes, blocks) of every stack that has left something."""
        found = heap_stacks(1 << 30, _BY["left"], self._span)
        return [(frames, sums[4], sums[5]) for frames, sums in found]

    def _of_lines(self, own: bool = False) -> dict[tuple[str | None, int], _HeapSums]:
        """What lines and all that they call have allocated, or they themselves, by file and
        line."""
        rows = heap_rows(self._span) if self._read is None else self._read.rows
        return {(file, line): (inclusive, itself)[own] for file, line, inclusive, itself in rows}

    def _summary(self) -> str:
        """A line about the whole, as below the tables of --allocations."""
        return heap_line(*heap_totals(self._span)[:2])

    def __repr__(self) -> str:
        if self._state == "new":
            return "<allocations() that has not begun>"
        sums: Any = dict(zip(MEMBERS, self._sums()))
        return (
            f"<allocations(): {sums['allocated_bytes']} bytes in {sums['allocations']} blocks, "
            f"peak {sums['at_peak_bytes']}, left {sums['left_bytes']}>"
        )
