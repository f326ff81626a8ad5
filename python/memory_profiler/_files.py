"""Files that the command line names."""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import errno
import stat
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, BinaryIO

# How long a pipe may wait for its other end.
PATIENCE = 5.0


def _is_pipe(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def _refuse_planted(path: str) -> None:
    """Raises OSError for a link that another user left where everybody may create names."""
    try:
        link, folder = os.lstat(path), os.stat(os.path.dirname(path) or ".")
    except OSError:
        return
    is_everybodys = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
    if (
        stat.S_ISLNK(link.st_mode)
        and is_everybodys
        and link.st_uid not in (os.geteuid(), folder.st_uid)
    ):
        raise OSError(errno.EACCES, "it is another user's link", path)


def open_pipe(path: str, how: int = 0) -> int:
    """A descriptor of a named pipe, once somebody reads it; ``how``: more flags. Raises OSError."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | how)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > deadline:
                raise OSError(errno.ENXIO, "nobody is at the other end of the pipe", path) from None
            time.sleep(0.05)
            continue
        os.set_blocking(fd, True)
        return fd


def check_output(path: str) -> None:
    """Whether ``path`` can be written, without writing to it. Raises OSError."""
    _refuse_planted(path)
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        if not os.access(path, os.W_OK):  # not opened: a pipe's reader would see its end
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)
        return
    there = os.path.exists(path)
    open(path, "a").close()
    if not there:
        os.remove(os.path.realpath(path))  # what a link pointed to in vain, not the link


def make_empty(path: str) -> None:
    """Takes what an earlier run wrote out of a file that will be written at the end."""
    if os.path.isfile(path):
        with suppress(OSError):  # said then, if it is still so
            os.truncate(path, 0)


def open_input(path: str) -> BinaryIO:
    """open(path, "rb"), which waits for the writer of a pipe, but not for ever."""
    if not _is_pipe(path):
        return open(path, "rb")
    import select

    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not select.select([fd], [], [], PATIENCE)[0]:
        os.close(fd)
        raise OSError(errno.ENXIO, "nobody is at the other end of the pipe", path)
    os.set_blocking(fd, True)
    return open(fd, "rb")


def open_output(path: str, mode: str, **how: Any) -> IO[Any]:
    """open(path, mode) for writing, which waits for the reader of a pipe, but not for ever."""
    _refuse_planted(path)
    return open(open_pipe(path) if _is_pipe(path) else path, mode, **how)
