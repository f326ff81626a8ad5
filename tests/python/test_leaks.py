"""Nothing grows with how often a thing is done: each in a process of its own, two equal halves.

$MEMPROF_LEAKS multiplies how often (1).
"""

import os

import pytest

TIMES = float(os.environ.get("MEMPROF_LEAKS", "1"))
SLACK = 1 << 20  # bytes: arenas and caches that are not yet full

# What is done, how often, and what is there before.
WORK = {
    "calls": (200_000, "@profile\ndef f(n):\n    return n\n", "f(i)"),
    "calls of another thread's": (
        3_000,
        "import threading\n@profile\ndef f(n):\n    return n\n",
        "t = threading.Thread(target=f, args=(i,)); t.start(); t.join()",
    ),
    "line profilers": (
        5_000,
        "from memory_profiler import LineProfiler\ndef f(n):\n    return n\n",
        "p = LineProfiler(); p.add_function(f); p.runcall(f, i)",
    ),
    "line profilers in cycles": (
        3_000,
        "from memory_profiler import LineProfiler\ndef f(n):\n    return n\n",
        "p = LineProfiler(); p.add_function(f); p.enable(); f(i); p.itself = p; p.disable()",
    ),
    "closures": (
        30_000,
        "def make(n):\n    @profile\n    def f():\n        return n\n    return f\n",
        "make(i)()",
    ),
    "generators left midway": (
        20_000,
        "@profile\ndef g():\n    yield 1\n    yield 2\n",
        "next(g())",
    ),
    "coroutines closed": (20_000, "@profile\nasync def c():\n    return 1\n", "c().close()"),
    "exceptions": (
        30_000,
        "@profile\ndef f():\n    raise ValueError\n",
        "\n    try: f()\n    except ValueError: pass",
    ),
    "call views": (
        200,
        "from memory_profiler._memprof import CallView\ndef f(n):\n    return n\n",
        "v = CallView(); v.start(); f(i); v.stop(); v.functions()",
    ),
    "time stampers": (
        1_000,
        "from memory_profiler import TimeStamper\ndef f(n):\n    return n\n",
        "s = TimeStamper(); s.add_function(f); f(i)",
    ),
    "memory_usage": (
        200,
        "from memory_profiler import memory_usage\n",
        "memory_usage((len, ('x',)), interval=0.001)",
    ),
}
# Code that is made anew each time is known to the end under -m, where its table is still to come.
IMPORTED_ONLY = {
    "functions of exec": (
        3_000,
        "",
        "names = {'profile': profile}\n"
        "    exec('@profile\\ndef f():\\n    return 1\\n', names); names['f']()",
    ),
    "generators of exec": (
        3_000,
        "",
        "names = {'profile': profile}\n"
        "    exec('@profile\\ndef g():\\n    yield 1\\n    yield 2\\n', names)\n"
        "    next(names['g']())",
    ),
}

IMPORTED = """
import sys
import memory_profiler
class Nowhere:
    def write(self, text):
        pass
profile = memory_profiler.profile(stream=Nowhere())
"""

MEASURE = """
import gc, os
{prelude}
{before}
def work(times):
    for i in range(times):
        {act}
def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
work({times} // 2)
first = resident()
work({times})
print("grown", resident() - first)
"""


def script(prelude, work):
    times, before, act = work
    return MEASURE.format(
        prelude=prelude, before=before, act=act.replace("\n", "\n    "), times=int(times * TIMES)
    )


def grown(outcome):
    assert outcome.stderr == ""
    (line,) = [line for line in outcome.stdout.splitlines() if line.startswith("grown")]
    return int(line.split()[1])


@pytest.mark.parametrize("name", [*WORK, *IMPORTED_ONLY])
def test_the_import_form_does_not_grow(run, name):
    source = script(IMPORTED, {**WORK, **IMPORTED_ONLY}[name])
    assert grown(run.plain(source, timeout=600).ok()) < SLACK


@pytest.mark.parametrize("name", WORK)
def test_the_command_does_not_grow(run, name):
    assert grown(run.m(script("", WORK[name]), timeout=600).ok()) < SLACK


@pytest.mark.parametrize("name", ["functions of exec", "closures", "calls of another thread's"])
def test_the_view_of_all_functions_does_not_grow(run, name):
    times, before, act = {**WORK, **IMPORTED_ONLY}[name]
    source = script("profile = lambda f: f", (times, before, act))
    assert grown(run.m(source, options=["--functions"], timeout=600).ok()) < SLACK
