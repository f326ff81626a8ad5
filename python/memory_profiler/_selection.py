"""``-p TARGET``, ``--all`` and ``--lines``: what is profiled without a decorator."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import linecache
import sys
import types
from fnmatch import fnmatchcase

from ._short_names import INSTALLED
from ._targets import find_function, parts_of_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

_OPTIMIZED = 0x1  # of code flags: a function's; bodies of classes and modules lack it
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_NO_FUNCTIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


def functions_of(code: types.CodeType, prefix: str = "") -> Iterator[tuple[str, types.CodeType]]:
    """(qualified name, code) of the functions written in a module, or in classes of it.

    Code nested in a function belongs to that function's table.
    """
    for constant in code.co_consts:
        if not isinstance(constant, types.CodeType) or constant.co_name in _NO_FUNCTIONS:
            continue
        name = prefix + constant.co_name
        if constant.co_flags & _OPTIMIZED:
            yield name, constant
        elif not constant.co_name.startswith("<"):
            yield from functions_of(constant, name + ".")


def top_level_of(code: types.CodeType) -> list[types.CodeType]:
    """The code of a module that is no function's: its own, its classes' and comprehensions'."""
    found = [code]
    for constant in code.co_consts:
        if not isinstance(constant, types.CodeType):
            continue
        name = constant.co_name
        if name in _NO_FUNCTIONS or not (constant.co_flags & _OPTIMIZED or name.startswith("<")):
            found += top_level_of(constant)
    return found


class OwnFiles:
    """Which files are the program's own: those below its folder that nobody installed there.

    A file is judged by its name when it is imported; no folder is walked.
    """

    def __init__(self) -> None:
        self._root: str | None = None
        self._verdicts: dict[str, bool] = {}  # folder -> whether its files are the program's

    def begin_at(self, folder: str) -> None:
        if self._root is None:
            self._root = folder
            self._verdicts[folder] = not self._is_installed(folder)

    def has(self, filename: object) -> bool:
        if self._root is None or not isinstance(filename, str):
            return False
        # What Python imports for itself, also when the program has replaced what realpath() needs.
        if filename.startswith(_LIBRARY) and INSTALLED.isdisjoint(filename.split(os.sep)):
            return False
        return self._is_own(os.path.dirname(os.path.realpath(filename)))

    def _is_own(self, folder: str) -> bool:
        verdict = self._verdicts.get(folder)
        if verdict is None:
            above = os.path.dirname(folder)
            is_below = len(folder) > len(self._root or "") and above != folder
            verdict = is_below and self._is_own(above) and not self._belongs_to_others(folder)
            self._verdicts[folder] = verdict
        return verdict

    @staticmethod
    def _is_installed(folder: str) -> bool:
        """Whether the program itself was installed, or belongs to Python."""
        library = os.path.dirname(os.path.realpath(os.__file__))
        is_librarys = (folder + os.sep).startswith(library + os.sep)
        return is_librarys or not INSTALLED.isdisjoint(folder.split(os.sep))

    @staticmethod
    def _belongs_to_others(folder: str) -> bool:
        prefixes = sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix
        return (
            os.path.basename(folder) in INSTALLED
            or folder in map(os.path.realpath, prefixes)
            or os.path.exists(os.path.join(folder, "pyvenv.cfg"))
        )


def folder_of(names: dict[str, Any]) -> str:
    """The folder of a program by the names of its __main__: of its outermost package, if any."""
    filename = names.get("__file__")
    folder = os.path.dirname(os.path.realpath(filename)) if filename else os.getcwd()
    package: str = names.get("__package__") or ""
    for _ in package.split(".")[1:]:
        folder = os.path.dirname(folder)
    return folder


class Target:
    """What one ``-p`` names: a module, module:function, either with wildcards, or a file."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.matched = False  # whether a function was found
        where, _, self.function = text.partition(":")
        is_file = where.endswith(".py") or os.sep in where
        self.path = os.path.realpath(where) if is_file else None
        self.module = where

    def has_module(self, name: str, filename: str) -> bool:
        """Whether a module may hold what is meant; a package means its modules as well."""
        if self.path is not None:
            return os.path.realpath(filename) == self.path
        if fnmatchcase(name, self.module):
            return True
        return not self.function and name.startswith(self.module + ".")

    def has_function(self, name: str) -> bool:
        return not self.function or fnmatchcase(name, self.function)


def _function_in(part: Any) -> Any:
    """The function that is meant by what a module holds; that may answer as it likes."""
    try:
        return find_function(part)
    except Exception:
        return None


class Selection:
    """Watches the functions that targets name, in modules loaded before and from now on."""

    def __init__(
        self,
        targets: list[str],
        everything: bool,
        watch: Callable[[types.CodeType], object],
        package: str | None = None,
    ) -> None:
        self.targets = [Target(text) for text in targets]
        self.everything = everything  # --all: every function of the program's own files
        self._watch = watch  # watch(code)
        self._package = package  # where the program is a module: the first part of its name
        self._own = OwnFiles()
        self._started = False

    def start(self) -> None:
        from ._memprof import on_modules

        for name, module in list(sys.modules.items()):
            filename = getattr(module, "__file__", None)
            if name == "__main__" or name.partition(".")[0] == __package__:
                continue  # ours; the program's comes later
            if isinstance(module, types.ModuleType) and isinstance(filename, str):
                self._loaded(name, filename, module, self.everything and self._own.has(filename))
        if self.targets or self.everything:
            on_modules(self._begins)
        self._started = True

    def join(self) -> None:
        """The program runs already: its own module, too, has been loaded."""
        main = sys.modules["__main__"]
        self._own.begin_at(folder_of(vars(main)))
        self.start()
        filename = getattr(main, "__file__", None) or "<string>"
        spec = getattr(main, "__spec__", None)
        self._loaded(spec.name if spec else "__main__", filename, main, self.everything)

    def program(self, code: types.CodeType, names: dict[str, Any]) -> None:
        """The program itself is about to run: ``names`` are those of its __main__."""
        spec = names.get("__spec__")
        own_names = {"__main__", spec.name if spec else "__main__"}
        self._own.begin_at(folder_of(names))
        self._choose(own_names, code, names, self.everything)

    def any_matched(self) -> bool:
        """Whether a target named a function that the program has."""
        return any(target.matched for target in self.targets)

    def complaints(self) -> list[str]:
        """A line for each target that named no function, after a run."""
        if not self._started:
            return []
        return [
            f"memory_profiler: -p {target.text} named no function of this run"
            for target in self.targets
            if not target.matched
        ]

    def _begins(self, code: types.CodeType, name: Any) -> None:
        if not isinstance(name, str) or name.partition(".")[0] in ("__main__", __package__):
            return
        names = getattr(sys.modules.get(name), "__dict__", {})
        filename = names.get("__file__")
        # Not what the module only runs by exec(), as dataclasses do.
        if filename not in (None, code.co_filename):
            return
        if filename is not None and name == self._package and "__path__" in names:
            self._own.begin_at(os.path.dirname(os.path.realpath(filename)))
        self._choose({name}, code, names, self.everything and self._own.has(filename))

    def _loaded(
        self, name: str, filename: str, module: types.ModuleType, everything: bool = False
    ) -> None:
        names = {name, module.__name__}  # a program that runs as a module has two
        found = [
            target
            for target in self.targets
            if any(target.has_module(one, filename) for one in names)
        ]
        if found or everything:
            linecache.lazycache(filename, vars(module))
            functions = [
                (function.__qualname__, function.__code__)
                for function in map(_function_in, parts_of_module(module))
                if isinstance(function, types.FunctionType)
            ]
            self._choose_of(found, functions, everything)

    def _choose(
        self,
        names: set[str],
        code: types.CodeType,
        module_globals: dict[str, Any],
        everything: bool = False,
    ) -> None:
        found = [
            target
            for target in self.targets
            if any(target.has_module(name, code.co_filename) for name in names)
        ]
        if found or everything:
            linecache.lazycache(code.co_filename, module_globals)
            self._choose_of(found, functions_of(code), everything)

    def _choose_of(
        self,
        targets: list[Target],
        functions: Iterable[tuple[str, types.CodeType]],
        everything: bool = False,
    ) -> None:
        for name, code in functions:
            wanted = [target for target in targets if target.has_function(name)]
            for target in wanted:
                target.matched = True
            if wanted or everything:
                self._watch(code)
