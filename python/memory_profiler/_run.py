"""Run a script, a module or a string as ``__main__``, with ``profile`` at hand."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import builtins
import linecache
import sys
import types
from _frozen_importlib import BuiltinImporter
from _frozen_importlib_external import SourceFileLoader

from ._source import keep, show_as, shown_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

COMMAND_NAME = "<memory_profiler -c>"


class CannotRun(Exception):
    """The program could not be started; the message is one line for the user."""


def find_script(name: str) -> str:
    """The path of a script: as given, else in a folder of $PATH. Raises CannotRun."""
    if os.path.isfile(name):
        return name
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder or os.curdir, name)
        if os.path.isfile(path):
            return path
    raise CannotRun(f"Could not find script {name}")


def is_script(target: str) -> bool:
    """Whether a program argument names a file rather than a module."""
    return target.endswith(".py") or os.path.isfile(target)


def _remember_source(source: bytes, filename: str) -> None:
    """Let tables and tracebacks show what is compiled here, whatever becomes of the file."""
    import io
    import tokenize

    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    lines = io.TextIOWrapper(io.BytesIO(source), encoding, errors="replace").readlines()
    keep(filename, lines)
    for name in {filename, shown_name(filename)}:
        linecache.cache[name] = (len(source), None, lines, name)


def _compile(source: bytes, filename: str) -> types.CodeType:
    try:
        code = compile(source, filename, "exec", dont_inherit=True)
        _remember_source(source, filename)
    except SyntaxError as error:
        where = f"{shown_name(error.filename or filename)}:{error.lineno or 1}"
        raise CannotRun(f"memory_profiler: {where}: {type(error).__name__}: {error.msg}") from None
    except ValueError as error:
        raise CannotRun(f"memory_profiler: {shown_name(filename)}: {error}") from None
    return code


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise CannotRun(f"memory_profiler: cannot read {path}: {error.strerror}") from None


def _new_main(**names: Any) -> types.ModuleType:
    """A fresh module that is ``__main__`` from here on; its names stand in Python's order."""
    module = types.ModuleType("__main__")
    of_module = {name: value for name, value in names.items() if name in module.__dict__}
    module.__dict__.update(of_module)
    if sys.version_info < (3, 14):
        module.__dict__["__annotations__"] = {}
    module.__dict__["__builtins__"] = builtins
    module.__dict__.update(names)
    sys.modules["__main__"] = module
    return module


def _script(path: str) -> tuple[types.CodeType, dict[str, Any]]:
    """(code, names of __main__) of a script file."""
    filename = path if os.path.isabs(path) else os.path.join(os.getcwd(), path)  # as Python has it
    show_as(filename, path)
    names = {
        "__loader__": SourceFileLoader("__main__", filename),
        "__file__": filename,
        "__cached__": None,
    }
    return _compile(_read(path), filename), names


def _module(name: str) -> tuple[types.CodeType, dict[str, Any]]:
    """(code, names of __main__) of a module as ``python -m`` would run it."""
    from importlib.util import find_spec

    try:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name += ".__main__"
            spec = find_spec(name)
        loader: Any = spec and spec.loader
        code = loader.get_code(spec.name) if spec and hasattr(loader, "get_code") else None
    except SyntaxError as error:
        raise CannotRun(
            f"memory_profiler: {error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
        ) from None
    except (ImportError, AttributeError, ValueError) as error:
        raise CannotRun(f"memory_profiler: {error}") from None
    if spec is None or code is None:
        raise CannotRun(f"memory_profiler: No module named {name or repr(name)}")
    names = {
        "__file__": spec.origin,
        "__cached__": spec.cached,
        "__loader__": spec.loader,
        "__package__": spec.parent,
        "__spec__": spec,
    }
    return code, names


def execute(
    kind: str,
    target: str,
    args: list[str],
    profiler: Any,
    begin: Callable[[], object] = lambda: None,
    before: Callable[[types.CodeType, dict[str, Any]], object] = lambda code, names: None,
    run: Callable[[types.CodeType, dict[str, Any]], object] = exec,
) -> None:
    """Run ``target`` (kind: 'script', 'module' or 'command') as __main__. Raises CannotRun.

    ``begin()`` is called before it is looked up, and ``before(code, names)`` with its code and the
    names of its __main__ just before it runs. ``run(code, names)`` runs it.
    """
    builtins.profile = profiler  # type: ignore[attr-defined]
    begin()
    if kind == "script":
        path = find_script(target)
        code, names = _script(path)
        sys.path.insert(0, os.path.dirname(os.path.realpath(path)))
        sys.argv[:] = [path, *args]
    elif kind == "module":
        sys.argv[:] = ["-m", *args]
        code, names = _module(target)
        sys.argv[0] = names["__file__"]
    else:
        code = _compile(target.encode("utf-8", "surrogateescape"), COMMAND_NAME)
        names = {"__loader__": BuiltinImporter}  # as Python has it
        sys.argv[:] = ["-c", *args]
    before(code, names)
    main = _new_main(profile=profiler, **names)
    run(code, main.__dict__)


def exec_with_profiler(
    filename: str, profiler: Any, backend: str, passed_args: Iterable[str] = ()
) -> None:
    """Run a script file with ``profiler`` as the builtin ``profile``."""
    from ._profiler import start_backend

    start_backend(backend)
    execute("script", filename, list(passed_args), profiler)


def run_module_with_profiler(
    module: str, profiler: Any, backend: str, passed_args: Iterable[str] = ()
) -> None:
    """Run a module with ``profiler`` as the builtin ``profile``."""
    from ._profiler import start_backend

    start_backend(backend)
    execute("module", module, list(passed_args), profiler)
