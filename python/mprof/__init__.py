"""Reading what `mprof run` has recorded, and starting the native mprof.

import mprof
profile = mprof.read_mprofile_file("mprofile_20260101120000.dat")

PYTEST_DONT_REWRITE, since a program that starts pytest may have imported it already.
"""

# ruff: noqa: E402
from __future__ import annotations

import sys

# `python -m` has put the current folder in front, whose files may be called as what we import.
_is_first = sys.argv[:1] == ["-m"] and not getattr(sys.flags, "safe_path", False)
_aside = [sys.path.pop(0)] if _is_first else []

from collections import defaultdict

from ._actions import (
    act,
    attach_action,
    clean_action,
    function_labels,
    get_action,
    list_action,
    peak_action,
    plot_action,
    rm_action,
    run_action,
)

sys.path[:0] = _aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "read_mprofile_file",
    "main",
    "attach_action",
    "clean_action",
    "function_labels",
    "get_action",
    "list_action",
    "peak_action",
    "plot_action",
    "rm_action",
    "run_action",
]


def read_mprofile_file(filename: str) -> dict[str, Any]:
    """The contents of a profile, as a dict:

    mem_usage, timestamp   the samples, MiB and seconds since the epoch
    func_timestamp         function -> list of [start, end, mem_start, mem_end, level]
    children               pid (a string) -> list of (MiB, epoch)
    cmd_line, filename     as recorded, and as given

    Lines with other keywords, and lines that are torn or cut short, are skipped.
    """
    from memory_profiler import _memprof  # only who reads a profile needs it

    memory, moments, functions, children, command_line = _memprof.read_profile(filename)
    return {
        "mem_usage": memory,
        "timestamp": moments,
        "func_timestamp": functions,
        "filename": filename,
        "cmd_line": None if command_line is None else command_line + "\n",
        "children": defaultdict(list, children),
    }


def main() -> int:
    """Runs the native mprof of this package with the arguments of this process.

    Returns 0, or raises SystemExit with its exit status.
    """
    act(*sys.argv[1:])
    return 0
