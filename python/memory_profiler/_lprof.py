"""``--lprof FILE``: the times of lines as line_profiler saves them."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

import pickle

from ._files import open_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._script_profiler import ScriptProfiler

    _Timings = dict[tuple[str, int, str], list[tuple[int, int, int]]]

# An object of this class follows, made without arguments: line_profiler itself is not needed here.
_HEAD = b"\x80\x03cline_profiler.line_profiler\nLineStats\n)\x81"
_TAIL = b"b."  # its attributes stand before
_UNIT = 1e-9  # of the times, in seconds


def timings_of(profiler: ScriptProfiler) -> _Timings:
    """(file, first line, name) of each function that ran -> [(line, hits, nanoseconds)]."""
    sums: dict[tuple[str, int, str], dict[int, tuple[int, int]]] = {}
    for code, rows in profiler.ran():
        first, name = code.co_firstlineno, getattr(code, "co_qualname", code.co_name)
        lines = sums.setdefault((code.co_filename, first, name), {})
        for line, _, _, hits, _, time in rows:
            if line != first or time:  # the first row counts entries, which are no time
                known = lines.get(line, (0, 0))  # of equal code that has a table of its own
                lines[line] = known[0] + hits, known[1] + (time or 0)
    return {key: [(line, *lines[line]) for line in sorted(lines)] for key, lines in sums.items()}


def write_lprof(path: str, profiler: ScriptProfiler) -> None:
    attributes = {"timings": timings_of(profiler), "unit": _UNIT}
    with open_output(path, "wb") as file:
        file.write(_HEAD + pickle.dumps(attributes, 3)[2:-1] + _TAIL)
