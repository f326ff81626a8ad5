"""``profile(allocations=True)``: what is allocated while a call of the function runs."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from _thread import get_ident
from functools import wraps

from ._allocation_blocks import allocations
from ._allocations import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FunctionType
    from typing import Any

_NOT_PLAIN = 0x20 | 0x80 | 0x200  # generators, coroutines, both
_NOTHING = 0, 0, 0, 0, 0, 0


def refuse_what_is_left(function: FunctionType, asked: str) -> None:
    """TypeError over what is left and entered again."""
    if function.__code__.co_flags & _NOT_PLAIN:
        raise TypeError(
            f"profile({asked}) is for calls that run from begin to end, not for "
            f"generators and coroutines: {function.__qualname__}()"
        )


class Counted:
    """How the calls of what one @profile stands over are counted."""

    def __init__(self, own: bool) -> None:
        self._own = own
        self._calls: dict[CodeType, AllocatingCalls] = {}

    def of(self, function: FunctionType) -> AllocatingCalls:
        """TypeError over what is left and entered again."""
        refuse_what_is_left(function, "allocations=True")
        return self._calls.setdefault(function.__code__, AllocatingCalls(self._own))


class AllocatingCalls:
    """The outermost calls of a function that run now, a thread each."""

    def __init__(self, own: bool) -> None:
        self._own = own
        self._running: dict[int, allocations] = {}

    def around(self, target: Any) -> Any:
        """What stands in for the target, and counts while it is called."""
        running = self._running

        @wraps(target)
        def call(*args: Any, **kw: Any) -> Any:
            thread = get_ident()
            if thread in running:
                return target(*args, **kw)
            block = running[thread] = allocations()
            try:
                with block:
                    return target(*args, **kw)
            finally:
                running.pop(thread, None)

        return call

    def columns_here(self) -> tuple[Callable[[str, int], Any], str] | None:
        """(columns of a line of a file, the summary) of the call that ends here; None: of one that
        was not called by its new name."""
        block = self._running.get(get_ident())
        if block is None:
            return None
        lines = block._of_lines(self._own)
        return lambda file, line: columns(lines.get((file, line), _NOTHING)), block._summary()
