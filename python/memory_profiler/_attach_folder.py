"""``--attach PID``: the folder in which scripts and answers are, and what killed ones have left."""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import re
import stat
import tempfile
from contextlib import suppress

NAME = "memory_profiler-{}-{}-"  # who attaches, to whom
PATTERN = re.compile(r"memory_profiler-(\d+)-(\d+)-\w{8}")
# Seconds without a sign, after which it matters whether both are gone: others that use the folder
# may count processes otherwise.
OLD = 60.0
OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def new_folder(pid: int) -> str:
    """Ours alone. Raises OSError."""
    return os.path.realpath(tempfile.mkdtemp(prefix=NAME.format(os.getpid(), pid)))


def remove_stale(ours: str, pid: int) -> None:
    """What was left beside our folder where both are gone, or where ``pid`` was the program: that
    one has been handed something else since."""
    above, own = os.path.split(ours)
    with suppress(OSError):
        folder = os.open(above, OPEN)
        try:
            for name in os.listdir(folder):
                match = PATTERN.fullmatch(name)
                if match is None or name == own or _is_there(match[1]):
                    continue
                if int(match[2]) == pid or not _is_there(match[2]):
                    _remove(folder, name)
        finally:
            os.close(folder)


def _is_there(pid: str) -> bool:
    """Whether a process is; also where that cannot be known."""
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


def _remove(above: int, name: str) -> None:
    """A folder that is as ours are, with the files in it: no link is followed, and nothing that has
    folders goes."""
    with suppress(OSError):
        folder = os.open(name, OPEN, dir_fd=above)
        try:
            there = os.fstat(folder)
            is_ours = there.st_uid == os.geteuid() and stat.S_IMODE(there.st_mode) == 0o700
            if not is_ours or time.time() - there.st_mtime < OLD:
                return
            for file in os.listdir(folder):
                os.unlink(file, dir_fd=folder)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=above)
