"""``python -m memory_profiler.report FILE...``: prints, merges and converts saved runs."""

# ruff: noqa: E402
from __future__ import annotations

from ._aside import step_aside

if __name__ == "__main__":
    step_aside()  # isort: split

import sys

from ._parser import Parser, decimals
from ._saved import text_of
from ._saved_command import output, read_runs, status_of
from ._saved_runs import Source, functions_of, heads_of, merge_runs, print_function, shown_numbers
from ._units import MIB
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from ._types import Json

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


def write_text(runs: list[Json], stream: IO[str], precision: int | None) -> None:
    for function in functions_of(runs):
        print_function(function, stream, precision)


def write_json(runs: list[Json], stream: IO[str], _: int | None) -> None:
    """One run as it was; several as one."""
    stream.write(text_of(merge_runs(runs), indent=1) + "\n")


def write_csv(runs: list[Json], stream: IO[str], _: int | None) -> None:
    import csv

    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for function in functions_of(runs):
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
                ]
            )


STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1a1a1a; --soft: #6b6b6b; --edge: #ddd;
 --more: 214, 69, 65; --less: 46, 139, 87; }
@media (prefers-color-scheme: dark) { :root { --ground: #17181c; --ink: #ececec; --soft: #a3a3a3;
 --edge: #333; } }
body { background: var(--ground); color: var(--ink); margin: 1.5em;
 font: 13px/1.4 "DejaVu Sans", Arial, sans-serif; }
h1 { font-size: 18px; } h2 { font-size: 14px; margin: 2em 0 .4em; overflow-wrap: anywhere; }
table { border-collapse: collapse; } th { color: var(--soft); font-weight: normal; }
td, th { padding: 0 .8em; text-align: right; white-space: pre;
 border-bottom: 1px solid var(--edge); }
td.code, th.code { text-align: left; font-family: "DejaVu Sans Mono", Consolas, monospace; }
td { font-variant-numeric: tabular-nums; }
"""
# Ten shades of growth and ten of shrinking: no style of a line's own stands in the page.
SHADES = "".join(
    f".more{i} {{ background: rgba(var(--more), {i / 14:.2f}); }}\n"
    f".less{i} {{ background: rgba(var(--less), {i / 14:.2f}); }}\n"
    for i in range(1, 11)
)


def _rows_of_html(function: Json) -> Iterator[str]:
    from html import escape

    lines = {line["line"]: line for line in function["lines"]}
    first = function["first_line"]
    growth = [abs(line["increment_bytes"]) for number, line in lines.items() if number != first]
    most = max(growth, default=0) or 1
    source = Source(function)
    for number in shown_numbers(function):
        line, text = lines.get(number), source.text(number)
        cells = [str(number)]
        shade = ""
        if line is None:
            cells += [""] * 5
        else:
            heat = 0 if number == first else round(10 * line["increment_bytes"] / most)
            shade = f' class="{"more" if heat > 0 else "less"}{abs(heat)}"' if heat else ""
            cells += [
                f"{line['memory_bytes'] / MIB:.3f}",
                f"{line['increment_bytes'] / MIB:.3f}",
                str(line["occurrences"]),
                f"{line['peak_bytes'] / MIB:.3f}" if "peak_bytes" in line else "",
                f"{line['time_ns'] / 1e6:.3f}" if "time_ns" in line else "",
            ]
        numbers = "".join(
            f"<td{shade if i == 2 else ''}>{cell}</td>" for i, cell in enumerate(cells)
        )
        yield f'<tr>{numbers}<td class="code">{escape(text)}</td></tr>\n'


def write_html(runs: list[Json], stream: IO[str], _: int | None) -> None:
    import base64
    import hashlib
    from html import escape

    style = STYLE + SHADES
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    commands = [" ".join(head["command"]) for run in runs for head in heads_of(run)]
    command = escape(visible(" + ".join(dict.fromkeys(commands))))
    stream.write(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
        f"'sha256-{digest}'\">\n<title>{command}</title><style>{style}</style></head><body>\n"
        f"<h1>{command}</h1>\n<p>Memory in MiB, time in milliseconds. The darker an increment, the "
        "larger it is beside the others of its function.</p>\n"
    )
    for function in functions_of(runs):
        heading = escape(visible(f"{function['filename']}: {function['name']}"))
        stream.write(
            f"<h2>{heading}</h2>\n<table>\n"
            "<tr><th>Line</th><th>Mem usage</th><th>Increment</th><th>Occurrences</th>"
            '<th>Peak</th><th>Time</th><th class="code">Line contents</th></tr>\n'
        )
        stream.writelines(_rows_of_html(function))
        stream.write("</table>\n")
    stream.write("</body></html>\n")


WRITERS = dict(zip(FORMS, (write_text, write_json, write_csv, write_html)))


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
