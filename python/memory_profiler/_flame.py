"""Files of stacks that allocated: ``--flame FILE``, and ``flame()`` of a block of allocations().

A page, collapsed stacks as text, or a file for speedscope, which the name's end decides; C writes
them.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import base64
import json
import sys
import zlib
from typing import NamedTuple

from . import _files
from ._memprof import flame_write, heap_flame, version
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._types import Json

FORMS = (".html", ".txt", ".json")
VIEWS = ("peak", "left", "allocated")
THREADS = 64  # beside the main one; those that come later are one: see frame_stack.h
SUFFIX = ".flame"  # of what a child process leaves in its parent's folder


def check_name(path: str) -> str:
    """The path, whose end says what is to be written. ValueError where that says nothing."""
    if os.path.splitext(path)[1] not in FORMS:
        raise ValueError(f"{path!r} must end in .html, .txt or .json")
    return path


def check_view(of: str) -> str:
    """ValueError where there is no such view."""
    if of not in VIEWS:
        raise ValueError(f"it is of 'peak', 'left' or 'allocated', not {of!r}")
    return of


class Stacks(NamedTuple):
    """The stacks of a process, as flame_write() takes them."""

    name: str
    files: list[str]
    functions: list[tuple[int, str]]
    nodes: bytes


def stacks_of(name: str, raw: tuple[list[str], list[tuple[int, str]], bytes]) -> Stacks:
    """Those that heap_flame() gave, fit to be shown."""
    files, functions, nodes = raw
    threads = ["no thread", "main thread", *[f"thread {i + 2}" for i in range(THREADS)]]
    return Stacks(
        visible(name),
        [*map(visible, files), ""],
        [(file, visible(function)) for file, function in functions]
        + [(len(files), thread) for thread in [*threads, "later threads"]],
        nodes,
    )


def write(path: str, of: str, title: str, about: str, processes: list[Stacks]) -> None:
    """Writes the file; ``of``: the view that a page shows first, or the one of a text. OSError."""
    form = os.path.splitext(path)[1][1:]
    view = VIEWS.index(of)
    with _files.open_output(path, "wb") as file:
        flame_write(file.fileno(), form, view, visible(title), visible(about), processes)


def about_this(more: str) -> str:
    """The line below a page's title."""
    when = time.strftime("%Y-%m-%d %H:%M:%S")
    python = sys.version.split()[0]
    return f"{more}; {when}, Python {python}, memory_profiler {version}"


# ---- child processes


def leave(path: str, name: str) -> None:
    """In a child: its stacks, for its parent. OSError."""
    stacks = stacks_of(name, heap_flame())
    packed = base64.b85encode(zlib.compress(stacks.nodes, 1)).decode()
    with open(path, "w", encoding="utf-8") as file:
        json.dump([*stacks[:3], packed], file)


def _left(path: str) -> Stacks:
    """What a child has left. ValueError, OSError."""
    with open(path, encoding="utf-8") as file:
        left: Any = json.load(file)
    try:
        name, files, functions, packed = left
        nodes = zlib.decompress(base64.b85decode(packed))
        return Stacks(
            f"{name}", list(files), [(int(file), str(one)) for file, one in functions], nodes
        )
    except (TypeError, zlib.error) as error:
        raise ValueError(str(error)) from None


def left_in(folder: str, begun: str) -> tuple[list[Stacks], int]:
    """(the stacks of children, by their begin; how many have left none)."""
    found: list[Stacks] = []
    missing = 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(begun):
            continue
        try:
            found.append(_left(os.path.join(folder, name[: -len(begun)] + SUFFIX)))
        except (OSError, ValueError):
            missing += 1
    return found, missing


def complaints_of(children: Json) -> list[str]:
    """How many child processes are missing, in words; nothing where none is."""
    n = children["missing"]
    if not n:
        return []
    return [f"{n} child process{'es' * (n != 1)} left no stacks: killed, ended early, or gone on"]


def write_run(path: str, of: str, name: str, heap: str, children: Json) -> None:
    """The file of a whole run: that of this process and its children. OSError."""
    about = "; ".join([heap, *complaints_of(children)])
    processes = [stacks_of(name, heap_flame()), *children["stacks"]]
    write(path, of, f"Memory of {name}", about_this(about), processes)
