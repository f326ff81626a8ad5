"""Runs as JSON: what was measured, with the proof that nothing was lost. See docs/saved-runs.md."""

import json
import os
import sys
import time

FORMAT = "memory_profiler run"
VERSION = 1
MIB = 1048576.0


class BadRun(Exception):
    """A file that holds no run; the message is one line for the user."""


# ---- writing


def function_of(code, core, index, numbers, source, precision):
    """One function of a run, or None where it never ran."""
    rows = core.rows(index)
    if not rows:
        return None
    first, last = (numbers[0], numbers[-1]) if numbers else (code.co_firstlineno,) * 2
    return {
        "filename": _text(code.co_filename),
        "name": getattr(code, "co_qualname", code.co_name),
        "first_line": first,
        "precision": precision,
        "ledger": core.ledger(index),
        "lines": [
            {
                "line": line,
                "increment_bytes": increment,
                "memory_bytes": mem,
                "occurrences": hits,
                **({} if peak is None else {"peak_bytes": peak}),
                **({} if nanoseconds is None else {"time_ns": nanoseconds}),
            }
            for line, increment, mem, hits, peak, nanoseconds in rows
        ],
        "source": [_text(line) for line in source[first - 1 : last]],
    }


def _text(text):
    """Text that any JSON reader takes: names of files may hold bytes that are no characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def process_of(profiler, name, functions):
    """One process of a run."""
    info = profiler._core.info()
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "name": name,
        "backend": profiler.backend,
        "include_children": bool(profiler.include_children),
        "gate_ns": info["gate_ns"],
        "gate_off": info["gate_off"],
        "resolution_bytes": info["resolution_bytes"],
        "mark_resolution_bytes": info["mark_resolution_bytes"],
        "reads": info["reads"],
        "skipped": info["skipped"],
        "surprises": info["surprises"],
        "functions": functions,
    }


def run_of(processes, finished):
    from . import __version__

    return {
        "format": FORMAT,
        "version": VERSION,
        "memory_profiler": __version__,
        "python": sys.version.split()[0],
        "platform": sys.platform,
        "command": [_text(arg) for arg in sys.argv],
        "time": time.time(),
        "finished": finished,
        "processes": processes,
    }


def write_run(path, run):
    """Write all of it, or leave what was there. Raises OSError."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(run, file, ensure_ascii=False, separators=(",", ":"))
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        try:
            os.remove(temporary)
        except OSError:
            pass
        raise


# ---- reading


def _check(condition, what):
    if not condition:
        raise BadRun(what)


def _check_line(line):
    _check(isinstance(line, dict), "a line is no object")
    for key in ("line", "increment_bytes", "memory_bytes", "occurrences"):
        _check(type(line.get(key)) is int, f"a line has no whole number {key}")
    for key in ("peak_bytes", "time_ns"):
        _check(key not in line or type(line[key]) is int, f"a line's {key} is no whole number")
    _check(0 < line["line"] < 1 << 31, "a line's number is absurd")


def _check_function(function):
    _check(isinstance(function, dict), "a function is no object")
    for key in ("filename", "name"):
        _check(isinstance(function.get(key), str), f"a function has no {key}")
    _check(type(function.get("first_line")) is int, "a function has no first_line")
    _check(type(function.get("precision")) is int and 0 <= function["precision"] <= 20,
           "a function's precision is not from 0 to 20")
    source, lines = function.get("source"), function.get("lines")
    _check(isinstance(source, list) and all(isinstance(text, str) for text in source),
           "a function's source is no list of texts")
    _check(isinstance(lines, list) and lines, "a function has no lines")
    for line in lines:
        _check_line(line)
    ledger = function.get("ledger")
    _check(isinstance(ledger, dict) and all(type(number) is int for number in ledger.values()),
           "a function has no ledger")
    _check(sum(line["increment_bytes"] for line in lines) == ledger.get("increments_bytes"),
           "the increments of a function are not those of its ledger")


def check_run(run):
    """Raises BadRun where the shape is not that of docs/saved-runs.md."""
    _check(isinstance(run, dict) and run.get("format") == FORMAT, "it is no saved run")
    version = run.get("version")
    _check(type(version) is int, "it has no version")
    _check(version <= VERSION, f"it is of version {version}, this program knows up to {VERSION}")
    _check(isinstance(run.get("processes"), list), "it has no processes")
    for process in run["processes"]:
        _check(isinstance(process, dict) and isinstance(process.get("functions"), list),
               "a process has no functions")
        for function in process["functions"]:
            _check_function(function)


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


def print_function(function, stream, precision=None):
    """The table that the run printed, or would have."""
    from ._tables import write_table

    first = function["first_line"]
    measures = {line["line"]: measure_of(line) for line in function["lines"]}
    last = max([first + len(function["source"]) - 1, *measures]) if measures else first
    numbers = range(first, last + 1) if function["source"] else sorted(measures)
    source = [""] * (first - 1) + function["source"] if function["source"] else []
    precision = function["precision"] if precision is None else precision
    write_table(stream, function["filename"], [(line, measures.get(line)) for line in numbers],
                source, precision)


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
