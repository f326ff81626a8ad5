"""Saved runs as a page: one file that needs nothing else, neither a network nor scripts.

With scripts its tables can be sorted. What runs hold is escaped; the policy of the page names the
hashes of its style and script, so that nothing else in it can run.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, time  # noqa: F401

import base64
import hashlib
import re
from html import escape

from ._allocations import MEMBERS
from ._saved_heap import has_allocations, heap_lines
from ._saved_types import type_headings
from ._saved_runs import Source, functions_of, heads_of, is_finished, places_of, shown_numbers
from ._units import MIB
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import IO

    from ._types import Json

SHADES = 10
TOP = 10  # lines of the list of those that grew most
ALLOCATIONS = (
    " Allocated, Allocs: the bytes and blocks that a line and what it called asked for; at peak: "
    "of these alive at the highest moment of their process' heap; left: at the end."
)

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1a1a1a; --soft: #6b6b6b; --edge: #ddd;
 --more: 214, 69, 65; --less: 46, 139, 87; --link: #0b5394; }
@media screen and (prefers-color-scheme: dark) { :root { --ground: #17181c; --ink: #ececec;
 --soft: #a3a3a3; --edge: #333; --link: #7fb8ec; } }
* { box-sizing: border-box; }
body { background: var(--ground); color: var(--ink); margin: 0; padding: 14px 22px 30px;
 font: 13px/1.4 "DejaVu Sans", "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 18px; margin: 0 0 6px; max-height: 8.4em; overflow: auto; }
h2 { font-size: 14px; margin: 2em 0 .4em; overflow-wrap: anywhere; }
h1, .whole { overflow-wrap: anywhere; } .whole { display: inline-block; max-width: 100%; }
dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: 1px 12px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
p { color: var(--soft); } a { color: var(--link); }
table { border-collapse: collapse; max-width: 100%; }
th { color: var(--soft); font-weight: normal; position: sticky; top: 0; background: var(--ground); }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0;
 cursor: pointer; }
th[aria-sort="descending"] button::after { content: " \\25BE"; }
th[aria-sort="ascending"] button::after { content: " \\25B4"; }
td, th { padding: 0 .8em; text-align: right; white-space: nowrap; vertical-align: top;
 border-bottom: 1px solid var(--edge); font-variant-numeric: tabular-nums; }
td.code, th.code { text-align: left; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4;
 min-width: 30ch; font-family: "DejaVu Sans Mono", Consolas, Menlo, monospace; }
tr:target { outline: 2px solid var(--link); }
:focus-visible { outline: 2px solid var(--link); }
@media (max-width: 859px) { body { padding: 10px 12px 24px; } h1 { font-size: 15px; } }
@media print { td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
 tr { break-inside: avoid; } th { position: static; } h1 { max-height: none; } }
table { --numbers: 3; } table.four { --numbers: 4; } table.five { --numbers: 5; }
"""
# On a phone the code of a line stands over its numbers; where there are many of these, sooner.
STYLE += "".join(
    f"""@media (max-width: {width}px) {{
 {table}, {table} thead, {table} tbody {{ display: block; }}
 {table} tr {{ display: grid; grid-template-columns: repeat(var(--numbers), 1fr); padding: 2px 0;
  border-bottom: 1px solid var(--edge); }}
 {table} td, {table} th {{ border: 0; padding: 0 2px; grid-row: 2; font-size: 11px;
  position: static; }}
 {table} .heap {{ grid-row: 3; }}
 {table} td:first-child, {table} th:first-child {{ grid-row: 1; grid-column: 1; text-align: left; }}
 {table} td.code, {table} th.code {{ grid-row: 1; grid-column: 1 / -1; min-width: 0;
  font-size: 12px; padding-left: 5ch; }}
 {table} th {{ background: none; }}
 {table} th.code {{ padding-left: 8ch; pointer-events: none; }}
}}
"""
    for table, width in (("table", 859), ("table.wide", 1199))
)
# Ten shades of growth and ten of shrinking: no style of a line's own stands in the page.
STYLE += "".join(
    f".more{i} {{ background: rgba(var(--more), {i / 14:.2f}); }}\n"
    f".less{i} {{ background: rgba(var(--less), {i / 14:.2f}); }}\n"
    for i in range(1, SHADES + 1)
)

SCRIPT = """'use strict';
(function () {
  // Lines end between words; one that is longer than a line ends behind / = or comma.
  const title = document.querySelector('h1'), words = title.textContent.split(' ');
  title.textContent = '';
  words.forEach((word, i) => {
    if (i) title.appendChild(document.createTextNode(' '));
    const span = title.appendChild(document.createElement('span'));
    span.className = 'whole';
    (word.match(/[^/=,]+[/=,]*|[/=,]+/g) || []).forEach((text) => {
      const part = span.appendChild(document.createElement('span'));
      part.className = 'whole';
      part.textContent = text;
    });
  });
  // What did not run has no numbers, and stands behind all others.
  function number(row, column) {
    const text = row.cells[column].textContent;
    return text === '' ? NaN : Number(text);
  }
  function sort(table, head, column, falling) {
    const rows = Array.from(table.tBodies[0].rows), sign = falling ? -1 : 1;
    rows.sort((a, b) => {
      const one = number(a, column), other = number(b, column);
      if (isNaN(one) || isNaN(other))
        return isNaN(one) - isNaN(other) || number(a, 0) - number(b, 0);
      return sign * (one - other) || number(a, 0) - number(b, 0);
    });
    Array.from(head.parentNode.cells).forEach((cell) => cell.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
    rows.forEach((row) => table.tBodies[0].appendChild(row));
  }
  document.querySelectorAll('table.lines').forEach((table) => {
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
      if (head.classList.contains('code')) return;
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = head.textContent;
      head.textContent = '';
      head.appendChild(button);
      if (column === 0) head.setAttribute('aria-sort', 'ascending');
      button.addEventListener('click', () => {
        const now = head.getAttribute('aria-sort');
        sort(table, head, column, now === null ? column > 0 : now === 'ascending');
      });
    });
  });
})();
"""


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(text: str) -> str:
    return escape(visible(text))


def _name_of(text: str) -> str:
    """A name that may be broken behind its parts."""
    return re.sub(r"([./:_-]+)", r"\1<wbr>", _shown(text))


def _mebibytes(size: int) -> str:
    return f"{size / MIB:.1f} MiB"


def _first_line(function: Json) -> int:
    """The row that holds the memory at the first entry: it is no growth."""
    number: int = function["ledger"].get("first_line", function["first_line"])
    return number


# ---- what is said of all


def _name(number: int, line: Json) -> str:
    """The page's own name of a row: function and line."""
    return f"f{number}l{line['line']}"


def _all_lines(functions: list[Json]) -> Iterator[tuple[int, Json, Json]]:
    """(number of the function, the function, its line) of all lines that ran."""
    for number, function in enumerate(functions):
        for line in function["lines"]:
            yield number, function, line


def _place(number: int, function: Json, line: Json) -> str:
    where = _name_of(f"{function['name']}(), {function['filename']}:{line['line']}")
    return f'<a href="#{_name(number, line)}">{where}</a>'


def _peaks(functions: list[Json]) -> Iterator[tuple[str, str]]:
    """The highest reading, and the line that held most above its start."""
    lines = list(_all_lines(functions))
    if lines:
        highest = max(lines, key=lambda each: each[2]["memory_bytes"])
        size = _mebibytes(highest[2]["memory_bytes"])
        yield "peak", f"{size}, the highest reading, after {_place(*highest)}"
    held = [each for each in lines if each[2].get("peak_bytes", 0) > 0]
    if held:
        most = max(held, key=lambda each: each[2]["peak_bytes"])
        size = _mebibytes(most[2]["peak_bytes"])
        yield "peak of a line", f"{size} above its start, in {_place(*most)}"


def _moment(moment: object) -> str:
    """In local time; empty where no clock can show it."""
    if not isinstance(moment, (int, float)) or not moment > 0:
        return ""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
    except (ValueError, OverflowError, OSError):
        return ""


def _agreed(texts: Iterable[object]) -> list[str]:
    """Texts that are some, each once: what a merged run was made of was not checked."""
    return list(dict.fromkeys(text for text in texts if isinstance(text, str) and text))


def _ends(runs: list[Json]) -> Iterator[str]:
    """Where what did not end was."""
    for run in runs:
        if not is_finished(run):
            places = [places_of(process) for process in run["processes"]]
            yield ", ".join(filter(None, places)) or "functions that ran were not at their end"


def _count_of(heads: list[Json]) -> int:
    """Processes of runs."""
    found = (head.get("processes") for head in heads)
    return sum(len(processes) for processes in found if isinstance(processes, list))


def _facts(runs: list[Json], functions: list[Json]) -> Iterator[tuple[str, str]]:
    """(name, HTML) of what is known of all of it."""
    heads = [head for run in runs for head in heads_of(run)]
    yield from _peaks(functions)
    for line in type_headings(heads):
        yield "heap", escape(line.removeprefix("Heap").lstrip(": "))
    for line in heap_lines(heads):
        yield "heap", escape(line.removeprefix("Heap").lstrip(": "))
    moments = sorted(_agreed(_moment(head.get("time")) for head in heads))
    yield "date", " to ".join(_agreed([*moments[:1], *moments[-1:]]))
    systems = (
        ", ".join(_agreed(head.get(key) for head in heads)) for key in ("python", "platform")
    )
    yield "Python", _shown(" on ".join(filter(None, systems)))
    counts = ((len(heads), "run"), (_count_of(heads), "process"), (len(functions), "function"))
    yield "counted", ", ".join(f"{n} {_plural(word, n)}" for n, word in counts)
    yield "did not end", _shown("; ".join(_ends(runs)))


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}es" if word.endswith("s") else f"{word}s"


# ---- tables


def _heat(size: int, most: int) -> str:
    """The class of a shade: the darker, the larger it is beside the others; empty for none."""
    heat = round(SHADES * size / most) if most else 0
    return f"{'more' if heat > 0 else 'less'}{abs(heat)}" if heat else ""


def _class(*names: str) -> str:
    """The attribute of an element's classes; nothing where it has none."""
    text = " ".join(filter(None, names))
    return f' class="{text}"' if text else ""


class _Column:
    """A column of numbers: its name, its text, and the size that its heat is made of."""

    def __init__(
        self, head: str, text: Callable[[Json], str], key: str, heated: bool = False
    ) -> None:
        self.head = head
        self.text = text
        self.key = key
        self.heated = heated
        self.group = "heap" if key in MEMBERS else ""  # a row of its own on a phone

    def is_bare(self, line: Json, function: Json) -> bool:
        """The memory at the first entry is no growth, and has no heat."""
        return not self.heated or (not self.group and line["line"] == _first_line(function))

    def most(self, function: Json) -> int:
        sizes = [
            abs(line.get(self.key, 0))
            for line in function["lines"]
            if not self.is_bare(line, function)
        ]
        return max(sizes, default=0)

    def cell(self, line: Json | None, function: Json, most: int) -> str:
        if line is None or self.key not in line:
            return f"<td{_class(self.group)}></td>"
        shade = "" if self.is_bare(line, function) else _heat(line[self.key], most)
        return f"<td{_class(self.group, shade)}>{self.text(line)}</td>"


def _sized(head: str, key: str, heated: bool = False) -> _Column:
    """A column of bytes, shown in MiB."""
    return _Column(head, lambda line: f"{line[key] / MIB:.3f}", key, heated)


COLUMNS = (
    _sized("Mem usage", "memory_bytes"),
    _sized("Increment", "increment_bytes", True),
    _Column("Occurrences", lambda line: str(line["occurrences"]), "occurrences"),
    _sized("Peak", "peak_bytes", True),
    _Column("Time", lambda line: f"{line['time_ns'] / 1e6:.3f}", "time_ns"),
    _sized("Allocated", "allocated_bytes", True),
    _Column("Allocs", lambda line: str(line["allocations"]), "allocations", True),
    _sized("At peak", "at_peak_bytes", True),
    _sized("Left", "left_bytes", True),
)
ALWAYS = ("memory_bytes", "increment_bytes", "occurrences")


def _rows(number: int, function: Json, columns: list[_Column]) -> Iterator[str]:
    lines = {line["line"]: line for line in function["lines"]}
    most = [column.most(function) for column in columns]
    source = Source(function)
    for at in shown_numbers(function):
        line = lines.get(at)
        name = "" if line is None else f' id="{_name(number, line)}"'
        cells = "".join(column.cell(line, function, size) for column, size in zip(columns, most))
        code = f'<td class="code">{escape(source.text(at))}</td>'
        yield f"<tr{name}><td>{at}</td>{cells}{code}</tr>\n"


def _table(number: int, function: Json) -> Iterator[str]:
    columns = [
        column
        for column in COLUMNS
        if column.key in ALWAYS or any(column.key in line for line in function["lines"])
    ]
    groups = [column.group for column in columns]
    count = {3: "", 4: " four", 5: " five"}[max(groups.count(""), groups.count("heap"))]
    width = " wide" if "heap" in groups else ""
    heads = '<th scope="col">Line</th>' + "".join(
        f'<th scope="col"{_class(column.group)}>{column.head}</th>' for column in columns
    )
    heading = _name_of(f"{function['filename']}: {function['name']}")
    yield f"<h2>{heading}</h2>\n"
    yield f'<table class="lines{count}{width}"><thead><tr>{heads}'
    yield '<th scope="col" class="code">Line contents</th></tr></thead><tbody>\n'
    yield from _rows(number, function, columns)
    yield "</tbody></table>\n"


def _top(functions: list[Json]) -> Iterator[str]:
    """The lines of all functions that grew most."""
    grown = [
        each
        for each in _all_lines(functions)
        if each[2]["increment_bytes"] > 0 and each[2]["line"] != _first_line(each[1])
    ]
    grown.sort(key=lambda each: -each[2]["increment_bytes"])
    if len(functions) < 2 or not grown:
        return
    yield "<h2>Lines that grew most</h2>\n<dl>\n"
    for number, function, line in grown[:TOP]:
        text = escape(Source(function).text(line["line"]).strip())
        size, place = _mebibytes(line["increment_bytes"]), _place(number, function, line)
        yield f"<dt>{size}</dt><dd>{place} <code>{text}</code></dd>\n"
    yield "</dl>\n"


# ---- the page


def _page(runs: list[Json]) -> Iterator[str]:
    functions = functions_of(runs)
    commands = [" ".join(head["command"]) for run in runs for head in heads_of(run)]
    command = _shown(" + ".join(dict.fromkeys(commands)))
    yield (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
        f"'sha256-{_hash(STYLE)}'; script-src 'sha256-{_hash(SCRIPT)}'; base-uri 'none'; "
        "form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{command}</title><style>{STYLE}</style></head><body>\n<h1>{command}</h1>\n<dl>\n"
    )
    for name, text in _facts(runs, functions):
        if text:
            yield f"<dt>{name}</dt><dd>{text}</dd>\n"
    yield (
        "</dl>\n<p>Memory in MiB, time in milliseconds. The darker an increment or a peak, the "
        "larger it is beside the others of its function. A peak is what a line held above its "
        f"start.{ALLOCATIONS * any(map(has_allocations, functions))}</p>\n"
    )
    yield from _top(functions)
    for number, function in enumerate(functions):
        yield from _table(number, function)
    yield f"<script>{SCRIPT}</script>\n</body></html>\n"


def write_html(runs: list[Json], stream: IO[str], _: int | None) -> None:
    pieces: Iterable[str] = _page(runs)
    stream.writelines(pieces)
