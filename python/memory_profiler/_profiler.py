"""``profile`` and ``LineProfiler``: faces of the native line profiler."""

from ._own import builtins as __builtins__, os, variable

import builtins
import sys
from _thread import RLock
from atexit import register

from ._memprof import Profiler, flush_at_exit, quietly, shared
from ._source import capture, file_of, line_numbers, note_globals
from ._tables import CodeMap, Measurement, write_call_table
from ._targets import decorate, find_function, nested_codes

MIB = 1048576.0

_CO_GENERATOR, _CO_COROUTINE, _CO_ASYNC_GENERATOR = 0x20, 0x80, 0x200


def measurements(rows):
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


def is_off():
    """Whether the environment says that ``profile`` is to leave functions as they are."""
    return variable("MEMORY_PROFILER") == "0"


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
        self._codes = []  # of each function in the core, by index
        self._index = {}  # code, or (file, code) where its equal is of another file -> index
        self._decorated = {}  # id -> code whose equal may stand in the code map instead of it
        self._synced = None  # the code map, and its length, when it was last looked through
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

    def _state(self):
        """What is different once there may be new code in the map."""
        # Code that moves to an entry of its own leaves the length as it is: see add_decorated().
        tops = len(getattr(self._code_map, "_toplevel", ()))
        return id(self._code_map), len(self._code_map), tops, len(self._decorated)

    def _watch(self, codes):
        """Watch a function, all its code; returns its index.

        The same source compiled twice makes equal codes: one table for both. Two files with the
        same text make equal codes too: those have tables of their own.
        """
        code = codes[0]
        key, index = code, self._index.get(code)
        if index is not None and self._codes[index].co_filename != code.co_filename:
            key = code.co_filename, code
            index = self._index.get(key)
        if index is not None:
            if self._codes[index] is not code:
                self._core.watch_also(index, codes)
            return index
        index = self._index[key] = self._core.watch(codes)
        if index == len(self._codes):
            self._codes.append(code)
        return index

    def _watch_code_map(self):
        """Watch all code of the map, however it came there."""
        state = self._state()
        if state == self._synced:
            return
        groups = {}
        for code, measures in dict.items(self._code_map):
            groups.setdefault(id(measures), []).append(code)
        for codes in groups.values():
            self._watch(codes)
        for code in self._decorated.values():
            self._watch(nested_codes(code))
        self._synced = state

    def _store(self):
        """Put what was measured until now into the map; unwatched entries stay as they are."""
        for index in self._core.used():
            code = self._codes[index]
            if code not in self._code_map:
                self._code_map.add(code)
            if code not in self._code_map:
                continue
            measures = self._code_map[code]
            measures.clear()
            measures.update(measurements(self._core.rows(index)))

    def ledger(self):
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

    # -- telling it about functions

    def __call__(self, func=None, precision=1):
        """Decorate: profile every call of ``func``."""
        if func is None:
            return lambda f: self(f, precision=precision)
        self.add_function(func)
        return self.wrap_function(func)

    def add_function(self, func):
        """Count the lines of ``func`` whenever the profiler is enabled."""
        function = find_function(func)
        if function is None:
            import warnings

            warnings.warn(f"Could not extract a code object for the object {func!r}", stacklevel=2)
            return
        if id(function.__code__) not in self._decorated:
            quietly(self._add, function)

    def _add(self, function):
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
        globals.setdefault("__builtins__", builtins)  # not what our own functions have
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


class _Printed:
    """A function of the import form: what its tables show, and where they go."""

    __slots__ = ("filename", "numbers", "source", "stream", "precision")


class _CallTables:
    """The import form: a table for every outermost call of functions measured alike."""

    def __init__(self, backend, peak, time):
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

    def decorate(self, target, stream, precision):
        def watch(function):
            printed = self._core.owner(function.__code__) or quietly(self._watch, function)
            printed.stream, printed.precision = stream, precision

        return decorate(target, watch, self._core.decorate)

    def _watch(self, function):
        code = function.__code__
        codes = nested_codes(code)
        printed = _Printed()
        printed.filename = file_of(code)
        printed.source = capture(code, getattr(function, "__globals__", None))
        printed.numbers = line_numbers(code, codes, printed.source)
        return self._core.watch(codes, printed)


def _print_call(printed, table):
    stream = sys.stdout if printed.stream is None else printed.stream
    with _printing_lock():  # tables of several threads must not mix
        write_call_table(stream, printed.filename, table, printed.numbers, printed.source,
                         printed.precision)


# What is shared by all imports of this package in one process: a function that is decorated again
# after sys.modules was purged is still counted once.
_call_tables = shared.setdefault("call_tables", {})
_printing = os.getpid(), RLock()


def _printing_lock():
    """A lock of this process: a forked child may have inherited one that nobody will release."""
    global _printing
    if _printing[0] != os.getpid():
        _printing = os.getpid(), RLock()
    return _printing[1]


def counting_child():
    """The profiler of a process started by one that runs with --multiprocess, else None."""
    if shared.get("counting_child") is None and variable("MEMORY_PROFILER_CHILDREN") is not None:
        from . import _children

        wish = _children.parents_wish()
        only_serves = "memory_profiler._serves" in sys.modules
        shared["counting_child"] = wish and _children.in_started_child(wish, only_serves)
    return shared.get("counting_child")


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
    if variable("MPROF_OUTPUT") is not None:
        from ._timestamps import running

        if running() is not None:
            return running()(func)
    if variable("MEMORY_PROFILER_CHILDREN") is not None and counting_child() is not None:
        return counting_child()(func, precision=precision, peak=peak, time=time)
    measured = (backend, bool(peak), bool(time))
    tables = _call_tables.get(measured)
    if tables is None:
        try:
            tables = _call_tables[measured] = _CallTables(*measured)
        except OSError as error:
            if peak or time:
                raise  # asked for what cannot be had here
            return _unmeasured(func, error)
    return tables.decorate(func, stream, precision)


def _unmeasured(func, error):
    """The function as it is, where memory cannot be read at all: said once, the program goes on."""
    if "complained" not in shared:
        from ._visible import complain

        complain(f"{error}; functions are not profiled")
    shared["complained"] = True
    return func


def timestamp(name="<block>"):
    """A context manager that marks a block for ``mprof``; without ``mprof`` it does nothing."""
    from ._timestamps import block

    return block(name)


profile.timestamp = timestamp
