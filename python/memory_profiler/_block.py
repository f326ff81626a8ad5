"""``with profile(stream=…):`` around a block: a table of the block's lines whenever it ends."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

import sys

from ._memprof import quietly
from ._profiler import LineProfiler, is_off, measurements
from ._source import capture, file_of, last_line
from ._tables import Measurement, write_or_complain, write_table
from ._targets import complain_once, nested_codes
from ._units import MIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

    from ._types import Measure, Writer

_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_MOST_KNOWN = 1000
_known: dict[tuple[CodeType, int], range] = {}  # (code, line of a with) -> the lines of its block


class Asked:
    """What ``profile(stream=…, precision=…, …)`` gives: a decorator, and a context manager."""

    def __init__(
        self,
        decorate: Callable[[Any], Any],
        stream: Writer | None,
        precision: int,
        no_block: str = "",
        **measured: Any,
    ) -> None:
        self._decorate = decorate
        self.stream, self.precision, self.measured = stream, precision, measured
        self._no_block = no_block  # why it decorates alone
        self._running: list[_Block | None] = []  # nested, where one is used for several blocks

    def __call__(self, func: Any) -> Any:
        return self._decorate(func)

    def __enter__(self) -> Asked:
        if self._no_block and not is_off():
            raise TypeError(self._no_block)
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_globals.get("__name__") == "contextlib":
            frame = frame.f_back
        block = None if is_off() else quietly(self._begin, frame)
        self._running.append(block)
        if block is not None:
            block.enable()
        return self

    def _begin(self, frame: FrameType) -> _Block | None:
        try:
            return _Block(frame, self)
        except (OSError, RuntimeError) as error:
            is_ours = type(error) is OSError or type(error) is RuntimeError
            if self.measured.get("peak") or not is_ours:
                raise  # asked for what cannot be had here; the program's own
            complain_once(f"{error}; blocks are not profiled")
            return None

    def __exit__(self, *exception: object) -> None:
        block = self._running.pop()
        if block is not None:
            block.disable()
            quietly(_Block.print, block)


class _Block(LineProfiler):
    """Counts the lines of one block, once."""

    def __init__(self, frame: FrameType, asked: Asked) -> None:
        super().__init__(**asked.measured)
        code = frame.f_code
        self._asked, self._code, self._line = asked, code, frame.f_lineno
        self._source = capture(code, frame.f_globals)
        self._lines = _lines_of_block(code, self._source, self._line)
        self._at = self._watch([code, *_codes_inside(code, self._lines, bool(self._source))])

        # No line begins in a block that stands on one line: it is read before and after.
        self._reads = len(self._lines) == 1 and self.backend != "tracemalloc"
        self._begin = self._end = 0.0
        if self._reads:
            from functools import partial

            from ._usage import _get_memory

            self._read = partial(_get_memory, -1, self.backend)
            self._read()

    def enable(self) -> None:
        self._begin = self._read() if self._reads else 0.0
        self._core.keep_to(self._code)
        self._core.enable()

    def disable(self) -> None:
        self._core.disable()
        self._end = self._read() if self._reads else 0.0

    def _measures(self) -> dict[int, Measure]:
        """Of the block's lines; the first row has the memory at the begin, as a function's has."""
        if self._reads:
            return {self._line: (self._end, self._begin, 1)}
        measures = measurements(self.rows_of(self._at))
        entry = measures.pop(self._code.co_firstlineno, (0.0, 0.0, 0))
        first = self._lines[0]
        row = measures.get(first, (0.0, 0.0, 0))
        if first == self._code.co_firstlineno:
            row, entry = entry, row
        begin = self.ledger_of(self._at)["entry_bytes"] / MIB
        values = row[0] + entry[0], begin, 1
        peak, time = getattr(row, "peak", None), getattr(row, "time", None)
        return {**measures, first: Measurement(values, peak, time)}

    def print(self) -> None:
        if not self._reads and self._at not in self.measured():
            return  # it was left before a line began
        stream, name = self._asked.stream, self._code.co_name
        if not write_or_complain(self._write, stream, sys.stdout, name):
            self._asked.stream = None

    def _write(self, stream: Writer) -> None:
        measures = self._measures()
        lines = ((line, measures.get(line)) for line in self._lines)
        write_table(stream, file_of(self._code), lines, self._source, self._asked.precision)


def _codes_inside(code: CodeType, lines: range, is_known: bool) -> list[CodeType]:
    """The code that is written inside a block: what it calls elsewhere is its line's growth."""
    inside = [
        constant
        for constant in code.co_consts
        if isinstance(constant, type(code))
        and constant.co_firstlineno in lines
        and (is_known or constant.co_name in _COMPREHENSIONS)
    ]
    return [nested for constant in inside for nested in nested_codes(constant)]


def _lines_of_block(code: CodeType, source: list[str], line: int) -> range:
    """The lines of the ``with`` statement at a line, to the end of its block."""
    known = _known.get((code, line))
    if known is None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        last = last_line([code], line)
        known = _known[code, line] = _find_block(source, line) or range(line, last + 1)
    return known


def _find_block(source: list[str], line: int) -> range | None:
    """The innermost ``with`` whose head has the line; None where the source is not known."""
    import ast

    found = None
    try:
        nodes = ast.walk(ast.parse("".join(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in nodes:
        if not isinstance(node, (ast.With, ast.AsyncWith)) or node.end_lineno is None:
            continue
        is_there = node.lineno <= line <= max(node.lineno, node.body[0].lineno - 1)
        if is_there and (found is None or node.lineno >= found[0]):
            found = range(node.lineno, node.end_lineno + 1)
    return found
