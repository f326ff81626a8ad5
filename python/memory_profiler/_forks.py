"""After a fork, in the parent: threads of ours go on."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

import sys

from ._memprof import call_when_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def call_when_forked(resume: Callable[[], object]) -> None:
    """To be called by what os.register_at_fork() calls: resume() when os.fork() has returned.

    Some releases of 3.13 count the threads, and warn of them, only after all that.
    """
    import threading

    forking = sys._getframe(1).f_back
    if forking is not None and threading.current_thread() is threading.main_thread():
        call_when_left(forking, resume)
    else:
        resume()
