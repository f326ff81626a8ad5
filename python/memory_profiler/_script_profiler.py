"""``profile`` under ``python -m memory_profiler``: one table per function, at the end."""

import os

from ._profiler import LineProfiler, is_off
from ._targets import decorate

_UNSET = object()


class ScriptProfiler(LineProfiler):
    """Counts decorated functions from their decoration on; prints when the program has ended."""

    _always_on = True

    def __init__(self, precision, **kw):
        super().__init__(**kw)
        self.precision = precision
        self._keywords = kw
        self._others = {}  # profilers of functions that asked to be measured in another way
        self._wishes = []  # (profiler, code, stream, precision) in order of decoration

    def __call__(self, func=None, stream=_UNSET, precision=None, backend=None, **columns):
        """``@profile`` and ``@profile(stream=…, precision=…, backend=…, peak=…, time=…)``."""
        if func is None:
            return lambda f: self(f, stream, precision, backend, **columns)
        if is_off():
            return func

        def watch(function):
            counting = self._measuring(backend, **columns)
            counting.add_function(function)
            wish = (counting, function.__code__, stream, precision)
            if not any(old[:2] == wish[:2] for old in self._wishes):
                self._wishes.append(wish)

        return decorate(func, watch, self._core.decorate)

    def watch_code(self, code):
        """Profile a function of which only the code is known; nothing stands in for it."""
        self._code_map.add_decorated(code)
        self._decorated.append(code)
        self._watch_code_map()
        wish = (self, code, _UNSET, None)
        if not any(old[:2] == wish[:2] for old in self._wishes):
            self._wishes.append(wish)

    def _measuring(self, backend, peak=False, time=False):
        """The profiler that measures so; what the command asked for is measured in any case."""
        wanted = {
            **self._keywords,
            "backend": backend or self.backend,
            "peak": bool(peak or self._keywords.get("peak")),
            "time": bool(time or self._keywords.get("time")),
        }
        if wanted == self._keywords:
            return self
        key = tuple(wanted.values())
        if key not in self._others:
            self._others[key] = LineProfilerOfScript(**wanted)
        return self._others[key]

    def timestamp(self, name="<block>"):
        """A context manager; marks belong to --timestamp, so here it does nothing."""
        from ._profiler import timestamp

        return timestamp(name)

    def print_tables(self, default_stream, with_honesty=False):
        """Every function's table to the stream it asked for, else to the default one."""
        from ._tables import write_table

        note = self.honesty() if with_honesty else None
        for counting, code, stream, precision in self._wishes:
            if stream is _UNSET or stream is None:
                stream = default_stream
            if precision is None:
                precision = self.precision
            code_map = counting.code_map
            for filename, lines, source in code_map.tables(code):
                write_table(stream, filename, lines, source, precision, note=note)

    def saved(self):
        """The functions that ran, as docs/saved-runs.md has them."""
        from ._saved import function_of

        functions = []
        for counting, code, _, precision in self._wishes:
            counting._watch_code_map()
            known = counting._code_map
            for filename, top, numbers in known._toplevel:
                if top is code and code in counting._watched:
                    functions.append(function_of(
                        code, counting._core, counting._watched[code], numbers,
                        known._sources.get(code, []),
                        self.precision if precision is None else precision))
        return [function for function in functions if function is not None]

    def restart(self):
        """Forget what was measured: this process was forked from the one that measured it."""
        for counting in (self, *self._others.values()):
            counting._core.restart()
            for code in counting._watched:
                counting._code_map.get(code, {}).clear()

    def honesty(self):
        """How far the numbers can be trusted, in one line."""
        info = self._core.info()
        read_ns, skip_ns = self._core.costs()
        gate = f"gate {info['gate_ns']:.0f} ns" if info["gate_ns"] else f"no gate: {info['gate_off']}"
        noise = info["resolution_bytes"]
        spent = (info["reads"] * read_ns + info["skipped"] * skip_ns) / 1e9
        line = (f"readings {f'within {noise} bytes' if noise else 'exact'}; {gate}; {info['reads']} events "
                f"read, {info['skipped']} skipped; about {spent:.3f} s spent on them")
        if self._keywords.get("peak"):
            line += f"; peaks within {info['mark_resolution_bytes']} bytes"
        return line

    def reading_failed(self):
        """One line about a reading that failed, or None."""
        error = self._core.info()["error"]
        if not error:
            return None
        return f"memory_profiler: a reading of memory failed: {os.strerror(error)}"


class LineProfilerOfScript(LineProfiler):
    _always_on = True
