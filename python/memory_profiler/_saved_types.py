"""What lived on the heap, by type, in saved runs: how it is shown, merged, compared and bounded."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from typing import NamedTuple

from ._bill import Bill, BillRow
from ._heap import SHOWN, Heap
from ._owners import Owner, Owners
from ._saved_check import BadRun
from ._saved_heap import bounded, processes_of
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._types import Json


def _heap_of(rows: list[Json]) -> Heap:
    return Heap(
        [row["name"] for row in rows],
        [row["objects"] for row in rows],
        [row["bytes"] for row in rows],
        [row.get("is_partial", False) for row in rows],
        "blocks",
    )


def _owners_of(rows: list[Json]) -> Owners:
    return Owners(
        Owner(row["name"], row["bytes"], row["objects"], row["type"], row.get("is_shared", False))
        for row in rows
    )


def types_of(run: Json) -> Heap | None:
    """What lived in those processes of a run of which that is known, or None."""
    found = [process["heap_types"] for process in run["processes"] if "heap_types" in process]
    return _heap_of([row for rows in found for row in rows]) if found else None


def merged_types(runs: list[Json]) -> Json:
    """The member of the one process that runs are merged to; nothing where one has none."""
    heaps = [types_of(run) for run in runs]
    if any(heap is None for heap in heaps):
        return {}
    rows = [row for heap in heaps if heap is not None for row in heap.rows()]
    total = _heap_of(rows).rows()
    for row in total:
        for key in ("objects", "bytes"):
            number: Any = row[key]
            bounded(number)
    return {"heap_types": total}


# ---- shown


def _bill_of(saved: Json) -> Bill:
    rows = [BillRow(visible(row["name"]), row["bytes"]) for row in saved["rows"]]
    objects = next((row.bytes for row in rows if row.name == "objects"), None)
    why_not = visible(saved.get("why_not", "the run does not say why"))
    return Bill(saved["rss"], saved["swap"], rows, saved["given_out"], objects, why_not)


def _counted(heads: list[Json]) -> Iterator[tuple[str, Json]]:
    """(of which process, if there are more; it) where types or the bill are known."""
    found = [
        process
        for head in heads
        for process in processes_of(head)
        if isinstance(process, dict) and ("heap_types" in process or "bill" in process)
    ]
    for process in found:
        whose = f" of process {process['pid']} ({visible(process['name'])})"
        yield whose * (len(found) > 1), process


def _title(whose: str, process: Json) -> str:
    return f"Heap{whose} {'while it ran' if process.get('goes_on') else 'at the end'}"


def type_texts(heads: list[Json]) -> Iterator[str]:
    """The tables that --heap printed, of each process."""
    for whose, process in _counted(heads):
        if "heap_types" in process:
            yield _heap_of(process["heap_types"]).table(SHOWN, _title(whose, process)) + "\n"
        if process.get("heap_owners"):
            yield f"\n{_owners_of(process['heap_owners'])}\n"
        if "bill" in process:
            yield f"\n{_bill_of(process['bill'])}\n"


def type_headings(heads: list[Json]) -> Iterator[str]:
    """Their first lines: how many objects lived in each process."""
    for whose, process in _counted(heads):
        if "heap_types" in process:
            yield _heap_of(process["heap_types"]).table(0, _title(whose, process)).split("\n")[0]


# ---- compared


class Bound(NamedTuple):
    """Of how many objects more there may be: of one type, or of any where ``name`` is empty."""

    name: str
    objects: int

    def holds(self, name: str) -> bool:
        """Whether a type is meant: by its whole name, or by the last of its parts."""
        return self.name in ("", name, name.rpartition(".")[2])


def bound_of(text: str) -> Bound:
    """``Session=100`` or ``100``. ValueError."""
    name, _, number = text.rpartition("=")
    if not (number.isascii() and number.isdigit() and len(number) < 19) or text.startswith("="):
        raise ValueError(text)
    return Bound(name, int(number))


def types_of_run(path: str, run: Json, option: str) -> Heap:
    """Raises BadRun where types were not counted."""
    heap = types_of(run)
    if heap is None:
        raise BadRun(f"{path}: {option}: types were not counted in it (--heap)")
    return heap


def type_changes(heaps: list[Heap | None]) -> str:
    """The table of what grew, with its line end; nothing where it was not counted in both."""
    before, after = heaps
    if before is None or after is None:
        return ""
    return (after - before).table(SHOWN, "Heap at the end") + "\n"


def types_over(heaps: list[Heap], bounds: list[Bound]) -> Iterator[tuple[bool, str]]:
    """(whether it is over a bound, a line of it) for each bound that says something.

    ``heaps``: before and after; none where there are no bounds.
    """
    if not bounds:
        return
    grown = (heaps[1] - heaps[0]).types
    names = {row.name for heap in heaps for row in heap.types}
    for least in bounds:
        meant = [row for row in grown if least.holds(row.name) and row.objects > least.objects]
        for row in sorted(meant, key=lambda row: -row.objects):
            yield (
                True,
                f"{row.name} grew by {row.objects:,} object{'s' * (row.objects != 1)}, over the "
                f"bound of {least.objects:,}",
            )
        if not any(map(least.holds, names)):
            yield False, f"there is no {least.name} in either run"
