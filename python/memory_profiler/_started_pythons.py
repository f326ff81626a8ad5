"""In a parent that counts no children: ``profile`` is there in every Python that it starts.

_memprof_startup.py sees to that, where the child's environment says so. The parent's os.environ,
and copies of it, stay as they are.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os, variable  # noqa: F401

import posix
import sys

from ._memprof import Wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Call = tuple[Any, ...]

_NAME, _VALUE = "MEMORY_PROFILER_CHILDREN", "null"
_ENTRY = f"{_NAME}={_VALUE}".encode()


def _is_copy(names: Iterable[bytes]) -> bool:
    """Whether an environment with these names is a copy of ours, changed perhaps.

    Reloaders give such copies. One of its own must not have what is ours.
    """
    given, known = set(names), posix.environ
    return 2 * sum(name in given for name in known) > len(known) and _NAME.encode() not in given


def _with_entry(call: Call) -> Call:
    """The arguments of fork_exec(), whose environment is a list."""
    given = call[5] if len(call) > 5 else None
    if type(given) is not list or not all(type(entry) is bytes for entry in given):
        return call
    if not _is_copy(entry.partition(b"=")[0] for entry in given):
        return call
    return (*call[:5], [*given, _ENTRY], *call[6:])


def _with_variable(call: Call) -> Call:
    """The arguments of execve() and posix_spawn(), whose environment is a mapping."""
    given = call[2] if len(call) > 2 else None
    if type(given) is not dict and given is not os.environ:
        return call
    names = [name.encode("utf-8", "surrogateescape") for name in given if type(name) is str]
    return (*call[:2], {**given, _NAME: _VALUE}, *call[3:]) if _is_copy(names) else call


def follow_started_pythons() -> None:
    """To be called once, before the program runs."""
    if variable(_NAME) is not None:
        return
    os.putenv(_NAME, _VALUE)
    import _posixsubprocess

    fork_exec = Wrapped(_posixsubprocess.fork_exec, before=_with_entry)
    _posixsubprocess.fork_exec = fork_exec
    subprocess: Any = sys.modules.get("subprocess")
    if hasattr(subprocess, "_fork_exec"):  # 3.11 and later have a name of their own for it
        subprocess._fork_exec = fork_exec
    theirs = sys.modules["os"]
    for name in "execve", "posix_spawn", "posix_spawnp":
        if hasattr(theirs, name):
            function = getattr(theirs, name)
            wrapped = Wrapped(function, before=_with_variable)
            setattr(theirs, name, wrapped)
            if function in theirs.supports_fd:
                theirs.supports_fd.add(wrapped)
