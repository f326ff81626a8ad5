"""``profile`` under ``python -m memory_profiler``: one table per function, at the end."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

from functools import partial

from ._block import Asked
from ._checked import check_backend, check_stream, precision_of
from ._live import describe, live
from ._profiler import LineProfiler, is_off, measurements
from ._source import capture, file_of, last_line, line_numbers
from ._tables import write_or_complain, write_table
from ._targets import complain_once, decorate, find_function, nested_codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType
    from typing import Any

    from ._allocations import Allocations

    from ._memprof import _Row
    from ._types import Json, Writer

    _Place = int | tuple["_AlwaysCounting", int]  # of ours, or of another profiler

_UNSET = object()


class _AlwaysCounting(LineProfiler):
    """Counts functions from when it is told of them.

    What a table shows is looked up at once for decorated functions, whose source may be edited
    while the program runs; for thousands of selected ones only where they ran.
    """

    _always_on = True

    def __init__(self, **kw: Any) -> None:
        super().__init__(**kw)
        # Index of a decorated function -> (line numbers, source).
        self._shown: dict[int, tuple[range, list[str]]] = {}
        self._places: dict[int, int] = {}  # identity of its code -> index
        self._sees_calls = False

    def _add(self, function: Any) -> None:
        code = function.__code__
        index = self._places[id(code)] = self._watch(nested_codes(code))
        self._decorated[id(code)] = code
        if index not in self._shown:
            source = capture(code, getattr(function, "__globals__", {}))
            self._shown[index] = line_numbers(code, nested_codes(code), source), source

    def _key_of(self, code: CodeType) -> Any:
        """A file that is run again, and what cloudpickle sends to a worker time and again, makes
        equal code: that is one function. Only what has no file is known by identity alone."""
        filename = code.co_filename
        return id(code) if filename.startswith("<") else (filename, code)

    def see_calls(self) -> None:
        """What is watched has no stand-in that could say when it is called."""
        if not self._sees_calls:
            self._sees_calls = True
            self._core.see_calls()

    def watch_code(self, code: CodeType) -> int:
        """Profile a function of which only the code is known; returns its index."""
        self.see_calls()
        return self._watch(nested_codes(code))

    def index_of(self, code: CodeType) -> int:
        """The index of a function that was added."""
        return self._places[id(code)]

    def name_of(self, index: int) -> str:
        return self._codes[index].co_name

    def shown(self, index: int) -> tuple[CodeType, range, list[str]]:
        """(code, line numbers, source) of a function's table."""
        code = self._codes[index]
        if index in self._shown:
            return code, *self._shown[index]
        source = capture(code)
        return code, line_numbers(code, nested_codes(code), source), source

    def to_describe(self, index: int) -> tuple[CodeType, tuple[range, list[str]]]:
        """As shown(), for who cannot wait until it has run: at the price of a slice."""
        code = self._codes[index]
        if index in self._shown:
            return code, self._shown[index]
        source = capture(code) if live.is_read else []
        last = last_line(nested_codes(code), code.co_firstlineno)
        return code, (range(code.co_firstlineno, last + 1), source)

    def restart(self) -> None:
        """Forget what was measured."""
        self._core.restart()
        if len(self._code_map):  # to look up code costs more than all else in a fork
            for code in self._codes:
                self._code_map.get(code, {}).clear()


class _WhileEnabled(_AlwaysCounting):
    """Counts functions only while it is enabled."""

    _always_on = False

    def _watch_code_map(self) -> None:
        """Nothing to do: what was added is watched."""


def _print_table(
    counting: _AlwaysCounting,
    index: int,
    precision: int,
    note: str | None,
    allocations: Allocations | None,
    stream: Writer,
) -> None:
    code, numbers, source = counting.shown(index)
    measures = measurements(counting.rows_of(index))
    if allocations is not None:
        measures = allocations.with_columns(code.co_filename, measures)
    lines = ((line, measures.get(line)) for line in numbers)
    write_table(stream, file_of(code), lines, source, precision, note=note)


class ScriptProfiler(_AlwaysCounting):
    """Counts decorated functions from their decoration on; prints when the program has ended."""

    def __init__(self, precision: int, **kw: Any) -> None:
        super().__init__(**kw)
        self.precision = precision
        self.keywords = kw
        self.allocations: Allocations | None = None
        # Profilers of functions that asked to be measured in another way.
        self._others: dict[Any, _AlwaysCounting] = {}
        self._added: _WhileEnabled | None = None  # of functions that add_function() was told of
        self._is_enabled = False
        # Indices of ours, or (profiler, index), in order of decoration.
        self._order: list[_Place] = []
        self._ordered: set[_Place] = set()
        # Of what is in order -> (stream, precision).
        self._requests: dict[_Place, tuple[Any, int | None]] = {}

    def __call__(  # type: ignore[override]
        self,
        func: Any = None,
        stream: Any = _UNSET,
        precision: int | None = None,
        backend: str | None = None,
        *,
        peak: bool = False,
        time: bool = False,
        allocations: bool | str = False,
        heap: bool = False,
    ) -> Any:
        """``@profile`` and ``@profile(stream=…, precision=…, backend=…, peak=…, time=…)``.

        ``allocations``: as with ``--allocations``, which is for all functions, ``heap`` as with
        ``--heap``.
        """
        if not is_off():
            precision = None if precision is None else precision_of(precision)
            check_stream(None if stream is _UNSET else stream, "profile")
            check_backend(backend or "")
        if func is None:
            return Asked(
                lambda f: self(
                    f,
                    stream,
                    precision,
                    backend,
                    peak=peak,
                    time=time,
                    allocations=allocations,
                    heap=heap,
                ),
                None if stream is _UNSET else stream,
                self.precision if precision is None else precision,
                **self._wanted(backend, peak, time),
            )
        if is_off():
            return func
        if allocations and self.allocations is None:
            complain_once(
                "memory_profiler: @profile(allocations=…) of a script that runs under it has its "
                "columns with --allocations"
            )
        if heap:
            complain_once(
                "memory_profiler: @profile(heap=True) of a script that runs under it: what lives "
                "at the end is printed with --heap"
            )

        def watch(function: Any) -> None:
            counting = self._measuring(backend, peak, time)
            LineProfiler.add_function(counting, function)
            index = counting.index_of(function.__code__)
            key = self._announce(counting, index, precision)
            if key is not None and (stream is not _UNSET or precision is not None):
                self._requests[key] = stream, precision

        return decorate(func, watch, self._core.decorate)

    # -- functions that are not decorated: as any LineProfiler, but that their tables come too

    def add_function(self, func: Any) -> None:
        """Count the lines of ``func`` whenever the profiler is enabled."""
        function = find_function(func)
        if function is None:
            return super().add_function(func)  # which complains
        if self._is_decorated(function.__code__):
            return None
        if self._added is None:
            self._added = _WhileEnabled(**self.keywords)
            if self._is_enabled:
                self._added.enable()
        self._added.add_function(function)
        self._announce(self._added, self._added.index_of(function.__code__))
        return None

    def _is_decorated(self, code: CodeType) -> bool:
        return any(id(code) in profiler._places for profiler in (self, *self._others.values()))

    def enable(self) -> None:
        self._is_enabled = True
        super().enable()
        if self._added is not None:
            self._added.enable()

    def disable(self) -> None:
        if self._added is not None:
            self._added.disable()
        super().disable()
        self._is_enabled = False

    def _store(self) -> None:
        super()._store()
        if self._added is not None:
            self._added._code_map = self._code_map
            self._added._store()

    def watch_code(self, code: CodeType) -> int:
        index = super().watch_code(code)
        self._announce(self, index)
        return index

    def watch_top_level(self, code: CodeType) -> None:
        """Profile the lines of a program that are in no function."""
        from ._selection import top_level_of

        self.see_calls()
        codes = top_level_of(code)
        index = self._watch(codes)
        source = capture(code)
        last = max(last_line(codes, code.co_firstlineno), len(source))
        self._shown[index] = range(code.co_firstlineno, last + 1), source
        self._announce(self, index)

    def _announce(
        self, counting: _AlwaysCounting, index: int, precision: int | None = None
    ) -> _Place | None:
        """Put a function in the order of tables, and tell the black box what its table is called.

        Returns what stands for it in that order; None where it was there before.
        """
        key: _Place = index if counting is self else (counting, index)
        if key in self._ordered:
            return None
        self._ordered.add(key)
        self._order.append(key)
        if live.is_on:
            precision = self.precision if precision is None else precision
            describe(counting, index, *counting.to_describe(index), precision)
        return key

    def _wanted(self, backend: str | None, peak: bool, time: bool) -> dict[str, Any]:
        return {
            **self.keywords,
            "backend": backend or self.backend,
            "peak": bool(peak or self.keywords.get("peak")),
            "time": bool(time or self.keywords.get("time")),
        }

    def _measuring(self, backend: str | None, peak: bool, time: bool) -> _AlwaysCounting:
        """The profiler that measures so; what the command asked for is measured in any case."""
        wanted = self._wanted(backend, peak, time)
        if wanted == self.keywords:
            return self
        key = tuple(wanted.values())
        if key not in self._others:
            self._others[key] = _AlwaysCounting(**wanted)
        return self._others[key]

    def timestamp(self, name: object = "<block>") -> Any:
        """A context manager; marks belong to --timestamp, so here it does nothing."""
        from ._timestamps import block

        return block(name)

    def _ran(self) -> Iterator[tuple[_AlwaysCounting, int, Any, int]]:
        """(profiler, index, stream, precision) of functions that ran, as they were decorated."""
        used = {}
        for key in self._order:
            counting, index = key if isinstance(key, tuple) else (self, key)
            if counting is self._added and self._is_decorated(counting._codes[index]):
                continue  # since then: that table has every call
            if counting not in used:
                used[counting] = set(counting.measured())
            if index in used[counting]:
                stream, precision = self._requests.get(key, (_UNSET, None))
                yield counting, index, stream, self.precision if precision is None else precision

    def ran_alike(self) -> list[tuple[_AlwaysCounting, int]]:
        """(profiler, index) of functions that ran, and were measured by what the run reads: other
        numbers do not compare with theirs."""
        return [
            (counting, index)
            for counting, index, _, _ in self._ran()
            if counting.backend == self.backend
        ]

    @property
    def measures_peaks(self) -> bool:
        """Whether the run does, with every line."""
        return bool(self.keywords.get("peak"))

    def n_decorated(self) -> int:
        """How many functions it was told of."""
        return len(self._order)

    def look_up(self) -> None:
        """Find the lines that the tables show, of all functions that ran."""
        for counting, index, _, _ in self._ran():
            counting._shown[index] = counting.shown(index)[1:]

    def print_tables(self, default_stream: Writer, with_accuracy: bool = False) -> None:
        """Every function's table to the stream it asked for, else to the default one."""
        note = self.accuracy_note() if with_accuracy else None
        broken: list[Any] = []  # streams of the program's that cannot be written to
        for counting, index, stream, precision in self._ran():
            write = partial(_print_table, counting, index, precision, note, self.allocations)
            if any(stream is other for other in (_UNSET, *broken)):
                stream = None
            if not write_or_complain(write, stream, default_stream, counting.name_of(index)):
                broken.append(stream)

    def streams(self) -> list[Any]:
        """Those that functions asked for, each once."""
        asked = [stream for stream, _ in self._requests.values()]
        return list({id(stream): stream for stream in asked if stream is not _UNSET}.values())

    def ran(self) -> Iterator[tuple[CodeType, list[_Row]]]:
        """(code, what was measured of its lines) of the functions that ran."""
        for counting, index, _, _ in self._ran():
            yield counting.shown(index)[0], counting.rows_of(index)

    def saved(self) -> Iterator[Json]:
        """The functions that ran, one after the other, as docs/saved-runs.md has them."""
        function_of = live.load().function_of

        for counting, index, _, precision in self._ran():
            code, numbers, source = counting.shown(index)
            function = function_of(
                code, counting.rows_of(index), counting.ledger_of(index), numbers, source, precision
            )
            if function is not None and self.allocations is not None:
                self.allocations.add_to_lines(code.co_filename, function["lines"])
            if function is not None:
                yield function

    def restart(self) -> None:
        """Forget what was measured: this process was forked from the one that measured it."""
        super().restart()
        if self.allocations is not None:
            self.allocations.restart()
        for counting in (*self._others.values(), *filter(None, [self._added])):
            counting.restart()

    def accuracy_note(self) -> str:
        """How far the numbers can be trusted, in one line."""
        info = self.info()
        read_ns, skip_ns = self.costs()
        gate_ns, noise = info["gate_ns"], info["resolution_bytes"]
        gate = f"gate {gate_ns:.0f} ns" if gate_ns else f"no gate: {info['gate_off']}"
        spent = (info["reads"] * read_ns + info["skipped"] * skip_ns) / 1e9
        line = (
            f"readings {f'within {noise} bytes' if noise else 'exact'}; {gate}; "
            f"{info['reads']} events read, {info['skipped']} skipped; "
            f"about {spent:.3f} s spent on them"
        )
        if self.keywords.get("peak"):
            line += f"; peaks within {info['mark_resolution_bytes']} bytes"
        return line

    def reading_failed(self) -> str | None:
        """One line about a reading that failed, or None."""
        error = self.info()["error"]
        if not error:
            return None
        return f"memory_profiler: a reading of memory failed: {os.strerror(error)}"
