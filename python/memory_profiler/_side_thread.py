"""A thread of ours beside the program: it is not there while that forks, nor at its end."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

from ._forks import call_when_forked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class SideThread:
    """``thread`` is what the functions take: pause(thread), resume(thread, in_child), end(thread).

    In forked children it begins anew where it is there ``for_all`` of them.
    """

    def __init__(
        self,
        thread: Any,
        pause: Callable[[Any], object],
        resume: Callable[[Any, bool], object],
        end: Callable[[Any], object],
        for_all: bool,
    ) -> None:
        import atexit

        self._thread, self._do_pause, self._do_resume, self._do_end = thread, pause, resume, end
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
            self._do_pause(self._thread)

    def _resume(self) -> None:
        if self._thread is not None:
            self._do_resume(self._thread, False)

    def _go_on(self) -> None:
        if self._thread is not None:
            call_when_forked(self._resume)

    def _begin_anew(self) -> None:
        if self._thread is not None:
            self._do_resume(self._thread, True)
