"""Run a script, a module or a string as ``__main__``, with ``profile`` at hand."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import builtins
import io
import linecache
import sys
import types
from _frozen_importlib import BuiltinImporter
from _frozen_importlib_external import SourceFileLoader

from ._aside import leave_to_program, step_aside, step_back
from ._source import keep, show_as, shown_name
from ._visible import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

COMMAND_NAME = "<memory_profiler -c>"


class CannotRun(Exception):
    """The program could not be started; the message is one line for the user."""


class NoPython(CannotRun):
    """Its source cannot be compiled; the message is what Python itself would print, in lines."""

    def __init__(self, error: SyntaxError) -> None:
        step_aside()
        try:
            super().__init__(_shown_by_python(error).rstrip("\n"))
        finally:
            step_back()


def _shown_by_python(error: SyntaxError) -> str:
    if sys.version_info >= (3, 13):  # what the interpreter asks as well, but for colours
        from traceback import format_exception_only

        return "".join(format_exception_only(error))
    said, before = io.StringIO(), sys.stderr
    try:
        sys.stderr = said
        sys.__excepthook__(type(error), error.with_traceback(None), None)
    finally:
        sys.stderr = before
    return said.getvalue()


def find_script(name: str) -> str:
    """The path of a script: as given, else in a folder of $PATH. Raises CannotRun."""
    if os.path.isfile(name) or _is_stream(name):
        return name
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder or os.curdir, name)
        if os.path.isfile(path):
            return path
    raise CannotRun(f"Could not find script {name}")


def _is_stream(name: str) -> bool:
    """A place that can be read as a file, as /dev/stdin."""
    return os.sep in name and os.path.exists(name) and not os.path.isdir(name)


def kind_of(target: str) -> str:
    """'script', 'container' (a folder or an archive with a __main__ in it) or 'module': what a
    program argument names. A word is a module before all, also where a package has that name."""
    if target.endswith(".py") or os.path.isfile(target):
        return "container" if _is_archive(target) else "script"
    if _is_stream(target):
        return "script"
    is_path = os.sep in target or target in (os.curdir, os.pardir)
    if os.path.isdir(target) and (is_path or _is_folder_with_main(target)):
        return "container"
    return "script" if not _may_be_module(target) and _is_command(target) else "module"


def _is_folder_with_main(name: str) -> bool:
    """What Python runs by its name, and is no package."""
    there = [os.path.exists(os.path.join(name, f"__{part}__.py")) for part in ("main", "init")]
    return there == [True, False]


def _may_be_module(name: str) -> bool:
    """Without an import of anything: that of a package would run code of the program."""
    from importlib.util import find_spec

    step_back()
    try:
        return "." in name or find_spec(name) is not None
    except (ImportError, ValueError):
        return True  # whatever is wrong will be said
    finally:
        step_aside()


def _is_command(name: str) -> bool:
    """Whether PATH has a Python script of that name, as installers make them."""
    try:
        with open(find_script(name), "rb") as file:
            line = file.readline(1000)
    except (CannotRun, OSError, ValueError):
        return False
    return line.startswith(b"#!") and b"python" in line


def _is_archive(path: str) -> bool:
    """Whether Python takes a file for one: by what stands at its end."""
    import zipimport

    try:
        zipimport.zipimporter(path)
        return True
    except (zipimport.ZipImportError, OSError):
        return False


def _remember_source(source: bytes, filename: str) -> None:
    """Let tables and tracebacks show what is compiled here, whatever becomes of the file."""
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
        if error.filename is None:
            why = f"{type(error).__name__}: {error.msg}"
            raise CannotRun(f"memory_profiler: {shown_name(filename)}: {why}") from None
        if error.filename == COMMAND_NAME:
            error.filename = "<string>"  # as Python has it
        raise NoPython(error) from None
    except ValueError as error:
        raise CannotRun(f"memory_profiler: {shown_name(filename)}: {error}") from None
    return code


_PIECE = 1 << 20  # bytes


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            pieces = [file.read(_PIECE)]
            while (
                pieces[-1] and b"\0" not in pieces[-1]
            ):  # no source, and devices give no end of it
                pieces.append(file.read(_PIECE))
            return b"".join(pieces)
    except OSError as error:
        raise CannotRun(f"memory_profiler: cannot read {path}: {reason(error)}") from None


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


# What a script has of this; from 3.15 on programs have no such name.
_CACHED: dict[str, Any] = {"__cached__": None} if sys.version_info < (3, 15) else {}


def _script(path: str) -> tuple[types.CodeType, dict[str, Any]]:
    """(code, names of __main__) of a script file."""
    filename = path if os.path.isabs(path) else os.path.join(os.getcwd(), path)  # as Python has it
    show_as(filename, path)
    names = {"__loader__": SourceFileLoader("__main__", filename), "__file__": filename, **_CACHED}
    return _compile(_read(path), filename), names


def _names_of_spec(spec: Any) -> dict[str, Any]:
    cached = spec.cached  # which is found when it is asked for, as runpy does
    return {
        "__file__": spec.origin,
        **dict.fromkeys(_CACHED, cached),
        "__loader__": spec.loader,
        "__package__": spec.parent,
        "__spec__": spec,
    }


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
        raise NoPython(error) from None
    except (ImportError, AttributeError, ValueError) as error:
        raise CannotRun(f"memory_profiler: {error}") from None
    if spec is None or code is None:
        raise CannotRun(f"memory_profiler: No module named {name or repr(name)}")
    return code, _names_of_spec(spec)


def _container(path: str) -> tuple[types.CodeType, dict[str, Any]]:
    """(code, names of __main__) of what Python runs for a folder or an archive."""
    from pkgutil import get_importer

    try:
        finder: Any = get_importer(path)
        spec = finder and finder.find_spec("__main__")
        code = spec and spec.loader.get_code("__main__")
    except SyntaxError as error:
        raise NoPython(error) from None
    except (ImportError, ValueError, OSError) as error:
        raise CannotRun(f"memory_profiler: {path}: {error}") from None
    if not code:
        raise CannotRun(f"memory_profiler: can't find '__main__' module in {path!r}")
    return code, _names_of_spec(spec)


def execute(
    kind: str,
    target: str,
    args: list[str],
    profiler: Any,
    begin: Callable[[], object] = lambda: None,
    before: Callable[[types.CodeType, dict[str, Any]], object] = lambda code, names: None,
    run: Callable[[types.CodeType, dict[str, Any]], object] = exec,
) -> None:
    """Run ``target`` (as kind_of() has it, or a 'command') as __main__. Raises CannotRun.

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
    elif kind == "container":
        # As Python has it.
        is_here = target == os.curdir and sys.version_info >= (3, 11)
        whole = os.getcwd() if is_here else os.path.join(os.getcwd(), target)
        sys.path.insert(0, whole)
        sys.argv[:] = [target, *args]
        code, names = _container(whole)
        show_as(code.co_filename, os.path.join(target, os.path.basename(code.co_filename)))
    elif kind == "module":
        sys.argv[:] = ["-m", *args]
        code, names = _module(target)
        sys.argv[0] = names["__file__"]
    else:
        code = _compile(target.encode("utf-8", "surrogateescape"), COMMAND_NAME)
        names = {"__loader__": BuiltinImporter}  # as Python has it
        sys.argv[:] = ["-c", *args]
    leave_to_program(sys.path[0])
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
