"""Every option of every command with hostile values: it ends, says one visible line, with a
documented exit status, and writes nowhere else. The options are those that --help lists."""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import time
import unicodedata

import pytest
from conftest import ROOT, find_binary

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


# ---- mprof

BINARY = find_binary()
MARK = {"MPROF_OUTPUT": "x.dat"}

# What stands before and behind an option, so that something is done; a new command has nothing.
AROUND = {
    "run": (["-o", "out.dat"], ["true"]),
    "attach": (["-o", "out.dat", "-t", "0.05"], []),
    "plot": (["-o", "out.txt"], ["x.dat"]),
    "peak": ([], ["x.dat"]),
    "rm": (["--dry-run"], ["x.dat"]),
    "mark": ([], ["begin", "label"]),
}
# How a value can be an argument, where there are several.
ARGUMENTS = {"mark": [["{}", "label"], ["begin", "{}"], ["end", "{}"], ["end", "--", "{}"]]}

# The last argument is a process that ends: a timeout may turn out to be none.
WITH_A_PROCESS = ["sh", "-c", 'sleep 0.3 >/dev/null 2>&1 & exec "$@" $!', "sh"]
OWN = re.compile(r"out\.(dat|txt)|mprofile_\d{14}\.dat")


def commands():
    text = help_of(BINARY)
    return re.findall(r"^  (\w+) ", text[text.index("commands:") :], re.MULTILINE) if BINARY else []


def forms(options, value):
    """--name value, --name=value, -nvalue."""
    for name in options:
        yield [name, value]
        if value or name.startswith("--"):
            yield [name + ("=" if name.startswith("--") else "") + value]


def mprof_cases(command, options, takes, values):
    before, behind = AROUND.get(command, ([], []))
    start = WITH_A_PROCESS if command == "attach" else []
    for value in values:
        if options == [ARGUMENT]:
            for form in ARGUMENTS.get(command, [["{}"], ["--", "{}"]]):
                written = [value if part == "{}" else part for part in form]
                if value != "--" or "--" in form:
                    yield [BINARY, command, *before, *written], options, value, MARK
            continue
        written = (
            list(forms(options, value))
            if takes
            else [[name + "=" + value] for name in options if name.startswith("--")]
        )
        for form in written:
            yield [*start, BINARY, command, *before, *form, *behind], options, value, MARK


def said_badly(case):
    """A failed run says one line; lines about several processes that fit may follow."""
    if case.status == 0:
        return
    lines = case.err.decode().splitlines()
    lines += [] if lines else case.out.decode().splitlines()[-1:]
    if not lines or not lines[0].startswith(("mprof", "Input file not found")):
        yield "no line says what is wrong"
    elif any(not re.match(r"  \d+ ", line) for line in lines[1:]):
        yield "more than one line"
    elif case.status == 255 or re.search(r"process \d+: ", lines[0]):
        return  # on stdout; a process of that name was found, and has ended
    elif not names(lines[0], case.options, case.value):
        yield "the line names neither option nor value"


def well(case, command):
    own = {name for name in case.added if OWN.fullmatch(name)}
    yield from case.problems(statuses_of(command), own)
    yield from said_badly(case)


def statuses_of(command):
    return {0, 1, 2, 126, 127} if command == "run" else {0, 1, 2, 255}


PARAMETERS = [
    (command, *option)
    for command in commands()
    for option in [*options_of(help_of(BINARY, command)), ([ARGUMENT], True)]
]


def test_the_help_lists_what_there_is():
    known = {(command, name) for command, options, _ in PARAMETERS for name in options}
    assert {
        ("plot", "-w"),
        ("plot", "--window"),
        ("run", "--backend"),
        ("run", "-T"),
        ("peak", "--func"),
        ("rm", "--dry-run"),
        ("mark", ARGUMENT),
    } <= known
    takes = {options[-1]: takes for command, options, takes in PARAMETERS if command == "run"}
    assert takes["--interval"] and takes["--output"] and not takes["--spikes"]


@pytest.mark.parametrize(
    "command,options,takes",
    PARAMETERS,
    ids=[f"{command}{options[-1]}" for command, options, _ in PARAMETERS],
)
def test_every_option_of_mprof(tmp_path, command, options, takes):
    cases = run_all(tmp_path, list(mprof_cases(command, options, takes, VALUES)))
    assert len(cases) >= len(VALUES)
    assert_all_well(cases, lambda case: well(case, command))


def test_a_pipe_without_another_end_is_given_up(tmp_path):
    """All at once: each waits for some seconds."""
    known = [
        (command, case)
        for command, options, takes in PARAMETERS
        for case in mprof_cases(command, options, takes, [PIPE])
    ]
    cases = run_all(tmp_path, [case for _, case in known], at_once=len(known))
    for (command, _), case in zip(known, cases):
        assert_all_well([case], lambda case: well(case, command))
    said = [case.err for case in cases if b"nobody is at the other end of the pipe" in case.err]
    assert len(said) >= 6


def test_a_side_of_the_window_can_be_left_open(mprof):
    shutil.copy(ROOT / "tests/dats/07_multiprocess.dat", mprof.folder / "x.dat")
    charts = {}
    for window in ("", ",", "0.1,", "0.1,99", ",0.3", "0,0.3"):
        chosen = ["-w", window] if window else []
        result = mprof("plot", "x.dat", "-o", "x.gp", *chosen, timeout=LIMIT)
        assert result.returncode == 0 and result.stderr == ""
        charts[window] = (mprof.folder / "x.gp").read_text()
    assert charts[","] == charts[""]
    assert charts[",0.3"] == charts["0,0.3"]
    assert len(set(charts.values())) == 4  # "0.1,99" leaves room behind the run, "0.1," none
    nothing = mprof("plot", "x.dat", "-o", "x.gp", "-w", ",-1", timeout=LIMIT)
    assert nothing.returncode == 1
    assert nothing.stderr == "mprof plot: there is nothing in that window\n"


def test_any_name_of_a_command(tmp_path):
    cases = run_all(tmp_path, [([BINARY, value], ["command"], value) for value in VALUES])
    assert_all_well(cases, lambda case: [*case.problems({1}), *said_badly(case)])


def test_any_value_of_the_variables(tmp_path):
    cases = run_all(
        tmp_path,
        [
            ([BINARY, "mark", "begin", "label"], ["MPROF_OUTPUT"], value, {"MPROF_OUTPUT": value})
            for value in VALUES
        ]
        + [
            (
                [BINARY, "run", "-q", "-o", "out.dat", "program.py"],
                ["cannot run"],
                value,
                {"MPROF_PYTHON": value},
            )
            for value in VALUES
            if value
        ],
    )
    assert_all_well(
        cases, lambda case: [*case.problems({0, 1, 126, 127}, ["out.dat"]), *said_badly(case)]
    )


# ---- the Python programs

MODULES = {
    "memory_profiler": ["program.py"],
    "memory_profiler.report": ["run.json"],
    "memory_profiler.diff": ["run.json", "run.json"],
}
PYTHON_VALUES = [
    "",
    "-",
    "-1",
    "1e400",
    "nan",
    "-inf",
    "1_000",
    "٣",
    "9" * 20,
    "a" * 5000,
    b"\xff\x80".decode("utf-8", "surrogateescape"),
    "a\nb",
    "\x1b[31m\x07",
    "../..",
    "/dev/full",
    "folder",
    "loop",
    "%s%n",
    "$(touch hacked)",
    "missing/file",
]


def python_parameters():
    for module in MODULES:
        for options, takes in options_of(help_of(sys.executable, "-m", module)):
            if takes:
                yield module, options
        yield module, [ARGUMENT]


@pytest.fixture(scope="module")
def saved_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    (folder / "program.py").write_text(SOURCE)
    done = subprocess.run(
        [sys.executable, "-m", "memory_profiler", "--json", "run.json", "program.py"],
        cwd=folder,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0 and done.stderr == b""
    return str(folder / "run.json")


def python_cases(module, options, saved_run, values):
    arguments = [saved_run if part == "run.json" else part for part in MODULES[module]]
    for value in values:
        form = [value, *arguments[1:]]
        if options != [ARGUMENT]:
            form = [*list(forms(options, value))[-1], *arguments]
        yield [sys.executable, "-m", module, *form], options, value


def python_well(case):
    """The last line is the one that says what is wrong; usage may stand before it."""
    if case.err.endswith(b"bdb.BdbQuit\n"):
        return  # it stepped into the debugger, as it was asked to, whose input had an end
    yield from case.problems({0, 1, 2})
    lines = case.err.decode("utf-8", "replace").splitlines() or [""]
    is_named = names(lines[-1], case.options, case.value) or (
        case.value == "-" and "standard input" in lines[-1]
    )
    if case.status != 0 and not is_named:
        yield "the last line names neither option nor value"
    if len([line for line in lines if not line.startswith(("usage: ", " "))]) > 1:
        yield "more than one line"


@pytest.mark.parametrize(
    "module,options",
    list(python_parameters()),
    ids=[f"{module}{options[-1]}" for module, options in python_parameters()],
)
def test_every_option_of_the_python_programs(tmp_path, saved_run, module, options):
    cases = run_all(tmp_path, list(python_cases(module, options, saved_run, PYTHON_VALUES)))
    assert len(cases) == len(PYTHON_VALUES)
    assert_all_well(cases, python_well)


def test_the_python_programs_give_up_a_pipe_without_another_end(tmp_path, saved_run):
    cases = run_all(
        tmp_path,
        [
            case
            for module, options in python_parameters()
            for case in python_cases(module, options, saved_run, [PIPE])
        ],
        20,
    )
    assert_all_well(cases, python_well)


MAGICS = r"""
import contextlib, io, json, re, sys
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "memory_profiler")
shell.run_cell("def f():\n    return [0] * 1000\n")
seen = 0
for name in "mprun", "memit":
    for option in re.findall(r"^\s+-(\w) [A-Z]", shell.find_line_magic(name).__doc__, re.M):
        for value in json.loads(sys.argv[1]):
            seen += 1
            rest = "-f f f()" if name == "mprun" and option != "f" else "f()"
            said = io.StringIO()
            try:
                with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                    shell.run_line_magic(name, f"-{option} {value} {rest}")
            except UsageError as error:
                said.write(str(error))
            except Exception as error:
                print(f"%{name} -{option} {value!r}: {type(error).__name__}: {error}")
            if "\x1b" in said.getvalue():
                print(f"%{name} -{option} {value!r}: an escape")
print(seen)
"""


def test_every_option_of_the_magics(tmp_path):
    """Wrong values are errors of usage, not of the program."""
    pytest.importorskip("IPython")
    values = [
        value
        for value in PYTHON_VALUES
        if value not in ("", "9" * 20)
        and " " not in value
        and value.isprintable()
        or value == "\x1b[31m\x07"
    ]
    inner, _ = lay_out(tmp_path)
    (inner / "magics.txt").write_text(MAGICS)
    done = subprocess.run(
        [sys.executable, "magics.txt", json.dumps(values)],
        cwd=inner,
        env=environment(IPYTHONDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    *wrong, seen = done.stdout.splitlines()
    assert int(seen) >= 5 * len(values)
    assert not wrong, "\n".join(wrong)
