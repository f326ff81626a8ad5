"""Reading saved runs: anybody may have written them, so all is checked before anything is used."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

import json
import math
import re
import sys

from ._allocations import HEAP_COUNTS, MEMBERS
from ._checked import MOST_DECIMALS
from ._files import open_input
from ._live import SUFFIX, is_live, run_of_live
from ._saved import FORMAT, VERSION
from ._source import MOST_LINES
from ._visible import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from ._types import Json

MOST = 1 << 62  # bytes, nanoseconds, occurrences: more than any machine has
MOST_LINE = 1 << 30  # of any file
MOST_DEEP = 50  # a run needs six levels
MOST_BYTES = 1 << 30  # of a file
_CHUNK = 1 << 16


class BadRun(Exception):
    """A file that holds no run; the message is one line for the user."""


def _check(condition: object, what: str) -> None:
    if not condition:
        raise BadRun(what)


def _check_number(holder: Json, key: str, who: str, least: int = -MOST, most: int = MOST) -> None:
    number: Any = holder.get(key)
    _check(type(number) is int, f"{who} has no whole number {key}")
    _check(least <= number <= most, f"{who}'s {key} is absurd")


def _check_text(holder: Json, key: str, who: str) -> None:
    _check(isinstance(holder.get(key), str), f"{who} has no {key}")


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _check_sums(holder: Json, who: str) -> None:
    """What was allocated, and of it what was there at the peak and what was left."""
    for key in MEMBERS:
        _check_number(holder, key, who, 0)
    for key in MEMBERS[2:]:
        whole = "allocated_bytes" if key.endswith("bytes") else "allocations"
        _check(holder[key] <= holder[whole], f"{who}'s {key} is more than was allocated")


def _check_allocations(line: Json) -> None:
    """All of what a line has allocated, or nothing of it."""
    if not any(key in line for key in (*MEMBERS, "own")):
        return
    _check_sums(line, "a line")
    own: Any = line.get("own")
    _check(isinstance(own, dict), "a line has no object own")
    _check_sums(own, "a line's own")
    _check(
        all(own[key] <= line[key] for key in MEMBERS),
        "a line itself allocated more than with what it called",
    )


def _check_heap(process: Json) -> None:
    """What a process has allocated, where that is there."""
    if "heap" not in process:
        return
    heap: Any = process["heap"]
    _check(isinstance(heap, dict), "a process' heap is no object")
    _check_sums(heap, "a heap")
    for key in HEAP_COUNTS:
        if key in heap:
            _check_number(heap, key, "a heap", 0)
    if "peak_at" in heap:
        place: Any = heap["peak_at"]
        _check(isinstance(place, dict), "a heap's peak_at is no object")
        _check_number(place, "line", "a heap's peak_at", 0, MOST_LINE)
        for key in ("filename", "name"):
            _check_text(place, key, "a heap's peak_at")


def _check_types(process: Json) -> None:
    """What lived in a process by type, where that is there."""
    types: Any = process.get("heap_types", [])
    _check(isinstance(types, list), "a process' heap_types are no list")
    for row in types:
        _check(isinstance(row, dict), "a type is no object")
        _check_text(row, "name", "a type")
        for key in ("objects", "bytes"):
            _check_number(row, key, "a type", 0)
        _check(type(row.get("is_partial", False)) is bool, "a type's is_partial is no truth value")
    _check(len({row["name"] for row in types}) == len(types), "a type is there twice")


def _check_owners(process: Json) -> None:
    """Who kept what alive, where that is there."""
    owners: Any = process.get("heap_owners", [])
    _check(isinstance(owners, list), "a process' heap_owners are no list")
    for row in owners:
        _check(isinstance(row, dict), "an owner is no object")
        for key in ("name", "type"):
            _check_text(row, key, "an owner")
        for key in ("objects", "bytes"):
            _check_number(row, key, "an owner", 0)
        _check(type(row.get("is_shared", False)) is bool, "an owner's is_shared is no truth value")


def _check_bill(process: Json) -> None:
    """What the resident memory of a process was for, where that is there."""
    if "bill" not in process:
        return
    bill: Any = process["bill"]
    _check(isinstance(bill, dict), "a bill is no object")
    _check_number(bill, "rss", "a bill", 1)
    for key in ("swap", "given_out"):
        _check_number(bill, key, "a bill", 0)
    if "why_not" in bill:
        _check_text(bill, "why_not", "a bill")
    rows: Any = bill.get("rows")
    _check(isinstance(rows, list), "a bill has no rows")
    for row in rows:
        _check(isinstance(row, dict), "a bill's row is no object")
        _check_text(row, "name", "a bill's row")
        _check_number(row, "bytes", "a bill's row")
    _check(sum(row["bytes"] for row in rows) == bill["rss"], "a bill does not add up")


def _check_line(line: Any, function: Json) -> None:
    _check(isinstance(line, dict), "a line is no object")
    for key in ("increment_bytes", "memory_bytes"):
        _check_number(line, key, "a line")
    _check_number(line, "occurrences", "a line", 0)
    _check_number(line, "line", "a line", 1, MOST_LINE)
    _check(
        abs(line["line"] - function["first_line"]) < MOST_LINES, "a line is far from its function"
    )
    for key in ("peak_bytes", "time_ns"):
        if key in line:
            _check_number(line, key, "a line")
    _check_allocations(line)


def _check_ledger(function: Json) -> None:
    ledger: Any = function.get("ledger")
    _check(isinstance(ledger, dict), "a function has no ledger")
    for key in ("entry_bytes", "segments_bytes", "tool_bytes", "increments_bytes"):
        _check_number(ledger, key, "a ledger")
    for key in ("in_flight_bytes", "outermost_bytes"):
        if key in ledger:
            _check_number(ledger, key, "a ledger")
    _check(
        sum(line["increment_bytes"] for line in function["lines"]) == ledger["increments_bytes"],
        "the increments of a function are not those of its ledger",
    )
    _check(
        ledger["entry_bytes"] + ledger["segments_bytes"] + ledger.get("in_flight_bytes", 0)
        == ledger["increments_bytes"],
        "the ledger of a function does not add up",
    )


def _check_function(function: Any) -> None:
    _check(isinstance(function, dict), "a function is no object")
    for key in ("filename", "name"):
        _check_text(function, key, "a function")
    _check_number(function, "first_line", "a function", 1, MOST_LINE)
    _check_number(function, "precision", "a function", 0, MOST_DECIMALS)
    _check(_is_texts(function.get("source")), "a function's source is no list of texts")
    _check(len(function["source"]) <= MOST_LINES, "a function's source is absurdly long")
    lines = function.get("lines")
    _check(isinstance(lines, list) and lines, "a function has no lines")
    for line in lines:
        _check_line(line, function)
    numbers = [line["line"] for line in lines]
    _check(
        all(one < other for one, other in zip(numbers, numbers[1:])),
        "a function's lines are not in order",
    )
    _check(
        len({"allocated_bytes" in line for line in lines}) == 1,
        "some lines of a function have allocations, others have none",
    )
    _check_ledger(function)


def _check_running(thread: Any) -> None:
    """Where a thread was that was killed in a watched function."""
    _check(isinstance(thread, dict), "a thread is no object")
    _check_number(thread, "thread", "a thread", 0, 1 << 64)
    _check_number(thread, "line", "a thread", 0, MOST_LINE)
    for key in ("function", "filename"):
        _check_text(thread, key, "a thread")


def _check_head(process: Json) -> None:
    _check_number(process, "pid", "a process", 0)
    _check_text(process, "name", "a process")
    _check_heap(process)
    _check_types(process)
    _check_owners(process)
    _check_bill(process)


def _check_process(process: Any) -> None:
    _check(
        isinstance(process, dict) and isinstance(process.get("functions"), list),
        "a process has no functions",
    )
    _check_head(process)
    _check(
        type(process.get("finished", True)) is bool, "a process does not say whether it is finished"
    )
    if "lacks" in process:
        _check_text(process, "lacks", "a process")
    for function in process["functions"]:
        _check_function(function)
    _check(isinstance(process.get("running", []), list), "what ran is no list")
    for thread in process.get("running", []):
        _check_running(thread)


def _check_merged(parts: Any) -> None:
    """What a merge keeps of the runs that it was made of."""
    _check(isinstance(parts, list) and parts, "it does not say of what it was merged")
    for part in parts:
        _check(
            isinstance(part, dict) and _is_texts(part.get("command")),
            "a run that it was merged of has no command",
        )
        processes = part.get("processes")
        for process in processes if isinstance(processes, list) else ():
            if isinstance(process, dict) and {"heap", "heap_types", "bill"} & process.keys():
                _check_head(process)


def _is_flat(value: Any) -> bool:
    """Whether no list or object is nested deeper than what writes it again can follow."""
    level = [value]
    for _ in range(MOST_DEEP):
        level = [
            part
            for holder in level
            for part in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(part, (dict, list))
        ]
        if not level:
            return True
    return False


def check_run(run: Any) -> None:
    """Raises BadRun where the shape is not that of docs/saved-runs.md."""
    _check(isinstance(run, dict) and run.get("format") == FORMAT, "it is no saved run")
    version = run.get("version")
    _check(type(version) is int and 0 < version < 1 << 31, "it has no version")
    _check(version <= VERSION, f"it is of version {version}, this program knows up to {VERSION}")
    _check(isinstance(run.get("processes"), list), "it has no processes")
    for process in run["processes"]:
        _check_process(process)
    _check(type(run.get("finished")) is bool, "it does not say whether it is finished")
    _check(_is_texts(run.get("command")), "its command is no list of texts")
    _check(type(run.get("time", 0)) in (int, float), "its time is no number")
    if "merged" in run:
        _check_merged(run["merged"])
    _check(_is_flat(run), "it is nested too deep")


# ---- files


def _content(file: BinaryIO) -> bytes:
    """All that a file holds, unless it begins like nothing that can be a run or never ends."""
    parts = [file.read(_CHUNK)]
    if (
        len(parts[0]) == _CHUNK
        and not is_live(parts[0])
        and not re.match(rb"[\xef\xbb\xbf\xfe\xff\s\0]{0,99}[{[]", parts[0])
    ):
        raise BadRun("it is no saved run")
    size = 0
    while parts[-1]:
        size += len(parts[-1])
        _check(size <= MOST_BYTES, f"it is larger than {MOST_BYTES >> 20} MiB")
        parts.append(file.read(_CHUNK))
    return b"".join(parts)


def _no_constant(_: str) -> float:
    raise BadRun("a number is not finite")


def _finite(text: str) -> float:
    number = float(text)
    _check(math.isfinite(number), "a number is not finite")
    return number


def _parse(text: bytes) -> Any:
    """The JSON value in a text. Raises BadRun."""
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise BadRun(f"it is no JSON: {error.msg} at line {error.lineno}") from None
    except UnicodeDecodeError:
        raise BadRun("it is no JSON: not UTF-8") from None
    except RecursionError:
        raise BadRun("it is no JSON: nested too deep") from None
    except ValueError:  # digits without end
        raise BadRun("it is no JSON: a number is absurd") from None


def _bytes_of(path: str) -> bytes:
    if path == "-":
        if sys.stdin is None:
            raise BadRun("it is closed")
        return _content(sys.stdin.buffer)
    with open_input(path) as file:
        return _content(file)


def _run_of(content: bytes) -> Json:
    try:
        run: Json = run_of_live(content, _parse) if is_live(content) else _parse(content)
        check_run(run)
    except MemoryError:
        raise BadRun("it does not fit into memory") from None
    return run


def read_left(path: str) -> Json | None:
    """What a process that was killed left in a file of live tables, or None."""
    try:
        with open_input(path) as file:
            content = _content(file)
        return _run_of(content) if is_live(content) else None
    except (OSError, ValueError, BadRun):
        return None


def _newest_run(path: str) -> Json:
    left = None if path == "-" else read_left(path + SUFFIX)
    if left is None:
        return _run_of(_bytes_of(path))
    try:
        saved = _run_of(_bytes_of(path))
    except (OSError, BadRun):  # killed before it was saved
        return left
    return saved if saved["finished"] and saved.get("time", 0) > left.get("time", 0) else left


def read_run(path: str) -> Json:
    """A run that write_run() wrote, or what is left of it; ``-``: standard input. Raises BadRun."""
    name = "standard input" if path == "-" else path
    try:
        return _newest_run(path)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise BadRun(f"cannot read {name or repr(name)}: {reason(error)}") from None
    except BadRun as error:
        raise BadRun(f"{name}: {error}") from None
