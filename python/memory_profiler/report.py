"""``python -m memory_profiler.report FILE...``: prints, merges and converts saved runs."""

import argparse
import json
import sys

from ._saved_runs import MIB, BadRun, Source, functions_of, print_function, read_run, visible

FORMS = ("text", "json", "csv", "html")
CSV_COLUMNS = ("filename", "function", "line", "occurrences", "increment_bytes", "memory_bytes",
               "peak_bytes", "time_ns", "source")


def make_parser():
    parser = argparse.ArgumentParser(
        prog="python -m memory_profiler.report",
        description="Prints runs that python -m memory_profiler --json FILE saved; several are merged: "
        "the growth of the same function is added.",
        epilog="exit status: 0; 1 when the output cannot be written; 2 when a file holds no run",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a saved run; - is standard input")
    parser.add_argument("--to", choices=FORMS, default="text", help="the form (default text)")
    parser.add_argument("-o", dest="output", metavar="OUT", help="write to OUT instead of stdout")
    parser.add_argument("--precision", type=int, help="decimals of the text (default: as the run's)")
    return parser


def write_text(runs, stream, precision):
    for function in functions_of(runs):
        print_function(function, stream, precision)


def write_json(runs, stream, _):
    """One run as it was; several as the first, with the functions of all in one process."""
    run = runs[0]
    if len(runs) > 1:
        processes = [process for run in runs for process in run["processes"]]
        merged = [{**processes[0], "functions": functions_of(runs)}] if processes else []
        run = {**run, "finished": all(run["finished"] for run in runs), "processes": merged}
    json.dump(run, stream, ensure_ascii=False, indent=1)
    stream.write("\n")


def write_csv(runs, stream, _):
    import csv

    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for function in functions_of(runs):
        for line in function["lines"]:
            at = line["line"] - function["first_line"]
            text = function["source"][at] if 0 <= at < len(function["source"]) else ""
            writer.writerow([function["filename"], function["name"], line["line"], line["occurrences"],
                             line["increment_bytes"], line["memory_bytes"], line.get("peak_bytes", ""),
                             line.get("time_ns", ""), text.rstrip("\n")])


STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1a1a1a; --soft: #6b6b6b; --edge: #ddd;
 --more: 214, 69, 65; --less: 46, 139, 87; }
@media (prefers-color-scheme: dark) { :root { --ground: #17181c; --ink: #ececec; --soft: #a3a3a3;
 --edge: #333; } }
body { background: var(--ground); color: var(--ink); font: 13px/1.4 "DejaVu Sans", Arial, sans-serif;
 margin: 1.5em; }
h1 { font-size: 18px; } h2 { font-size: 14px; margin: 2em 0 .4em; overflow-wrap: anywhere; }
table { border-collapse: collapse; } th { color: var(--soft); font-weight: normal; }
td, th { padding: 0 .8em; text-align: right; white-space: pre; border-bottom: 1px solid var(--edge); }
td.code, th.code { text-align: left; font-family: "DejaVu Sans Mono", Consolas, monospace; }
td { font-variant-numeric: tabular-nums; }
"""
# Ten shades of growth and ten of shrinking: no style of a line's own stands in the page.
SHADES = "".join(f".more{i} {{ background: rgba(var(--more), {i / 14:.2f}); }}\n"
                 f".less{i} {{ background: rgba(var(--less), {i / 14:.2f}); }}\n" for i in range(1, 11))


def _rows_of_html(function):
    from html import escape

    lines = {line["line"]: line for line in function["lines"]}
    first = function["first_line"]
    growth = [abs(line["increment_bytes"]) for number, line in lines.items() if number != first]
    most = max(growth, default=0) or 1
    last = max([first + len(function["source"]) - 1, *lines])
    source = Source(function)
    for number in range(first, last + 1) if source else sorted(lines):
        line, text = lines.get(number), source.text(number)
        cells = [str(number)]
        shade = ""
        if line is None:
            cells += [""] * 5
        else:
            heat = 0 if number == first else round(10 * line["increment_bytes"] / most)
            shade = f' class="{"more" if heat > 0 else "less"}{abs(heat)}"' if heat else ""
            cells += [f"{line['memory_bytes'] / MIB:.3f}", f"{line['increment_bytes'] / MIB:.3f}",
                      str(line["occurrences"]),
                      f"{line['peak_bytes'] / MIB:.3f}" if "peak_bytes" in line else "",
                      f"{line['time_ns'] / 1e6:.3f}" if "time_ns" in line else ""]
        numbers = "".join(f"<td{shade if place == 2 else ''}>{cell}</td>"
                          for place, cell in enumerate(cells))
        yield f'<tr>{numbers}<td class="code">{escape(text)}</td></tr>\n'


def write_html(runs, stream, _):
    import base64
    import hashlib
    from html import escape

    style = STYLE + SHADES
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    command = escape(visible(" ".join(runs[0]["command"])))
    stream.write(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
        f"'sha256-{digest}'\">\n<title>{command}</title><style>{style}</style></head><body>\n"
        f"<h1>{command}</h1>\n<p>Memory in MiB, time in milliseconds. The darker an increment, the larger "
        "it is beside the others of its function.</p>\n")
    for function in functions_of(runs):
        stream.write(f"<h2>{escape(visible(function['filename']))}: {escape(visible(function['name']))}</h2>\n<table>\n"
                     "<tr><th>Line</th><th>Mem usage</th><th>Increment</th><th>Occurrences</th>"
                     '<th>Peak</th><th>Time</th><th class="code">Line contents</th></tr>\n')
        stream.writelines(_rows_of_html(function))
        stream.write("</table>\n")
    stream.write("</body></html>\n")


def write(form, runs, path, precision):
    writer = {"text": write_text, "json": write_json, "csv": write_csv, "html": write_html}[form]
    if path is None:
        writer(runs, sys.stdout, precision)
        sys.stdout.flush()
    else:
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer(runs, file, precision)


def main(argv=None):
    parser = make_parser()
    options = parser.parse_args(argv)
    if options.precision is not None and not 0 <= options.precision <= 20:
        parser.error("argument --precision: must be from 0 to 20")
    try:
        runs = [read_run(path) for path in options.files]
        for path, run in zip(options.files, runs):
            if not run["finished"]:
                print(f"memory_profiler.report: {visible(path)}: the run did not end: this is what it "
                      "saved last", file=sys.stderr)
        write(options.to, runs, options.output, options.precision)
    except BadRun as error:
        print(f"memory_profiler.report: {visible(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has seen enough. Nothing more can be written, also not by Python's exit.
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError as error:
        print(f"memory_profiler.report: cannot write {options.output or 'stdout'}: {error.strerror}",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
