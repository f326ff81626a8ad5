"""The import form: a table whenever an outermost call ends."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import sys
from _thread import RLock
from atexit import register

from ._memprof import Profiler, flush_at_exit, quietly
from ._profiler import start_backend
from ._source import capture, file_of, line_numbers
from ._tables import write_call_table, write_or_complain
from ._targets import decorate, nested_codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._memprof import _Table
    from ._types import Watch, Writer


class _Printed:
    """A function of the import form: what its tables show."""

    __slots__ = ("name", "filename", "numbers", "source")
    name: str
    filename: str
    numbers: range
    source: list[str]


class _Request:
    """How a decorated function is printed, and where: another of the same code may differ."""

    __slots__ = ("printed", "stream", "precision", "calls")

    def __init__(
        self, printed: _Printed, stream: Writer | None, precision: int, calls: Any
    ) -> None:
        self.printed, self.stream, self.precision, self.calls = printed, stream, precision, calls


class CallTables:
    """The import form: a table for every outermost call of functions measured alike."""

    def __init__(self, backend: str, peak: bool, time: bool) -> None:
        start_backend(backend)
        self._core = Profiler(
            backend=backend,
            per_call=True,
            always_on=True,
            finished=_print_call,
            peak=peak,
            time=time,
        )
        flush_at_exit(register)

    def decorate(
        self,
        target: Any,
        stream: Writer | None,
        precision: int,
        also: Watch | None = None,
        allocations: Any = None,
        grown: Any = None,
    ) -> Any:
        """Tables of the target's functions, which are ``also`` watched by somebody else, with what
        their calls allocate, and leave behind: a Counted and a Grown, or None."""

        def calls_of(function: Any) -> Any:
            return allocations and allocations.of(function)

        def watch(function: Any) -> None:
            calls_of(function)  # refused before anything is done
            if also is not None:
                also(function)
            printed = self._core.owner(function.__code__) or quietly(self._watch, function)
            self._core.claim(function, _Request(printed, stream, precision, calls_of(function)))

        def stand_in(target: Any, function: Any) -> Any:
            made = self._core.decorate(target, function)
            if allocations is not None:
                made = calls_of(function).around(made)
            return made if grown is None else grown.around(made, function)

        return decorate(target, watch, stand_in)

    def _watch(self, function: Any) -> _Printed:
        code = function.__code__
        codes = nested_codes(code)
        printed = _Printed()
        printed.name = code.co_name
        printed.filename = file_of(code)
        printed.source = capture(code, getattr(function, "__globals__", None))
        printed.numbers = line_numbers(code, codes, printed.source)
        known: _Printed = self._core.watch(codes, printed)
        return known


def _print_call(request: _Request, table: _Table) -> None:
    printed = request.printed
    counted = request.calls and request.calls.columns_here()

    def write(stream: Writer) -> None:
        write_call_table(
            stream,
            printed.filename,
            table,
            printed.numbers,
            printed.source,
            request.precision,
            counted and (lambda line: counted[0](printed.filename, line)),
        )
        if counted:
            stream.write(counted[1] + "\n\n")

    with printing_lock():  # tables of several threads must not mix
        if not write_or_complain(write, request.stream, sys.stdout, printed.name):
            request.stream = None


_printing = os.getpid(), RLock()


def printing_lock() -> Any:
    """A lock of this process: a forked child may have inherited one that nobody will release."""
    global _printing
    if _printing[0] != os.getpid():
        _printing = os.getpid(), RLock()
    return _printing[1]
