"""Files beside the program are not taken for what we import, nor what we have imported for them.

``python -m`` puts the current folder in front of sys.path. While our own modules are imported it is
not there; what the program has a file of its own for, it then imports itself.
"""

from __future__ import annotations

import sys
from posix import getcwd, listdir, stat

FOUND = frozenset(sys.modules)  # before anything of ours
_CODE = (".py", ".pyc", ".so")
_aside: list[str] = []


def step_aside() -> None:
    """The current folder is not searched from now on, where -m put it in front."""
    if _aside or not sys.path or getattr(sys.flags, "safe_path", False):
        return
    try:
        if sys.path[0] in ("", getcwd()):
            _aside.append(sys.path.pop(0))
    except OSError:
        pass  # it is gone, so nothing is in it


def step_back() -> None:
    """It is searched again."""
    while _aside:
        sys.path.insert(0, _aside.pop())


def _is_package(path: str) -> bool:
    try:
        stat(path + "/__init__.py")
        return True
    except (OSError, ValueError):
        return False


def leave_to_program(folder: str) -> None:
    """Forget modules of the standard library of which the program has its own in a folder."""
    ours = {name.partition(".")[0] for name in sys.modules.keys() - FOUND}
    ours &= sys.stdlib_module_names
    try:
        there = listdir(folder or ".")
    except OSError:
        return  # an archive
    shadowed = {entry.partition(".")[0] for entry in there if entry.endswith(_CODE)} & ours
    shadowed |= {entry for entry in there if entry in ours and _is_package(f"{folder}/{entry}")}
    for name in [name for name in sys.modules if name.partition(".")[0] in shadowed]:
        if name not in FOUND:
            del sys.modules[name]


if sys.argv[:1] == ["-m"]:  # the package is imported to be run
    step_aside()
