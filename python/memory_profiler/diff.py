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
from ._saved_command import named, output, read_runs, say, status_of
from ._saved_heap import GATES, has_allocations, heap_of, heap_of_run, line_changes, own_bytes
from ._saved_runs import Source, functions_of
from ._saved_types import bound_of, type_changes, types_of, types_of_run, types_over
from ._units import MIB, size_of
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._heap import Heap
    from ._saved_types import Bound
    from ._types import Json, Writer

GREW = 1


def size(text: str) -> float:
    """Bytes of ``10 MiB``, ``500 KiB`` or plain MiB; a ValueError else."""
    number = size_of(text, "mib")
    if number is None:
        raise argparse.ArgumentTypeError(f"no size: {text!r} (such as '10 MiB' or '500 KiB')")
    return number


def objects(text: str) -> Bound:
    """``Session=100`` or ``100``; an ArgumentTypeError else."""
    try:
        return bound_of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"no number of objects: {text!r} (such as '100' or 'Session=100')"
        ) from None


def make_parser() -> Parser:
    parser = Parser(
        prog="python -m memory_profiler.diff",
        description="Compares two runs that python -m memory_profiler --json FILE saved. Lines are "
        "matched through edits of the source, functions through a change of their name.",
        epilog="exit status: 0; 1 when a function grew by more than --fail-over, the heap by more "
        "than --fail-over-allocated, -peak or -left, a type by more than --fail-over-objects, or "
        "the output cannot be "
        "written; 2 when a file cannot be read or holds no run, or the command line is wrong",
    )
    parser.add_argument("before", metavar="A", help="the run before; - is standard input")
    parser.add_argument("after", metavar="B", help="the run after")
    parser.add_argument(
        "--fail-over",
        type=size,
        metavar="SIZE",
        help='exit with 1 when a function grew by more, such as "10 MiB"',
    )
    for word, _, what in GATES:
        parser.add_argument(
            f"--fail-over-{word}",
            type=size,
            metavar="SIZE",
            help=f"exit with 1 when {what} (of runs with --allocations) grew by more",
        )
    parser.add_argument(
        "--fail-over-objects",
        type=objects,
        action="append",
        default=[],
        metavar="[TYPE=]N",
        help="exit with 1 when there are more than N objects more of a type (of runs with --heap): "
        'of any, or of one such as "Session=100"; may be given several times',
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


def allocations_of(before: Json | None, after: Json | None) -> Any:
    """What lines of a pair of functions allocated: (line -> them before, after); None where it was
    not recorded of both."""
    functions = [function for function in (before, after) if function]
    if not all(map(has_allocations, functions)):
        return None
    return [
        {line["line"]: line for line in (function["lines"] if function else ())}
        for function in (before, after)
    ]


def changed_rows(before: Any, after: Any, least: float) -> list[tuple[Any, ...]]:
    """[(line before, line after, growth before, after, changes, text)] of two functions.

    Changes are those of growth, then, where these were recorded, of what was allocated and left.
    """
    old = line_growths(before) if before else {}
    new = line_growths(after) if after else {}
    pairs: list[tuple[Any, Any]] = (
        pair_lines(before, after, old, new)
        if before and after
        else [*((None, number) for number in new), *((number, None) for number in old)]
    )
    allocations = allocations_of(before, after)
    rows = []
    for one, other in pairs:
        a, b = old.get(one), new.get(other)
        changes: tuple[int, ...] = ((b or 0) - (a or 0),)
        if allocations:
            changes += line_changes(allocations[0].get(one), allocations[1].get(other))
        if any(abs(change) >= least and change for change in changes):
            text = Source(before).text(one) if other is None else Source(after).text(other)
            rows.append((one, other, a, b, changes, text))
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
    heads = "    Allocated         Left" * (allocations_of(before, after) is not None)
    out.write(f"  Line A  Line B            A            B       Change{heads}   Line Contents\n")
    for one, other, a, b, changes, text in rows:
        sizes = " ".join(f"{mebibytes(number):>12}" for number in (a, b, *changes))
        out.write(f"  {one or '':>6}  {other or '':>6} {sizes}   {text}\n")
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


def heap_changes(before: Json, after: Json) -> str:
    """What follows what functions grew by in all: nothing where it was not recorded of all."""
    heaps = heap_of(before["processes"]), heap_of(after["processes"])
    if heaps[0] is None or heaps[1] is None:
        return ""
    changes = (f"{word} {mebibytes(heaps[1][key] - heaps[0][key])}" for word, key, _ in GATES)
    return f"; heap: {', '.join(changes)} MiB"


def _by_whom(pairs: list[tuple[Any, Any]], key: str) -> str:
    """The function whose own lines did most of a change, where one did any."""

    def change(pair: tuple[Any, Any]) -> int:
        return own_bytes(pair[1], key) - own_bytes(pair[0], key)

    pairs = [pair for pair in pairs if allocations_of(*pair)]
    worst = max(pairs, key=change, default=None)
    if worst is None or change(worst) <= 0:
        return ""
    name = (worst[1] or worst[0])["name"]
    return f", of it {change(worst) / MIB:+.3f} MiB by lines of {name}"


def heap_gate(
    heaps: list[Json], pairs: list[tuple[Any, Any]], bounds: list[tuple[str, str, float]]
) -> int:
    """The exit status of --fail-over-allocated, -peak and -left: [(member, its words, bound)]."""
    status = 0
    for key, what, bound in bounds:
        grew = heaps[1][key] - heaps[0][key]
        if grew > bound:
            status = GREW
            say(
                "diff",
                f"{what} grew by {grew / MIB:.3f} MiB, over the bound of {bound / MIB:.3f} MiB"
                f"{_by_whom(pairs, key)}",
            )
    return status


def type_gate(heaps: list[Heap], bounds: list[Bound]) -> int:
    """The exit status of --fail-over-objects."""
    status = 0
    for is_over, line in types_over(heaps, bounds):
        say("diff", line)
        status = GREW if is_over else status
    return status


def main(argv: list[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    bounds = [
        (key, what, getattr(options, f"fail_over_{word}"))
        for word, key, what in GATES
        if getattr(options, f"fail_over_{word}") is not None
    ]

    asked = ", ".join(
        f"--fail-over-{word}" for word, key, _ in GATES if key in [bound[0] for bound in bounds]
    )

    def diff() -> int:
        paths = [options.before, options.after]
        runs = read_runs("diff", paths)
        heaps = [heap_of_run(named(path), run, asked) for path, run in zip(paths, runs) if asked]
        types = [
            types_of_run(named(path), run, "--fail-over-objects")
            for path, run in zip(paths, runs)
            if options.fail_over_objects
        ]
        before, after = (functions_of([run]) for run in runs)
        pairs = pair_functions(before, after)
        with output() as stream:
            for pair in pairs:
                print_pair(*pair, options.least, stream)
            change = mebibytes(change_in_all(before, after))
            stream.write(f"In all {change} MiB{heap_changes(*runs)}\n")
            stream.write(type_changes(list(map(types_of, runs))))
        return max(
            gate(pairs, options.fail_over),
            heap_gate(heaps, pairs, bounds),
            type_gate(types, options.fail_over_objects),
        )

    return status_of("diff", diff)


if __name__ == "__main__":
    sys.exit(main())
