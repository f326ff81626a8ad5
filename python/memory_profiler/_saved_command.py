"""What the commands that read saved runs have in common: input, output, and the exit status."""

from __future__ import annotations

import contextlib
import os
import sys
from itertools import chain

from ._children_left import add_children
from ._live import SUFFIX
from ._memprof import live_is_held
from ._saved import replacing
from ._saved_check import BadRun, read_run
from ._saved_heap import check_alike, processes_without
from ._saved_runs import places_of
from ._visible import reason, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import IO, TextIO

    from ._types import Json

CANNOT_WRITE = 1
NO_RUN = 2


def named(path: str) -> str:
    """A path as it can be told, also an empty one."""
    return path or "''"


def say(command: str, what: str) -> None:
    """One line on stderr."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(f"memory_profiler.{command}: {visible(what)}", file=sys.stderr)


def _goes_on(path: str) -> bool:
    """Whether the process that wrote such a file, or the one beside it, still does."""
    for name in (path, path + SUFFIX):
        with contextlib.suppress(OSError, ValueError):
            if live_is_held(name):
                return True
    return False


def _end_of(process: Json) -> str:
    """Where a process was that was killed, as far as it is known."""
    if process.get("goes_on"):
        return "it went on"
    if "running" in process:
        return f"killed while {places_of(process) or 'in no profiled function'}"
    return "this is what it saved last"


def how_it_ended(run: Json, goes_on: bool) -> Iterator[str]:
    """A line for each process that did not end: the program itself, and its children.

    What children's files lack is told when they are added.
    """
    if goes_on and not run["finished"]:
        places = places_of(run["processes"][0]) if run["processes"] else ""
        yield f"the run goes on, and is {places or 'in no profiled function'}"
    elif not run["finished"]:
        program = run["processes"][0] if run["processes"] else {}
        lacks = f"; its file {program['lacks']}" if "lacks" in program else ""
        yield f"the run did not end: {_end_of(program)}{lacks}"
    for process in run["processes"][0 if run["finished"] else 1 :]:
        if not process.get("finished", True):
            yield (
                f"child process {process['pid']} ({process['name']}) did not end: "
                f"{_end_of(process)}"
            )


def read_runs(command: str, paths: list[str]) -> list[Json]:
    """The runs in files; says which of them did not end. Raises BadRun."""
    runs = [read_run(path) for path in paths]
    check_alike(list(map(named, paths)), runs)
    for path, run in zip(paths, runs):
        ends = add_children(run), how_it_ended(run, _goes_on(path)), processes_without(run)
        for what in chain.from_iterable(ends):
            say(command, f"{path}: {what}")
    return runs


def _forget_stdout() -> None:
    """Nothing more can be written, also not by Python's exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@contextlib.contextmanager
def _stdout(encoding: str | None) -> Iterator[TextIO]:
    stream = sys.stdout
    if stream is None:
        raise OSError("it is closed")
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(encoding=encoding, errors="backslashreplace")
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:  # the reader has seen enough
        _forget_stdout()
    except OSError:
        _forget_stdout()
        raise


def output(path: str | None = None, encoding: str | None = None) -> AbstractContextManager[IO[str]]:
    """A text stream to a file, which is replaced as a whole, or to stdout. Raises OSError.

    ``encoding``: that of stdout, where what is written has one of its own.
    """
    return _stdout(encoding) if path is None else replacing(path)


def status_of(command: str, act: Callable[[], int], out: str | None = None) -> int:
    """The exit status of a command: that of act(), or what went wrong, said in one line."""
    try:
        return act()
    except BadRun as error:
        say(command, str(error))
        return NO_RUN
    except OSError as error:
        where = "stdout" if out is None else named(out)
        say(command, f"cannot write {where}: {reason(error)}")
        return CANNOT_WRITE
