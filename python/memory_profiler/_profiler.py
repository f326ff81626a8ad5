"""``LineProfiler``: the face of the native line profiler."""

from __future__ import annotations

from ._own import builtins as __builtins__, variable  # noqa: F401

import builtins
import sys

from ._checked import limit_of
from ._memprof import Profiler, quietly
from ._source import file_of, note_globals
from ._tables import CodeMap, Measurement, entries_of, has_twins
from ._targets import find_function, nested_codes
from ._units import MIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from ._memprof import _Highest, _Info, _Ledger, _Ranking, _Row
    from ._types import Measure

_CO_GENERATOR, _CO_COROUTINE, _CO_ASYNC_GENERATOR = 0x20, 0x80, 0x200


def measurements(rows: list[_Row]) -> dict[int, Measure]:
    """{line: (increment MiB, memory MiB, occurrences)} of the core's rows in bytes.

    Where more was measured the tuples are Measurements, which hold that as well.
    """
    measures = {}
    for line, increment, mem, hits, peak, time in rows:
        measure = (increment / MIB, mem / MIB, hits)
        if peak is not None or time is not None:
            measure = Measurement(
                measure,
                peak=None if peak is None else peak / MIB,
                time=None if time is None else time / 1e9,
            )
        measures[line] = measure
    return measures


def is_off() -> bool:
    """Whether the environment says that ``profile`` is to leave functions as they are."""
    return variable("MEMORY_PROFILER") == "0"


def start_backend(backend: str) -> None:
    """Begin tracing where the backend needs it; an unknown name is a ValueError."""
    if backend == "tracemalloc":
        import tracemalloc

        if not tracemalloc.is_tracing():
            tracemalloc.start()


class LineProfiler:
    """Counts memory line by line in the functions it was told about, while it is enabled.

    Keywords: ``backend`` (default ``'psutil'``, which is RSS), ``include_children``, ``max_mem``
    (MiB: start the debugger when a watched line begins above it), ``peak`` and ``time`` (measure
    these for each line, too).
    """

    def __init__(self, **kw: Any) -> None:
        self.include_children = kw.get("include_children", False)
        self.backend = kw.get("backend") or "psutil"
        self.max_mem = kw.get("max_mem")
        self.enable_count = 0
        start_backend(self.backend)
        limit = None if self.max_mem is None else limit_of(self.max_mem)
        self._core = Profiler(
            backend=self.backend,
            include_children=bool(self.include_children),
            always_on=self._always_on,
            limit=max(1, int(limit * MIB)) if limit is not None else 0,
            over_limit=self._start_debugger if limit is not None else None,
            peak=bool(kw.get("peak")),
            time=bool(kw.get("time")),
        )
        self.measures = [name for name in ("peak", "time") if kw.get(name)]
        self._codes: list[CodeType] = []  # of each function in the core, by index
        self._index: dict[Any, int] = {}  # see _key_of() -> index
        # Id -> code whose equal may stand in the code map instead of it.
        self._decorated: dict[int, CodeType] = {}
        # The code map, and its length, when it was last looked through.
        self._synced: tuple[int, ...] | None = None
        self._code_map: Any = CodeMap(include_children=self.include_children, backend=self.backend)

    _always_on = False

    # -- the code map: watched code comes from it, measurements go to it

    @property
    def code_map(self) -> Any:
        """Measurements by code object. May be replaced by another mapping with ``add()``."""
        self._store()
        return self._code_map

    @code_map.setter
    def code_map(self, value: Any) -> Any:
        self._code_map = value

    def _state(self) -> tuple[int, ...]:
        """What is different once there may be new code in the map."""
        # Code that moves to an entry of its own leaves the length as it is: see add_decorated().
        tops = len(getattr(self._code_map, "_toplevel", ()))
        return id(self._code_map), len(self._code_map), tops, len(self._decorated)

    def _key_of(self, code: CodeType) -> Any:
        """What code has in common with other code that fills the same table."""
        # Equal code has one entry in a map that does not tell it apart.
        return id(code) if has_twins(self._code_map) else code

    def _watch(self, codes: list[CodeType]) -> int:
        """Watch a function, all its code; returns its index."""
        code = codes[0]
        key = self._key_of(code)
        index = self._index.get(key)
        if index is not None:
            if self._codes[index] is not code:
                self._core.watch_also(index, codes)
            return index
        index = int(self._core.watch(codes))
        self._index[key] = index
        if index == len(self._codes):
            self._codes.append(code)
        return index

    def _watch_code_map(self) -> None:
        """Watch all code of the map, however it came there."""
        state = self._state()
        if state == self._synced:
            return
        groups: dict[int, list[CodeType]] = {}
        for code, measures in entries_of(self._code_map):
            groups.setdefault(id(measures), []).append(code)
        for codes in groups.values():
            self._watch(codes)
        for code in self._decorated.values():
            self._watch(nested_codes(code))
        self._synced = state

    def _store(self) -> None:
        """Put what was measured until now into the map; unwatched entries stay as they are."""
        for index in self._core.used():
            code = self._codes[index]
            if code not in self._code_map or has_twins(self._code_map):
                self._code_map.add(code)
            if code not in self._code_map:
                continue
            measures = self._code_map[code]
            measures.clear()
            measures.update(measurements(self._core.rows(index)))

    def ledger(self) -> list[dict[str, Any]]:
        """For each function a dict in bytes: ``increments == entry + segments`` always holds."""
        self._watch_code_map()
        return [
            {
                "filename": file_of(code),
                "name": code.co_name,
                **self._core.ledger(index),
                "rows": self._core.rows(index),
            }
            for index, code in enumerate(self._codes)
        ]

    # -- what the core knows

    def info(self) -> _Info:
        """How memory is read, how often it was, and what went wrong."""
        return self._core.info()

    def costs(self) -> tuple[float, float]:
        """Nanoseconds that an event takes that reads memory, and one that needs not."""
        return self._core.costs()

    def measured(self) -> list[int]:
        """The indices of the functions that ran."""
        return self._core.used()

    def note_highest(self) -> None:
        """Note from now on where memory is highest."""
        self._core.note_highest()

    def highest(self) -> _Highest | None:
        """The most memory so far and where it was; None where nobody has noted it."""
        return self._core.highest()

    def rank(self, index: int, ranking: _Ranking, which: int) -> None:
        """Put a function's lines into a ranking, which calls it ``which``."""
        self._core.rank(index, ranking, which)

    def rows_of(self, index: int) -> list[_Row]:
        """What was measured of a function, in bytes, line by line."""
        return self._core.rows(index)

    def ledger_of(self, index: int) -> _Ledger:
        """The sums of a function in bytes."""
        return self._core.ledger(index)

    def tell_name(self, index: int, text: bytes) -> None:
        """What a function is called, for who reads its table after a crash."""
        self._core.describe(index, text)

    # -- telling it about functions

    def __call__(self, func: Any = None, precision: int = 1) -> Any:
        """Decorate: profile every call of ``func``."""
        if func is None:
            return lambda f: self(f, precision=precision)
        self.add_function(func)
        return self.wrap_function(func)

    def add_function(self, func: Any) -> None:
        """Count the lines of ``func`` whenever the profiler is enabled."""
        function = find_function(func)
        if function is None:
            import warnings

            warnings.warn(f"Could not extract a code object for the object {func!r}", stacklevel=2)
            return
        if id(function.__code__) not in self._decorated:
            quietly(self._add, function)

    def _add(self, function: Any) -> None:
        code = function.__code__
        was_synced = self._state() == self._synced
        note_globals(code, getattr(function, "__globals__", {}))
        add = getattr(self._code_map, "add_decorated", self._code_map.add)
        add(code)
        self._decorated[id(code)] = code
        if not self.enable_count:
            return
        if was_synced:
            self._watch(nested_codes(code))
            self._synced = self._state()
        else:
            self._watch_code_map()

    def wrap_function(self, func: Any) -> Any:
        """A function that calls ``func`` with the profiler enabled."""
        from functools import WRAPPER_ASSIGNMENTS, partial, update_wrapper

        names: list[str] = list(WRAPPER_ASSIGNMENTS)
        if isinstance(func, type) and "__type_params__" in names:
            names.remove("__type_params__")  # of a class a descriptor perhaps, as no function's is
        like_func = partial(update_wrapper, wrapped=func, assigned=names)
        flags = getattr(getattr(func, "__code__", None), "co_flags", 0)
        if flags & _CO_COROUTINE:

            @like_func
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await func(*args, **kwargs)

        elif flags & _CO_ASYNC_GENERATOR:

            @like_func
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    async for item in func(*args, **kwargs):
                        yield item

        elif flags & _CO_GENERATOR:

            @like_func
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return (yield from func(*args, **kwargs))

        else:

            @like_func
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return func(*args, **kwargs)

        return wrapper

    # -- running things

    def run(self, cmd: str) -> LineProfiler:
        """Run a statement in the namespace of ``__main__``."""
        main = sys.modules["__main__"].__dict__
        return self.runctx(cmd, main, main)

    def runctx(self, cmd: Any, globals: dict[str, Any], locals: Any) -> LineProfiler:
        """Run a statement in the given namespaces; returns the profiler."""
        globals.setdefault("__builtins__", builtins)  # not what our own functions have
        with self:
            exec(cmd, globals, locals)
        return self

    def runcall(self, func: Callable[..., Any], *args: Any, **kw: Any) -> Any:
        """Call a function and return what it returns."""
        with self:
            return func(*args, **kw)

    def enable(self) -> None:
        """Count from now on."""
        self._watch_code_map()
        self._core.enable()

    def disable(self) -> None:
        """Stop counting; the measurements are in ``code_map``."""
        self._core.disable()
        self._store()

    def enable_by_count(self) -> None:
        """enable(), unless that was done before; disable_by_count() undoes it."""
        if self.enable_count == 0:
            self.enable()
        self.enable_count += 1

    def disable_by_count(self) -> None:
        """disable() when as often as enable_by_count() was called."""
        if self.enable_count > 0:
            self.enable_count -= 1
            if self.enable_count == 0:
                self.disable()

    def __enter__(self) -> LineProfiler:
        self.enable_by_count()
        return self

    def __exit__(self, *exception: object) -> None:
        self.disable_by_count()

    def _start_debugger(self, bytes_now: int) -> None:
        """Stop in the debugger at the next line of the watched function."""
        import pdb

        print(
            f"Current memory {bytes_now / MIB:.2f} MiB exceeded the maximum of "
            f"{self.max_mem:.2f} MiB\nStepping into the debugger"
        )
        sys.stdout.flush()
        pdb.Pdb().set_trace(sys._getframe(1))
