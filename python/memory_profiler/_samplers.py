"""What reads memory while a function runs: samplers, and what becomes of them at a fork.

A sampler has ``start()``, ``take()``: the readings since the last call, ``(MiB, epoch, ((pid, MiB)
of a child, ...))`` each, and ``stop()``: the number of all readings. Around a fork it is paused and
resumed, so that the process has no thread of ours then; in the child it is abandoned.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock, start_new_thread
from weakref import ref

from . import _memprof
from ._forks import call_when_forked
from ._units import MIB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable
    from typing import Any

    from ._types import Children, Reading, Sampler, Writer

SHORTEST = 1e-4  # seconds between readings


class NativeSampler:
    """The thread of the core, which needs no lock of the interpreter."""

    error: Exception | None = None

    def __init__(
        self,
        kind: str,
        interval: float,
        timeout: float = 0,
        include_children: bool = False,
        each_child: bool = False,
        peak_only: bool = False,
    ) -> None:
        self._options = kind, interval, timeout, include_children, each_child, peak_only
        self._core: Any = None

    def start(self) -> None:
        self._core = _memprof.usage_start(*self._options)

    def pause(self) -> None:
        if self._core is not None:
            _memprof.usage_pause(self._core)

    def resume(self) -> None:
        if self._core is not None:
            _memprof.usage_resume(self._core)

    def abandon(self) -> None:
        if self._core is not None:
            _memprof.usage_abandon(self._core)

    def take(self) -> list[Reading]:
        return _memprof.usage_take(self._core)

    def stop(self) -> int:
        return 0 if self._core is None else _memprof.usage_stop(self._core)


class _Ticker:
    """A Python thread that acts at absolute deadlines, where it is given the interpreter.

    Made of bare locks that nobody holds for long: an interrupt in the midst of what threading
    does, or of a ``with``, leaves threads that cannot be joined and locks that stay held.
    """

    def __init__(self, act: Callable[[], object], interval: float, timeout: float = 0) -> None:
        self._act = act
        self._interval = max(interval, SHORTEST)
        self._end = time.monotonic() + timeout if timeout > 0 else float("inf")
        self._going_on: LockType | None = None  # held while the thread is to go on
        self._done: LockType | None = None  # released at its end, which stands in:
        self._ended: list[bool] = []
        self._has_thread = False
        self._is_over = False

    def start(self) -> None:
        if self._is_over:  # a fork in another thread has paused it
            return
        going_on, done = allocate_lock(), allocate_lock()
        ended: list[bool] = []
        self._going_on, self._done, self._ended = going_on, done, ended
        going_on.acquire()
        done.acquire()
        start_new_thread(self._run, (going_on, done, ended))
        self._has_thread = True

    def _run(self, going_on: LockType, done: LockType, ended: list[bool]) -> None:
        due = time.monotonic() + self._interval
        try:
            while due <= self._end:
                pause = max(0, due - time.monotonic())
                if going_on.acquire(timeout=min(pause, 1e6)):
                    break
                self._act()
                due = max(due + self._interval, time.monotonic())
        finally:
            ended.append(True)
            done.release()

    def stop(self) -> None:
        self._is_over = True
        self._join()

    def _join(self) -> None:
        try:
            if self._going_on is not None and self._going_on.locked():
                self._going_on.release()
        except RuntimeError:
            pass  # a fork in another thread has just done so
        while self._has_thread and self._done is not None and not self._ended:
            self._done.acquire(timeout=0.1)
        self._has_thread = False

    def pause(self) -> None:
        """Ends the thread, and waits until the kernel has forgotten it."""
        before = _memprof.thread_count()
        had_thread = self._has_thread
        self._join()
        end = time.monotonic() + 0.02
        while had_thread and _memprof.thread_count() >= before and time.monotonic() < end:
            time.sleep(2e-5)

    def abandon(self) -> None:
        self._has_thread = False


class TracedSampler:
    """Asks tracemalloc from a Python thread: it reads only when it is given the interpreter.

    With ``peak_only`` tracemalloc's own peak counts if it rose meanwhile. It is never reset.
    """

    error: Exception | None = None

    def __init__(self, interval: float, timeout: float = 0, peak_only: bool = False) -> None:
        from array import array

        self._ticker = _Ticker(self._add, interval, timeout)
        self._peak_only = peak_only
        self._readings = array("d")  # bytes and epoch in turn
        self._count = 0

    def _add(self) -> None:
        # What keeps the readings is traced as well, and not the program's.
        self._keep(max(0, self._read()[0] - self._readings.__sizeof__()), time.time())
        self._count += 1

    def _keep(self, traced: float, now: float) -> None:
        if self._peak_only and self._readings and traced <= self._readings[0]:
            return
        if self._peak_only:
            del self._readings[:]
        self._readings.extend((traced, now))

    def start(self) -> None:
        from tracemalloc import get_traced_memory

        _memprof.tracing_begin(id(self))
        self._read = get_traced_memory
        self._peak_before = self._read()[1]
        self._add()
        self._ticker.start()

    def pause(self) -> None:
        self._ticker.pause()

    def resume(self) -> None:
        self._ticker.start()

    def abandon(self) -> None:
        self._ticker.abandon()

    def take(self) -> list[Reading]:
        # The thread adds at the end meanwhile.
        taken = self._readings[: len(self._readings)]
        del self._readings[: len(taken)]
        return [(taken[i] / MIB, taken[i + 1], ()) for i in range(0, len(taken), 2)]

    def stop(self) -> int:
        self._ticker.stop()
        if self._count > 0:
            self._add()
            peak = self._read()[1]
            if self._peak_only and peak > self._peak_before:
                self._keep(peak, time.time())
        _memprof.tracing_end(id(self))
        return self._count


class StreamedSampler:
    """A sampler whose readings are written to a stream as they come, from a Python thread."""

    _PAUSE = 0.02  # seconds between looks at most, so that a reader of the stream can follow

    def __init__(self, sampler: Sampler, stream: Writer, interval: float) -> None:
        self._sampler = sampler
        self._lines = Lines(stream, interval)
        self._ticker = _Ticker(self._write, max(interval, self._PAUSE))
        self.error: Exception | None = None

    def _write(self) -> None:
        try:
            for mem, when, children in self._sampler.take():
                if self.error is None:
                    self._lines.write(mem, when, children)
            self._lines.flush()
        except Exception as error:
            self.error = self.error or error

    def start(self) -> None:
        self._sampler.start()
        self._ticker.start()

    def pause(self) -> None:
        self._ticker.pause()
        self._sampler.pause()
        self._write()  # a child would write again what is left in the buffer

    def resume(self) -> None:
        self._sampler.resume()
        self._ticker.start()

    def abandon(self) -> None:
        self._ticker.abandon()
        self._sampler.abandon()

    def take(self) -> list[Reading]:
        return []

    def stop(self) -> int:
        self._ticker.stop()
        count = self._sampler.stop()
        if count > 0:
            self._write()
        return count


class Lines:
    """Writes readings as the lines of a profile."""

    def __init__(self, stream: Writer, interval: float) -> None:
        self._write = stream.write
        self.flush = getattr(stream, "flush", lambda: None)
        self._digits = 6 if interval < 0.01 else 4

    def write(self, mem: float, when: float, children: Children = ()) -> None:
        self._write(f"MEM {mem:.6f} {when:.{self._digits}f}\n")
        for pid, child in children:
            self._write(f"CHLD {pid} {child:.6f} {when:.{self._digits}f}\n")


# -- the samplers of this process. Only their callers hold them: one that an interrupt has torn from
# its call is gone, and with it its thread.

_is_first = "samplers" not in _memprof.shared  # of several imports in one process
_running: dict[int, Any] = _memprof.shared.setdefault("samplers", {})  # id -> weak reference


def _all_running() -> list[Sampler]:
    return [sampler for sampler in [one() for one in list(_running.values())] if sampler]


def start(sampler: Sampler) -> None:
    """Starts it, and looks after it at forks until ``stop()``."""
    _running[id(sampler)] = ref(sampler)
    sampler.start()


def stop(sampler: Sampler) -> int:
    """Stops it; how many readings there were. Also right for one that did not come to start."""
    _running.pop(id(sampler), None)
    return sampler.stop()


def measure(sampler: Sampler, f: Callable[..., Any], args: Any, kw: Any) -> tuple[Any, int]:
    """(what f returns, number of readings)"""
    try:
        start(sampler)
        returned = f(*args, **kw)
        count = stop(sampler)
    except BaseException:
        stop(sampler)
        raise
    if sampler.error is not None:
        raise sampler.error
    return returned, count


def _before_fork() -> None:
    for sampler in _all_running():
        sampler.pause()


def _resume_all() -> None:
    for sampler in _all_running():
        try:
            sampler.resume()
        except (OSError, RuntimeError):
            pass  # no thread to be had: the last reading is still made


def _after_fork_in_parent() -> None:
    if _running:
        call_when_forked(_resume_all)


def _after_fork_in_child() -> None:
    for sampler in _all_running():
        sampler.abandon()
    _running.clear()


if _is_first:
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
