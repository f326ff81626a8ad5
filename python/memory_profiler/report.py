"""``python -m memory_profiler.report FILE...``: prints, merges and converts saved runs."""

# ruff: noqa: E402
from __future__ import annotations

from ._aside import step_aside

if __name__ == "__main__":
    step_aside()  # isort: split

import sys

from ._allocations import MEMBERS
from ._parser import Parser, decimals
from ._saved import text_of
from ._saved_command import output, read_runs, status_of
from ._saved_heap import has_allocations, heap_lines
from ._saved_runs import functions_of, heads_of, merge_runs, print_function
from ._saved_types import type_texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

    from ._types import Json

    Writer = Callable[[list[Json], IO[str], int | None], None]

FORMS = ("text", "json", "csv", "html")
CSV_COLUMNS = (
    "filename",
    "function",
    "line",
    "occurrences",
    "increment_bytes",
    "memory_bytes",
    "peak_bytes",
    "time_ns",
    "source",
)
# Behind these, where allocations were recorded.
CSV_ALLOCATIONS = (*MEMBERS, *(f"own_{key}" for key in MEMBERS))


def make_parser() -> Parser:
    parser = Parser(
        prog="python -m memory_profiler.report",
        description="Prints runs that python -m memory_profiler --json FILE saved; several are "
        "merged: the growth of the same function is added.",
        epilog="exit status: 0; 1 when the output cannot be written; 2 when a file cannot be read "
        "or holds no run, or the command line is wrong",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a saved run; - is standard input")
    parser.add_argument("--to", choices=FORMS, default="text", help="the form (default text)")
    parser.add_argument("-o", dest="output", metavar="OUT", help="write to OUT instead of stdout")
    parser.add_argument(
        "--precision", type=decimals, help="decimals of the text (default: as the run's)"
    )
    return parser


def write_text(runs: list[Json], stream: IO[str], precision: int | None, own: bool = False) -> None:
    for function in functions_of(runs):
        print_function(function, stream, precision, own)
    for line in heap_lines([head for run in runs for head in heads_of(run)]):
        stream.write(line + "\n")
    stream.writelines(type_texts([head for run in runs for head in heads_of(run)]))


def write_json(runs: list[Json], stream: IO[str], _: int | None) -> None:
    """One run as it was; several as one."""
    stream.write(text_of(merge_runs(runs), indent=1) + "\n")


def _allocations(line: Json) -> list[Any]:
    """The cells of CSV_ALLOCATIONS: empty where they were not recorded."""
    own = line.get("own", {})
    return [holder.get(key, "") for holder in (line, own) for key in MEMBERS]


def write_csv(runs: list[Json], stream: IO[str], _: int | None) -> None:
    import csv

    writer = csv.writer(stream, lineterminator="\n")
    functions = functions_of(runs)
    is_recorded = any(map(has_allocations, functions))
    writer.writerow(CSV_COLUMNS + CSV_ALLOCATIONS * is_recorded)
    for function in functions:
        for line in function["lines"]:
            at = line["line"] - function["first_line"]
            text = function["source"][at] if 0 <= at < len(function["source"]) else ""
            writer.writerow(
                [
                    function["filename"],
                    function["name"],
                    line["line"],
                    line["occurrences"],
                    line["increment_bytes"],
                    line["memory_bytes"],
                    line.get("peak_bytes", ""),
                    line.get("time_ns", ""),
                    text.rstrip("\n"),
                    *(_allocations(line) if is_recorded else ()),
                ]
            )


def write_html(runs: list[Json], stream: IO[str], precision: int | None) -> None:
    from ._html_report import write_html as write

    write(runs, stream, precision)


WRITERS: dict[str, Writer] = dict(zip(FORMS, (write_text, write_json, write_csv, write_html)))


def main(argv: list[str] | None = None) -> int:
    parser = make_parser()
    options = parser.parse_args(argv)

    def report() -> int:
        runs = read_runs("report", options.files)
        with output(options.output, None if options.to == "text" else "utf-8") as stream:
            WRITERS[options.to](runs, stream, options.precision)
        return 0

    return status_of("report", report, options.output)


if __name__ == "__main__":
    sys.exit(main())
