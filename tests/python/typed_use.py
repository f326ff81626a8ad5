"""Uses every public name; checked by mypy --strict, never run."""

import gc
import io
import os
import subprocess
import sys
from typing import Any

import memory_profiler
from memory_profiler import (
    _CMD_USAGE,
    CodeMap,
    Heap,
    HeapType,
    LineProfiler,
    LogFile,
    MemitResult,
    NewOnHeap,
    TimeStamper,
    __version__,
    _func_exec,
    _get_child_memory,
    _get_memory,
    choose_backend,
    exec_with_profiler,
    has_tracemalloc,
    heap,
    heap_growth,
    hpy,
    load_ipython_extension,
    memory_usage,
    profile,
    run_module_with_profiler,
    show_results,
)


@profile
def plain(n: int) -> int:
    return n


@profile(stream=sys.stderr, precision=3, backend="rss", peak=True, time=True)
def given(n: int) -> str:
    return str(n)


def count() -> str:
    before: Heap = heap(sizes="getsizeof")
    grown: Heap = heap(dict, sizes="blocks") - before
    rows: list[HeapType] = grown.types
    size: int = grown.bytes + grown.objects + sum(row.bytes + row.objects for row in rows)
    new: NewOnHeap
    with heap_growth(sizes="getsizeof") as new:
        pass
    heapy = hpy(sizes="getsizeof")
    heapy.setrelheap()
    shown = heapy.heap().bytype[0:2].more.all
    size += shown.count + shown.size + len(shown.kind) + len(shown)
    return new.table(size, "New") + grown.to_json() + rows[0].name + before.sizes


class Map(CodeMap):
    pass


def use(shell: Any) -> None:
    number: int = plain(1)
    text: str = given(number)
    with profile.timestamp(text), TimeStamper("psutil").timestamp("block"):
        pass
    with profile(stream=io.StringIO(), precision=3):
        number += 1
    profiler = LineProfiler(backend="pss", max_mem=5.0, peak=False, time=True)
    profiler.code_map = Map(False, "pss")
    with profiler:
        number = profiler(plain)(1)
    show_results(profiler, io.StringIO(), precision=2)
    for name, lines in profiler.code_map.items():
        for line, measurement in lines:
            increment: float = measurement[0] if measurement else 0.0
            print(name, line, increment)
    peak, _ = memory_usage((plain, (1,), {}), interval=0.001, max_usage=True, retval=True)
    print(peak + memory_usage(gc.collect, max_usage=True, multiprocess=True), sum(memory_usage()))
    print([mem * when for mem, when in memory_usage(-1, timestamps=True, timeout=1)])
    print(len(memory_usage((plain, [1]), retval=True)[0]))
    memory_usage((plain, [1]), 0.1, None, True, False, True)
    memory_usage(str(os.getpid()), stream=LogFile("name", reportIncrementFlag=True))
    memory_usage(subprocess.Popen(["true"]), backend=choose_backend("uss"))
    mem: float = _get_memory(-1, "psutil")
    mem, when = _get_memory(-1, "psutil", timestamps=True)
    print(mem, when, [child for _, child in _get_child_memory(-1)])
    print(MemitResult([mem], mem, 1, None, 0.1, False), __version__, _CMD_USAGE, has_tracemalloc)
    _func_exec("x = 1", {})
    exec_with_profiler("script.py", profiler, "psutil", ["a"])
    run_module_with_profiler("module", profiler, "psutil")
    load_ipython_extension(shell)
    print(memory_profiler.MemoryProfilerMagics)
