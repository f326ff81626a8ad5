"""The ranking of a run: which lines grew most, which peaked, and where memory was highest."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import sys

from ._memprof import format_peak, format_ranked, new_ranking, ranked, ranking_header
from ._tables import wants_colour
from ._units import MIB
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._memprof import _Highest, _Place, _Ranked
    from ._script_profiler import ScriptProfiler, _AlwaysCounting
    from ._short_names import ShortNames

FEW = 3  # functions whose tables can be read at a glance

# Of a row where there is no terminal, and of its line in any case.
WIDTH, LEAST_TEXT = 160, 20

OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


# ---- where to


def _descriptor(stream: Any) -> int | None:
    try:
        number = stream.fileno()
    except Exception:  # whatever the program has put there
        return None
    return number if type(number) is int else None


def _is_terminal(stream: Any) -> bool:
    """Whatever the stream says of itself: programs pretend to have one, for colours."""
    descriptor = _descriptor(stream)
    return descriptor is not None and os.isatty(descriptor)


def _is_error_output(stream: Any, began_with: tuple[int, int] | None) -> bool:
    """Whether it is the stderr that the program began with: another one that the program has put
    there may end in its stdout or in a file of its own, as may descriptor 2."""
    if not callable(getattr(stream, "write", None)) or getattr(stream, "closed", False):
        return False
    return _descriptor(stream) == 2 and began_with is not None and file_behind(2) == began_with


def write_to(stream: Any, text: str) -> None:
    """Past its buffer: what could not be written would spoil the program's exit status at the
    end."""
    stream.flush()
    rest = text.encode(getattr(stream, "encoding", None) or "utf-8", "backslashreplace")
    while rest:
        rest = rest[os.write(stream.fileno(), rest) :]


def width_of(stream: Any) -> int:
    """Columns that a row may have."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH
    except OSError:
        return WIDTH


def file_behind(which: int | str | None) -> tuple[int, int] | None:
    """What two descriptors or names have in common that lead to one file."""
    try:
        found = os.stat("" if which is None else which)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def stream_of(
    tables: Any, path: str | None, others: list[Any], began_with: tuple[int, int] | None
) -> Any:
    """Where a ranking goes that stands beside tables in ``path``, or else in the stream ``tables``.

    A terminal or stderr, and never where tables go that are no terminal, or what the program
    prints: None where stderr is that, too. ``others``: streams that functions named for theirs;
    ``began_with``: the file behind stderr when the program began.
    """
    if path is None and _is_terminal(tables):
        return tables
    for stream in (sys.stderr, sys.__stderr__):
        if not _is_error_output(stream, began_with):
            continue
        if _is_terminal(stream):
            return stream
        outputs = [_descriptor(other) for other in (tables, sys.stdout, sys.__stdout__, *others)]
        taken = {file_behind(which) for which in (*outputs, path)}
        return None if began_with in taken else stream
    return None


# ---- what it says


def _line_of(place: _Place) -> int | None:
    """The line on which a place was; None where the instruction has none."""
    _, _, table, first_line, offset, line = place
    if line:
        return line
    # Any code that has this table tells the lines in it.
    code = _line_of.__code__.replace(co_linetable=table, co_firstlineno=first_line)
    for start, end, number in code.co_lines():
        if start <= offset < end:
            return number
    return None


class Ranking:
    """The ranking of a run that is about to begin."""

    def __init__(self, profiler: ScriptProfiler, names: ShortNames, is_all: bool) -> None:
        """``is_all``: there are no tables of other processes beside it."""
        self._profiler = profiler
        self._whose = "the run" if is_all else "this process"
        self._names = names
        self._ran: list[tuple[_AlwaysCounting, int]] = []
        self._highest: _Highest | None = None
        self._error_output = file_behind(2)
        self._width = WIDTH
        profiler.note_highest()

    def run_ended(self) -> None:
        """To be called before anything else is done: the end needs memory of its own."""
        self._highest = self._profiler.highest()

    def _row(self, one: _Ranked, has_peak: bool, growth: float) -> str:
        which, line, increment, memory, hits, peak = one
        counting, index = self._ran[which]
        code, _, source = counting.shown(index)
        text = source[line - 1].strip() if 0 < line <= len(source) else ""
        name = self._where(code.co_filename, line, getattr(code, "co_qualname", code.co_name))
        text = self._cut(visible(text), name)
        return format_ranked(
            increment / MIB,
            memory / MIB,
            hits,
            peak / MIB if has_peak else None,
            f"{name}  {text}".rstrip(),
            self._profiler.precision,
            growth,
        )

    def _cut(self, text: str, name: str) -> str:
        """What there is room for behind the numbers and a name."""
        header = ranking_header(self._profiler.measures_peaks)
        room = self._width - len(header) + len("Line") - len(f"{name}  ")
        room = max(room, LEAST_TEXT)
        return text if len(text) <= room else text[: room - 3] + "..."

    def _where(self, filename: str, line: int | None, name: str) -> str:
        line_text = "" if line is None else f":{line}"
        return f"{self._names.of(filename)}{line_text}({visible(name)})"

    def _list(
        self, write: Callable[[str], None], title: str, lines: list[_Ranked], colour: bool
    ) -> None:
        if not lines:
            return
        has_peak = self._profiler.measures_peaks
        header = ranking_header(has_peak)
        write(f"{title}\n\n{header}\n{'=' * len(header)}\n")
        growth = max(max(one[2] for one in lines), 0) / MIB if colour else -1
        for one in lines:
            write(self._row(one, has_peak, growth))
        write("\n")

    def write_beside(self, tables: Any, path: str | None) -> None:
        """Where it may stand, of tables in ``path`` or else in the stream ``tables``."""
        streams = self._profiler.streams()
        stream = stream_of(tables, path, streams, self._error_output)
        if stream is not None:
            self._width = width_of(stream)
            write_to(stream, self.text(wants_colour(stream)))

    def text(self, colour: bool) -> str:
        """Empty for a run with few functions."""
        self._ran = self._profiler.ran_alike()
        if len(self._ran) <= FEW:
            return ""
        has_peak = self._profiler.measures_peaks
        ranking = new_ranking(has_peak)
        for which, (counting, index) in enumerate(self._ran):
            counting.rank(index, ranking, which)
        grew, peaked = ranked(ranking)
        parts: list[str] = []
        write = parts.append
        lines = f"Lines of {self._whose}"
        self._list(write, f"{lines} that grew most, with what they called:", grew, colour)
        how = "held most above their start" if has_peak else "memory was highest after"
        self._list(write, f"{lines} that {how}:", peaked, colour)
        self._write_highest(write)
        return "".join(parts)

    def _write_highest(self, write: Callable[[str], None]) -> None:
        if self._highest is None:
            return
        held, seconds, is_read, places, kernel = self._highest
        places = self._programs(places)
        line = format_peak(self._whose, held / MIB, seconds, self._profiler.precision)
        if not places:
            line += ", outside of these functions"
        else:
            first, *callers = [self._where(place[0], _line_of(place), place[1]) for place in places]
            line += f", in {first}"
            if callers:
                line += f", called from {', '.join(callers)}"
        write(line + "\n")
        if kernel is not None:
            write(
                f"Between readings the kernel saw up to {kernel / MIB:.{self._profiler.precision}f}"
                " MiB: --peak tells in which line\n"
            )

    @staticmethod
    def _programs(places: list[_Place]) -> list[_Place]:
        """Without what runs the program."""
        for at, place in enumerate(places):
            if place[0].startswith(OURS):
                return places[:at]
        return places
