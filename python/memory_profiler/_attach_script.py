"""What a program runs that ``--attach`` has come to: see _attach.py, which never imports it.

It brings our modules into the program and takes them out again. So it stands alone, and needs no
module that is not in every Python from its start; of __future__ neither, as 3.14 has no need to.
Nothing is ever written to the program's stderr: what goes wrong is told in the folder.
"""

import _signal  # type: ignore[import-not-found]
import posix
import sys
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

HANDLE = "_memory_profiler_attached"  # in sys.modules while it records; in no package, as these go
MOST_BYTES = 1000  # of an answer: what a link holds on every system
FUNCTION, METHOD = type(lambda: 0), type((lambda self: 0).__get__(0))


def forget_in_package(name: str, module: Any) -> None:
    """A package that goes on being there does not know a module that goes."""
    package, _, last = name.rpartition(".")
    names = getattr(sys.modules.get(package), "__dict__", {})
    if names.get(last) is module:
        del names[last]


def inode_of(path: str) -> int | None:
    try:
        return posix.stat(path).st_ino
    except OSError:
        return None


# ---- exceptions


def frames_of(error: BaseException) -> list[tuple[CodeType, int]]:
    """(code, line) from where it was caught to where it was raised."""
    frames, at = [], error.__traceback__
    while at is not None:
        frames.append((at.tb_frame.f_code, at.tb_lineno))
        at = at.tb_next
    return frames


def is_pythons(filename: str) -> bool:
    """Whether a file is frozen, or the standard library's."""
    library = str(sys.modules["os"].__file__).rpartition("/")[0] + "/"
    is_librarys = filename.startswith(library) and "-packages/" not in filename
    return filename.startswith("<") or is_librarys


def code_of(handler: Any) -> CodeType | None:
    """What runs when a handler of signals is called, where that is in Python. No code of the
    handler's own class is run to find it."""
    if type(handler).__name__ == "partial":
        handler = getattr(handler, "func", None)
    if type(handler) is METHOD:
        handler = handler.__func__
    if type(handler) is not FUNCTION:
        handler = getattr(type(handler), "__call__", None)  # noqa: B004
    return handler.__code__ if type(handler) is FUNCTION else None


def codes_of_handlers() -> set[CodeType | None]:
    """Of the program's signals."""
    handlers = map(_signal.getsignal, _signal.valid_signals())
    return {code_of(handler) for handler in handlers if callable(handler)}


# ---- a visit


class Visit:
    """Our modules and what they import: in sys.modules while our own code runs, and no longer."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.folder: str = request["folder"]
        self.package: str = request["package"]
        self.pid = posix.getpid()
        self.recording: Any = None  # a Recording of _attached.py, once it has begun
        self.kept: dict[str, Any] = {}
        self.names: list[str] = []  # what is to be taken out
        self.thread = 0
        self.is_inside = False  # while our modules are

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

    # ---- from the begin to the end

    def under_way(self) -> Any:
        """This one, unless another is; one that nobody waits for is ended."""
        mine: Any = type(sys)(HANDLE)
        mine.visit = self
        other: Visit = sys.modules.setdefault(HANDLE, mine).visit
        if other.recording is not None and other.is_in_vain():
            other.recording.end()
            other = sys.modules.setdefault(HANDLE, mine).visit
        return other

    def leave(self) -> None:
        """Another one may come."""
        if getattr(sys.modules.get(HANDLE), "visit", None) is self:
            del sys.modules[HANDLE]

    def begin(self) -> None:
        """The program is recorded from now on. Another script may come at every instruction."""
        other = self.under_way()
        if other is self:
            try:
                self.begin_alone()
            finally:
                if self.recording is None:
                    self.leave()
        elif other.folder != self.folder:
            pid = other.request["pid"]
            self.tell("begun", f"another --attach is under way there, that of process {pid}")

    def begin_alone(self) -> None:
        if self.is_deserted() or inode_of(self.folder) is None:
            self.clean_up()
            return
        is_well = self.do("begun", lambda: self.load().begin(self, self.request))
        if self.recording is not None and (self.request["at_once"] or not is_well):
            self.recording.end()

    def end(self, signals: set[Any]) -> None:
        """It is over; ``signals``: see begin() below."""
        self.attempt(self.recording.end)
        self.unblock_signals(signals)

    def is_in_vain(self) -> bool:
        """Whether it goes on for nobody, as in a child that was forked; not while it begins."""
        return self.pid != posix.getpid() or (not self.is_inside and self.is_deserted())

    def is_deserted(self) -> bool:
        """Whether who has begun it is gone for certain: one who counts processes as we do."""
        pids = self.request["pids"]
        is_known = pids is not None and pids == inode_of("/proc/self/ns/pid")
        return is_known and inode_of(f"/proc/{self.request['pid']}") is None

    # ---- in the middle of a program

    def undisturbed(self, act: Callable[[], object]) -> None:
        """act(), while signals wait: what their handlers raise in the middle of our code, the
        program would never get."""
        before = None
        try:  # handlers of what has come raise here
            before = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
            _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        except BaseException as error:
            self.give_back(error)
        self.attempt(act)
        if before is not None:
            self.unblock_signals(before)

    def attempt(self, act: Callable[..., object], *args: object) -> bool:
        """Whether act(*args) went well."""
        try:
            act(*args)
        except BaseException as error:
            if self.is_programs(error):
                self.give_back(error)
            return False
        return True

    def do(self, answer: str, act: Callable[[], object]) -> bool:
        """Whether act() went well; in any case an answer is given, and the program goes on."""
        said, self.is_inside = "", True
        try:
            with self:
                act()
        except BaseException as error:
            if self.is_programs(error):  # from another thread it comes all the same
                said = "a signal of the program came in between"
                self.give_back(error)
            else:
                said = self.told(error)
        self.is_inside = False
        self.tell(answer, said)
        return not said

    def unblock_signals(self, before: set[Any]) -> None:
        """The last thing that is done: handlers of what has come run now."""
        try:
            too_long = {_signal.SIGXFSZ} - before
            if too_long & _signal.sigpending():  # of a file of ours: it may not end the program
                _signal.sigwait(too_long)
            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
        except BaseException as error:
            self.give_back(error)

    def is_programs(self, error: BaseException) -> bool:
        """Whether a handler of the program's signals has raised it in the middle of our code."""
        codes = [code for code, _ in frames_of(error)]
        if not codes_of_handlers().isdisjoint(codes):
            return True
        is_of_c = not codes or self.is_ours_or_pythons(codes[-1].co_filename)
        return is_of_c and not isinstance(error, Exception)

    def is_ours_or_pythons(self, filename: str) -> bool:
        return filename.startswith(self.package) or is_pythons(filename)

    def give_back(self, error: BaseException) -> None:
        """Raises it where the program is, once it goes on there."""
        frame: FrameType | None = sys._getframe()
        while frame is not None and self.is_ours(frame):
            frame = frame.f_back
        name = "memory_profiler._memprof"
        core: Any = self.kept.get(name) or sys.modules.get(name)
        if core is not None and frame is not None:
            core.call_when_left(frame, Raising(error))

    def is_ours(self, frame: FrameType) -> bool:
        """Also what sys.remote_exec() runs: a module without a name."""
        is_script = "__name__" not in frame.f_globals
        return is_script or frame.f_code.co_filename.startswith(self.package)

    # ---- answers

    def told(self, error: BaseException) -> str:
        """An exception in words, and where code of the program's has raised it."""
        text = type(error).__name__
        try:
            text += f": {error}" if str(error) else ""
        except BaseException:
            text += " that cannot be told"
        code, line = (frames_of(error) or [(self.told.__code__, 0)])[-1]
        if self.is_ours_or_pythons(code.co_filename):
            return text
        return f"{text} (raised at {code.co_filename}:{line})"

    def tell(self, name: str, text: str) -> None:
        """Something of that name in the folder, which is there when all of it is: a link, since
        that takes neither a descriptor nor a byte of a file. Unless nobody waits any more."""
        answer = ("." + text).encode("utf-8", "backslashreplace").replace(b"\0", rb"\0")
        path = f"{self.folder}/{name}"
        if not self.attempt(posix.symlink, answer[:MOST_BYTES], path):
            self.attempt(self.write, answer, path)

    def write(self, answer: bytes, path: str) -> None:
        how = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC
        fd = posix.open(path + ".new", how, 0o600)
        try:
            posix.write(fd, answer)
        finally:
            posix.close(fd)
        posix.rename(path + ".new", path)

    def clean_up(self) -> None:
        """Who has begun it is gone: the folder goes, too."""
        try:
            for name in posix.listdir(self.folder):
                posix.unlink(f"{self.folder}/{name}")
            posix.rmdir(self.folder)
        except OSError:
            pass


class Raising:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self) -> None:
        raise self.error


def begin(request: dict[str, Any], signals: set[Any]) -> None:
    """The program is recorded from now on, until Recording.end(). All its signals are blocked;
    ``signals`` are those that were before."""
    visit = Visit(request)
    visit.attempt(visit.begin)
    visit.unblock_signals(signals)
