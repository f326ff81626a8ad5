"""``--functions`` and ``--pstats``: the memory of every function of the program, by its calls."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

from ._files import open_output
from ._memprof import CallView, call_header, format_call
from ._selection import folder_of
from ._short_names import INSTALLED
from ._source import shown_name
from ._tables import wants_colour
from ._units import MIB
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from ._memprof import _Key
    from ._short_names import ShortNames
    from ._types import Writer

    _Edges = dict["Function", list[int]]  # calls, primitive, own, cumulative

KEYS = ("own", "cumulative", "calls", "peak", "name")
SHOWN = 30  # functions in the table; the file of --pstats has all
SHOWN_CALLS = 10  # functions whose callers and callees are listed, and how many of these

FROZEN = "<frozen "  # so the names of modules begin that are in the interpreter

UNIT = "unit: bytes of memory, in the place of seconds"


class Function:
    """What is known of one function; memory in bytes."""

    def __init__(self, key: _Key, row: list[Any]) -> None:
        self.filename = key[0]
        self.key = shown_name(key[0]), *key[1:]  # (file, line, name)
        self.calls, self.primitive, self.own, self.cumulative, self.peak, self.is_librarys = row
        self.callers: _Edges = {}  # Function -> [calls, primitive, own, cumulative]
        self.callees: _Edges = {}


def _functions(rows: list[Any]) -> list[Function]:
    """The Functions of the core's rows, with callers and callees."""
    found = {key: Function(key, row) for key, *row, _ in rows}
    for key, *_, callers in rows:
        for caller, *sums in callers:
            if caller is not None:
                found[key].callers[found[caller]] = sums
                found[caller].callees[found[key]] = sums
    return list(found.values())


def _whose(code: CodeType, names: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the files of a program begin with, and what those of others have in their names."""
    folder = folder_of(names)
    library = os.path.dirname(os.path.realpath(os.__file__))
    marks = [os.sep + name + os.sep for name in sorted(INSTALLED)]
    marks += [library + os.sep, os.path.dirname(os.__file__) + os.sep]
    if folder == library or os.path.basename(folder) in INSTALLED:
        return (code.co_filename,), (FROZEN,)  # a module that was installed alone
    # Its own name may lead there by a link.
    folders = {folder, os.path.dirname(os.path.abspath(code.co_filename))}
    if os.path.isabs(code.co_filename):
        own = [path.rstrip(os.sep) + os.sep for path in folders]
    else:
        own = [folder.rstrip(os.sep) + os.sep]
    return (code.co_filename, *own), (
        FROZEN,
        *(mark for mark in marks if not any(mark in path for path in own)),
    )


class FunctionView:
    """Counts from start() to stop(); memory of what ``backend`` reads.

    ``key``: what the table is sorted by, or None where none is wanted; behind it ``,all`` where
    the insides of libraries are. ``is_saved``: write_pstats() will be called. ``verbose``: with
    callers and callees.
    """

    def __init__(
        self,
        backend: str,
        precision: int,
        key: str | None,
        names: ShortNames,
        is_saved: bool = False,
        verbose: bool = False,
    ) -> None:
        self._backend = backend
        self._precision = precision
        self._key, _, everything = (key or "").partition(",")
        self._folded = key is not None and not everything
        self._all = is_saved or not self._folded
        self._names = names
        self._verbose = verbose
        self.is_started = False

    def start(self, code: CodeType, names: dict[str, Any]) -> None:
        """The program begins: its code, and the names of its __main__."""
        own, others = _whose(code, names)
        self._view = CallView(
            backend=self._backend,
            hidden=os.path.dirname(os.path.abspath(__file__)) + os.sep,
            own=own,
            others=others,
            all=self._all,
            folded=self._folded,
        )
        self._view.start()
        self.is_started = True

    def stop(self) -> None:
        if self.is_started:
            self._view.stop()

    def functions(self, folded: bool = False) -> list[Function]:
        """All Functions that ran until now; counting ends."""
        self.stop()
        return _functions(self._view.functions(folded))

    def _sorted(self, functions: list[Function]) -> list[Function]:
        """The program's own before those of libraries, each by the key."""
        if self._key == "name":
            return sorted(functions, key=lambda function: (function.is_librarys, function.key))
        return sorted(
            functions,
            key=lambda function: (
                function.is_librarys,
                -getattr(function, self._key),
                function.key,
            ),
        )

    def _name(self, function: Function) -> str:
        _, line, name = function.key
        return f"{self._names.of(function.filename)}:{line}({visible(name)})"

    def _row(
        self,
        write: Callable[[str], object],
        function: Function,
        sums: list[int],
        all_growth: float = -1,
    ) -> None:
        """A row of (calls, primitive calls, own, cumulative and, where it is known, peak bytes)."""
        calls, primitive, own, cumulative, *peaks = sums
        write(
            format_call(
                calls,
                primitive,
                own / MIB,
                cumulative / MIB,
                peaks[0] / MIB if peaks else None,
                self._precision,
                self._name(function),
                all_growth,
            )
        )

    def _list(
        self, write: Callable[[str], object], title: str, function: Function, edges: _Edges
    ) -> None:
        if not edges:
            return
        write(f"  {title} {self._name(function)}\n")
        ordered = sorted(edges.items(), key=lambda edge: -abs(edge[1][3]))
        for other, sums in ordered[:SHOWN_CALLS]:
            self._row(write, other, sums)
        if len(ordered) > SHOWN_CALLS:
            write(f"{'':>14} and {len(ordered) - SHOWN_CALLS} more\n")

    def _head(self, functions: list[Function]) -> str:
        total = f"{sum(function.own for function in functions) / MIB:.{self._precision}f} MiB"
        n_librarys = sum(function.is_librarys for function in functions)
        ran = f"{len(functions)} ran"
        what = "Own: without what it called; Cumulative: with it; Peak: the most above its start\n"
        if self._folded and n_librarys:
            ran = f"{len(functions) - n_librarys} of the program, {n_librarys} of libraries"
            what += (
                "What ran inside of a library is in the call that entered it: "
                f"--functions={self._key},all shows it\n"
            )
        return f"Functions by {self._key}: {ran}, {total} in all\n{what}\n"

    def print(self, stream: Writer) -> None:
        """The table by the key; verbose: then callers and callees of its first rows."""
        functions = self._sorted(self.functions(self._folded))
        write = stream.write
        write(self._head(functions))
        write(call_header + "\n" + "=" * len(call_header) + "\n")
        growth = sum(abs(function.own) for function in functions) / MIB
        for function in functions[:SHOWN]:
            sums = [function.calls, function.primitive, function.own, function.cumulative]
            sums.append(function.peak)
            self._row(write, function, sums, growth if wants_colour(stream) else -1)
        if len(functions) > SHOWN:
            write(f"{'':>14} and {len(functions) - SHOWN} more; --pstats FILE keeps all\n")
        if self._verbose:
            write("\n")
            for function in functions[:SHOWN_CALLS]:
                self._list(write, "callers of", function, function.callers)
                self._list(write, "callees of", function, function.callees)
        write("\n\n")

    def write_pstats(self, path: str) -> None:
        """A file for pstats.Stats and all that reads its files: bytes stand where seconds would."""
        import marshal

        stats: dict[tuple[str, int, str], tuple[Any, ...]] = {(UNIT, 0, ""): (0, 0, 0, 0, {})}
        for function in self.functions():
            callers = {caller.key: tuple(sums) for caller, sums in function.callers.items()}
            stats[function.key] = (
                function.primitive,
                function.calls,
                function.own,
                function.cumulative,
                callers,
            )
        with open_output(path, "wb") as file:
            marshal.dump(stats, file)
