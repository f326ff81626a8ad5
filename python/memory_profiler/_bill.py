"""``bill()``: what the resident memory of this process is for, in parts that add up to it."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from typing import NamedTuple

from ._heap import heap
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
    """``rss`` and ``swap`` in bytes, and ``rows``, of which the bytes are together ``rss``.

    ``given_out``: bytes that the allocators have given out; ``objects``: of them those of objects,
    or None where the heap could not be walked, with ``why_not``.
    """

    def __init__(
        self,
        rss: int,
        swap: int,
        rows: list[BillRow],
        given_out: int,
        objects: int | None,
        why_not: str = "",
    ) -> None:
        self.rss, self.swap, self.rows = rss, swap, rows
        self.given_out, self.objects, self.why_not = given_out, objects, why_not

    def to_json(self) -> Json:
        """``{"rss": bytes, "swap": bytes, "given_out": bytes, "rows": [{"name": …, "bytes": …},
        …]}``, and ``why_not`` where objects are not counted."""
        bill: Json = {"rss": self.rss, "swap": self.swap, "given_out": self.given_out}
        bill["rows"] = [{"name": row.name, "bytes": row.bytes} for row in self.rows]
        return bill if self.objects is not None else {**bill, "why_not": self.why_not}

    def _below(self) -> str:
        """How much of what was given out is known by its objects."""
        if self.objects is None:
            return f"Objects are not counted: {self.why_not}"
        share = 100 * self.objects / self.given_out if self.given_out else 0
        return (
            f"Objects are {share:.1f} % of the {self.given_out / MIB:.1f} MiB that malloc() and "
            "pymalloc have given out"
        )

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
        rows = [f"{name:<20}{size:>14}{share:>8}" for name, size, share in lines]
        return "\n".join([*rows, self._below()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        cells = "".join(
            f"<tr><td style='text-align:left'>{name}</td><td>{size}</td><td>{share}</td></tr>"
            for name, size, share in self._shown()
        )
        return (
            f"<table><tr><th>Resident memory</th><th>Size</th><th>%</th></tr>{cells}</table>"
            f"<p>{escape(self._below())}</p>"
        )


def _managed(parts: dict[str, int | None], objects: int | None) -> tuple[list[BillRow], int, int]:
    """(rows of what allocators manage, the bytes they have given out, those of addresses that
    these have)."""
    names = "malloc_used", "malloc_mapped", "malloc_free", "arenas", "arenas_used"
    used, mapped, free, arenas, arenas_used = (parts[name] or 0 for name in names)
    given_out = used + mapped + arenas_used
    if objects is None:
        rows = [BillRow("in use", given_out)]
    else:
        rows = [BillRow("objects", objects), BillRow("native blocks", given_out - objects)]
    if parts["arenas"] is not None:
        rows.append(BillRow("pymalloc free", arenas - arenas_used))
    if parts["malloc_free"] is not None:
        rows.append(BillRow("malloc free", free))
    return rows, given_out, used + mapped + free + arenas


def bill_of(parts: dict[str, int | None], objects: int | None, why_not: str = "") -> Bill:
    """The bill of resident_parts() in which objects have so many bytes, or why it is not known."""
    if parts["arenas"] is None and objects is not None:
        objects = None
        why_not = (
            "pymalloc tells nothing of its memory while its allocator is wrapped, as by"
            " tracemalloc: it is unexplained"
        )
    rss, swap, heap, heap_size, frames, profiler = (
        parts[name] or 0 for name in ("rss", "swap", "heap", "heap_size", "frames", "profiler")
    )
    rows, given_out, managed = _managed(parts, objects)
    rows += [BillRow(name, parts[name] or 0) for name in ("files", "shared")]
    rows += [BillRow("stacks", (parts["stacks"] or 0) + frames), BillRow("profiler", profiler)]
    # Addresses that no allocator owns up to are somebody else's. Of these and of those that are not
    # resident it cannot be told which are the same: as many as may be are taken to be.
    foreign, absent = heap_size - managed - frames - profiler, heap_size - heap
    same = max(0, min(foreign, absent))
    rows.append(BillRow("not resident", same - absent))
    rows.append(BillRow("unexplained", rss - sum(row.bytes for row in rows)))
    return Bill(rss, swap, rows, given_out, objects, why_not)


def bill() -> Bill:
    """What the resident memory of this process is for: a table of rows that add up to RSS.

    objects
        the blocks of Python's objects, as ``heap()`` counts them, which takes its time
    native blocks
        what else malloc() and pymalloc have given out: to libraries, to the interpreter, and for
        objects that wait for use again; less than 0 where objects have memory that these do not
        know of. Where the heap cannot be walked (``heap()`` says when) both are one row, in use
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
    parts = resident_parts()  # first: the walk has memory of its own
    try:
        return bill_of(parts, heap().bytes)
    except (RuntimeError, MemoryError) as error:
        return bill_of(parts, None, str(error) or "there is no memory for it")
