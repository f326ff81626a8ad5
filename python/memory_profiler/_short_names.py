"""Names of files as short as they can be told: from here, or as modules are looked up."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import sys
from contextlib import suppress

from ._source import given_name
from ._visible import visible

INSTALLED = frozenset(["site-packages", "dist-packages"])


def _folder(path: object) -> str:
    """With the separator at its end; empty for what is no folder that names could begin with."""
    if not isinstance(path, str) or not path.startswith(os.sep):
        return ""
    return path.rstrip(os.sep) + os.sep


class ShortNames:
    """Made before the program runs, which may go elsewhere; its additions to sys.path count."""

    def __init__(self) -> None:
        self._here = ""
        with suppress(OSError):  # the folder is gone
            self._here = _folder(os.getcwd())
        self._library = _folder(os.path.dirname(os.__file__))
        self._folders: list[str] | None = None
        self._taken: dict[str, str] = {}  # short name -> file

    def _look_up(self) -> list[str]:
        """Folders that names are told from, the best first."""
        paths = sys.path if isinstance(sys.path, list) else []
        found = {self._library, *map(_folder, paths)} - {""}
        longest = sorted(found, key=len, reverse=True)
        installed = [
            folder
            for folder in longest
            if folder == self._library or not INSTALLED.isdisjoint(folder.split(os.sep))
        ]
        others = [folder for folder in longest if folder not in installed]
        return [*installed, *([self._here] if self._here else []), *others]

    def of(self, filename: str) -> str:
        """The short name of a file, for a terminal; another file's never."""
        short = given_name(filename) or self._below(filename)
        if self._taken.setdefault(short, filename) != filename:
            short = filename
        return visible(short)

    def _below(self, filename: str) -> str:
        if self._folders is None:
            self._folders = self._look_up()
        for folder in self._folders:
            if folder != os.sep and filename.startswith(folder):
                return filename[len(folder) :]
        return filename
