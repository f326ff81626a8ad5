"""Line-by-line memory profiles of Python programs, measured in C.

    from memory_profiler import profile

    @profile
    def load(): ...

prints, after every outermost call, how much memory each line of the function added. The same
decorator under ``python -m memory_profiler script.py`` makes one table per function at the end.
Memory is in MiB throughout (2**20 bytes).

PYTEST_DONT_REWRITE, since a program that starts pytest finds this package imported already.
"""

from . import _aside  # isort: split

from ._decorator import profile
from ._memprof import version as __version__  # noqa: F401
from ._profiler import LineProfiler
from ._tables import CodeMap, LogFile, show_results

_aside.step_back()

__all__ = [
    "CodeMap",
    "LineProfiler",
    "LogFile",
    "TimeStamper",
    "allocations",
    "bill",
    "choose_backend",
    "heap",
    "heap_growth",
    "hpy",
    "load_ipython_extension",
    "memory_usage",
    "owners",
    "profile",
    "show_results",
]

_CMD_USAGE = "python -m memory_profiler [options] program [args...]"

# What is rarely needed, and in which module it is.
_LATER = {
    "Birth": "_births",
    "Births": "_births",
    "AllocationStack": "_allocation_blocks",
    "Bill": "_bill",
    "BillRow": "_bill",
    "Heap": "_heap",
    "HeapType": "_heap",
    "Heapy": "_hpy",
    "HeapySet": "_hpy",
    "NewOnHeap": "_heap",
    "TimeStamper": "_timestamps",
    "allocations": "_allocation_blocks",
    "bill": "_bill",
    "heap": "_heap",
    "heap_growth": "_heap",
    "hpy": "_hpy",
    "Owner": "_owners",
    "Owners": "_owners",
    "owners": "_owners",
    "MemitResult": "magics",
    "MemoryProfilerMagics": "magics",
    "load_ipython_extension": "magics",
    "choose_backend": "_usage",
    "has_tracemalloc": "_usage",
    "memory_usage": "_usage",
    "_func_exec": "_usage",
    "_get_child_memory": "_usage",
    "_get_memory": "_usage",
    "exec_with_profiler": "_run",
    "run_module_with_profiler": "_run",
}


def _later(name):
    """Imports a module when it is first needed.

    By statements: what packs a program looks for those, and not for computed names.
    """
    if name == "_timestamps":
        from . import _timestamps as module
    elif name == "_heap":
        from . import _heap as module
    elif name == "_hpy":
        from . import _hpy as module
    elif name == "_births":
        from . import _births as module
    elif name == "_owners":
        from . import _owners as module
    elif name == "magics":
        from . import magics as module
    elif name == "_usage":
        from . import _usage as module
    elif name == "_allocation_blocks":
        from . import _allocation_blocks as module
    elif name == "_bill":
        from . import _bill as module
    else:
        from . import _run as module
    return module


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module 'memory_profiler' has no attribute {name!r}")
    value = getattr(_later(_LATER[name]), name)
    globals()[name] = value
    return value
