"""``profile``, and what serves it: tables of calls, a child's profiler, or mprof's recorder."""

from __future__ import annotations

from ._own import builtins as __builtins__, variable  # noqa: F401

import sys

from ._block import Asked
from ._by_value import on_copy
from ._call_tables import CallTables
from ._checked import check_backend, check_stream, precision_of
from ._memprof import shared
from ._profiler import is_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._script_profiler import ScriptProfiler
    from ._timestamps import TimeStamper
    from ._types import Writer

# What is shared by all imports of this package in one process: a function that is decorated again
# after sys.modules was purged is still counted once.
_call_tables = shared.setdefault("call_tables", {})


def counting_child() -> ScriptProfiler | None:
    """The profiler of a process started by one that runs with --multiprocess, else None."""
    if shared.get("counting_child") is None and variable("MEMORY_PROFILER_CHILDREN") is not None:
        from . import _children

        request = _children.inherited_request()
        is_forkserver = "memory_profiler._serves" in sys.modules
        shared["counting_child"] = request and _children.in_started_child(request, is_forkserver)
    child: ScriptProfiler | None = shared.get("counting_child")
    return child


def _child_here() -> ScriptProfiler | None:
    """Who counts in this process, where it is a child whose parent gathers tables."""
    return counting_child() if variable("MEMORY_PROFILER_CHILDREN") is not None else None


def _stamper_here() -> TimeStamper | None:
    """Who records calls in this process, where mprof samples it."""
    if variable("MPROF_OUTPUT") is None:
        return None
    from ._timestamps import running

    return running()


def profile(
    func: Any = None,
    stream: Writer | None = None,
    precision: int = 1,
    backend: str = "psutil",
    *,
    peak: bool = False,
    time: bool = False,
    allocations: bool | str = False,
    heap: bool = False,
) -> Any:
    """Print a line-by-line table of memory after every outermost call of the function.

    ``stream`` defaults to stdout, ``precision`` is the number of decimals, ``backend`` one of
    rss, pss, uss, tracemalloc or the names of 0.61. ``peak`` adds a column with the most memory
    above its start that was held while a line ran (Linux; OSError elsewhere), ``time`` columns
    with the time it took, ``allocations`` columns with what the line and all that it calls has
    allocated during the call ("own": it itself), and a line about the whole, ``heap`` a table
    of the objects that the call left behind, by type; these two are for plain functions. Works
    on functions, methods, classes, properties, coroutines and generators; ``with
    profile(...):`` prints a table of the lines of a block. On Python 3.12 and later the
    function itself is returned. Raises TypeError for what cannot be called, and for options of
    a wrong kind, ValueError for those out of range. With MEMORY_PROFILER=0 in the environment
    nothing is profiled; under ``mprof`` calls are recorded in time as well.
    """
    if not is_off():
        precision = precision_of(precision)
        check_stream(stream, "profile")
        check_backend(backend)
        if allocations not in (False, True, "own"):
            raise ValueError(f"profile: allocations is True, False or 'own', not {allocations!r}")
    if func is None:
        return Asked(
            lambda f: profile(
                f,
                stream,
                precision,
                backend,
                peak=peak,
                time=time,
                allocations=allocations,
                heap=heap,
            ),
            stream,
            precision,
            backend=backend,
            peak=peak,
            time=time,
            no_block=_no_block(allocations, heap),
        )
    if is_off():
        return func
    stamper, child = _stamper_here(), _child_here()
    if child is not None:
        func = func if stamper is None else stamper(func)
        return child(func, precision=precision, peak=peak, time=time)
    measured = (backend, bool(peak), bool(time))
    tables = _call_tables.get(measured)
    if tables is None:
        try:
            tables = _call_tables[measured] = CallTables(*measured)
        except OSError as error:
            if peak or time:
                raise  # asked for what cannot be had here
            return _unmeasured(func, error)
    calls = grown = None
    if allocations:
        from ._allocating_calls import Counted

        calls = Counted(allocations == "own")
    if heap:
        from ._growing_calls import Grown

        grown = Grown(stream)
    return tables.decorate(func, stream, precision, stamper and stamper.add_function, calls, grown)


def _no_block(allocations: bool | str, heap: bool) -> str:
    """Why profile(…) with these is no context manager; nothing where it is one."""
    if allocations:
        return (
            "profile(allocations=…) decorates functions; around a block stands "
            "memory_profiler.allocations()"
        )
    if heap:
        return (
            "profile(heap=…) decorates functions; around a block stands "
            "memory_profiler.heap_growth()"
        )
    return ""


def _count_copy(function: Any) -> None:
    """A copy of a decorated function of the script, in a worker."""
    stamper, child = _stamper_here(), _child_here()
    if child is not None:
        child.watch_code(function.__code__)
    if stamper is not None:
        stamper.add_function(function)


on_copy(_count_copy)


def any_import_form() -> bool:
    """Whether the imported ``profile`` was asked for tables of anything."""
    return bool(_call_tables)


def _unmeasured(func: Any, error: OSError) -> Any:
    """The function as it is, where memory cannot be read at all: said once, the program goes on."""
    if "complained" not in shared:
        from ._visible import complain

        complain(f"{error}; functions are not profiled")
    shared["complained"] = True
    return func


def timestamp(name: str = "<block>") -> Any:
    """A context manager that marks a block for ``mprof``; without ``mprof`` it does nothing."""
    from ._timestamps import block

    return block(name)


profile.timestamp = timestamp  # type: ignore[attr-defined]
