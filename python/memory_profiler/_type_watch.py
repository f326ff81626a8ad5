"""``mprof run --types``: when the hungriest types of a process are told. The work is in the core.

MPROF_TYPES says how often, and behind a / of whom: of every Python ("0"), or of the one that the
mprof of that pid has started.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os, variable  # noqa: F401

from sys import getallocatedblocks

from . import _memprof
from ._side_thread import SideThread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_shared: dict[str, Any] = _memprof.shared  # "types": what watches this process


def start() -> None:
    """Where this process is one that is asked: the first time now."""
    seconds, _, asker = (variable("MPROF_TYPES") or "").partition("/")
    path = variable("MPROF_OUTPUT")
    if not path or asker not in ("0", str(os.getppid())) or "types" in _shared:
        return
    try:
        thread = _memprof.types_start(path, float(seconds), getallocatedblocks() > 0)
    except (MemoryError, RuntimeError, ValueError):
        return  # mprof says in the end that nothing was told
    _shared["types"] = SideThread(thread, _memprof.types_stop, asker == "0")
