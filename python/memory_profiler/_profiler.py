"""``profile`` and ``LineProfiler``: faces of the native line profiler."""

import atexit
import os
import sys
from _thread import RLock

from ._memprof import Profiler
from ._targets import decorate, find_function, nested_codes

MIB = 1048576.0

_CO_GENERATOR, _CO_COROUTINE, _CO_ASYNC_GENERATOR = 0x20, 0x80, 0x200


def measurements(rows):
    """{line: (increment MiB, memory MiB, occurrences)} of the core's rows in bytes.

    Where more was measured the tuples are Measurements, which hold that as well.
    """
    from ._tables import Measurement

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


def is_off():
    """Whether the environment says that ``profile`` is to leave functions as they are."""
    return os.environ.get("MEMORY_PROFILER") == "0"


def start_backend(backend):
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

    def __init__(self, **kw):
        self.include_children = kw.get("include_children", False)
        self.backend = kw.get("backend") or "psutil"
        self.max_mem = kw.get("max_mem")
        self.enable_count = 0
        start_backend(self.backend)
        limit = self.max_mem
        self._core = Profiler(
            backend=self.backend,
            include_children=bool(self.include_children),
            always_on=self._always_on,
            limit=max(1, int(limit * MIB)) if limit is not None else 0,
            over_limit=self._start_debugger if limit is not None else None,
            peak=bool(kw.get("peak")),
            time=bool(kw.get("time")),
        )
        self._watched = {}  # the first code of a function -> its index in the core
        self._decorated = []  # codes whose equals may stand in the code map instead of them
        self._synced = None  # the code map, and its length, when it was last looked through
        from ._tables import CodeMap

        self._code_map = CodeMap(include_children=self.include_children, backend=self.backend)

    _always_on = False

    # -- the code map: watched code comes from it, measurements go to it

    @property
    def code_map(self):
        """Measurements by code object. May be replaced by another mapping with ``add()``."""
        self._store()
        return self._code_map

    @code_map.setter
    def code_map(self, value):
        self._code_map = value

    def _watch_code_map(self):
        """Watch all code of the map, however it came there."""
        # Code that moves to an entry of its own leaves the length as it is: see add_decorated().
        tops = len(getattr(self._code_map, "_toplevel", ()))
        state = (id(self._code_map), len(self._code_map), tops, len(self._decorated))
        if state == self._synced:
            return
        groups = {}
        for code, measures in dict.items(self._code_map):
            groups.setdefault(id(measures), []).append(code)
        for codes in groups.values():
            if codes[0] not in self._watched:
                self._watched[codes[0]] = self._core.watch(codes)
        # The same source compiled twice makes equal codes: one entry, and one table, for both.
        for code in self._decorated:
            if code in self._watched:
                self._core.watch_also(self._watched[code], nested_codes(code))
        self._synced = state

    def _store(self):
        """Put what was measured until now into the map; unwatched entries stay as they are."""
        for code, index in self._watched.items():
            rows = self._core.rows(index)
            if not rows:
                continue
            if code not in self._code_map:
                self._code_map.add(code)
            if code not in self._code_map:
                continue
            measures = self._code_map[code]
            measures.clear()
            measures.update(measurements(rows))

    def ledger(self):
        """For each function a dict in bytes: ``increments == entry + segments`` always holds."""
        self._watch_code_map()
        return [
            {
                "filename": code.co_filename,
                "name": code.co_name,
                **self._core.ledger(index),
                "rows": self._core.rows(index),
            }
            for code, index in self._watched.items()
        ]

    # -- telling it about functions

    def __call__(self, func=None, precision=1):
        """Decorate: profile every call of ``func``."""
        if func is None:
            return lambda f: self(f, precision=precision)
        self.add_function(func)
        return self.wrap_function(func)

    def add_function(self, func):
        """Count the lines of ``func`` whenever the profiler is enabled."""
        import linecache

        function = find_function(func)
        if function is None:
            import warnings

            warnings.warn(f"Could not extract a code object for the object {func!r}", stacklevel=2)
            return
        linecache.lazycache(function.__code__.co_filename, getattr(function, "__globals__", {}))
        add = getattr(self._code_map, "add_decorated", self._code_map.add)
        add(function.__code__)
        self._decorated.append(function.__code__)
        if self.enable_count or self._always_on:
            self._watch_code_map()

    def wrap_function(self, func):
        """A function that calls ``func`` with the profiler enabled."""
        from functools import wraps

        flags = getattr(getattr(func, "__code__", None), "co_flags", 0)
        if flags & _CO_COROUTINE:

            @wraps(func)
            async def wrapper(*args, **kwargs):
                with self:
                    return await func(*args, **kwargs)

        elif flags & _CO_ASYNC_GENERATOR:

            @wraps(func)
            async def wrapper(*args, **kwargs):
                with self:
                    async for item in func(*args, **kwargs):
                        yield item

        elif flags & _CO_GENERATOR:

            @wraps(func)
            def wrapper(*args, **kwargs):
                with self:
                    return (yield from func(*args, **kwargs))

        else:

            @wraps(func)
            def wrapper(*args, **kwargs):
                with self:
                    return func(*args, **kwargs)

        return wrapper

    # -- running things

    def run(self, cmd):
        """Run a statement in the namespace of ``__main__``."""
        main = sys.modules["__main__"].__dict__
        return self.runctx(cmd, main, main)

    def runctx(self, cmd, globals, locals):
        """Run a statement in the given namespaces; returns the profiler."""
        with self:
            exec(cmd, globals, locals)
        return self

    def runcall(self, func, *args, **kw):
        """Call a function and return what it returns."""
        with self:
            return func(*args, **kw)

    def enable(self):
        """Count from now on."""
        self._watch_code_map()
        self._core.enable()

    def disable(self):
        """Stop counting; the measurements are in ``code_map``."""
        self._core.disable()
        self._store()

    def enable_by_count(self):
        """enable(), unless that was done before; disable_by_count() undoes it."""
        if self.enable_count == 0:
            self.enable()
        self.enable_count += 1

    def disable_by_count(self):
        """disable() when as often as enable_by_count() was called."""
        if self.enable_count > 0:
            self.enable_count -= 1
            if self.enable_count == 0:
                self.disable()

    def __enter__(self):
        self.enable_by_count()
        return self

    def __exit__(self, *exception):
        self.disable_by_count()

    def _start_debugger(self, bytes_now):
        """Stop in the debugger at the next line of the watched function."""
        import pdb

        print(
            f"Current memory {bytes_now / MIB:.2f} MiB exceeded the maximum of "
            f"{self.max_mem:.2f} MiB\nStepping into the debugger"
        )
        sys.stdout.flush()
        pdb.Pdb().set_trace(sys._getframe(1))


class _CallTables:
    """The import form: a table for every outermost call of functions measured alike."""

    def __init__(self, backend, peak, time):
        start_backend(backend)
        self._functions = []  # by the core's index: what to print, and where
        self._core = Profiler(
            backend=backend,
            per_call=True,
            always_on=True,
            finished=self._finished,
            peak=peak,
            time=time,
        )
        atexit.register(self._core.flush)

    def decorate(self, target, stream, precision):
        def watch(function):
            code = function.__code__
            index = self._core.watch(nested_codes(code))
            if index == len(self._functions):
                from ._source import capture

                lines = capture(code, getattr(function, "__globals__", None))
                self._functions.append([code, lines, None, stream, precision])
            else:
                self._functions[index][3:] = [stream, precision]

        return decorate(target, watch, self._core.decorate)

    def _finished(self, index, rows):
        from ._source import file_of, line_numbers
        from ._tables import write_table

        entry = self._functions[index]
        code, lines, numbers, stream, precision = entry
        if numbers is None:
            numbers = entry[2] = line_numbers(code, nested_codes(code), lines)
        measures = measurements(rows)
        table = ((line, measures.get(line)) for line in numbers)
        stream = sys.stdout if stream is None else stream
        with _printing:  # tables of several threads must not mix
            write_table(stream, file_of(code), table, lines, precision)


_call_tables = {}
_printing = RLock()


def _after_fork():
    global _printing
    _printing = RLock()


os.register_at_fork(after_in_child=_after_fork)


_counting_child = None  # the profiler of a child whose parent wants its tables


def counting_child():
    """The profiler of a process started by one that runs with --multiprocess, else None."""
    global _counting_child
    if _counting_child is None and "MEMORY_PROFILER_CHILDREN" in os.environ:
        from . import _children

        wish = _children.parents_wish()
        only_serves = "memory_profiler._serves" in sys.modules
        _counting_child = wish and _children.in_started_child(wish, only_serves)
    return _counting_child


def profile(func=None, stream=None, precision=1, backend="psutil", *, peak=False, time=False):
    """Print a line-by-line table of memory after every outermost call of the function.

    ``stream`` defaults to stdout, ``precision`` is the number of decimals, ``backend`` one of
    rss, pss, uss, tracemalloc or the names of 0.61. ``peak`` adds a column with the most memory
    above its start that was held while a line ran (Linux; OSError elsewhere), ``time`` columns
    with the time it took. Works on functions, methods, classes, properties, coroutines and
    generators. On Python 3.12 and later the function itself is returned. Raises TypeError for what cannot be called. With MEMORY_PROFILER=0 in the
    environment nothing is profiled; under ``mprof`` calls are recorded in time instead.
    """
    if func is None:
        return lambda f: profile(f, stream, precision, backend, peak=peak, time=time)
    if is_off():
        return func
    if "MPROF_OUTPUT" in os.environ:
        from ._timestamps import running

        if running() is not None:
            return running()(func)
    if "MEMORY_PROFILER_CHILDREN" in os.environ and counting_child() is not None:
        return counting_child()(func, precision=precision, peak=peak, time=time)
    measured = (backend, bool(peak), bool(time))
    tables = _call_tables.get(measured)
    if tables is None:
        tables = _call_tables[measured] = _CallTables(*measured)
    return tables.decorate(func, stream, precision)


def timestamp(name="<block>"):
    """A context manager that marks a block for ``mprof``; without ``mprof`` it does nothing."""
    from ._timestamps import block

    return block(name)


profile.timestamp = timestamp
