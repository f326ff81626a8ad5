"""``bill()``: what the resident memory of this process is for, in parts that add up to it."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from typing import NamedTuple

from ._memprof import resident_parts
from ._units import MIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._types import Json


class BillRow(NamedTuple):
    """A part of RSS, in bytes; what is not resident is less than 0."""

    name: str
    bytes: int


class Bill:
    """``rss`` and ``swap`` in bytes, and ``rows``, of which the bytes are together ``rss``."""

    def __init__(self, rss: int, swap: int, rows: list[BillRow]) -> None:
        self.rss = rss
        self.swap = swap
        self.rows = rows

    def to_json(self) -> Json:
        """``{"rss": bytes, "swap": bytes, "rows": [{"name": …, "bytes": …}, …]}``."""
        rows = [{"name": row.name, "bytes": row.bytes} for row in self.rows]
        return {"rss": self.rss, "swap": self.swap, "rows": rows}

    def _shown(self) -> list[tuple[str, str, str]]:
        """(name, MiB, percent) of each row, of the sum, and of what was moved out, if any."""
        rows = [*self.rows, BillRow("RSS", self.rss)]
        if self.swap:
            rows.append(BillRow("in swap, beside it", self.swap))
        return [
            (row.name, f"{row.bytes / MIB:.1f} MiB", f"{100 * row.bytes / self.rss:.1f}")
            for row in rows
        ]

    def __str__(self) -> str:
        lines = [("Resident memory", "Size", "%"), *self._shown()]
        return "\n".join(f"{name:<20}{size:>14}{share:>8}" for name, size, share in lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><td style='text-align:left'>{name}</td><td>{size}</td><td>{share}</td></tr>"
            for name, size, share in self._shown()
        )
        return f"<table><tr><th>Resident memory</th><th>Size</th><th>%</th></tr>{cells}</table>"


def _managed(parts: dict[str, int | None]) -> tuple[list[BillRow], int]:
    """(rows of what allocators manage, the bytes of addresses that these have)."""
    names = "malloc_used", "malloc_mapped", "malloc_free", "arenas", "arenas_used"
    used, mapped, free, arenas, arenas_used = (parts[name] or 0 for name in names)
    rows = [BillRow("in use", used + mapped + arenas_used)]
    if parts["arenas"] is not None:
        rows.append(BillRow("pymalloc free", arenas - arenas_used))
    if parts["malloc_free"] is not None:
        rows.append(BillRow("malloc free", free))
    return rows, used + mapped + free + arenas


def bill() -> Bill:
    """What the resident memory of this process is for: a table of rows that add up to RSS.

    in use
        what malloc() and pymalloc have given out: Python's objects, and what libraries asked for
    pymalloc free, malloc free
        what these keep for use again
    files, shared, stacks
        of programs and libraries; that may be shared with other processes; of threads, and for
        Python's frames
    profiler
        its own log, where allocations are recorded
    not resident
        what of all this was never touched, or is in swap; so it is less than 0
    unexplained
        the rest: mostly memory that libraries map past malloc()

    OSError where the system tells nothing of it: it is Linux that does.
    """
    parts = resident_parts()
    rss, swap, heap, heap_size, frames, profiler = (
        parts[name] or 0 for name in ("rss", "swap", "heap", "heap_size", "frames", "profiler")
    )
    rows, managed = _managed(parts)
    rows += [BillRow(name, parts[name] or 0) for name in ("files", "shared")]
    rows += [BillRow("stacks", (parts["stacks"] or 0) + frames), BillRow("profiler", profiler)]
    # Addresses that no allocator owns up to are somebody else's. Of these and of those that are not
    # resident it cannot be told which are the same: as many as may be are taken to be.
    foreign, absent = heap_size - managed - frames - profiler, heap_size - heap
    same = max(0, min(foreign, absent))
    rows.append(BillRow("not resident", same - absent))
    rows.append(BillRow("unexplained", rss - sum(row.bytes for row in rows)))
    return Bill(rss, swap, rows)
