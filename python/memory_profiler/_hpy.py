"""``hpy()``: what programs written for heapy (guppy3) ask most, of our census."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from ._heap import heap, new_objects
from ._heap_sizes import checked
from ._memprof import heap_remember
from ._owners import owners_now, paths_to
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from ._heap import HeapType
    from ._memprof import _Remembered
    from ._owners import Owners

SHOWN = 10  # rows at once, as heapy has them
BY_KIND = "Kind (class / dict of class)"
BY_TYPE = "Type"
MISSING = "Some are missing: not all that was freed could be seen"


def _has_none(what: str, has: str, name: str) -> NoReturn:
    raise AttributeError(f"{what} of memory_profiler has no {visible(name)!r}; it has {has}")


class HeapySet:
    """Objects by type, the most bytes first: only counted, so that none is kept alive.

    ``.count`` and ``.size`` in all, ``.kind`` its types; ``h[0]``, ``h[0:3]`` some of its rows and
    ``len(h)`` how many there are; ``.more`` the next ten of its table, ``.all`` all of it.
    """

    __slots__ = ("_first", "_head", "_last", "_note", "_rows")

    def __init__(
        self,
        rows: list[HeapType],
        head: str = BY_KIND,
        first: int = 0,
        last: int = SHOWN,
        note: str = "",
    ) -> None:
        self._rows, self._head, self._note = rows, head, note
        self._first, self._last = first, last  # of the rows that are shown

    @property
    def count(self) -> int:
        return sum(row.objects for row in self._rows)

    @property
    def size(self) -> int:
        return sum(row.bytes for row in self._rows)

    @property
    def kind(self) -> str:
        return ", ".join(row.name for row in self._rows)

    @property
    def bytype(self) -> HeapySet:
        return HeapySet(self._rows, BY_TYPE, note=self._note)

    @property
    def more(self) -> HeapySet:
        last = self._last
        return HeapySet(self._rows, self._head, last, last + SHOWN, self._note)

    @property
    def all(self) -> HeapySet:
        return HeapySet(self._rows, self._head, 0, len(self._rows), self._note)

    @property
    def sp(self) -> Paths:
        """What leads to ten of the objects that live now, of a set of one type: ``h[0].sp``."""
        if len(self._rows) != 1:
            raise ValueError("sp of memory_profiler is of one type, as of h[0].sp")
        return Paths(paths_to(self._rows[0].name, SHOWN))

    @property
    def byrcs(self) -> Owners:
        """By who keeps them alive: names, of the whole heap as it is now."""
        return owners_now(SHOWN)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: int | slice) -> HeapySet:
        rows = self._rows[at] if isinstance(at, slice) else [self._rows[at]]
        return HeapySet(rows, self._head, note=self._note)

    def __getattr__(self, name: str) -> Any:
        has = (
            "count, size, kind, bytype, byrcs, sp, more, all, len(h) and h[i]: "
            "objects are counted, not kept"
        )
        _has_none("a heap", has, name)

    def _lines(self) -> list[str]:
        count, size = self.count, self.size
        total = sum(row.bytes for row in self._rows[: self._first])
        lines = []
        for i, row in enumerate(self._rows[self._first : self._last], self._first):
            total += row.bytes
            lines.append(
                f"{i:6d} {row.objects:6d} {_percent(row.objects, count):3d} {row.bytes:8d} "
                f"{_percent(row.bytes, size):3d} {total:9d} {_percent(total, size):3d} "
                f"{visible(row.name)}"
            )
        return lines

    def __repr__(self) -> str:
        text, lines = [], self._lines()
        if self._first == 0:
            count = self.count
            text.append(
                f"Partition of a set of {count} object{'s' * (count != 1)}. "
                f"Total size = {self.size} bytes."
            )
        if lines:
            text += [f" Index  Count   %     Size   % Cumulative  % {self._head}", *lines]
        left = len(self._rows) - self._last
        if left > 0:
            text.append(f"<{left} more rows. Type e.g. '_.more' to view.>")
        return "\n".join([*text, self._note] if self._note else text)


class Paths(list["str"]):
    """Expressions; it prints with a number before each, as heapy's paths."""

    def __repr__(self) -> str:
        return "\n".join(f"{i:2d}: {visible(path)}" for i, path in enumerate(self))


def _percent(part: int, whole: int) -> int:
    return int(f"{part * 100.0 / whole:.0f}") if whole else 0


class Heapy:
    """``heap()``, and ``setrelheap()`` (or ``setref()``): from now on only what is new."""

    def __init__(self, sizes: str) -> None:
        self._sizes = checked(sizes)
        self._remembered: _Remembered | None = None

    def heap(self) -> HeapySet:
        """All objects that live, or those that are new since setrelheap(). No collection runs.

        RuntimeError, MemoryError as of ``memory_profiler.heap()``.
        """
        if self._remembered is None:
            return HeapySet(heap(sizes=self._sizes).types)
        grown, is_exact = new_objects(self._remembered, self._sizes)
        return HeapySet(grown.types, note="" if is_exact else MISSING)

    def setrelheap(self) -> None:
        """What lives now is not in heap() from now on."""
        self._remembered = None  # first: the hook is to see one of them at a time
        self._remembered = heap_remember()

    setref = setrelheap

    def __getattr__(self, name: str) -> Any:
        _has_none("hpy()", "heap(), setrelheap() and setref()", name)

    def __repr__(self) -> str:
        return "<hpy() of memory_profiler: heap(), setrelheap(), setref()>"


def hpy(*, sizes: str = "blocks") -> Heapy:
    """As ``guppy.hpy()``: ``hpy().heap()`` is a census in heapy's columns.

    Sizes are those of blocks, as of ``memory_profiler.heap()``; ``sizes="getsizeof"``: those that
    heapy tells.
    """
    return Heapy(sizes)
