"""Runs programs under the profiler in processes of their own, and reads the tables they print.

The package under test is the installed one: programs run in a folder of their own, so that nothing
of this repository is importable by accident.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import textwrap
from dataclasses import dataclass, field

MIB = 1 << 20
TIMEOUT = 60

HEADER = "Line #    Mem usage    Increment  Occurrences   Line Contents"
RULE = "=" * len(HEADER)

MEASURED = re.compile(
    r"^ *(\d+) +(-?\d+(?:\.\d+)?) MiB +(-?\d+(?:\.\d+)?) MiB +(\d+)   (.*)$", re.S
)
BLANK = re.compile(r"^ *(\d+) {41}(.*)$", re.S)
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def mem_resolution():
    """By how many bytes a reading of RSS can be wrong, from what is known of this kernel."""
    if sys.platform != "linux":
        return 0
    numbers = re.match(r"(\d+)\.(\d+)", os.uname().release)
    release = int(numbers[1]), int(numbers[2])
    page = os.sysconf("SC_PAGE_SIZE")
    cpus = os.sysconf("SC_NPROCESSORS_CONF")
    if release >= (6, 16):
        return 0
    if release < (6, 2):
        return 64 * page
    return max(32, 2 * cpus) * page * cpus


# What the interpreter and malloc do beside the blocks a test allocates: pools of small objects,
# the pages around a block, the top of the heap. Measured here below 0.1 MiB for a line; from Python
# 3.14 on 0.26: a part of the interpreter that is used for the first time is mapped by 64 KiB.
NOISE_MIB = 0.25 if sys.version_info < (3, 14) else 0.5

# How far a printed increment may be from the truth: a delta has two readings.
TOLERANCE = 2 * mem_resolution() / MIB + NOISE_MIB


def slack_of(backend):
    """As for near(). PSS is shared out anew whenever another process begins or ends."""
    return 1 if backend.endswith("pss") else TOLERANCE


def near(value, slack=TOLERANCE):
    """A number that equals all numbers within the tolerance of one line's delta."""
    return _Near(value, slack)


class _Near:
    def __init__(self, value, slack):
        self.value, self.slack = value, slack

    def __eq__(self, other):
        return abs(other - self.value) <= self.slack

    def __repr__(self):
        return f"{self.value}±{self.slack:.3f}"


@dataclass
class Row:
    lineno: int
    mem: float = None
    increment: float = None
    occurrences: int = None
    text: str = ""

    @property
    def ran(self):
        return self.occurrences is not None


@dataclass
class Table:
    filename: str
    rows: list = field(default_factory=list)

    def at(self, text):
        """The first row whose source contains text."""
        for row in self.rows:
            if text in row.text:
                return row
        raise AssertionError(f"no row with {text!r} in {self}")

    def line(self, lineno):
        return next(row for row in self.rows if row.lineno == lineno)

    @property
    def first(self):
        return self.rows[0]

    @property
    def total(self):
        return sum(row.increment for row in self.rows if row.ran)

    @property
    def own(self):
        """Sum of all increments but the first row's, which is what was there at the entry."""
        return self.total - self.first.increment

    def occurrences(self):
        return {row.lineno: row.occurrences for row in self.rows if row.ran}


def parse_row(line):
    match = MEASURED.match(line)
    if match:
        return Row(int(match[1]), float(match[2]), float(match[3]), int(match[4]), match[5])
    match = BLANK.match(line)
    if match:
        return Row(int(match[1]), text=match[2])
    raise AssertionError(f"not a row of a table: {line!r}")


def parse_tables(text):
    """All tables in a text, in their order. Fails on a table that breaks the layout."""
    tables, lines, at = [], text.split("\n"), 0
    while at < len(lines):
        if not lines[at].startswith("Filename: "):
            at += 1
            continue
        assert lines[at + 1] == "", lines[at : at + 4]
        assert lines[at + 2] == HEADER, lines[at : at + 4]
        assert lines[at + 3] == RULE, lines[at : at + 4]
        table = Table(lines[at][len("Filename: ") :])
        at += 4
        while lines[at] != "":
            table.rows.append(parse_row(lines[at]))
            at += 1
        assert lines[at : at + 2] == ["", ""], "a table ends with two blank lines"
        tables.append(table)
        at += 2
    return tables


def mask(text):
    """Puts # for the digits of memory, so that tables of two runs can be compared byte by byte."""
    out = []
    for line in text.split("\n"):
        if MEASURED.match(line):
            line = re.sub(r"[ -]*\d+(?:\.(\d+))? MiB", _mask_number, line, count=2)
        out.append(line)
    return "\n".join(out)


def _mask_number(match):
    digits = "." + "#" * len(match[1]) if match[1] else ""
    return " " + "#" * (len(match[0]) - len(digits) - 5) + digits + " MiB"


@dataclass
class Outcome:
    returncode: int
    stdout: str
    stderr: str

    @property
    def tables(self):
        return parse_tables(self.stdout)

    def table(self, name):
        """The table of the function with this name; there must be just one."""
        pattern = re.compile(rf"\b(def|class) {name}\b")
        found = [t for t in self.tables if any(pattern.search(r.text) for r in t.rows)]
        assert len(found) == 1, f"{len(found)} tables of {name} in:\n{self.stdout}\n{self.stderr}"
        return found[0]

    def ok(self, says=None):
        """It ended well, and stderr has nothing, or matches the regular expression ``says``."""
        assert self.returncode == 0, f"rc {self.returncode}\n{self.stdout}\n{self.stderr}"
        assert re.search(says, self.stderr) if says else self.stderr == "", self.stderr
        return self

    def one_line_error(self):
        """The one line on stderr; fails where there are more, or a traceback."""
        lines = [line for line in self.stderr.split("\n") if line.strip()]
        assert "Traceback" not in self.stderr, self.stderr
        assert len(lines) == 1, self.stderr
        return lines[0]


def environment(**extra):
    """A small environment, the same whatever the caller's holds."""
    keep = (
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "LD_PRELOAD",
        "PYTHONMALLOC",
        "ASAN_OPTIONS",
        "UBSAN_OPTIONS",
        "TSAN_OPTIONS",
    )
    env = {name: os.environ[name] for name in keep if name in os.environ}
    env.setdefault("LANG", "C.UTF-8")
    env["PYTHONHASHSEED"] = "0"
    env.update(extra)
    return {name: value for name, value in env.items() if value is not None}


# Every block above 64 KiB gets a mapping of its own and leaves with it: what a line frees is seen
# on that line, whatever was freed before.
MAPPED_BLOCKS = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def python(*args, cwd, env=None, stdin=None, timeout=TIMEOUT, **kw):
    """Runs this Python with args; returns an Outcome."""
    done = subprocess.run(
        [sys.executable, *map(str, args)],
        cwd=cwd,
        env=env or environment(),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=timeout,
        **kw,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def on_a_terminal(folder, env, *args, columns=0, **streams):
    """What a terminal shows of this Python with args, which ends well; ``streams``: that are not
    the terminal; ``columns``: 0 is one that does not tell them."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs, **streams}
    process = subprocess.Popen([sys.executable, *map(str, args)], cwd=folder, env=env, **streams)
    os.close(theirs)
    text = b""
    while select.select([ours], [], [], TIMEOUT)[0]:
        try:
            data = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            break
        if not data:
            break
        text += data
    os.close(ours)
    assert process.wait(TIMEOUT) == 0, text
    return text.decode().replace("\r\n", "\n")


class Runner:
    """Writes programs into a folder and runs them there."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, source):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, bytes):
            path.write_bytes(source)
        else:
            path.write_text(textwrap.dedent(source).lstrip("\n"), encoding="utf-8")
        return path

    def m(self, source, *args, options=(), name="script.py", **kw):
        """python -m memory_profiler [options] script.py [args]"""
        self.write(name, source)
        return self.profiler(*options, name, *args, **kw)

    def profiler(self, *args, quiet=True, **kw):
        """python -m memory_profiler args; quiet: without a word on runs that have no table."""
        kw.setdefault("cwd", self.folder)
        return python("-m", "memory_profiler", *["-q"] * quiet, *args, **kw)

    def plain(self, source, *args, name="script.py", **kw):
        """python script.py: the import form, or a program without a profiler."""
        self.write(name, source)
        kw.setdefault("cwd", self.folder)
        return python(name, *args, **kw)
