"""Writing runs as JSON: what was measured, with the proof that nothing was lost.

See docs/saved-runs.md; _saved_runs.py reads them.
"""

import errno
import json
import os
import re
import sys
import time

FORMAT = "memory_profiler run"
VERSION = 1


def function_of(code, core, index, numbers, source, precision):
    """One function of a run, or None where it never ran."""
    rows = core.rows(index)
    if not rows:
        return None
    first, last = (numbers[0], numbers[-1]) if numbers else (code.co_firstlineno,) * 2
    return {
        "filename": code.co_filename,
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
        "source": source[first - 1 : last],
    }


def process_of(profiler, name, functions):
    """One process of a run; its functions may be an iterator."""
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
        "command": list(sys.argv),
        "time": time.time(),
        "finished": finished,
        "processes": processes,
    }


_LONE = re.compile("[\ud800-\udfff]")  # names of files may hold bytes that are no characters


def _json(value):
    """JSON that any reader takes."""
    return _LONE.sub("\ufffd", json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _pieces(run):
    """The text of a run, one function at a time: it is written while the program is measured."""
    head = {key: value for key, value in run.items() if key != "processes"}
    yield _json(head)[:-1] + ',"processes":['
    for place, process in enumerate(run["processes"]):
        head = {key: value for key, value in process.items() if key != "functions"}
        yield ("," if place else "") + _json(head)[:-1] + ',"functions":['
        for number, function in enumerate(process["functions"]):
            yield ("," if number else "") + _json(function)
        yield "]}"
    yield "]}\n"


def _write_pieces(fd, run):
    with open(fd, "w", encoding="utf-8") as file:
        file.writelines(_pieces(run))
        file.flush()
        if os.path.isfile(fd):
            os.fsync(file.fileno())


def _new_file(path):
    """(descriptor, name) of a new file beside ``path``: nobody's file or link is written through."""
    for number in range(100):
        name = f"{path}.{os.getpid()}.{number}.tmp"
        try:
            return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), name
        except FileExistsError:
            pass
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)


def write_run(path, run):
    """Write all of it, or leave what was there. Raises OSError.

    A pipe or a device is written to as it is.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        _write_pieces(os.open(path, os.O_WRONLY | os.O_CLOEXEC), run)
        return
    fd, temporary = _new_file(path)
    try:
        _write_pieces(fd, run)
        os.replace(temporary, path)
    except BaseException:
        try:
            os.remove(temporary)
        except OSError:
            pass
        raise
