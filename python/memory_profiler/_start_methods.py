"""What multiprocessing starts: every child of a profiled program imports _child before all else."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

import sys

from ._memprof import ImportWaiter, Wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from typing import Any

_FIRST = "import memory_profiler._child; "
_FIRST_IN_SERVER = "import sys; sys.modules['memory_profiler._serves'] = sys; " + _FIRST
_STARTS = (
    "from multiprocessing.spawn import",
    "from multiprocessing.forkserver import",
    "import sys; from multiprocessing.forkserver import",  # 3.14 and later
)


def _with_profile(call: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of spawnv_passfds(path, args, passfds): _child is imported before all else."""
    path, args, *rest = call
    args = list(args)
    for i, arg in enumerate(args):
        text = arg.decode("utf-8", "surrogateescape") if isinstance(arg, bytes) else arg
        if text.startswith(_STARTS):
            args[i] = (_FIRST_IN_SERVER if "forkserver" in text else _FIRST) + text
    return path, args, *rest


_NAME = "multiprocessing.util"
# Functions to be called with that module, once it is imported.
_waiting: list[Callable[[Any], object]] = []
_is_following: list[bool] = []  # not empty: spawnv_passfds is patched, or will be


def on_import(use: Callable[[Any], object]) -> None:
    """use(multiprocessing.util), now or when the program imports it."""
    util = sys.modules.get(_NAME)
    if util is not None:
        use(util)
    else:
        _waiting.append(use)


def _patch(util: Any) -> None:
    for use in _waiting:
        use(util)
    util.spawnv_passfds = Wrapped(util.spawnv_passfds, before=_with_profile)


def _found(waiter: ImportWaiter) -> ModuleSpec | None:
    """The spec of multiprocessing.util, patched when it has been loaded."""
    sys.meta_path.remove(waiter)
    from importlib.util import find_spec

    spec = find_spec(_NAME)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module = Wrapped(  # type: ignore[method-assign]
            spec.loader.exec_module, after=lambda args: _patch(args[0])
        )
    return spec


def follow_start_methods() -> None:
    """In the parent: every child that multiprocessing starts finds ``profile``."""
    if _is_following:
        return
    _is_following.append(True)
    util = sys.modules.get(_NAME)
    if util is not None:
        _patch(util)
    else:
        sys.meta_path.insert(0, ImportWaiter(_NAME, _found))
