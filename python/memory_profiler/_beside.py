"""The tables of a process that sits in C code: run beside it by the handler of a signal.

    _beside {"began": SECONDS, "end": {"json": FILE, "children": FOLDER, "functions": BOOL}} BOX
    _beside {"began": SECONDS} BOX    it goes on, and does not end

SECONDS: its start on the monotonic clock. BOX: a copy of its black box (memprof/lines/line_box.h).
"""

from __future__ import annotations

import json
import linecache
import os
import sys
import time
from contextlib import suppress

from ._live import SUFFIX
from ._saved import write_run
from ._saved_check import read_run
from ._saved_runs import functions_of, places_of, print_function
from ._source import end_of_block
from ._tables import heading_so_far
from ._visible import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

    from ._types import Json


def _source_of(function: Json, began: float) -> list[str]:
    """What its file holds, unless that was edited since the program began."""
    path = function["filename"]
    try:
        if os.stat(path).st_mtime > time.time() - (time.monotonic() - began):
            return []
        lines, first = linecache.getlines(path), function["first_line"]
        last = max(line["line"] for line in function["lines"])
        return lines[first - 1 : max(last, end_of_block(lines, first, last))]
    except (OSError, ValueError):
        return []


def add_sources(run: Json, began: float) -> None:
    """Functions that -p and --all selected tell theirs only to files that last."""
    for process in run["processes"]:
        for function in process["functions"]:
            function["source"] = function["source"] or _source_of(function, began)


def print_tables(run: Json, stream: IO[str]) -> None:
    for function in functions_of([run]):
        print_function(function, stream)


def seconds_since(began: float, box: str) -> float:
    """From the start until the copy was made."""
    return time.monotonic() - began - (time.time() - os.stat(box).st_mtime)


def print_so_far(run: Json, began: float, box: str, stream: IO[str]) -> None:
    stream.write(heading_so_far(seconds_since(began, box)))
    print_tables(run, stream)


def end(run: Json, request: Json, stream: IO[str]) -> None:
    """What the process would have printed and written, but for what needs it itself."""
    run.pop("children_folder", None)  # what is in it is added here
    print_tables(run, stream)
    places = places_of(run["processes"][0])
    complaints = [f"memory_profiler: killed while {places}"] if places else []
    if request["children"]:
        from ._children import collect, print_children

        processes, of_children = collect(request["children"])
        print_children(processes, stream)
        run["processes"] += processes
        complaints += of_children
    for what in request["without"]:
        complaints.append(f"memory_profiler: no {what}: it was killed in C code")
    if request["json"]:
        write_run(request["json"], run)
        with suppress(OSError):
            os.remove(request["json"] + SUFFIX)
    for line in complaints:
        complain(line)


def main(request_text: str, box: str) -> int:
    request, run, stream = json.loads(request_text), read_run(box), sys.stdout
    add_sources(run, request["began"])
    stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if "end" in request:
        end(run, request["end"], stream)
    else:
        print_so_far(run, request["began"], box, stream)
    stream.flush()
    return 0
