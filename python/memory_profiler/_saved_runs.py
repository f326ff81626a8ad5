"""Using saved runs: shown safely, merged, and printed as tables."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from collections import Counter
from itertools import chain

from ._allocations import MEMBERS, columns
from ._saved_heap import bounded, has_allocations, heap_of, merged_sums, without_allocations
from ._tables import Measurement, write_table
from ._units import MIB
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._types import Json, Measure, Writer


def key_of(function: Json) -> tuple[Any, ...]:
    """What makes two functions of two processes the same."""
    return function["filename"], function["name"], function["first_line"], tuple(function["source"])


def measure_of(line: Json, own: bool = False) -> Measure:
    """(increment MiB, memory MiB, occurrences) of a line, with peak and time where they are, and
    what it has allocated: itself, or with all that it calls."""
    values = line["increment_bytes"] / MIB, line["memory_bytes"] / MIB, line["occurrences"]
    if not {"peak_bytes", "time_ns", "allocated_bytes"} & line.keys():
        return values
    return Measurement(
        values,
        peak=line["peak_bytes"] / MIB if "peak_bytes" in line else None,
        time=line["time_ns"] / 1e9 if "time_ns" in line else None,
        heap=heap_columns_of(line["own"] if own and "own" in line else line),
    )


def heap_columns_of(line: Json) -> tuple[float, int, float, float] | None:
    """(MiB allocated, allocations, MiB at the heap's peak, MiB left) of a line, if it has them."""
    if "allocated_bytes" not in line:
        return None
    return columns([line[key] for key in MEMBERS])


class Source:
    """The lines of a file as a list would have them, of which only a function's are known."""

    def __init__(self, function: Json) -> None:
        self.first: int = function["first_line"]
        self.lines: list[str] = function["source"]

    def __bool__(self) -> bool:
        return bool(self.lines)

    def __len__(self) -> int:
        return self.first - 1 + len(self.lines)

    def __getitem__(self, at: int) -> str:
        return self.text(at + 1) + "\n"

    def text(self, number: int) -> str:
        """A line by its number, without its end; empty where it is not known."""
        at = number - self.first
        return visible(self.lines[at].rstrip("\r\n")) if 0 <= at < len(self.lines) else ""


def shown_numbers(function: Json) -> Iterator[int]:
    """The numbers of the lines that are shown: the source, and what ran elsewhere."""
    first = function["first_line"]
    known = range(first, first + len(function["source"]))
    elsewhere = [line["line"] for line in function["lines"] if line["line"] not in known]
    return chain(
        (number for number in elsewhere if number < first),
        known,
        (number for number in elsewhere if number >= first),
    )


def print_function(
    function: Json, stream: Writer, precision: int | None = None, own: bool = False
) -> None:
    """The table that the run printed, or would have."""
    measures = {line["line"]: measure_of(line, own) for line in function["lines"]}
    precision = function["precision"] if precision is None else precision
    write_table(
        stream,
        visible(function["filename"]),
        ((line, measures.get(line)) for line in shown_numbers(function)),
        Source(function),
        precision,
    )


# ---- merging


def _merge_lines(one: list[Json], other: list[Json]) -> list[Json]:
    merged = {line["line"]: dict(line) for line in one}
    for line in other:
        into = merged.get(line["line"])
        if into is None:
            merged[line["line"]] = dict(line)
            continue
        for key in ("increment_bytes", "occurrences", "time_ns"):
            if key in line:
                into[key] = bounded(into.get(key, 0) + line[key])
        into.update(merged_sums(into, line))
        for key in ("memory_bytes", "peak_bytes"):
            if key in line:
                into[key] = max(into.get(key, line[key]), line[key])
    return [merged[number] for number in sorted(merged)]


def _outermost_of(ledgers: tuple[Json, Json]) -> Json:
    """Nothing where one was saved before this was known."""
    if not all("outermost_bytes" in ledger for ledger in ledgers):
        return {}
    return {"outermost_bytes": sum(ledger["outermost_bytes"] for ledger in ledgers)}


def merge_functions(one: Json, other: Json) -> Json:
    """Both measurements of a function as one: growth is added, the first entry is the larger."""
    ledgers = one["ledger"], other["ledger"]
    entry = max(ledger["entry_bytes"] for ledger in ledgers)
    surplus = sum(ledger["entry_bytes"] for ledger in ledgers) - entry
    in_flight = sum(ledger.get("in_flight_bytes", 0) for ledger in ledgers)
    lines = _merge_lines(one["lines"], other["lines"])
    if has_allocations(one) != has_allocations(other):  # a part is not the whole
        lines = [without_allocations(line) for line in lines]
    # The first row begins with the memory at the first entry.
    lines[0]["increment_bytes"] -= surplus
    return {
        **one,
        "lines": lines,
        "ledger": {
            "first_line": ledgers[0].get("first_line", one["first_line"]),
            "entry_bytes": entry,
            "segments_bytes": sum(ledger["segments_bytes"] for ledger in ledgers),
            **_outermost_of(ledgers),
            "tool_bytes": sum(ledger["tool_bytes"] for ledger in ledgers),
            "increments_bytes": sum(line["increment_bytes"] for line in lines),
            **({"in_flight_bytes": in_flight} if in_flight else {}),
        },
    }


def functions_of(runs: list[Json]) -> list[Json]:
    """All functions of runs and of their processes, the same ones merged, as they appear.

    Those that look the same in one process were told apart there: the first is the others' first.
    """
    found: dict[Any, Json] = {}
    for run in runs:
        for process in run["processes"]:
            seen: Counter[Any] = Counter()
            for function in process["functions"]:
                key = key_of(function), seen[key_of(function)]
                seen[key[0]] += 1
                found[key] = merge_functions(found[key], function) if key in found else function
    return list(found.values())


def places_of(process: Json) -> str:
    """Where a process was when it was killed: ``in f() at x.py:3``; empty where it is not known."""
    return ", ".join(
        f"in {thread['function']}() at {thread['filename']}:{thread['line']}"
        for thread in process.get("running", [])
    )


def is_finished(run: Json) -> bool:
    return run["finished"] and all(process.get("finished", True) for process in run["processes"])


def heads_of(run: Json) -> list[Json]:
    """What a run says of itself and of its processes, without what they measured.

    One for a run as it was saved, several for a merged one.
    """
    if "merged" in run:
        merged: list[Json] = run["merged"]
        return merged
    processes = [
        {key: value for key, value in process.items() if key != "functions"}
        for process in run["processes"]
    ]
    return [{**run, "processes": processes}]


def _agreed(holders: list[Json]) -> Json:
    """The members that are the same in all."""
    first, *others = holders
    return {
        key: value
        for key, value in first.items()
        if all(key in other and other[key] == value for other in others)
    }


def _merge_processes(processes: list[Json], functions: list[Json]) -> Json:
    measured = "functions", "heap", "heap_types", "bill"
    merged = _agreed(
        [
            {key: value for key, value in process.items() if key not in measured}
            for process in processes
        ]
    )
    heap = heap_of(processes)
    names = dict.fromkeys(process["name"] for process in processes)
    counts = {
        key: sum(process[key] for process in processes)
        for key in ("reads", "skipped", "surprises")
        if all(type(process.get(key)) is int for process in processes)
    }
    return {
        "pid": 0,
        **merged,
        "name": ", ".join(names),
        **counts,
        **({} if heap is None else {"heap": heap}),
        "functions": functions,
    }


def merge_runs(runs: list[Json]) -> Json:
    """One run that gives the same report; what was said of each of them stands in ``merged``."""
    if len(runs) == 1:
        return runs[0]
    from ._saved_types import merged_types  # what a program that is profiled does without

    processes = [process for run in runs for process in run["processes"]]
    merged = [_merge_processes(processes, functions_of(runs))] if processes else []
    for process in merged:
        process.update(merged_types(runs))
    return {
        "command": [],
        **_agreed([{key: run[key] for key in run if key != "processes"} for run in runs]),
        "time": max(run.get("time", 0) for run in runs),
        "finished": all(is_finished(run) for run in runs),
        "merged": [head for run in runs for head in heads_of(run)],
        "processes": merged,
    }
