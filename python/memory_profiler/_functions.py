"""``--functions`` and ``--pstats``: the memory of every function of the program, by its calls."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

from ._files import open_output
from ._memprof import CallView, call_header, format_call
from ._source import shown_name
from ._units import MIB
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._memprof import _Key
    from ._types import Writer

    _Edges = dict["Function", list[int]]  # calls, primitive, own, cumulative

KEYS = ("own", "cumulative", "calls", "peak", "name")
SHOWN = 30  # functions in the table; the file of --pstats has all
SHOWN_CALLS = 10  # functions whose callers and callees are listed, and how many of these

UNIT = "unit: bytes of memory, in the place of seconds"


class Function:
    """What is known of one function; memory in bytes."""

    def __init__(self, key: _Key, row: list[int]) -> None:
        self.key = shown_name(key[0]), *key[1:]  # (file, line, name)
        self.calls, self.primitive, self.own, self.cumulative, self.peak = row
        self.callers: _Edges = {}  # Function -> [calls, primitive, own, cumulative]
        self.callees: _Edges = {}

    @property
    def name(self) -> str:
        filename, line, name = self.key
        return visible(f"{filename}:{line}({name})")


def _functions(rows: list[Any]) -> list[Function]:
    """The Functions of the core's rows, with callers and callees."""
    found = {key: Function(key, row) for key, *row, _ in rows}
    for key, *_, callers in rows:
        for caller, *sums in callers:
            if caller is not None:
                found[key].callers[found[caller]] = sums
                found[caller].callees[found[key]] = sums
    return list(found.values())


class FunctionView:
    """Counts from start() to stop(); memory of what ``backend`` reads."""

    def __init__(self, backend: str, precision: int, key: str) -> None:
        package = os.path.dirname(os.path.abspath(__file__)) + os.sep
        self._view = CallView(backend=backend, hidden=package)
        self._precision = precision
        self._key = key
        self.is_started = False

    def start(self) -> None:
        self._view.start()
        self.is_started = True

    def stop(self) -> None:
        self._view.stop()

    def functions(self) -> list[Function]:
        """All Functions that ran until now; counting ends."""
        self.stop()
        return _functions(self._view.functions())

    def _sorted(self, functions: list[Function]) -> list[Function]:
        if self._key == "name":
            return sorted(functions, key=lambda function: function.key)
        return sorted(functions, key=lambda function: (-getattr(function, self._key), function.key))

    def _row(
        self,
        write: Callable[[str], object],
        name: str,
        calls: int,
        primitive: int,
        own: int,
        cumulative: int,
        peak: int | None = None,
    ) -> None:
        peak_mib = None if peak is None else peak / MIB
        write(
            format_call(
                calls, primitive, own / MIB, cumulative / MIB, peak_mib, self._precision, name
            )
        )

    def _list(
        self, write: Callable[[str], object], title: str, function: Function, edges: _Edges
    ) -> None:
        if not edges:
            return
        write(f"  {title} {function.name}\n")
        ordered = sorted(edges.items(), key=lambda edge: -abs(edge[1][3]))
        for other, sums in ordered[:SHOWN_CALLS]:
            self._row(write, other.name, *sums)
        if len(ordered) > SHOWN_CALLS:
            write(f"{'':>14} and {len(ordered) - SHOWN_CALLS} more\n")

    def print(self, stream: Writer) -> None:
        """The table by the key, then callers and callees of its first rows."""
        functions = self._sorted(self.functions())
        write = stream.write
        total = sum(function.own for function in functions) / MIB
        write(
            f"Functions by {self._key}: {len(functions)} ran, "
            f"{total:.{self._precision}f} MiB in all\n"
        )
        write(
            "Own: without what it called; Cumulative: with it; Peak: the most above its start\n\n"
        )
        write(call_header + "\n" + "=" * len(call_header) + "\n")
        for function in functions[:SHOWN]:
            self._row(
                write,
                function.name,
                function.calls,
                function.primitive,
                function.own,
                function.cumulative,
                function.peak,
            )
        if len(functions) > SHOWN:
            write(f"{'':>14} and {len(functions) - SHOWN} more; --pstats FILE keeps all\n")
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
