"""Functions of the script of which a pool sends copies to its workers, as cloudpickle makes them.

A copy has the attributes of its function. Where children are counted, one of these tells a worker
that the copy is to be counted, too: it is pickled with the function that it belongs to.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, variable  # noqa: F401

from _weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

ATTRIBUTE = "__memory_profiler__"
_count_copy: list[Callable[[Any], object]] = [lambda function: None]


def on_copy(count: Callable[[Any], object]) -> None:
    """What is called with a copy, in the process that has got it."""
    _count_copy[0] = count


class Carried:
    """Is in the attributes of a decorated function; what it refers to is in no cycle with it."""

    def __init__(self, function: Any = None) -> None:
        self._function = function if function is None else ref(function)

    def __reduce__(self) -> Any:
        function = self._function and self._function()
        filename = function and function.__code__.co_filename
        return Carried, (), {"function": function, "filename": filename}

    def __setstate__(self, state: Any) -> None:
        function = state["function"]
        if function is not None:
            self._function = ref(function)
            # cloudpickle takes the name of the file away, by which copies are of one function.
            function.__code__ = _in_file(function.__code__, state["filename"])
            _count_copy[0](function)


def _in_file(code: CodeType, filename: str) -> CodeType:
    """The code, and what is nested in it, as of this file."""
    parts = tuple(
        _in_file(part, filename) if isinstance(part, type(code)) else part
        for part in code.co_consts
    )
    return code.replace(co_filename=filename, co_consts=parts)


def carry(function: Any, made: Any) -> None:
    """``made`` stands for the function, which may be itself."""
    if function.__module__ == "__main__" and (
        variable("MEMORY_PROFILER_CHILDREN") is not None or variable("MPROF_OUTPUT") is not None
    ):
        try:
            function.__dict__[ATTRIBUTE] = Carried(made)
        except TypeError:  # nothing can refer to it weakly
            pass
