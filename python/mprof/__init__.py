"""Reading what `mprof run` has recorded, and starting the native mprof.

    import mprof
    profile = mprof.read_mprofile_file("mprofile_20260101120000.dat")
"""

import os
import sys
from collections import defaultdict

from . import _run

__all__ = ["read_mprofile_file", "main"]

# Files are read in pieces of this many bytes; pieces of up to so many lines are read line by line.
_PIECE = 1 << 20
_FEW_LINES = 64


def read_mprofile_file(filename):
    """The contents of a profile, as a dict:

    mem_usage, timestamp   the samples, MiB and seconds since the epoch
    func_timestamp         function -> list of [start, end, mem_start, mem_end, level]
    children               pid (a string) -> list of (MiB, epoch)
    cmd_line, filename     as recorded, and as given

    Lines with other keywords, and a last line that was cut short, are skipped.
    """
    profile = {
        "mem_usage": [],
        "timestamp": [],
        "func_timestamp": {},
        "filename": filename,
        "cmd_line": None,
        "children": defaultdict(list),
    }
    with open(filename, "rb") as file:
        rest = b""
        for piece in iter(lambda: file.read(_PIECE), b""):
            piece = rest + piece
            end = piece.rfind(b"\n") + 1
            rest = piece[end:]
            _add_lines(profile, piece[:end])
        _add_line(profile, rest)
    return profile


def _add_lines(profile, lines):
    """Samples alone are read all at once; a piece with other lines is halved until it is small."""
    count = lines.count(b"\n")
    fields = lines.split()
    if len(fields) == 3 * count and fields[0::3].count(b"MEM") == count:
        try:
            memory = list(map(float, fields[1::3]))
            moments = list(map(float, fields[2::3]))
        except ValueError:
            pass
        else:
            profile["mem_usage"] += memory
            profile["timestamp"] += moments
            return
    middle = lines.find(b"\n", len(lines) // 2) + 1
    if count <= _FEW_LINES or middle == len(lines):
        for line in lines.splitlines(keepends=True):
            _add_line(profile, line)
    else:
        _add_lines(profile, lines[:middle])
        _add_lines(profile, lines[middle:])


def _add_line(profile, line):
    keyword, _, value = line.decode("utf-8", "surrogateescape").partition(" ")
    read = _READERS.get(keyword)
    if read is not None:
        try:
            read(profile, value)
        except ValueError:
            pass  # torn by a full disk or a kill


def _read_memory(profile, value):
    memory, moment = map(float, value.split())
    profile["mem_usage"].append(memory)
    profile["timestamp"].append(moment)


def _read_child(profile, value):
    pid, memory, moment = value.split()
    profile["children"][pid].append((float(memory), float(moment)))


def _read_function(profile, value):
    """A name may hold blanks: the numbers are counted from the right."""
    numbers = 5 if "." not in value[value.rindex(" ") :] and value.count(" ") >= 5 else 4
    name, *fields = value.rsplit(maxsplit=numbers)
    if len(fields) != numbers:
        raise ValueError(value)
    mem_start, start, mem_end, end = map(float, fields[:4])
    call = [start, end, mem_start, mem_end, *map(int, fields[4:])]
    profile["func_timestamp"].setdefault(name, []).append(call)


def _read_command_line(profile, value):
    profile["cmd_line"] = value


_READERS = {
    "MEM": _read_memory,
    "CHLD": _read_child,
    "FUNC": _read_function,
    "CMDLINE": _read_command_line,
}


def main():
    """Runs the native mprof of this package with the arguments of this process; its exit status."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_bin", "mprof")
    return _run.run([program, *sys.argv[1:]])
