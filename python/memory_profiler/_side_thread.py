"""A thread of ours beside the program: it is not there while that forks, nor at its end."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

from ._forks import call_when_forked
from ._memprof import side_pause, side_resume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ._memprof import _SideThread


class SideThread:
    """``thread`` is one of the core's, which ``end(thread)`` ends for good.

    In forked children it begins anew where it is there ``for_all`` of them.
    """

    def __init__(
        self, thread: _SideThread, end: Callable[[_SideThread], object], for_all: bool
    ) -> None:
        import atexit

        self._thread: _SideThread | None = thread
        self._do_end = end
        atexit.register(self._end)
        os.register_at_fork(
            before=self._pause,
            after_in_parent=self._go_on,
            after_in_child=self._begin_anew if for_all else self._forget,
        )

    def _forget(self) -> None:
        self._thread = None

    def _end(self) -> None:
        if self._thread is not None:
            self._do_end(self._thread)
            self._forget()

    def _pause(self) -> None:
        if self._thread is not None:
            side_pause(self._thread)

    def _resume(self) -> None:
        if self._thread is not None:
            side_resume(self._thread, False)

    def _go_on(self) -> None:
        if self._thread is not None:
            call_when_forked(self._resume)

    def _begin_anew(self) -> None:
        if self._thread is not None:
            side_resume(self._thread, True)
