"""What children under ``--multiprocess`` left in their parent's folder: see _children.py.

The parent looks when it ends, and whoever reads what a killed parent left.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import stat

from ._live import SUFFIX
from ._memprof import live_is_held
from ._saved_check import BadRun, read_left, read_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._types import Json

PREFIX = "memory_profiler-"  # of the folder
BEGUN, SAVED, LIVE = ".begun", ".json", SUFFIX
REFUSED = "refused"  # why children's tables cannot be kept in files there


def _is_held(path: str) -> bool:
    """Whether the process that writes this file goes on."""
    try:
        return bool(live_is_held(path))
    except OSError:
        return False


def _saved(path: str) -> tuple[Json | None, str]:
    """(the run that a child saved, why there is none)."""
    if not os.path.exists(path):
        return None, "it was killed, or ended by os._exit()"
    try:
        return read_run(path), ""
    except BadRun as error:
        return None, str(error)


def _end_of(process: Json, goes_on: bool) -> Json:
    """A process in a file that a child left; one that ended in no call lacks nothing."""
    if goes_on:
        return {**process, "goes_on": True}
    if process["running"]:
        return process
    return {key: value for key, value in process.items() if key not in ("finished", "running")}


def _lacks_of(processes: list[Json]) -> str:
    """What a file that a killed child left does not hold; empty: nothing is missing."""
    lacks = [process["lacks"] for process in processes if "lacks" in process]
    return f"was killed; its file {lacks[0]}" if lacks else ""


def _left_by(path: str) -> tuple[list[Json], str]:
    """(processes, what is to be said of them) of one child."""
    goes_on = _is_held(path + LIVE)
    saved, why = _saved(path + SAVED)
    if saved is None or not saved["finished"]:
        left = read_left(path + LIVE)
        if left is not None:
            processes = [_end_of(process, goes_on) for process in left["processes"]]
            so_far = "goes on: its tables are those so far" if goes_on else ""
            return processes, so_far or _lacks_of(processes)
        saved, why = _saved(path + SAVED)  # it may have ended just now
    if saved is None:
        return [], f"left no tables: {why}"
    if saved["finished"]:
        return saved["processes"], ""
    return [{**process, "finished": False} for process in saved["processes"]], (
        "was killed, ended by os._exit(), or goes on: its tables are those that it saved last"
    )


def left_in(folder: str) -> tuple[list[Json], list[str]]:
    """(processes by their begin, complaints)."""
    found: list[Json] = []
    names = sorted(os.listdir(folder))
    complaints = []
    if REFUSED in names:
        with open(os.path.join(folder, REFUSED), encoding="utf-8", errors="replace") as file:
            complaints.append(file.read())
    for name in names:
        if not name.endswith(BEGUN):
            continue
        name = name[: -len(BEGUN)]
        processes, what = _left_by(os.path.join(folder, name))
        found += processes
        if what:
            complaints.append(f"child process {name.split('-')[1]} {what}")
    return found, complaints


def _is_own_folder(folder: Any) -> bool:
    """Whether it can be one that a parent made for its children: a file says so, of anybody."""
    if not isinstance(folder, str) or not os.path.basename(folder).startswith(PREFIX):
        return False
    try:
        there = os.lstat(folder)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(there.st_mode) and there.st_uid == os.geteuid()


def add_children(run: Json) -> list[str]:
    """Add to a run that was killed what its children left; complaints."""
    folder: Any = run.pop("children_folder", None)
    if run["finished"] or not _is_own_folder(folder):
        return []
    processes, complaints = left_in(folder)
    run["processes"] = [*run["processes"], *processes]
    return complaints
