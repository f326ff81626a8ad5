"""``memory_usage``: the memory of a call, or of a process, over time."""

import os
import time

from . import _memprof

_NAMES = ("psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc", "rss", "pss", "uss")
_KINDS = {"psutil_pss": "pss", "psutil_uss": "uss", "pss": "pss", "uss": "uss"}

has_tracemalloc = True


def choose_backend(new_backend=None):
    """The backend of that name, ``'psutil'`` (which is RSS) by default; KeyError if unknown."""
    if new_backend is None:
        return "psutil"
    if new_backend not in _NAMES:
        raise KeyError(new_backend)
    return new_backend


def _kind(backend):
    return _KINDS.get(backend, "rss")


def _pid(process):
    """The pid of a number, of digits, or of an object that has one; -1 is this process."""
    process = getattr(process, "pid", process)
    pid = int(process) if isinstance(process, str) else process.__index__()
    return os.getpid() if pid == -1 else pid


def _func_exec(stmt, ns):
    """Execute a statement in a namespace."""
    exec(stmt, ns)


def _get_child_memory(process, meminfo_attr=None, memory_metric=0):
    """Yields ``(pid, MiB)`` for every descendant; ``memory_metric`` may be ``'pss'``, ``'uss'``."""
    kind = memory_metric if isinstance(memory_metric, str) else "rss"
    yield from _memprof.read_children(_pid(process), kind)


def _traced_file(filename):
    """MiB that tracemalloc has seen allocated by the lines of a file."""
    import tracemalloc

    if filename is None or filename == "<unknown>":
        raise RuntimeError("There is no access to source file of the profiled function")
    statistics = tracemalloc.take_snapshot().statistics("filename")
    return sum(s.size for s in statistics if str(s).startswith(filename)) / 2**20


def _get_memory(pid, backend, timestamps=False, include_children=False, filename=None):
    """MiB that a process holds now; with ``timestamps`` the pair ``(MiB, epoch)``.

    Raises ProcessLookupError or PermissionError where it cannot be read. ``tracemalloc`` knows
    only this process, and needs a file name.
    """
    if choose_backend(backend) == "tracemalloc":
        mem = _traced_file(filename)
    else:
        pid = _pid(pid)
        mem = _memprof.read_memory(pid, _kind(backend))
        if include_children:
            mem += sum(child for _, child in _memprof.read_children(pid, _kind(backend)))
    return (mem, time.time()) if timestamps else mem


# -- samplers of a call: start in the constructor, stop() gives (samples, number of readings)


class _NativeSampler:
    """The thread of the core, which needs no lock of the interpreter."""

    def __init__(self, backend, interval, timeout, include_children, peak_only):
        self._core = _memprof.usage_start(
            _kind(backend), interval, timeout, bool(include_children), bool(peak_only)
        )
        _running[id(self)] = self

    def before_fork(self):
        _memprof.usage_pause(self._core)

    def after_fork(self, in_child):
        if in_child:
            _memprof.usage_abandon(self._core)
        else:
            _memprof.usage_resume(self._core)

    def stop(self):
        _running.pop(id(self), None)
        return _memprof.usage_stop(self._core)


class _TracedSampler:
    """A Python thread that asks tracemalloc: it reads only when it is given the interpreter."""

    def __init__(self, interval, timeout, peak_only):
        import tracemalloc

        self._started = not tracemalloc.is_tracing()
        if self._started:
            tracemalloc.start()
        elif peak_only:
            tracemalloc.reset_peak()
        self._read = tracemalloc.get_traced_memory
        self._interval = max(interval, 1e-4)
        self._peak_only = peak_only
        self.samples = []
        self._take()
        self._end = time.monotonic() + timeout if timeout > 0 else float("inf")
        self._thread = None
        self._start()
        _running[id(self)] = self

    def _take(self):
        self.samples.append((self._read()[0] / 2**20, time.time()))

    def _start(self):
        import threading

        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        due = time.monotonic() + self._interval
        while due <= self._end and not self._stopping.wait(max(0, due - time.monotonic())):
            self._take()
            due = max(due + self._interval, time.monotonic())

    def before_fork(self):
        self._stopping.set()
        self._thread.join()

    def after_fork(self, in_child):
        if not in_child:
            self._start()

    def stop(self):
        _running.pop(id(self), None)
        self._stopping.set()
        self._thread.join()
        self._take()
        samples, taken = self.samples, len(self.samples)
        if self._peak_only:
            samples = [max(samples)]
            peak = self._read()[1] / 2**20
            if peak > samples[0][0]:
                samples = [(peak, samples[0][1])]
        if self._started:
            import tracemalloc

            tracemalloc.stop()
        return samples, taken


_running = {}  # the samplers of this process, by id


def _before_fork():
    for sampler in list(_running.values()):
        sampler.before_fork()


def _after_fork_in_parent():
    for sampler in list(_running.values()):
        sampler.after_fork(False)


def _after_fork_in_child():
    for sampler in _running.values():
        sampler.after_fork(True)
    _running.clear()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)


def _call_of(proc):
    """(f, args, kw) of what is to be called, or None for a process."""
    if callable(proc):
        return proc, (), {}
    if not isinstance(proc, (list, tuple)):
        return None
    if not 1 <= len(proc) <= 3:
        raise ValueError("proc must be (f,), (f, args) or (f, args, kw)")
    f, args, kw = (tuple(proc) + ((), {}))[:3] if len(proc) != 2 else (*proc, {})
    return f, args, kw


def _write(stream, samples, children=()):
    for mem, when in samples:
        stream.write(f"MEM {mem:.6f} {when:.4f}\n")
    for pid, mem in children:
        stream.write(f"CHLD {pid} {mem:.6f} {time.time():.4f}\n")


def _measure_call(call, interval, timeout, include_children, max_usage, backend, repeats):
    """(samples, returned) of the call; it is repeated while there are fewer than five readings."""
    f, args, kw = call
    for _ in range(max(1, repeats)):
        if backend == "tracemalloc":
            sampler = _TracedSampler(interval, timeout or 0, max_usage)
        else:
            sampler = _NativeSampler(backend, interval, timeout or 0, include_children, max_usage)
        try:
            returned = f(*args, **kw)
        except BaseException:
            sampler.stop()
            raise
        samples, taken = sampler.stop()
        if taken > 4 or interval < 1e-6:
            break
        interval /= 10
    return samples, returned


class _Process:
    """A process that is watched from here."""

    def __init__(self, proc, backend, include_children):
        self._proc = proc if hasattr(proc, "poll") else None
        self.pid = _pid(proc)
        self._backend = backend
        self._include_children = include_children
        self._tracing = backend == "tracemalloc"
        self.last = None
        self._mark = None
        if self._tracing and self.pid != os.getpid():
            raise ValueError("the tracemalloc backend knows only the memory of this process")

    def ended(self):
        return self._proc is not None and self._proc.poll() is not None

    def read(self):
        """(MiB, epoch). Of a child that has ended: what it held last."""
        try:
            if self._tracing:
                import tracemalloc

                self.last = tracemalloc.get_traced_memory()[0] / 2**20
            else:
                self.last = _get_memory(
                    self.pid, self._backend, include_children=self._include_children
                )
        except ProcessLookupError:
            if self._proc is None and self.last is None:
                raise
            self.last = self.last or 0.0
        return self.last, time.time()

    def risen_mark(self):
        """The kernel's high-water mark in MiB if it rose since the last look, else 0."""
        if self._include_children or self._tracing or _kind(self._backend) != "rss":
            return 0.0
        try:
            mark, before = _memprof.read_peak(self.pid), self._mark
        except OSError:
            return 0.0
        self._mark = mark
        return mark if before is not None and mark > before else 0.0

    def children(self):
        try:
            return list(_memprof.read_children(self.pid, _kind(self._backend)))
        except OSError:
            return []


def _watch(process, interval, readings):
    """Yields (MiB, epoch) at absolute deadlines; ``readings`` None: until the child ends."""
    count, due = 0, time.monotonic()
    while True:
        yield process.read()
        count += 1
        if readings == 1 and count == 1 and process._proc is None:
            return
        due += interval
        time.sleep(max(0, due - time.monotonic()))
        due = max(due, time.monotonic() - interval)
        if count == readings or process.ended():
            return


def _watch_process(process, interval, readings, options):
    timestamps, multiprocess, max_usage, stream = options
    result, peak, lines = [], -1, 0
    if max_usage:
        process.risen_mark()
    for sample in _watch(process, interval, readings):
        if max_usage:
            peak = max(peak, sample[0], process.risen_mark())
        elif stream is not None:
            _write(stream, [sample], process.children() if multiprocess else ())
            lines += 1
            if lines % 50 == 0 and hasattr(stream, "flush"):
                stream.flush()
        else:
            value = sample if timestamps else sample[0]
            if multiprocess:
                value = [value] + [mem for _, mem in process.children()]
            result.append(value)
    return peak if max_usage else result


def memory_usage(
    proc=-1,
    interval=0.1,
    timeout=None,
    timestamps=False,
    include_children=False,
    multiprocess=False,
    max_usage=False,
    retval=False,
    stream=None,
    backend=None,
    max_iterations=None,
):
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
    of a process with ``multiprocess``. ``stream`` receives lines ``MEM MiB epoch`` (and ``CHLD pid
    MiB epoch``), and None is returned. ``include_children`` adds all descendants.

    With ``max_usage`` the kernel's high-water mark counts wherever it rose during the call, so
    that a spike between two readings is not lost. The mark is never reset: a spike that stays
    below an older one is seen only by the readings, which are closer together for this at first.

    ``backend``: rss, pss, uss, tracemalloc, or the names of 0.61. ``tracemalloc`` reads with the
    interpreter's lock held, so not while C code keeps it.
    """
    backend = choose_backend(backend)
    call = _call_of(proc)
    if call is not None:
        samples, returned = _measure_call(
            call, interval, timeout, include_children, max_usage, backend, max_iterations or 1
        )
        if stream is not None:
            if not max_usage:
                _write(stream, samples)
                if hasattr(stream, "flush"):
                    stream.flush()
            return None
        result = samples if timestamps else [mem for mem, _ in samples]
        result = result[0] if max_usage else result
        return (result, returned) if retval else result
    process = _Process(proc, backend, include_children)
    if timeout is not None:
        readings = max(1, round(timeout / interval))
    else:
        readings = 1 if process._proc is None else None
    options = timestamps, multiprocess, max_usage, stream
    result = _watch_process(process, interval, readings, options)
    return None if stream is not None else result
