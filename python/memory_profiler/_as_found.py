"""At the program's end: the standard library as it was before the program began.

Tables and files are made with it. Only then: while the program runs, what it has patched is there
for its other threads.
"""

from __future__ import annotations
from ._own import builtins as __builtins__

import builtins
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MODULES = """os posixpath genericpath posix stat io _io json json.encoder json.decoder json.scanner
    time re linecache inspect tokenize token contextlib codecs shutil fnmatch marshal errno
    functools itertools operator collections collections.abc types keyword enum math select
""".split()
_OF_SYS = ("path", "meta_path", "path_hooks", "path_importer_cache")
_NOTHING = object()


def _put(live: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Make a namespace what it was; returns what it had instead: _NOTHING for nothing."""
    others = {
        name: live.get(name, _NOTHING)
        for name, value in found.items()
        if live.get(name, _NOTHING) is not value
    }
    for name in others:
        live[name] = found[name]
    return others


def _put_back(live: dict[str, Any], others: dict[str, Any]) -> None:
    for name, value in others.items():
        if value is _NOTHING:
            live.pop(name, None)
        else:
            live[name] = value


class AsFound:
    """A context in which modules are what they were when it was made; afterwards they are what the
    program made of them."""

    def __init__(self) -> None:
        modules = dict(sys.modules)
        modules.pop("__main__", None)
        of_sys = {
            name: value for name, value in vars(sys).items() if callable(value) or name in _OF_SYS
        }
        self._found: list[tuple[Any, Any]] = [
            (sys.modules, modules),
            (vars(sys), of_sys),
            (vars(builtins), __builtins__),
        ]
        self._found += [
            (vars(modules[name]), dict(vars(modules[name]))) for name in _MODULES if name in modules
        ]
        self._changed: list[tuple[Any, Any]] = []

    def __enter__(self) -> None:
        self._changed = [(live, _put(live, found)) for live, found in self._found]

    def __exit__(self, *exception: object) -> None:
        for live, others in self._changed:
            _put_back(live, others)
        self._changed = []
