"""``profile(heap=True)``: which objects an outermost call of the function has left behind."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

import sys
from _thread import get_ident
from functools import wraps

from ._allocating_calls import refuse_what_is_left
from ._call_tables import printing_lock
from ._heap import SHOWN, new_objects
from ._memprof import heap_remember
from ._tables import write_or_complain
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FunctionType
    from typing import Any

    from ._memprof import _Remembered
    from ._types import Writer


class Grown:
    """How what calls leave behind is printed: below their tables."""

    def __init__(self, stream: Writer | None) -> None:
        self._stream = stream

    def around(self, target: Any, function: FunctionType) -> Any:
        """What stands in for the target, and looks before and after its outermost calls. TypeError
        over what is left and entered again."""
        refuse_what_is_left(function, "heap=True")
        running: set[int] = set()  # threads

        @wraps(target)
        def call(*args: Any, **kw: Any) -> Any:
            thread = get_ident()
            if thread in running:
                return target(*args, **kw)
            running.add(thread)
            try:
                return self._call(target, args, kw, function.__qualname__)
            finally:
                running.discard(thread)

        return call

    def _call(self, target: Any, args: Any, kw: Any, name: str) -> Any:
        remembered, why_not = _remember()
        try:
            return target(*args, **kw)
        finally:
            self._print(remembered, why_not, visible(name))

    def _print(self, remembered: _Remembered | None, why_not: str, name: str) -> None:
        text = f"What {name}() left behind is not known: {why_not}"
        if remembered is not None:
            try:
                found, is_exact = new_objects(remembered, "blocks")
                text = found.table(SHOWN, f"Left behind by {name}()")
                if not is_exact:
                    text += "\nSome are missing: not all that was freed could be seen"
            except (RuntimeError, MemoryError) as error:
                text += str(error) or "there is no memory for it"

        def write(stream: Writer) -> None:
            stream.write(text + "\n\n")

        with printing_lock():
            if not write_or_complain(write, self._stream, sys.stdout, name):
                self._stream = None


def _remember() -> tuple[_Remembered | None, str]:
    """(all objects there are, why that is not known)."""
    try:
        return heap_remember(), ""
    except (RuntimeError, MemoryError) as error:
        return None, str(error) or "there is no memory for it"
