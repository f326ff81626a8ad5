"""Tables where they can be found after a crash: with ``--json FILE`` in ``FILE.live``.

The core keeps all tables in one piece of memory, which becomes a mapping of that file: see
memprof/lines/line_box.h. What they are called is told to it in JSON when a function is decorated.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import errno
from contextlib import suppress

from ._memprof import live_end, live_head, live_is_held, live_move, live_read, live_start
from ._source import file_of
from ._visible import complain, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from ._memprof import _Ledger
    from ._profiler import LineProfiler
    from ._types import Json

SUFFIX = ".live"
MAGIC = b"memprof\x02"  # such a file begins with it


class Held(Exception):
    """Another process writes this file."""


def what_it_lacks(lacks: tuple[int, int, bool]) -> str:
    """(tables without room, errno, whether it was cut short) in words; empty: nothing."""
    n_missing, error, was_cut = lacks
    if was_cut:
        return "was cut short: numbers from before that are lost"
    if n_missing:
        return f"was not complete: {os.strerror(error)}"
    return ""


class LiveTables:
    """The box of this process: one, whoever measures."""

    def __init__(self) -> None:
        self.is_on = False
        self.path: str | None = None
        self.is_for_children = False  # theirs will be read, whatever becomes of this process'
        self.saved: Any = None  # _saved.py; kept, since the program may clear sys.modules
        self.told: Json = {}  # the latest head, without its time
        self.tell_who: Callable[[], object] = lambda: None  # before more is told of functions

    @property
    def is_read(self) -> bool:
        """Whether anybody will read what is told."""
        return self.path is not None or self.is_for_children

    def load(self) -> Any:
        """What writes saved runs, imported when it is wanted first: before the program begins."""
        if self.saved is None:
            from . import _saved

            self.saved = _saved
        return self.saved

    def start(self) -> None:
        """Before there are any tables."""
        with suppress(OSError):  # no memory: what else works need not end
            live_start()
            self.is_on = True

    def move(self, path: str) -> None:
        """Keep them in a file from now on. Raises Held, and OSError where that cannot be done."""
        if not self.is_on:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), path)
        _make_way(path)
        live_move(path)
        self.path = path

    def forked(self) -> None:
        """In a child: the file is the parent's."""
        self.path = None

    def end(self) -> str | None:
        """Remove the file; a line on what would have been missing in it."""
        if self.path is None:
            return None
        lacks = live_end()
        path, self.path = self.path, None
        what = what_it_lacks(lacks)
        return f"memory_profiler: {path} {what}" if what else None


live = LiveTables()


def _make_way(path: str) -> None:
    """Remove what a killed run left there. Raises Held, and OSError for anything else."""
    try:
        held = live_is_held(path)
    except FileNotFoundError:
        return
    if held:
        raise Held(path)
    if held is None:
        raise FileExistsError(errno.EEXIST, "it holds something else", path)
    os.remove(path)


def keep_beside(path: str, profiler: LineProfiler, name: str, **more: object) -> bool:
    """Keep the tables in a file beside what is saved; says so where they cannot be. Raises Held."""
    if not live.load().is_replaced(path):
        return False  # a pipe or a device: nothing can be beside it
    try:
        live.move(path + SUFFIX)
    except OSError as error:
        complain(
            f"memory_profiler: no {path + SUFFIX} ({reason(error)}): a run that is killed leaves "
            "what it saved last"
        )
        return False
    tell_head(profiler, name, **more)
    return True


# ---- what is told


def _text(value: Json) -> bytes:
    text: str = live.load().text_of(value)
    return text.encode("utf-8", "backslashreplace")


def tell_head(profiler: LineProfiler, name: str, **more: object) -> None:
    """What the run, which may have more members, and the process say of themselves."""
    saved = live.load()
    process = saved.process_of(profiler, name, [])
    for counter in ("reads", "skipped", "surprises"):
        del process[counter]  # they go on
    rate = profiler.info()["ns_per_tick"]
    head = {**saved.run_of([process], False), **more, "ns_per_tick": rate}
    known = {key: value for key, value in head.items() if key != "time"}
    if known != live.told:  # the box keeps all that it is told
        live.told = known
        live_head(_text(head))


# By hand: an import of json takes longer than all that is to be told.
_ESCAPES = {**{code: f"\\u{code:04x}" for code in range(32)}, ord('"'): '\\"', ord("\\"): "\\\\"}


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def describe(
    profiler: Any, index: int, code: CodeType, shown: tuple[range, list[str]], precision: int
) -> None:
    """What a table is called, and the source of its lines."""
    live.tell_who()
    numbers, source = shown
    first, last = (numbers[0], numbers[-1]) if numbers else (code.co_firstlineno,) * 2
    rate = profiler.info()["ns_per_tick"]  # of now: the head may know better later
    text = (
        f'{{"filename":{_quoted(file_of(code))},'
        f'"name":{_quoted(getattr(code, "co_qualname", code.co_name))},'
        f'"first_line":{first},"precision":{precision},'
        f'"source":[{",".join(map(_quoted, source[first - 1 : last]))}],'
        f'"measures":[{",".join(map(_quoted, profiler.measures))}],"ns_per_tick":{rate!r}}}'
    )
    # A lone surrogate becomes \udcff, which is what JSON calls it.
    profiler.tell_name(index, text.encode("utf-8", "backslashreplace"))


# ---- what a killed run left


def is_live(content: bytes) -> bool:
    """Whether a file with this beginning is one of ours."""
    return content.startswith(MAGIC)


def _rate_in(holder: Json) -> float:
    """Nanoseconds of a tick; 0: it does not say."""
    rate = holder.pop("ns_per_tick", 0)
    return rate if isinstance(rate, (int, float)) and 0 <= rate < 1e9 else 0


def _lines(rows: list[tuple[int, ...]], name: Json, rate: float) -> list[Json]:
    measures = name.pop("measures", None)
    measures = measures if isinstance(measures, list) else []
    own_rate = _rate_in(name)
    ns_per_tick = rate or own_rate
    return [
        {
            "line": line,
            "increment_bytes": increment,
            "memory_bytes": memory,
            "occurrences": hits,
            **({"peak_bytes": peak} if "peak" in measures else {}),
            **({"time_ns": int(ticks * ns_per_tick)} if "time" in measures else {}),
        }
        for line, increment, memory, hits, peak, ticks in rows
    ]


def _ledger(ledger: _Ledger) -> Json:
    """As docs/saved-runs.md has it: what is in flight is there where something was."""
    return {key: value for key, value in ledger.items() if key != "in_flight_bytes" or value}


def _function(name: Json, rows: list[tuple[int, ...]], ledger: _Ledger, rate: float) -> Json:
    lines = _lines(rows, name, rate)  # what it needs of the name is for nobody else
    return {**name, "lines": lines, "ledger": _ledger(ledger)}


def run_of_live(content: bytes, parse: Callable[[bytes], Any]) -> Any:
    """The run in such a file, unchecked, as it would have been saved. Raises ValueError.

    ``parse``: reads JSON that anybody may have written.
    """
    head, pid, tables, running, lacks = live_read(content)
    run: Any = parse(head or b"null")
    processes = run.get("processes") if isinstance(run, dict) else None
    if not isinstance(processes, list) or not processes or not isinstance(processes[0], dict):
        raise ValueError("it does not say whose tables it holds")
    rate = _rate_in(run)
    names: list[Any] = [parse(name or b"null") for name, _, _ in tables]
    functions = [
        _function(name, rows, ledger, rate)
        for name, (_, rows, ledger) in zip(names, tables)
        if isinstance(name, dict) and rows
    ]
    process = {**processes[0], "pid": pid, "finished": False, "functions": functions}
    what = what_it_lacks(lacks)
    if what:
        process["lacks"] = what
    process["running"] = [
        {
            "thread": thread,
            "function": names[index].get("name"),
            "filename": names[index].get("filename"),
            "line": line,
        }
        for thread, index, line in sorted(running, key=lambda it: it[0] != pid)  # main first
        if isinstance(names[index], dict)
    ]
    return {**run, "finished": False, "processes": [process]}
