"""``-p TARGET`` and ``--all``: which functions are profiled without a decorator."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import linecache
import sys
import types
from fnmatch import fnmatchcase

from ._targets import find_function, parts_of_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

_OPTIMIZED = 0x1  # of code flags: a function's; bodies of classes and modules lack it
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


class Selection:
    """Watches the functions that targets name, in modules loaded before and from now on."""

    def __init__(
        self, targets: list[str], everything: bool, watch: Callable[[types.CodeType], object]
    ) -> None:
        self.targets = [Target(text) for text in targets]
        self.everything = everything  # --all: every function of the program itself
        self._watch = watch  # watch(code)
        self._started = False

    def start(self) -> None:
        from ._memprof import on_modules

        for name, module in list(sys.modules.items()):
            filename = getattr(module, "__file__", None)
            if name == "__main__" or name.partition(".")[0] == __package__:
                continue  # ours; the program's comes later
            if isinstance(module, types.ModuleType) and isinstance(filename, str):
                self._loaded(name, filename, module)
        if self.targets:
            on_modules(self._begins)
        self._started = True

    def program(self, code: types.CodeType, names: dict[str, Any]) -> None:
        """The program itself is about to run: ``names`` are those of its __main__."""
        spec = names.get("__spec__")
        own_names = {"__main__", spec.name if spec else "__main__"}
        self._choose(own_names, code, names, self.everything)

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
        # Not what the module only runs by exec(), as dataclasses do.
        if names.get("__file__") in (None, code.co_filename):
            self._choose({name}, code, names)

    def _loaded(self, name: str, filename: str, module: types.ModuleType) -> None:
        found = [target for target in self.targets if target.has_module(name, filename)]
        if found:
            linecache.lazycache(filename, vars(module))
            functions = [
                (function.__qualname__, function.__code__)
                for function in map(find_function, parts_of_module(module))
                if isinstance(function, types.FunctionType)
            ]
            self._choose_of(found, functions)

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
