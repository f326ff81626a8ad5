"""``mprof run --heap``: ``mprof heap PID`` may ask this process what lives on its heap.

MPROF_HEAP says of whom, as MPROF_TYPES does, and behind a : in which folder requests are made; it
is this user's alone. Who asks has made ask.PID there, which the core's thread calls taken.PID; it
holds a word that goes before the answer.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os, variable  # noqa: F401

from contextlib import suppress

from . import _memprof
from ._side_thread import SideThread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._memprof import _SideThread

_shared: dict[str, Any] = _memprof.shared  # "heap": what watches this process

_WORD_SIZE = 64  # bytes, at most
_NEW = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def start() -> None:
    """Where this process is one that may be asked."""
    asker, _, folder = (variable("MPROF_HEAP") or "").partition(":")
    if not folder or asker not in ("0", str(os.getppid())) or "heap" in _shared:
        return
    # What it needs is here before the program begins, which may change what imports find.
    from ._heap_at_end import HeapAtEnd

    def answer(pid: int) -> None:
        _memprof.quietly(_Answer(HeapAtEnd(when="now"), folder, pid).give, None)

    def end(thread: _SideThread) -> None:
        _memprof.side_pause(thread)
        if asker not in ("0", str(os.getppid())):  # nobody is there to remove it
            with suppress(OSError):
                os.rmdir(folder)

    try:
        thread = _memprof.heap_watch(folder, answer)
    except (MemoryError, RuntimeError):
        return  # mprof heap says that it is not answered
    _shared["heap"] = SideThread(thread, end, asker == "0")


class _Answer:
    def __init__(self, heap: Any, folder: str, pid: int) -> None:
        self._heap = heap
        self._names = {
            state: os.path.join(folder, f"{state}.{pid}")
            for state in ("taken", "begun", "written", "answer")
        }

    def give(self, _: None) -> None:
        """Now that the interpreter's lock is had."""
        names = self._names
        os.rename(names["taken"], names["begun"])  # fails where nobody waits any more
        try:
            word = self._word()
            self._heap.start()
            self._heap.take()
            text = self._heap.text() or "memory_profiler: there is no memory to count objects\n"
            self._write(word + b"\n" + text.encode("utf-8", "backslashreplace"))
        finally:
            os.unlink(names["begun"])

    def _word(self) -> bytes:
        descriptor = os.open(self._names["begun"], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return os.read(descriptor, _WORD_SIZE)
        finally:
            os.close(descriptor)

    def _write(self, text: bytes) -> None:
        written = self._names["written"]
        with suppress(FileNotFoundError):
            os.unlink(written)
        descriptor = os.open(written, _NEW, 0o600)
        try:
            while text:
                text = text[os.write(descriptor, text) :]
        finally:
            os.close(descriptor)
        os.rename(written, self._names["answer"])
