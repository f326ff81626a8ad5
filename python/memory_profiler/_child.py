"""Children of a profiled program that are started afresh: ``profile`` exists there too.

A spawned child (and the fork server) runs ``__main__`` again, so that ``@profile`` has to be found:
_start_methods.py has it import this module before all else. In a Python that the program starts
itself _memprof_startup.py imports it, when ``profile`` is used. Imported, it acts.
"""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

import sys

from ._decorator import counting_child, timestamp
from ._start_methods import follow_start_methods
from ._timestamps import Asked, running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _disabled_profile() -> Any:
    """What stands for @profile in a child whose lines are not counted: under mprof what records
    calls, as in the program itself; its tables are those of an imported one."""
    stamper = running()
    if stamper is not None:
        return stamper

    def profile(func: Any = None, *_: Any, **__: Any) -> Any:
        return Asked(profile, None) if func is None else func

    profile.timestamp = timestamp  # type: ignore[attr-defined]
    return profile


_found: list[Any] = []  # the one of this process


def profile_here() -> Any:
    """What ``profile`` is in this child."""
    if not _found:
        _found.append(counting_child() or _disabled_profile())
    return _found[0]


def _in_child() -> None:
    import builtins

    builtins.profile = profile_here()  # type: ignore[attr-defined]


if not hasattr(sys.modules.get("__main__"), "_memory_profiler_runs_here"):
    _in_child()
    follow_start_methods()
