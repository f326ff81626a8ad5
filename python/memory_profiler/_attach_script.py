"""What a program runs that ``--attach`` has come to: see _attach.py, which never imports it.

It brings our modules into the program and takes them out again. So it stands alone, and needs no
module that is not in every Python from its start; of __future__ neither, as 3.14 has no need to.
"""

import _signal  # type: ignore[import-not-found]
import posix
import sys
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HANDLE = "memory_profiler._attached"  # in sys.modules while it records


def forget_in_package(name: str, module: Any) -> None:
    """A package that goes on being there does not know a module that goes."""
    package, _, last = name.rpartition(".")
    names = getattr(sys.modules.get(package), "__dict__", {})
    if names.get(last) is module:
        del names[last]


class Visit:
    """Our modules and what they import: in sys.modules while our own code runs, and no longer."""

    def __init__(self, folder: str, package: str) -> None:
        self.folder, self.package = folder, package
        self.kept: dict[str, Any] = {}
        self.names: list[str] = []  # what is to be taken out
        self.thread = 0

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """As a finder that finds nothing: notes what this thread imports anew."""
        if get_ident() == self.thread:
            self.names.append(name)

    def __enter__(self) -> None:
        self.thread = get_ident()
        kept, modules = self.kept, sys.modules
        self.names = [name for name in kept if modules.setdefault(name, kept[name]) is kept[name]]
        sys.meta_path.insert(0, self)

    def __exit__(self, *exception: object) -> None:
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
        folders = [self.package.rpartition("/")[0]]
        new = set(self.names)
        for name in list(sys.modules):
            if name in new or name.rpartition(".")[0] in new:  # what packages put there themselves
                module = self.kept[name] = sys.modules.pop(name)
                folders += getattr(module, "__path__", ())
                forget_in_package(name, module)
        for folder in folders:
            if folder not in sys.path:
                sys.path_importer_cache.pop(folder, None)

    def load(self) -> Any:
        """Our module that records."""
        from _frozen_importlib import module_from_spec
        from _frozen_importlib_external import PathFinder

        folder, _, name = self.package.rpartition("/")
        found = sys.modules.get(name)
        if found is None:
            spec = PathFinder.find_spec(name, [folder])
            assert spec is not None and spec.loader is not None
            found = sys.modules[name] = module_from_spec(spec)
            self.names.append(name)
            spec.loader.exec_module(found)
        elif posix.stat(found.__path__[0])[1:3] != posix.stat(self.package)[1:3]:
            raise ImportError(f"the program has imported another one: {found.__path__[0]}")
        from memory_profiler import _attached

        return _attached

    def do(self, answer: str, act: Callable[..., object], *args: object) -> bool:
        """Whether act(*args) went well; in any case an answer is given, and the program goes on."""
        said = ""
        try:
            with self:
                act(*args)
        except BaseException as error:
            if self.is_programs(error):  # from another thread it comes all the same
                said = "a signal of the program came in between"
                self.give_back(error)
            else:
                said = f"{type(error).__name__}: {error}"
        self.tell(answer, said)
        return not said

    def block_signals(self) -> set[Any]:
        """What their handlers raise in the middle of our code, the program would never get. Returns
        those that were blocked before."""
        before: set[Any] = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        return before

    def unblock_signals(self, before: set[Any]) -> None:
        """The last thing that is done: handlers of what has come run now."""
        try:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
        except BaseException as error:
            self.give_back(error)

    def tell(self, name: str, text: str) -> None:
        """A file of that name, which is there when all of it is; unless nobody waits any more."""
        path = f"{self.folder}/{name}"
        how = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC
        try:
            fd = posix.open(path + ".new", how, 0o600)
            posix.write(fd, text.encode("utf-8", "backslashreplace"))
            posix.close(fd)
            posix.rename(path + ".new", path)
        except OSError:
            pass

    def clean_up(self) -> None:
        """Who has begun it is gone: the folder goes, too."""
        try:
            for name in posix.listdir(self.folder):
                posix.unlink(f"{self.folder}/{name}")
            posix.rmdir(self.folder)
        except OSError:
            pass

    def is_programs(self, error: BaseException) -> bool:
        """Whether a handler of the program's signals has raised it in the middle of our code."""
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        file = "<" if at is None else at.tb_frame.f_code.co_filename
        library = str(sys.modules["os"].__file__).rpartition("/")[0] + "/"
        is_librarys = file.startswith(library) and "-packages/" not in file
        is_ours = file.startswith(("<", self.package)) or is_librarys
        return not isinstance(error, Exception) or not is_ours

    def give_back(self, error: BaseException) -> None:
        """Raises it where the program is, once it goes on there."""
        frame: Any = sys._getframe()
        while frame is not None and self.is_ours(frame):
            frame = frame.f_back
        name = "memory_profiler._memprof"
        core = self.kept.get(name) or sys.modules.get(name)
        if core is not None and frame is not None:
            core.call_when_left(frame, Raising(error))

    def is_ours(self, frame: Any) -> bool:
        """Also what sys.remote_exec() runs: a module without a name."""
        is_script = "__name__" not in frame.f_globals
        return is_script or frame.f_code.co_filename.startswith(self.package)


class Raising:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self) -> None:
        raise self.error


def begin(request: dict[str, Any], signals: set[Any]) -> None:
    """The program is recorded from now on, until Recording.end(). All its signals are blocked;
    ``signals`` are those that were before."""
    visit = Visit(request["folder"], request["package"])
    if HANDLE not in sys.modules:
        if visit.do("begun", lambda: visit.load().begin(visit, request)):
            sys.modules[HANDLE] = visit.kept[HANDLE]
            if request["at_once"]:
                sys.modules[HANDLE].recording.end()
    elif sys.modules[HANDLE].recording.visit.folder != visit.folder:
        visit.tell("begun", "it is recorded already")
    visit.unblock_signals(signals)
