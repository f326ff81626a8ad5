"""A program that becomes another one by os.exec*(): what was measured of it is told before."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import sys

from ._memprof import Wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _will_run(path: Any) -> bool:
    """Whether it can be expected to: os.execvp() tries each folder of PATH in turn."""
    try:
        return os.access(path, os.X_OK) and not os.path.isdir(path)
    except (OSError, TypeError, ValueError):
        return False


def before_exec(end: Callable[[], object]) -> None:
    """end() before this process is another program; all of os.exec*() call these two."""

    def before(call: tuple[Any, ...]) -> tuple[Any, ...]:
        if call and _will_run(call[0]):
            end()
        return call

    theirs: Any = sys.modules["os"]
    for name in "execv", "execve":
        if hasattr(theirs, name):
            function = getattr(theirs, name)
            wrapped = Wrapped(function, before=before)
            setattr(theirs, name, wrapped)
            if function in theirs.supports_fd:
                theirs.supports_fd.add(wrapped)
