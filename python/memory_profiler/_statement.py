"""The statement of a magic: compiled as a cell is, run where a cell runs, shown in tracebacks."""

from __future__ import annotations

import linecache
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from inspect import CO_COROUTINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Coroutine
    from types import CodeType, TracebackType
    from typing import Any


def _end_loop(loop: AbstractEventLoop) -> None:
    """As asyncio.run() does it."""
    import asyncio

    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())


def _on_loop_beside(outer: AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run to its end on a loop of its own: that of the notebook runs already, and waits."""
    import asyncio

    task = asyncio.current_task()
    loop = asyncio.new_event_loop()
    if task is not None:
        asyncio.tasks._leave_task(outer, task)
    asyncio._set_running_loop(None)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        try:
            _end_loop(loop)
        finally:
            loop.close()
            asyncio._set_running_loop(outer)
            if task is not None:
                asyncio.tasks._enter_task(outer, task)


def _run_coroutine(shell: Any, coroutine: Coroutine[Any, Any, Any]) -> Any:
    import asyncio

    outer = asyncio._get_running_loop()
    if outer is None:
        return shell.loop_runner(coroutine)
    return _on_loop_beside(outer, coroutine)


class Statement:
    """``run()`` returns the value of an expression, so that this lives. Raises SyntaxError.

    ``name`` is what stands in tracebacks for its file; ``before`` is how many lines of the cell
    stand before it.
    """

    def __init__(self, shell: Any, source: str, name: str, before: int = 0) -> None:
        self.shell, self.name = shell, name
        lines = source.splitlines()
        blank = next((at for at, line in enumerate(lines) if line.strip()), 0)  # cut by IPython
        source = "\n" * (before + blank) + shell.transform_cell(source)
        lines = source.splitlines(keepends=True)
        linecache.cache[name] = len(source), None, lines, name
        self._flags = PyCF_ALLOW_TOP_LEVEL_AWAIT if shell.autoawait else 0
        try:
            self._code = self._compiled(source.rstrip(), "eval")
        except SyntaxError:
            pass  # what is wrong with it as an expression is of no interest
        else:
            return
        self._code = self._compiled(source, "exec")

    def _compiled(self, source: str, mode: str) -> CodeType:
        code: CodeType = compile(source, self.name, mode, self._flags, dont_inherit=True)
        return code

    def run(self) -> Any:
        value = eval(self._code, self.shell.user_global_ns, self.shell.user_ns)
        if self._code.co_flags & CO_COROUTINE:
            return _run_coroutine(self.shell, value)
        return value

    def _own_traceback(self, error: BaseException) -> TracebackType | None:
        """From its first line on, without what ran it."""
        found = error.__traceback__
        while found is not None and found.tb_frame.f_code.co_filename != self.name:
            found = found.tb_next
        return found

    def show_from_here(self, error: BaseException) -> None:
        """Let IPython show the error with the statement's own lines alone, wherever it goes."""
        own, shell = self._own_traceback(error), self.shell
        if own is None:
            return

        def render() -> Any:
            return shell.InteractiveTB.structured_traceback(type(error), error, own, tb_offset=0)

        try:
            error._render_traceback_ = render  # type: ignore[attr-defined]
        except Exception:  # an error that takes no attributes is shown with all there is
            pass
