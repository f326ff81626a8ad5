"""Times shapes of work in one process, for lines.py: plain, and under one kind of profiler.

    python [-m memory_profiler] worker.py OUT.json VARIANT SCALE SHAPE...

VARIANT: plain, empty (callbacks that do nothing), hooked (before 3.12: a frame-eval hook that does
nothing), selected (-p of a function that does not run), pread (the same, but a bare pread of statm at
every line), decorated (`profile` of `-m memory_profiler`,
ours or 0.61's; timed and peaked: with --line-time, --peak), functions (all of them, by --functions),
both (decorated, with --functions), live (with --json), cprofile, line_profiler. The result is, by shape, for each repetition the nanoseconds per
unit (a line, a call, a resume) and those of a fixed piece of work timed around it. A shape ending
in *4 runs in four threads at once.
"""

import collections
import functools
import json
import sys
import threading
import time

import shapes

REPEATS = 25
SLOW_REPEATS = 3  # of a variant that takes seconds for a thousandth of the work

# Each shape: the function under the profiler, a call of it with n items, n, and its units: a number
# for each item, or the function whose lines are counted by running once under a trace function.
SHAPES = {
    "julia": (
        "escape_counts",
        lambda n: shapes.escape_counts(300, points(n), C),
        500,
        "escape_counts",
    ),
    "fib": ("fib", lambda n: [shapes.fib(15) for _ in range(n)], 8, 1973),  # calls of fib(15)
    "generator": ("generate", lambda n: collections.deque(shapes.generate(n), maxlen=0), 20000, 1),
    "records": ("build_records", lambda n: shapes.build_records(n), 4000, "build_records"),
    "long": ("long_lines", lambda n: shapes.long_lines(n, range(150)), 500, 10),
    "helper": ("call_helper", lambda n: shapes.call_helper(n), 1000, "helper"),
}
C = complex(-0.62772, -0.42193)


def points(n):
    return [complex(-1.8 + 3.6 * i / n, 0.1) for i in range(n)]


def decorator_of(variant):
    """(decorator, run(callable)): how a variant watches functions, and how a call is made."""
    if variant in ("plain", "functions", "selected"):
        return (lambda function: function), (lambda call: call())
    if variant == "cprofile":
        import cProfile

        return (lambda function: function), cProfile.Profile().runcall
    if variant in ("decorated", "timed", "peaked", "both", "live"):
        return profile, (lambda call: call())  # noqa: F821 - put into builtins by -m
    if variant == "line_profiler":
        import line_profiler

        return line_profiler.LineProfiler(), (lambda call: call())
    import empty_callback

    if variant == "hooked":
        empty_callback.hook_frames()
        return (lambda function: function), (lambda call: call())
    reads = variant == "pread"
    if sys.version_info >= (3, 12):
        return watch_with_nothing(empty_callback, reads), (lambda call: call())
    trace = empty_callback.trace_read if reads else empty_callback.trace

    def traced(call):
        trace(True)
        try:
            call()
        finally:
            trace(False)

    return (lambda function: function), traced


def watch_with_nothing(empty_callback, reads):
    monitoring, tool = sys.monitoring, 4
    events = monitoring.events
    monitoring.use_tool_id(tool, "empty")
    empty_callback.set_disable(monitoring.DISABLE)
    watched = [events.LINE, events.PY_START, events.PY_RESUME, events.PY_RETURN, events.PY_YIELD]
    for event in watched:
        monitoring.register_callback(tool, event, empty_callback.on_event)
    monitoring.register_callback(tool, events.JUMP, empty_callback.on_jump)
    if reads:
        monitoring.register_callback(tool, events.LINE, empty_callback.on_line_read)

    def decorate(function):
        monitoring.set_local_events(tool, function.__code__, sum(watched) + events.JUMP)
        return function

    return decorate


def count_lines(call, code):
    count = 0

    def tracer(frame, event, arg):
        nonlocal count
        if frame.f_code is not code:
            return None
        count += event == "line"
        return tracer

    sys.settrace(tracer)
    call()
    sys.settrace(None)
    return count


def prepare(name, scale):
    """(call, units): the work of a shape, and how many units it has. Before it is decorated."""
    _, work, n, units = SHAPES[name]
    n = max(1, int(n * scale))
    if isinstance(units, int):
        return (lambda: work(n)), units * n
    return (lambda: work(n)), count_lines(lambda: work(n), getattr(shapes, units).__code__)


def timed(call):
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


def reference():
    """Work of the interpreter's C code, that no profiler sees: how fast the machine is just now."""
    return timed(lambda: sum(range(20000)))


def measure(work, units, repeats):
    """[(ns per unit, ns of the reference around it)...]"""
    work()  # warm up: calibration, specialised bytecode
    samples = []
    before = reference()
    for _ in range(repeats):
        took = timed(work)
        after = reference()
        samples.append((took / units, (before + after) / 2))
        before = after
    return samples


def in_threads(run, call, n):
    """n threads doing the same at once, under the variant's way of calling."""
    threads = [threading.Thread(target=run, args=(call,)) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    out, variant, scale, *names = sys.argv[1:]
    decorate, run = decorator_of(variant)
    works = {}
    for name in names:
        shape, _, threads = name.partition("*")
        works[name] = prepare(shape, float(scale) / int(threads or 1)), int(threads or 0)
    for function in {SHAPES[name.partition("*")[0]][0] for name in names}:
        setattr(shapes, function, decorate(getattr(shapes, function)))
    repeats = SLOW_REPEATS if float(scale) < 0.1 else REPEATS
    result = {}
    for name, ((call, units), threads) in works.items():
        if threads:
            units *= threads
            work = functools.partial(in_threads, run, call, threads)
        else:
            work = functools.partial(run, call)
        result[name] = measure(work, units, repeats)
    with open(out, "w") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
