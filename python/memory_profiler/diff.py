"""``python -m memory_profiler.diff A B``: what grew from one saved run to another."""

# ruff: noqa: E402
from __future__ import annotations

from ._aside import step_aside

if __name__ == "__main__":
    step_aside()  # isort: split

import argparse
import sys

from ._pairing import pair_functions, pair_lines
from ._parser import Parser
from ._saved_command import output, read_runs, say, status_of
from ._saved_runs import Source, functions_of
from ._units import MIB, size_of
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._types import Json, Writer

GREW = 1


def size(text: str) -> float:
    """Bytes of ``10 MiB``, ``500 KiB`` or plain MiB; a ValueError else."""
    number = size_of(text, "mib")
    if number is None:
        raise argparse.ArgumentTypeError(f"no size: {text!r} (such as '10 MiB' or '500 KiB')")
    return number


def make_parser() -> Parser:
    parser = Parser(
        prog="python -m memory_profiler.diff",
        description="Compares two runs that python -m memory_profiler --json FILE saved. Lines are "
        "matched through edits of the source, functions through a change of their name.",
        epilog="exit status: 0; 1 when a function grew by more than --fail-over, or the output "
        "cannot be written; 2 when a file cannot be read or holds no run, or the command line is "
        "wrong",
    )
    parser.add_argument("before", metavar="A", help="the run before; - is standard input")
    parser.add_argument("after", metavar="B", help="the run after")
    parser.add_argument(
        "--fail-over",
        type=size,
        metavar="SIZE",
        help='exit with 1 when a function grew by more, such as "10 MiB"',
    )
    parser.add_argument(
        "--least",
        type=size,
        default=0.05 * MIB,
        metavar="SIZE",
        help='lines that changed by less are not shown (default "0.05 MiB")',
    )
    return parser


def growth(function: Json) -> Any:
    """What the calls of a function added, in bytes: without the memory at the first entry."""
    return function["ledger"]["increments_bytes"] - function["ledger"]["entry_bytes"]


def line_growths(function: Json) -> dict[int, int]:
    """line -> bytes; the first row without the memory at the first entry."""
    growths = {line["line"]: line["increment_bytes"] for line in function["lines"]}
    first = function["lines"][0]["line"]
    growths[first] -= function["ledger"]["entry_bytes"]
    return growths


def name_of(before: Any, after: Any) -> Any:
    """The name of a pair, and the one it had before."""
    name = (after or before)["name"]
    if before and after and before["name"] != name:
        return f"{name} (was {before['name']})"
    return name


def mebibytes(number: float | None) -> str:
    return "" if number is None else f"{number / MIB:+.3f}"


def changed_rows(before: Any, after: Any, least: float) -> list[tuple[Any, ...]]:
    """[(line before, line after, growth before, after, difference, text)] of two functions."""
    old = line_growths(before) if before else {}
    new = line_growths(after) if after else {}
    pairs: list[tuple[Any, Any]] = (
        pair_lines(before, after, old, new)
        if before and after
        else [*((None, number) for number in new), *((number, None) for number in old)]
    )
    rows = []
    for one, other in pairs:
        a, b = old.get(one), new.get(other)
        difference = (b or 0) - (a or 0)
        if abs(difference) >= least and difference:
            text = Source(before).text(one) if other is None else Source(after).text(other)
            rows.append((one, other, a, b, difference, text))
    return rows


def change_of(before: Json | None, after: Json | None) -> Any:
    """By how many bytes the growth of a pair of functions changed."""
    return (growth(after) if after else 0) - (growth(before) if before else 0)


def change_in_all(before: list[Json], after: list[Json]) -> Any:
    """By how many bytes the growth in any function changed: a callee's is in its caller's too."""
    known = all("outermost_bytes" in function["ledger"] for function in before + after)

    def total(functions: list[Json]) -> Any:
        if not known:  # saved by an older version
            return sum(map(growth, functions))
        return sum(function["ledger"]["outermost_bytes"] for function in functions)

    return total(after) - total(before)


def print_pair(before: Any, after: Any, least: float, out: Writer) -> None:
    """The lines of a function that changed."""
    rows = changed_rows(before, after, least)
    note = "" if before and after else "   (new)" if after else "   (gone)"
    if not rows and not note:
        return
    name = visible(f"{(after or before)['filename']}: {name_of(before, after)}")
    out.write(f"{name}   {mebibytes(change_of(before, after))} MiB{note}\n")
    out.write("  Line A  Line B            A            B       Change   Line Contents\n")
    for one, other, a, b, difference, text in rows:
        out.write(
            f"  {one or '':>6}  {other or '':>6} {mebibytes(a):>12} {mebibytes(b):>12} "
            f"{mebibytes(difference):>12}   {text}\n"
        )
    out.write("\n")


def gate(pairs: list[tuple[Any, Any]], bound: float | None) -> int:
    """The exit status of --fail-over: whether the function that grew most grew too much."""
    worst = max(pairs, key=lambda pair: change_of(*pair), default=None)
    if bound is None or worst is None or change_of(*worst) <= bound:
        return 0
    say(
        "diff",
        f"{(worst[1] or worst[0])['name']} grew by {change_of(*worst) / MIB:.3f} MiB more "
        f"than before, over the bound of {bound / MIB:.3f} MiB",
    )
    return GREW


def main(argv: list[str] | None = None) -> int:
    options = make_parser().parse_args(argv)

    def diff() -> int:
        before, after = (
            functions_of([run]) for run in read_runs("diff", [options.before, options.after])
        )
        pairs = pair_functions(before, after)
        with output() as stream:
            for pair in pairs:
                print_pair(*pair, options.least, stream)
            stream.write(f"In all {mebibytes(change_in_all(before, after))} MiB\n")
        return gate(pairs, options.fail_over)

    return status_of("diff", diff)


if __name__ == "__main__":
    sys.exit(main())
