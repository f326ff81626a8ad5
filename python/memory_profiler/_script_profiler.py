"""``profile`` under ``python -m memory_profiler``: one table per function, at the end."""

import os

from ._profiler import LineProfiler
from ._targets import decorate

_UNSET = object()


class ScriptProfiler(LineProfiler):
    """Counts decorated functions from their decoration on; prints when the program has ended."""

    _always_on = True

    def __init__(self, precision, **kw):
        super().__init__(**kw)
        self.precision = precision
        self._keywords = kw
        self._others = {}  # by backend: profilers of functions that asked for another one
        self._wishes = []  # (profiler, code, stream, precision) in order of decoration

    def __call__(self, func=None, stream=_UNSET, precision=None, backend=None):
        """``@profile`` and ``@profile(stream=…, precision=…, backend=…)``."""
        if func is None:
            return lambda f: self(f, stream=stream, precision=precision, backend=backend)
        if os.environ.get("MEMORY_PROFILER") == "0":
            return func

        def watch(function):
            counting = self._of_backend(backend)
            counting.add_function(function)
            wish = (counting, function.__code__, stream, precision)
            if not any(old[:2] == wish[:2] for old in self._wishes):
                self._wishes.append(wish)

        return decorate(func, watch, self._core.decorate)

    def _of_backend(self, backend):
        if backend is None or backend == self.backend:
            return self
        if backend not in self._others:
            self._others[backend] = LineProfilerOfScript(**{**self._keywords, "backend": backend})
        return self._others[backend]

    def timestamp(self, name="<block>"):
        """A context manager; marks belong to --timestamp, so here it does nothing."""
        from ._profiler import timestamp

        return timestamp(name)

    def print_tables(self, default_stream):
        """Every function's table to the stream it asked for, else to the default one."""
        from ._tables import write_table

        for counting, code, stream, precision in self._wishes:
            if stream is _UNSET or stream is None:
                stream = default_stream
            if precision is None:
                precision = self.precision
            code_map = counting.code_map
            for filename, lines, source in code_map.tables(code):
                write_table(stream, filename, lines, source, precision)

    def reading_failed(self):
        """One line about a reading that failed, or None."""
        error = self._core.info()["error"]
        if not error:
            return None
        return f"memory_profiler: a reading of memory failed: {os.strerror(error)}"


class LineProfilerOfScript(LineProfiler):
    _always_on = True
