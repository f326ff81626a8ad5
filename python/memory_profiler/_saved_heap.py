"""What was allocated, in saved runs: how it is merged, compared, and told in a line."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from ._allocations import HEAP_COUNTS, MEMBERS, heap_summary
from ._saved_check import MOST, BadRun
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ._types import Json


def has_allocations(function: Json) -> bool:
    """Whether it was recorded what a function's lines allocated: all of them, or none."""
    return "allocated_bytes" in function["lines"][0]


def _was_recorded(process: Json) -> bool:
    return "heap" in process or any(map(has_allocations, process["functions"]))


def were_recorded(run: Json) -> bool:
    """Whether it was run with ``--allocations``, as far as it was measured."""
    return any(map(_was_recorded, run["processes"]))


def check_alike(paths: list[str], runs: list[Json]) -> None:
    """Raises BadRun where allocations were recorded in some of the runs alone."""
    recorded = [were_recorded(run) for run in runs]
    if any(recorded) and not all(recorded):
        without, has = paths[recorded.index(False)], paths[recorded.index(True)]
        raise BadRun(f"{without}: no allocations were recorded (--allocations), as in {has}")


def processes_without(run: Json) -> Iterator[str]:
    """A line for each process of a recorded run of which it is not known what it allocated."""
    for process in run["processes"] if were_recorded(run) else ():
        if process["functions"] and not _was_recorded(process):
            yield (
                f"no allocations were recorded of process {process['pid']} ({process['name']}): "
                "functions that ran in it have none"
            )


# ---- merging


def bounded(total: int) -> int:
    """A sum over runs, unless no file could hold it. Raises BadRun."""
    if abs(total) > MOST:
        raise BadRun("what these runs measured adds up to an absurd number")
    return total


def _sums(one: Json, other: Json, keys: Iterable[str] = MEMBERS) -> Json:
    return {key: bounded(one[key] + other[key]) for key in keys}


def merged_sums(one: Json, other: Json) -> Json:
    """The members of a line that two processes ran; what was there at the peak is the sum of what
    was at each one's own. Nothing where one was not recorded."""
    if not ("allocated_bytes" in one and "allocated_bytes" in other):
        return {}
    return {**_sums(one, other), "own": _sums(one["own"], other["own"])}


def without_allocations(line: Json) -> Json:
    return {key: value for key, value in line.items() if key not in (*MEMBERS, "own")}


def heap_of(processes: list[Json]) -> Json | None:
    """The totals of processes as those of one: without a place, as each has a peak of its own; None
    where one of them was not recorded."""
    if not processes or not all("heap" in process for process in processes):
        return None
    total: Json = processes[0]["heap"]
    for process in processes[1:]:
        heap = process["heap"]
        counts = [key for key in HEAP_COUNTS if key in total and key in heap]
        total = _sums(total, heap, (*MEMBERS, *counts))
    return total


# ---- comparing

# What a gate can bound: the word of its option, the member, and how it is told.
GATES = (
    ("allocated", "allocated_bytes", "what the program allocated"),
    ("peak", "at_peak_bytes", "the peak of the heap"),
    ("left", "left_bytes", "what was left in the heap"),
)


def own_bytes(function: Json | None, key: str) -> int:
    """What the lines of a function themselves have allocated of a member: each block once."""
    return 0 if function is None else sum(line["own"][key] for line in function["lines"])


def line_changes(before: Json | None, after: Json | None) -> tuple[int, int]:
    """By how many bytes changed what two lines allocated, and what was left of it."""
    allocated, left = (
        (after or {}).get(key, 0) - (before or {}).get(key, 0)
        for key in ("allocated_bytes", "left_bytes")
    )
    return allocated, left


def heap_of_run(path: str, run: Json, options: str) -> Json:
    """The totals of a run, for options that need them. Raises BadRun where they are not known of
    all of its processes."""
    heap = heap_of(run["processes"])
    if heap is None:
        which = "all of its processes" if were_recorded(run) else "it"
        raise BadRun(f"{path}: {options}: allocations were not recorded of {which} (--allocations)")
    return heap


# ---- in a line


def heap_lines(heads: list[Json]) -> list[str]:
    """``Heap: …`` of each process, with its name where there are more."""
    found = [
        process
        for head in heads
        for process in processes_of(head)
        if isinstance(process, dict) and "heap" in process
    ]
    if len(found) == 1:
        return [heap_summary(found[0]["heap"])]
    return [
        heap_summary(process["heap"]).replace(
            "Heap", f"Heap of process {process['pid']} ({visible(process['name'])})", 1
        )
        for process in found
    ]


def processes_of(head: Json) -> list[Json]:
    """What a merged run was made of may be anything."""
    processes = head.get("processes")
    return processes if isinstance(processes, list) else []
