"""``memory_usage``: the memory of a call, or of a process, over time."""

from __future__ import annotations

import time
from math import isfinite

from . import _memprof
from ._checked import check_stream, unknown_backend
from ._samplers import SHORTEST, NativeSampler, StreamedSampler, TracedSampler, measure
from ._units import MIB
from ._watched_process import WatchedProcess, in_form, pid_of, read_memory, watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._types import Reading, Sampler, Writer

_KINDS = dict(_memprof.backends)  # by any of their names

has_tracemalloc = True


class UnknownBackend(ValueError, KeyError):
    """0.61 raised KeyError."""

    __str__ = Exception.__str__  # a KeyError shows what a key looks like


def choose_backend(new_backend: str | None = None) -> str:
    """The backend of that name, ``'psutil'`` (which is RSS) by default; KeyError if unknown."""
    if new_backend is None:
        return "psutil"
    if new_backend not in tuple(_KINDS):  # no name is also what cannot be hashed
        raise UnknownBackend(unknown_backend("memory_usage", new_backend))
    return new_backend


def _func_exec(stmt: Any, ns: dict[str, Any]) -> None:
    """Execute a statement in a namespace."""
    exec(stmt, ns)


def _get_child_memory(
    process: Any, meminfo_attr: str | None = None, memory_metric: int | str = 0
) -> Iterator[tuple[int, float]]:
    """Yields ``(pid, MiB)`` for every descendant; ``memory_metric`` may be ``'pss'``, ``'uss'``."""
    kind = memory_metric if isinstance(memory_metric, str) else "rss"
    yield from _memprof.read_children(pid_of(process), kind)


def _traced_file(filename: str | None) -> float:
    """MiB that tracemalloc has seen allocated by the lines of a file."""
    import tracemalloc

    if filename is None or filename == "<unknown>":
        raise RuntimeError("There is no access to source file of the profiled function")
    statistics = tracemalloc.take_snapshot().statistics("filename")
    return sum(s.size for s in statistics if str(s).startswith(filename)) / MIB


def _get_memory(
    pid: Any,
    backend: str,
    timestamps: bool = False,
    include_children: bool = False,
    filename: str | None = None,
) -> Any:
    """MiB that a process holds now; with ``timestamps`` the pair ``(MiB, epoch)``.

    Raises ProcessLookupError or PermissionError where it cannot be read. ``tracemalloc`` knows
    only this process, and needs a file name.
    """
    if choose_backend(backend) == "tracemalloc":
        mem = _traced_file(filename)
    else:
        mem = read_memory(pid_of(pid), _KINDS[backend], include_children)
    return (mem, time.time()) if timestamps else mem


def _call_of(proc: Any) -> tuple[Any, Any, Any] | None:
    """(f, args, kw) of what is to be called, or None for a process."""
    if callable(proc):
        return proc, (), {}
    if not isinstance(proc, (list, tuple)):
        return None
    if not 1 <= len(proc) <= 3:
        raise ValueError("proc must be (f,), (f, args) or (f, args, kw)")
    f, args, kw = (*proc, (), {})[:3] if len(proc) != 2 else (*proc, {})
    return f, args, kw


def _seconds(name: str, value: float) -> float:
    """The value, if it is a length of time, or 30 years; TypeError and ValueError otherwise."""
    try:
        is_time = isfinite(value) and value >= 0
    except TypeError:
        raise TypeError(
            f"memory_usage: {name} must be a number of seconds, not {value!r}"
        ) from None
    if not is_time:
        raise ValueError(f"memory_usage: {name} must be a number of seconds from 0 on, not {value}")
    return min(value, 1e9)


def _measure_call(
    call: tuple[Any, Any, Any],
    interval: float,
    timeout: float,
    include_children: bool,
    multiprocess: bool,
    max_usage: bool,
    stream: Writer | None,
    backend: str,
    repeats: int,
) -> tuple[list[Reading], Any]:
    """(readings, returned) of the call; it is repeated while there are fewer than five readings."""
    for _ in range(max(1, repeats)):
        sampler: Sampler
        if backend == "tracemalloc":
            sampler = TracedSampler(interval, timeout, max_usage)
        else:
            sampler = NativeSampler(
                _KINDS[backend],
                interval,
                timeout,
                bool(include_children),
                bool(multiprocess),
                bool(max_usage),
            )
        if stream is not None and not max_usage:
            sampler = StreamedSampler(sampler, stream, interval)
        returned, count = measure(sampler, *call)
        if count > 4 or interval <= SHORTEST:
            break
        interval = max(interval / 10, SHORTEST)
    return sampler.take(), returned


def memory_usage(
    proc: Any = -1,
    interval: float = 0.1,
    timeout: float | None = None,
    timestamps: bool = False,
    include_children: bool = False,
    multiprocess: bool = False,
    max_usage: bool = False,
    retval: bool = False,
    stream: Writer | None = None,
    backend: str | None = None,
    max_iterations: int | None = None,
) -> Any:
    """Memory of a function call or of a process over time, in MiB.

    ``proc``: a pid (number or digits), -1 for this process, a Popen, a callable, or ``(f,)``,
    ``(f, args)``, ``(f, args, kw)``. A function is called exactly once, in this process and
    thread; ``max_iterations`` allows to repeat it up to so many times while there are fewer than
    five readings.

    ``interval``: seconds between readings, at absolute deadlines, down to 0.0001. For a function
    a native thread reads, also while C code holds the interpreter, and there is always a reading
    before and one after. ``timeout``: seconds after which no more readings are made; a function is
    not interrupted, and the one after it is still made.

    Returns a list of MiB; of ``(MiB, epoch)`` with ``timestamps``; one number with ``max_usage``;
    ``(that, what the function returned)`` with ``retval``; ``[main, child, ...]`` for each reading
    with ``multiprocess``. ``stream`` receives lines ``MEM MiB epoch`` (and ``CHLD pid MiB epoch``
    with ``multiprocess``) as they are read, those of a function from a Python thread; None is
    returned. ``include_children`` adds all descendants.

    A spike of a function between two readings is not lost (rss without children): where the
    kernel's high-water mark has risen above both, it is a reading of its own, at the time that was
    noticed, and with ``max_usage`` it counts. The mark is never reset and never falls: a spike that
    stays below an older one is seen only by the readings, which for ``max_usage`` are closer
    together at first.

    ``backend``: rss, pss, uss, tracemalloc, or the names of 0.61. ``tracemalloc`` reads with the
    interpreter's lock held, so not while C code keeps it.
    """
    backend = choose_backend(backend)
    check_stream(stream, "memory_usage")
    call = _call_of(proc)
    interval = max(_seconds("interval", interval), SHORTEST)
    timeout = None if timeout is None else _seconds("timeout", timeout)
    if call is not None:
        # No limit is 0 to the samplers, and a limit of 0 the shortest.
        limit = 0 if timeout is None else max(timeout, 1e-9)
        readings, returned = _measure_call(
            call,
            interval,
            limit,
            include_children,
            multiprocess,
            max_usage,
            stream,
            backend,
            max_iterations or 1,
        )
        if stream is not None:
            return None
        multiprocess = multiprocess and not max_usage
        result = [in_form(*reading, timestamps, multiprocess) for reading in readings]
        result = result[0] if max_usage else result
        return (result, returned) if retval else result
    kind = None if backend == "tracemalloc" else _KINDS[backend]
    process = WatchedProcess(proc, kind, include_children)
    if timeout is not None:
        count: int | None = max(1, round(timeout / interval))
    else:
        count = None if process.is_child() else 1
    result = watch(process, interval, count, timestamps, multiprocess, max_usage, stream)
    return None if stream is not None else result
