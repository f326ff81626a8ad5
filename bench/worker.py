"""Times shapes of work in one process, for lines.py: plain, and under one kind of profiler.

    python [-m memory_profiler] worker.py OUT.json VARIANT SCALE SHAPE...

VARIANT: plain, empty (callbacks that do nothing), decorated (`profile` of `-m memory_profiler`,
ours or 0.61's), line_profiler. The result is, by shape, the nanoseconds of each repetition per
unit (a line, a call, a resume) and how many units there were.
"""

import collections
import json
import sys
import threading
import time

REPEATS = 7

# Each shape: source, the functions under the profiler, a call, units ("lines": counted by running
# once under a trace function).  {n} is scaled, so that slow profilers get less to do.
SHAPES = {
    "julia": (
        """
def escape_counts(limit, points, c):
    counts = [0] * len(points)
    for index in range(len(points)):
        steps = 0
        z = points[index]
        while steps < limit and abs(z) < 2:
            z = z * z + c
            steps += 1
        counts[index] = steps
    return counts
""",
        ["escape_counts"],
        "escape_counts(300, [complex(-1.8 + 3.6 * i / {n}, .1) for i in range({n})],"
        " complex(-0.62772, -0.42193))",
        "lines",
        1500,
    ),
    "fib": (
        """
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
""",
        ["fib"],
        "[fib(15) for _ in range({n})]",
        1973,  # calls of fib(15)
        24,
    ),
    "generator": (
        """
def generate(n):
    for i in range(n):
        yield i
""",
        ["generate"],
        "deque(generate({n}), maxlen=0)",
        1,
        40000,
    ),
    "records": (
        """
def build(n):
    records = []
    for i in range(n):
        name = "item%d" % i
        record = {{"id": i, "name": name}}
        record["tags"] = [name, i]
        records.append(record)
    return records
""",
        ["build"],
        "build({n})",
        "lines",
        10000,
    ),
    "long": (
        "def long_lines(n, span):\n    for _ in range(n):\n" + "        total = sum(span)\n" * 20,
        ["long_lines"],
        "long_lines({n}, range(400))",
        20,
        300,
    ),
    "helper": (
        """
def helper(n):
    total = 0
    for i in range(n):
        if i & 1:
            total += i
    return total

def caller(n):
    for _ in range(20):
        helper(n)
""",
        ["caller"],
        "caller({n})",
        "lines of helper",
        2500,
    ),
}


def make_namespace(shape, decorate):
    """The shape's functions, fresh code objects, with those under the profiler decorated."""
    source, names = SHAPES[shape][:2]
    space = {"deque": collections.deque, "__name__": "shape"}
    exec(compile(source.replace("{{", "{").replace("}}", "}"), __file__, "exec"), space)
    for name in names:
        space[name] = decorate(space[name])
    return space


def decorator_of(variant):
    """(decorator, run(callable)): how a variant watches functions, and how a call is made."""
    if variant == "plain":
        return (lambda function: function), (lambda call: call())
    if variant == "decorated":
        return profile, (lambda call: call())  # noqa: F821 - put into builtins by -m
    if variant == "line_profiler":
        import line_profiler

        return line_profiler.LineProfiler(), (lambda call: call())
    import empty_callback

    if sys.version_info >= (3, 12):
        return watch_with_nothing(empty_callback), (lambda call: call())

    def traced(call):
        empty_callback.trace(True)
        try:
            call()
        finally:
            empty_callback.trace(False)

    return (lambda function: function), traced


def watch_with_nothing(empty_callback):
    monitoring, tool = sys.monitoring, 4
    events = monitoring.events
    monitoring.use_tool_id(tool, "empty")
    empty_callback.set_disable(monitoring.DISABLE)
    watched = [events.LINE, events.PY_START, events.PY_RESUME, events.PY_RETURN, events.PY_YIELD]
    for event in watched:
        monitoring.register_callback(tool, event, empty_callback.on_event)
    monitoring.register_callback(tool, events.JUMP, empty_callback.on_jump)

    def decorate(function):
        monitoring.set_local_events(tool, function.__code__, sum(watched) + events.JUMP)
        return function

    return decorate


def count_lines(call, codes):
    count = 0

    def tracer(frame, event, arg):
        nonlocal count
        if frame.f_code not in codes:
            return None
        count += event == "line"
        return tracer

    sys.settrace(tracer)
    call()
    sys.settrace(None)
    return count


def prepare(shape, scale, decorate):
    """(call, units): the work of a shape, and how many units it has."""
    source, names, expression, units, n = SHAPES[shape]
    n = max(1, int(n * scale))
    code = compile(expression.format(n=n), "call", "eval")
    space = make_namespace(shape, decorate)
    if isinstance(units, int):
        return (lambda: eval(code, space)), units * n
    plain = make_namespace(shape, lambda function: function)
    counted = ["helper"] if "helper" in units else names
    codes = {plain[name].__code__ for name in counted}
    return (lambda: eval(code, space)), count_lines(lambda: eval(code, plain), codes)


def timed(call):
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start


def in_threads(run, call, n):
    """n threads doing the same at once, under the variant's way of calling."""
    threads = [threading.Thread(target=run, args=(call,)) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    out, variant, scale, *shapes = sys.argv[1:]
    decorate, run = decorator_of(variant)
    result = {}
    for name in shapes:
        shape, _, threads = name.partition("*")
        call, units = prepare(shape, float(scale) / int(threads or 1), decorate)
        if threads:
            units *= int(threads)
            work = lambda: in_threads(run, call, int(threads))  # noqa: E731
        else:
            work = lambda: run(call)  # noqa: E731
        work()  # warm up: calibration, specialised bytecode
        result[name] = [timed(work) / units for _ in range(REPEATS)]
    if variant == "empty":
        import empty_callback

        result["pread"] = [empty_callback.pread_ns() for _ in range(REPEATS)]
    with open(out, "w") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
