"""Tables of lines: where measurements are kept, and how they are printed."""

from __future__ import annotations

from ._own import builtins as __builtins__, variable  # noqa: F401

import sys

from ._memprof import format_row, table_facts, table_header, table_row
from ._source import capture, file_of, line_numbers
from ._targets import nested_codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType
    from typing import Any

    from ._memprof import _Table
    from ._types import Lines, Measure, ShownLines, Source, Writer


class Measurement(tuple):  # type: ignore[type-arg]
    """(increment MiB, memory MiB, occurrences) of a line, and what else was asked for.

    ``peak``: the most MiB above the line's start that were held while it ran, or None.
    ``time``: how long it ran in seconds, or None.
    ``heap``: (MiB allocated, allocations, MiB at the heap's peak, MiB left), or None.
    """

    peak: float | None
    time: float | None
    heap: tuple[float, int, float, float] | None

    def __new__(
        cls,
        values: Measure,
        peak: float | None = None,
        time: float | None = None,
        heap: tuple[float, int, float, float] | None = None,
    ) -> Measurement:
        self = super().__new__(cls, values)
        self.peak = peak
        self.time = time
        self.heap = heap
        return self


class CodeMap(dict):  # type: ignore[type-arg]
    """Measurements by code object: code -> {line: (increment MiB, memory MiB, occurrences)}.

    Code nested in a function shares the function's dict. Lines stand in order. Code that equals
    another's, as in two files with the same text, has an entry of its own; code that was never
    added finds its equal.
    """

    def __init__(self, include_children: bool = False, backend: str = "psutil") -> None:
        super().__init__()
        self.include_children = include_children
        self.backend = backend
        self._toplevel: list[tuple[str, CodeType, range]] = []  # (file name, code, line numbers)
        # Identity of code in _toplevel -> the lines of its file when it was added.
        self._sources: dict[int, list[str]] = {}
        self._added: set[int] = set()  # identities of all code that add() has put here
        # Identity of code whose equal is the key of another entry -> (code, its own measures).
        self._twins: dict[int, tuple[CodeType, dict[int, Measure]]] = {}
        # Of trace(): the newest reading in MiB, by the identity of a function's dict.
        self._readings: dict[int, float] = {}

    def __getitem__(self, code: CodeType) -> Any:
        twin = self._twins.get(id(code))
        return super().__getitem__(code) if twin is None else twin[1]

    def _has(self, code: CodeType) -> bool:
        """Whether this very code is here."""
        return code in self and (id(code) in self._added or any(key is code for key in self))

    def _put(self, code: CodeType, measures: dict[int, Measure]) -> None:
        if code in self:
            self._twins[id(code)] = code, measures
        else:
            self[code] = measures
        self._added.add(id(code))

    def entries(self) -> Iterator[tuple[CodeType, dict[int, Measure]]]:
        """(code, its measures) of all code, also of what is nested."""
        yield from dict.items(self)
        yield from self._twins.values()

    def add(self, code: CodeType, toplevel_code: CodeType | None = None) -> None:
        """Make room for a function's code and for all code nested in it."""
        if self._has(code):
            return
        if toplevel_code is None:
            lines = capture(code)
            numbers = line_numbers(code, nested_codes(code), lines)
            self._toplevel.append((file_of(code), code, numbers))
            self._sources[id(code)] = lines
            self._put(code, {})
            toplevel_code = code
        else:
            self._put(code, self[toplevel_code])
        for constant in code.co_consts:
            if isinstance(constant, type(code)):
                self.add(constant, toplevel_code=toplevel_code)

    def add_decorated(self, code: CodeType) -> None:
        """add(), with an entry of its own also for code nested in a function that is here."""
        if self._has(code) and id(code) not in self._sources:
            for nested in nested_codes(code):
                self._added.discard(id(nested))
                if self._twins.pop(id(nested), None) is None:
                    self.pop(nested, None)
        self.add(code)

    def trace(self, code: CodeType, lineno: int, prev_lineno: int | None) -> None:
        """A tracer's word that ``lineno`` has just ended, and ``prev_lineno`` before it.

        Without a line before, or with the function's first, the function was entered: what happened
        since it was left is not its growth.
        """
        from ._usage import _get_memory

        memory = _get_memory(
            -1, self.backend, include_children=self.include_children, filename=code.co_filename
        )
        measures = self[code]
        before = self._readings.get(id(measures), 0.0)
        self._readings[id(measures)] = memory
        if measures and (not prev_lineno or lineno == code.co_firstlineno):
            before = memory
        increment, most, occurrences = measures.get(lineno) or (0.0, 0.0, 0)
        measures[lineno] = Measurement(
            (increment + memory - before, max(memory, most), occurrences + 1)
        )

    def items(self) -> Iterator[tuple[str, Lines]]:  # type: ignore[override]
        """Yield (file name, iterator of (line, measurement or None)) of functions that ran."""
        for filename, code, numbers in self._toplevel:
            measures = self[code]
            if measures:
                yield filename, ((line, measures.get(line)) for line in numbers)

    def tables(self) -> Iterator[tuple[str, Lines, Source]]:
        """Like items(), with the lines of the source file as third part."""
        for filename, code, numbers in self._toplevel:
            measures = self[code]
            if measures:
                lines = ((line, measures.get(line)) for line in numbers)
                yield filename, lines, self._sources.get(id(code), [])


def has_twins(code_map: Any) -> bool:
    """Whether a code map tells equal code apart: one with its own add(), as Spark's, does not."""
    return getattr(type(code_map), "add", None) is CodeMap.add


def entries_of(code_map: Any) -> Iterator[tuple[CodeType, dict[int, Measure]]]:
    """(code, its measures) of all code in any code map."""
    return code_map.entries() if has_twins(code_map) else iter(dict.items(code_map))


def tables_of(code_map: Any) -> Iterator[tuple[str, Lines, Source]]:
    """The tables of any code map: the source as it ran where it is known, else as it is now."""
    if getattr(type(code_map), "items", None) is CodeMap.items:
        yield from code_map.tables()
        return
    import linecache

    for entry in code_map.items():
        yield str(entry[0]), entry[1], linecache.getlines(str(entry[0]))


def wants_colour(stream: Any) -> bool:
    """Whether what a stream shows may be painted: NO_COLOR, CLICOLOR_FORCE, a terminal."""
    if variable("NO_COLOR"):
        return False
    if variable("CLICOLOR_FORCE") not in (None, "", "0"):
        return True
    try:
        return stream.isatty() and variable("TERM") not in (None, "", "dumb")
    except Exception:  # whatever the program has put there
        return False


def careful_writer(stream: Writer) -> Callable[[str], None]:
    """stream.write, with escapes for characters that the stream's encoding cannot hold."""

    def write(text: str) -> None:
        try:
            stream.write(text)
        except UnicodeEncodeError as error:
            stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))

    return write


class Columns:
    """The columns beside memory that a table has, as the native row writer takes them."""

    def __init__(self, lines: ShownLines) -> None:
        measures = [measure for _, measure, _ in lines if measure]
        times = [getattr(measure, "time", None) for measure in measures]
        self.peak = any(getattr(measure, "peak", None) is not None for measure in measures)
        self.time = any(time is not None for time in times)
        self.heap = any(getattr(measure, "heap", None) is not None for measure in measures)
        self.total = sum(filter(None, times))

    def of(self, measure: Measure | None) -> tuple[Any, Any, Any]:
        """(peak MiB or None, (microseconds, per hit, percent) or None, heap or None) of a row."""
        peak = (getattr(measure, "peak", None) or 0.0) if self.peak else None
        heap = (getattr(measure, "heap", None) or ()) if self.heap else None
        if not self.time:
            return peak, None, heap
        time = getattr(measure, "time", None) or 0.0
        hits = measure[2] if measure else 0
        share = 100 * time / self.total if self.total else 0.0
        return peak, (time * 1e6, time * 1e6 / max(hits, 1), share), heap


def shown_lines(lines: Lines, source: Source) -> ShownLines:
    """[(number, measurement or None, text with its newline)] of the lines that a table shows."""
    # Without source there is nothing to say about lines that never ran.
    shown = []
    for line, measure in lines:
        if source or measure:
            text = source[line - 1] if 0 < line <= len(source) else "\n"
            shown.append((line, measure, text if text.endswith("\n") else text + "\n"))
    return shown


_heads = [0]


def any_table() -> bool:
    """Whether one was printed, to whatever stream."""
    return _heads[0] > 0


def _write_head(
    write: Callable[[str], object],
    filename: str,
    peak: bool,
    time: bool,
    seconds: float,
    heap: bool = False,
) -> None:
    _heads[0] += 1
    if not filename.isprintable():  # rarely: what is imported here is not needed otherwise
        from ._visible import visible

        filename = visible(filename)
    header = table_header(peak, time, heap)
    write(f"Filename: {filename}\n")
    if time:
        write(f"Total time: {seconds:g} s (the unit of Time and Per Hit is 1e-06 s)\n")
    write("\n" + header + "\n")
    write("=" * len(header) + "\n")


def write_call_table(
    stream: Writer,
    filename: str,
    table: _Table,
    numbers: range,
    source: Source,
    precision: int,
    heap_of: Callable[[int], Any] | None = None,
) -> None:
    """Print the core's table of a call that has just ended; heap_of(line): what was allocated.

    Row by row: what is printed while the program runs must not need memory of its own.
    """
    write = careful_writer(stream)
    colour = wants_colour(stream)
    _write_head(write, filename, *table_facts(table), heap_of is not None)
    for line in numbers:
        text = None
        if source:
            text = source[line - 1] if line <= len(source) else "\n"
            text = text if text.endswith("\n") else text + "\n"
        heap = None if heap_of is None else heap_of(line)
        row = table_row(table, line, text, precision, colour, heap)
        if row is not None:
            write(row)
    write("\n\n")


def write_or_complain(write: Callable[[Any], object], stream: Any, default: Any, name: str) -> bool:
    """write(stream), or write(default) where no stream was named or that cannot be written to:
    then a line says why. Returns whether the stream goes on being of use."""
    if stream is None or stream is default:
        write(default)
        return True
    try:
        write(stream)
        return True
    except Exception as error:  # as where the program has closed its file
        _complain_of_stream(name, error)
        write(default)
        return False


def _complain_of_stream(name: str, error: Exception) -> None:
    """Say why a table is not in the stream that ``@profile(stream=…)`` named."""
    try:
        from ._visible import complain, reason
    except ImportError:  # a generator that is left open ends when nothing can be imported any more
        return

    complain(
        f"memory_profiler: the stream of @profile over {name}() cannot be written to "
        f"({reason(error)}): the table is printed with the others"
    )


def heading_so_far(seconds: float) -> str:
    """What stands above the tables of a program that goes on."""
    return f"Tables so far, {seconds:.1f} s after the start:\n\n"


def write_table(
    stream: Writer,
    filename: str,
    lines: Lines,
    source: Source,
    precision: int,
    colour: bool | None = None,
    note: str | None = None,
) -> None:
    """Print one table, a write for each line; blank columns for lines that never ran.

    ``colour``: whether to mark what grew most; by default where the stream is a terminal.
    ``note``: a line below the table.
    """
    shown = shown_lines(lines, source)
    columns = Columns(shown)
    if colour is None:
        colour = wants_colour(stream)
    # What lines matter by, and are painted: all growth, the first reading apart.
    growth = sum(abs(measure[0]) for _, measure, _ in shown[1:] if measure) if colour else -1
    write = careful_writer(stream)
    _write_head(write, filename, columns.peak, columns.time, columns.total, columns.heap)
    for i, (line, measure, text) in enumerate(shown):
        matters = growth if i > 0 else -1
        write(format_row(line, measure, text, precision, matters, *columns.of(measure)))
    if note is not None:
        write(f"({note})\n")
    write("\n\n")


def show_results(prof: Any, stream: Writer | None = None, precision: int = 1) -> None:
    """Print the tables of a profiler: memory in MiB with ``precision`` decimals.

    ``prof`` is anything whose ``code_map.items()`` gives (file name, pairs of a line's number and
    its measurement or None).
    """
    if stream is None:
        stream = sys.stdout
    for filename, lines, source in tables_of(prof.code_map):
        write_table(stream, filename, lines, source, precision)


class LogFile:
    """A stream that sends each line of a table to a logger.

    With ``reportIncrementFlag`` only the heads of tables and the lines that grew are sent.
    """

    def __init__(self, name: str | None = None, reportIncrementFlag: bool = False) -> None:
        import logging

        self.logger = logging.getLogger(name)
        self.reportIncrementFlag = reportIncrementFlag

    @staticmethod
    def _grew(message: str) -> bool:
        """Whether a row of a table has an increment above zero: its second number of MiB."""
        fields = message.split(None, 5)
        if len(fields) < 5 or fields[2] != "MiB" or fields[4] != "MiB":
            return False
        try:
            return float(fields[3]) > 0
        except ValueError:
            return False

    def write(self, msg: str, level: int = 20) -> None:
        """Log one line; ``level`` as in the logging module (20 is INFO)."""
        head = msg.startswith("Filename:") or "Line Contents" in msg
        if not self.reportIncrementFlag or head or self._grew(msg):
            self.logger.log(level, msg)

    def flush(self) -> None:
        """Have the handlers of the logger write what they hold."""
        for handler in self.logger.handlers:
            handler.flush()
