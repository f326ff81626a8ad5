"""Writing runs as JSON: what was measured, with the proof that nothing was lost.

See docs/saved-runs.md; _saved_check.py reads them.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import contextlib
import errno
import json
import re
import stat
import sys

from ._files import open_pipe
from ._memprof import version
from ._source import file_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType
    from typing import IO, Any

    from ._memprof import _Ledger, _Row
    from ._profiler import LineProfiler
    from ._types import Json

FORMAT = "memory_profiler run"
VERSION = 1
SAVE_EVERY = 10.0  # seconds, while a run goes on
# In case that the program leaves none.
_WORDS, _PYTHON, _PLATFORM = list(sys.argv), sys.version.split()[0], sys.platform


def function_of(
    code: CodeType,
    rows: list[_Row],
    ledger: _Ledger,
    numbers: range,
    source: list[str],
    precision: int,
) -> Json | None:
    """One function of a run, or None where it never ran."""
    if not rows:
        return None
    first, last = (numbers[0], numbers[-1]) if numbers else (code.co_firstlineno,) * 2
    return {
        "filename": file_of(code),
        "name": getattr(code, "co_qualname", code.co_name),
        "first_line": first,
        "precision": precision,
        "ledger": ledger,
        "lines": [
            {
                "line": line,
                "increment_bytes": increment,
                "memory_bytes": mem,
                "occurrences": hits,
                **({} if peak is None else {"peak_bytes": peak}),
                **({} if nanoseconds is None else {"time_ns": nanoseconds}),
            }
            for line, increment, mem, hits, peak, nanoseconds in rows
        ],
        "source": source[first - 1 : last],
    }


def process_of(profiler: LineProfiler, name: str, functions: Iterable[Json]) -> Json:
    """One process of a run; its functions may be an iterator."""
    info = profiler.info()
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "name": name,
        "backend": profiler.backend,
        "include_children": bool(profiler.include_children),
        "gate_ns": info["gate_ns"],
        "gate_off": info["gate_off"],
        "resolution_bytes": info["resolution_bytes"],
        "mark_resolution_bytes": info["mark_resolution_bytes"],
        "reads": info["reads"],
        "skipped": info["skipped"],
        "surprises": info["surprises"],
        "functions": functions,
    }


def _command() -> list[str]:
    """The words of the command; a program may have put anything there."""
    try:
        return [str(arg) for arg in sys.argv]
    except Exception:
        return _WORDS


def run_of(processes: list[Json], finished: bool) -> Json:
    return {
        "format": FORMAT,
        "version": VERSION,
        "memory_profiler": version,
        "python": _PYTHON,
        "platform": _PLATFORM,
        "command": _command(),
        "time": time.time(),
        "finished": finished,
        "processes": processes,
    }


_LONE = re.compile("[\ud800-\udfff]")  # names of files may hold bytes that are no characters


def text_of(value: object, indent: int | None = None) -> str:
    """JSON in text that UTF-8 can hold, whatever is in the value's texts."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, separators=separators, indent=indent)
    return _LONE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", text)


def _pieces(run: Json) -> Iterator[str]:
    """The text of a run, one function at a time: it is written while the program is measured."""
    head = {key: value for key, value in run.items() if key != "processes"}
    yield text_of(head)[:-1] + ',"processes":['
    for i, process in enumerate(run["processes"]):
        head = {key: value for key, value in process.items() if key != "functions"}
        yield ("," if i else "") + text_of(head)[:-1] + ',"functions":['
        for number, function in enumerate(process["functions"]):
            yield ("," if number else "") + text_of(function)
        yield "]}"
    yield "]}\n"


# ---- files


def _is_descriptor(path: str) -> bool:
    """Whether the kernel gives the name: /dev/stdout, /dev/fd/3, /dev/null."""
    folder = os.path.realpath(os.path.dirname(os.path.abspath(path)))
    is_kernels = folder in ("/dev", "/dev/fd") or folder.startswith("/proc/")
    return is_kernels and os.path.lexists(path)


def _cannot_be_replaced(path: str) -> bool:
    """Whether ``path`` is a device, a pipe, a descriptor, or a file in a folder that is not ours.

    A link is none of these: it may be another user's, and is replaced by a file.
    """
    if _is_descriptor(path):
        return True
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    if stat.S_ISREG(mode):
        return not os.access(os.path.dirname(path) or ".", os.W_OK)
    return not stat.S_ISLNK(mode) and not stat.S_ISDIR(mode)


def is_replaced(path: str) -> bool:
    """Whether write_run() puts a new file there, also while the run goes on."""
    return not _cannot_be_replaced(path)


def _open_as_it_is(path: str) -> int:
    """A descriptor that writes to what ``path`` is; a pipe waits for its reader. Raises OSError."""
    there = os.stat(path)
    for fd in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(fd), there):
                return os.dup(fd)  # behind what was printed
    how = os.O_APPEND if _is_descriptor(path) else os.O_TRUNC | os.O_NOFOLLOW
    if stat.S_ISFIFO(there.st_mode):
        return open_pipe(path, how)
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK | how)
    os.set_blocking(fd, True)
    return fd


def _new_file(path: str) -> tuple[int, str]:
    """(descriptor, name) of a new file beside ``path``: no file or link is written through."""
    for number in range(100):
        name = os.path.join(os.path.dirname(path), f"memory_profiler-{os.getpid()}.{number}.tmp")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            return os.open(name, flags, 0o666), name
        except FileExistsError:
            pass
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)


def _keep_mode(fd: int, path: str) -> None:
    """A file that was private stays so."""
    with contextlib.suppress(OSError):
        before = os.lstat(path)
        if stat.S_ISREG(before.st_mode):
            os.fchmod(fd, stat.S_IMODE(before.st_mode) & 0o777)


@contextlib.contextmanager
def replacing(path: str, lasts: bool = True) -> Iterator[IO[str]]:
    """A text stream; at the end ``path`` holds all of it, or what it did before. Raises OSError.

    ``lasts``: also when the machine fails, at the price of a wait.
    """
    text: dict[str, Any] = {
        "mode": "w",
        "encoding": "utf-8",
        "errors": "backslashreplace",
        "newline": "",
    }
    if _cannot_be_replaced(path):
        with open(_open_as_it_is(path), **text) as file:
            yield file
        return
    fd, temporary = _new_file(path)
    try:
        with open(fd, **text) as file:
            _keep_mode(fd, path)
            yield file
            file.flush()
            if lasts:
                os.fsync(fd)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise


def write_run(path: str, run: Json, lasts: bool = True, is_last: bool = True) -> None:
    """Write all of it, or leave what was there; ``lasts``: see replacing(). Raises OSError.

    What a run writes while it goes on must be replaced later: a pipe or a device gets the last.
    """
    if not is_last and _cannot_be_replaced(path):
        return
    with replacing(path, lasts) as file:
        file.writelines(_pieces(run))
