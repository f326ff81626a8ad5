"""Reading saved runs: checked before anything is done with them, merged, and printed."""

import json
import re
import sys

from ._saved import FORMAT, VERSION
from ._source import MOST_LINES

MIB = 1048576.0


class BadRun(Exception):
    """A file that holds no run; the message is one line for the user."""


def _check(condition, what):
    if not condition:
        raise BadRun(what)


MOST = 1 << 62  # bytes, nanoseconds, occurrences: more than any machine has


def _check_number(holder, key, who, least=-MOST):
    number = holder.get(key)
    _check(type(number) is int, f"{who} has no whole number {key}")
    _check(least <= number <= MOST, f"{who}'s {key} is absurd")


def _check_text(holder, key, who):
    _check(isinstance(holder.get(key), str), f"{who} has no {key}")


def _check_line(line, function):
    _check(isinstance(line, dict), "a line is no object")
    for key in ("increment_bytes", "memory_bytes"):
        _check_number(line, key, "a line")
    _check_number(line, "occurrences", "a line", 0)
    _check_number(line, "line", "a line", 1)
    _check(line["line"] < 1 << 31, "a line's number is absurd")
    _check(abs(line["line"] - function["first_line"]) < MOST_LINES, "a line is far from its function")
    for key in ("peak_bytes", "time_ns"):
        if key in line:
            _check_number(line, key, "a line")


def _check_ledger(function):
    ledger = function.get("ledger")
    _check(isinstance(ledger, dict), "a function has no ledger")
    for key in ("entry_bytes", "segments_bytes", "tool_bytes", "increments_bytes"):
        _check_number(ledger, key, "a ledger")
    _check(sum(line["increment_bytes"] for line in function["lines"]) == ledger["increments_bytes"],
           "the increments of a function are not those of its ledger")


def _check_function(function):
    _check(isinstance(function, dict), "a function is no object")
    for key in ("filename", "name"):
        _check_text(function, key, "a function")
    _check_number(function, "first_line", "a function", 1)
    _check(function["first_line"] < 1 << 31, "a function's first_line is absurd")
    _check(type(function.get("precision")) is int and 0 <= function["precision"] <= 20,
           "a function's precision is not from 0 to 20")
    source, lines = function.get("source"), function.get("lines")
    _check(isinstance(source, list) and all(isinstance(text, str) for text in source),
           "a function's source is no list of texts")
    _check(len(source) <= MOST_LINES, "a function's source is absurdly long")
    _check(isinstance(lines, list) and lines, "a function has no lines")
    for line in lines:
        _check_line(line, function)
    numbers = [line["line"] for line in lines]
    _check(all(one < other for one, other in zip(numbers, numbers[1:])),
           "a function's lines are not in order")
    _check_ledger(function)


def _check_process(process):
    _check(isinstance(process, dict) and isinstance(process.get("functions"), list),
           "a process has no functions")
    _check_number(process, "pid", "a process", 0)
    _check_text(process, "name", "a process")
    for function in process["functions"]:
        _check_function(function)


def check_run(run):
    """Raises BadRun where the shape is not that of docs/saved-runs.md."""
    _check(isinstance(run, dict) and run.get("format") == FORMAT, "it is no saved run")
    version = run.get("version")
    _check(type(version) is int, "it has no version")
    _check(version <= VERSION, f"it is of version {version}, this program knows up to {VERSION}")
    _check(isinstance(run.get("processes"), list), "it has no processes")
    for process in run["processes"]:
        _check_process(process)
    _check(type(run.get("finished")) is bool, "it does not say whether it is finished")
    command = run.get("command")
    _check(isinstance(command, list) and all(isinstance(arg, str) for arg in command),
           "its command is no list of texts")


def read_run(path):
    """A run that write_run() wrote, or ``-`` for standard input. Raises BadRun."""
    name = "standard input" if path == "-" else path
    try:
        if path == "-":
            text = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                text = file.read()
        run = json.loads(text)
        check_run(run)
    except OSError as error:
        raise BadRun(f"cannot read {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadRun(f"{name}: it is no JSON: not UTF-8") from None
    except (ValueError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise BadRun(f"{name}: it is no JSON: {what}{where}") from None
    except BadRun as error:
        raise BadRun(f"{name}: {error}") from None
    return run


# ---- using

# What moves a terminal's cursor, forges a line, or turns text around.
_UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]")


def _escaped(match):
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def visible(text):
    """The text of a file that anybody may have written, for a terminal or a page."""
    return _UNSEEN.sub(_escaped, text)


def key_of(function):
    """What makes two functions of two processes the same."""
    return function["filename"], function["name"], function["first_line"], tuple(function["source"])


def measure_of(line):
    """(increment MiB, memory MiB, occurrences) of a line, with peak and time where they are."""
    from ._tables import Measurement

    values = line["increment_bytes"] / MIB, line["memory_bytes"] / MIB, line["occurrences"]
    if "peak_bytes" not in line and "time_ns" not in line:
        return values
    return Measurement(
        values,
        peak=line["peak_bytes"] / MIB if "peak_bytes" in line else None,
        time=line["time_ns"] / 1e9 if "time_ns" in line else None,
    )


class Source:
    """The lines of a file as a list would have them, of which only a function's are known."""

    def __init__(self, function):
        self.first = function["first_line"]
        self.lines = function["source"]

    def __bool__(self):
        return bool(self.lines)

    def __len__(self):
        return self.first - 1 + len(self.lines)

    def __getitem__(self, at):
        return self.text(at + 1) + "\n"

    def text(self, number):
        """A line by its number, without its end; empty where it is not known."""
        at = number - self.first
        return visible(self.lines[at].rstrip("\r\n")) if 0 <= at < len(self.lines) else ""


def print_function(function, stream, precision=None):
    """The table that the run printed, or would have."""
    from ._tables import write_table

    first = function["first_line"]
    measures = {line["line"]: measure_of(line) for line in function["lines"]}
    last = max([first + len(function["source"]) - 1, *measures]) if measures else first
    numbers = range(first, last + 1) if function["source"] else sorted(measures)
    precision = function["precision"] if precision is None else precision
    write_table(stream, visible(function["filename"]),
                ((line, measures.get(line)) for line in numbers),
                Source(function), precision)


def _merge_lines(one, other):
    merged = {line["line"]: dict(line) for line in one}
    for line in other:
        into = merged.get(line["line"])
        if into is None:
            merged[line["line"]] = dict(line)
            continue
        for key in ("increment_bytes", "occurrences", "time_ns"):
            if key in line:
                into[key] = into.get(key, 0) + line[key]
        for key in ("memory_bytes", "peak_bytes"):
            if key in line:
                into[key] = max(into.get(key, 0), line[key])
    return [merged[number] for number in sorted(merged)]


def merge_functions(one, other):
    """Both measurements of the same function as one: growth is added, the first entry is the larger."""
    ledgers = one["ledger"], other["ledger"]
    entry = max(ledger["entry_bytes"] for ledger in ledgers)
    surplus = sum(ledger["entry_bytes"] for ledger in ledgers) - entry
    lines = _merge_lines(one["lines"], other["lines"])
    lines[0]["increment_bytes"] -= surplus  # the first row begins with the memory at the first entry
    return {
        **one,
        "lines": lines,
        "ledger": {
            "first_line": ledgers[0].get("first_line", one["first_line"]),
            "entry_bytes": entry,
            "segments_bytes": sum(ledger["segments_bytes"] for ledger in ledgers),
            "tool_bytes": sum(ledger["tool_bytes"] for ledger in ledgers),
            "increments_bytes": sum(line["increment_bytes"] for line in lines),
        },
    }


def functions_of(runs):
    """All functions of runs and of their processes, the same ones merged, in order of appearance."""
    found = {}
    for run in runs:
        for process in run["processes"]:
            for function in process["functions"]:
                key = key_of(function)
                found[key] = merge_functions(found[key], function) if key in found else function
    return list(found.values())
