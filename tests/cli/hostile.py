"""How options meet hostile values: the values, a folder to try them in, and what is well."""

import concurrent.futures
import os
import re
import shutil
import subprocess
import time
import unicodedata

from conftest import ROOT

LIMIT = 20  # seconds; the longest that may be waited, for a pipe without another end, is 5
LONG = "a" * 100_000
PIPE = "pipe"
VALUES = [
    "",
    ",",
    "-",
    "--",
    "-1",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "0x",
    "1_000",
    "٣",
    "9" * 20,
    "0." + "0" * 400 + "1",
    "-1e-400",
    "1,",
    ",1",
    "nan,nan",
    "0x0",
    "99999x99999",
    LONG,
    b"\xff\xfe\x80".decode("utf-8", "surrogateescape"),
    "\n",
    "a\nb\r\n",
    "\x1b[31m\x07",
    "".join(map(chr, range(1, 32))),
    "\u202etxt.exe",
    "\u2028",
    "../..",
    "/dev/full",
    "/dev/null",
    "/dev/zero",
    "folder",
    "loop",
    "%s%n",
    "$(touch hacked)",
    "`touch hacked`",
    "\"'",
    "; touch hacked",
    "missing/file",
    "=",
    "*",
]
ARGUMENT = "argument"  # stands for what is no option

SOURCE = "@profile\ndef f():\n    x = [0] * 1000\n    return x\n\n\nf()\nprint('ran')\n"


def environment(**more):
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "COLUMNS", "LINES", "PYTHONPATH")
        and not name.startswith("MPROF_")
    }
    return {**kept, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **more}


def help_of(*command):
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout


def options_of(text):
    """[(names, takes a value)] of what --help says."""
    found = []
    for line in text.splitlines():
        head = re.match(r"\s{2,6}(-.*?)(?:\s{2,}|$)", line)
        if head is not None:
            names = re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", head[1])
            found.append((names, re.search(r"[\w] [\[{A-Z]", head[1]) is not None))
    return found


def lay_out(folder):
    """What the values mean, and something to read. The names that are there then."""
    inner = folder / "a" / "b"
    (inner / "folder").mkdir(parents=True)
    os.mkfifo(inner / PIPE)
    (inner / "loop").symlink_to("loop")
    shutil.copy(ROOT / "tests/dats/07_multiprocess.dat", inner / "x.dat")
    (inner / "program.py").write_text(SOURCE)
    return inner, names_in(folder)


def names_in(folder):
    return {
        os.path.relpath(os.path.join(path, name), folder / "a" / "b")
        for path, folders, files in os.walk(folder)
        for name in folders + files
    }


def visible(text):
    """As errors show it: see plots/plot_text.h."""

    def shown(character):
        number = ord(character)
        if 0xDC80 <= number <= 0xDCFF:
            return f"\\x{number - 0xDC00:02x}"
        if unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp", "Cs"):
            return character
        return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"

    return "".join(map(shown, text))


def names(said, options, value):
    """Whether a line names the option or its value, so that it can be seen."""
    wanted = [name.lstrip("-") for name in options if name.startswith("--")] + list(options)
    if value:
        wanted += [visible(value)[:200], repr(value)[1:-1][:200]]
    try:
        wanted.append(f"{float(value):.10g}")
    except ValueError:
        pass
    wanted += {"": ["''"], "-": ["standard input"]}.get(value, [])
    return any(name in said for name in wanted)


class Case:
    """One command line in a folder of its own."""

    def __init__(self, folder, command, options, value, env=None):
        self.command, self.options, self.value = command, options, value
        self.folder = folder
        self.inner, before = lay_out(folder)
        began = time.monotonic()
        try:
            done = subprocess.run(
                [os.fsencode(part) for part in command],
                cwd=self.inner,
                env=environment(**(env or {})),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LIMIT,
            )
            self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired:
            self.status, self.out, self.err = "no end", b"", b""
        self.seconds = time.monotonic() - began
        self.added = names_in(folder) - before
        self.missing = before - names_in(folder)
        shutil.rmtree(folder)

    def __repr__(self):
        shown = [part[:60] for part in self.command[1:]]
        return (
            f"{shown} ({self.value[:60]!r}) -> {self.status} in {self.seconds:.1f} s: "
            f"{self.err[:600]!r}"
        )

    def problems(self, statuses, own_names=()):
        """What is wrong with how it went."""
        text = self.err.decode("utf-8", "replace")
        if self.status not in statuses:
            yield "no documented status"
        if "Traceback" in text:
            yield "a traceback"
        if text.encode() != self.err or visible(text.replace("\n", "")) != text.replace("\n", ""):
            yield "stderr has controls"
        if len(self.err) > 20_000:
            yield "stderr is very long"
        asked = {self.value, *own_names}
        if [name for name in self.added if name not in asked]:
            yield f"wrote {self.added}"
        if self.missing:
            yield f"removed {self.missing}"


def run_all(tmp_path, cases, at_once=4):
    """Cases of (command, options, value, environment)."""

    def run(number):
        return Case(tmp_path / str(number), *cases[number])

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(run, range(len(cases))))


def assert_all_well(cases, problems_of):
    bad = [f"{problems}: {case}" for case in cases if (problems := list(problems_of(case)))]
    assert not bad, "\n".join(bad)


def forms(options, value):
    """--name value, --name=value, -nvalue."""
    for name in options:
        yield [name, value]
        if value or name.startswith("--"):
            yield [name + ("=" if name.startswith("--") else "") + value]
