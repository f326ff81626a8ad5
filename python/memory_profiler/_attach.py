"""``--attach PID``: tables of a program that runs already; what is done in it is in _attached.py.

The program is handed small scripts by sys.remote_exec(), which its main thread runs between two
instructions, and answers in files of a folder that is ours alone.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import linecache
import re
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager, suppress

from . import _files
from ._memprof import read_memory
from ._saved import write_run
from ._saved_check import BadRun, read_run
from ._saved_command import output
from ._source import end_of_block
from ._visible import complain
from .report import write_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace as Options
    from collections.abc import Iterator

    from ._types import Json

FLOOR = 3, 14
SAYS_AFTER = 2.0  # seconds without an answer
GIVES_UP_AFTER = 30.0
LOOKS_EVERY = 0.05
ASKS_EVERY = 1.0  # without an answer
SIGN_EVERY = 1.0  # of us, for the program
PATIENCE = 30.0  # seconds without one, until the program takes us for dead

# What the program is handed. Signals are blocked, since what their handlers raise would be lost. It
# is short, since what scripts take is in the program's numbers.
SCRIPT = """import _signal
signals = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
try:
    {}
except BaseException:
    _signal.pthread_sigmask(_signal.SIG_SETMASK, signals)
    raise
"""
BEGIN = SCRIPT.format("""with open({script!r}, encoding="utf-8") as file:
        code = compile(file.read(), {script!r}, "exec")
    names = {{"__name__": "memory_profiler._attach_script"}}
    exec(code, names)
    names["begin"]({request!r}, signals)""")
END = SCRIPT.format("""import sys
    if "memory_profiler._attached" in sys.modules:
        sys.modules["memory_profiler._attached"].end({folder!r}, signals)
    else:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, signals)""")

PACKAGE = os.path.dirname(os.path.realpath(__file__))
SCOPE = "/proc/sys/kernel/yama/ptrace_scope"


class Refused(Exception):
    """It cannot be; the message is one line for the user."""


class Lost(Exception):
    """It went wrong on the way."""


# ---- whom


def _lines_of(path: str) -> list[str]:
    """Of a file of the kernel's; none where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []


def is_there(pid: int) -> bool:
    """Whether a process runs."""
    try:
        read_memory(pid, "rss")
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _owner_of(pid: int) -> int | None:
    """The user that a process acts for, where that is told."""
    for line in _lines_of(f"/proc/{pid}/status"):
        if line.startswith("Uid:"):
            return int(line.split()[2])
    return None


def _versions_of(pid: int) -> set[tuple[int, int]]:
    """The versions of Python that a process has in memory, by the names of its files."""
    names = "\n".join(_lines_of(f"/proc/{pid}/maps"))
    found = re.findall(
        r"/(?:lib)?python(\d)\.(\d+)[a-z]*(?:\.so[.\d]*)?(?: \(deleted\))?$", names, re.M
    )
    return {(int(major), int(minor)) for major, minor in found}


def _start_of(pid: int) -> float | None:
    """When a process began, in seconds since the epoch, where that is told."""
    try:
        ticks = int(_lines_of(f"/proc/{pid}/stat")[0].rpartition(")")[2].split()[19])
        up = time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")
    except (IndexError, ValueError, OSError, AttributeError):
        return None


def check(pid: int) -> None:
    """Raises Refused where it is clear that a process cannot be attached to."""
    if sys.version_info < FLOOR or not hasattr(sys, "remote_exec"):
        raise Refused(
            "--attach needs Python 3.14 or later, here and in the program; "
            f"this is {sys.version.split()[0]}"
        )
    if pid == os.getpid():
        raise Refused(f"{pid} is this process itself")
    if not is_there(pid):
        raise Refused(f"there is no process {pid}")
    if _owner_of(pid) not in (None, os.geteuid()):
        raise Refused(f"process {pid} is another user's: attach as that user")
    versions = _versions_of(pid)
    if versions and sys.version_info[:2] not in versions:
        raise Refused(_other_version(pid, max(versions)))


def _other_version(pid: int, version: tuple[int, int]) -> str:
    text = ".".join(map(str, version))
    if version < FLOOR:
        return f"process {pid} runs Python {text}: --attach needs 3.14 or later in the program, too"
    here = ".".join(map(str, sys.version_info[:2]))
    return f"process {pid} runs Python {text}, this is {here}: attach with a Python {text}"


def _why_not(pid: int, error: Exception) -> str:
    """What sys.remote_exec() says, for the user."""
    text = str(error)
    if isinstance(error, PermissionError):
        scope = _lines_of(SCOPE)
        if scope and scope != ["0"]:
            return (
                f"process {pid} may not be attached to: kernel.yama.ptrace_scope is {scope[0]} "
                "(as root it may, or with sysctl kernel.yama.ptrace_scope=0)"
            )
        return (
            f"process {pid} may not be attached to: the system forbids it (as in containers "
            "without the capability SYS_PTRACE)"
        )
    if "not enabled" in text:
        return (
            f"process {pid} does not let itself be attached to: it runs with "
            "PYTHON_DISABLE_REMOTE_DEBUG or -X disable-remote-debug, or a Python built without it"
        )
    other = re.search(r"to a Python (\d+)\.(\d+) process", text)
    if other:
        return _other_version(pid, (int(other[1]), int(other[2])))
    if "PyRuntime" in text:
        return f"process {pid} runs no Python 3.14 or later"
    return f"process {pid} cannot be attached to: {text}"


# ---- how


class Attachment:
    """A program that is recorded, from here."""

    def __init__(self, pid: int, folder: str, quiet: bool) -> None:
        self.pid, self.folder, self.quiet = pid, folder, quiet
        self.interrupts = 0
        self.is_recording = False
        self.n_open = 0  # scripts handed over, but for those that have been answered
        self.is_left = False  # the folder is the program's now
        self._sign_due = 0.0

    def interrupt(self, number: int, frame: object) -> None:
        self.interrupts += 1

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Signals that would end this process end the recording."""
        names = "SIGINT", "SIGTERM", "SIGHUP"
        numbers = [getattr(signal, name) for name in names]
        numbers = [one for one in numbers if signal.getsignal(one) != signal.SIG_IGN]
        before = [(number, signal.signal(number, self.interrupt)) for number in numbers]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def say(self, text: str) -> None:
        if not self.quiet:
            complain(f"memory_profiler: {text}")

    def write(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        return path

    def run_there(self, path: str) -> None:
        """The program is handed a script, unless it has ended. Raises Refused."""
        if not self.is_seen(path):
            raise Refused(
                f"process {self.pid} does not see {self.folder}, as in a container: attach from "
                "inside, or name a folder of both in TMPDIR"
            )
        self.n_open += 1
        try:
            sys.remote_exec(self.pid, path)  # type: ignore[attr-defined,unused-ignore]
        except (OSError, RuntimeError, ValueError) as error:
            if is_there(self.pid) and not self.is_recording:  # else it is about to end
                raise Refused(_why_not(self.pid, error)) from None

    def is_seen(self, path: str) -> bool:
        """Whether the program finds the same file there; also where that cannot be known."""
        try:
            return os.path.samestat(os.stat(f"/proc/{self.pid}/root{path}"), os.stat(path))
        except FileNotFoundError:
            return not os.path.exists(f"/proc/{self.pid}/root")
        except OSError:
            return True

    def answer(self, name: str) -> str | None:
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def look(self) -> None:
        """Sleeps a little, and lets the program know that we are there."""
        time.sleep(LOOKS_EVERY)
        now = time.monotonic()
        if now >= self._sign_due:
            self._sign_due = now + SIGN_EVERY
            os.utime(self.folder)

    def ask(self, script: str, name: str) -> str:
        """What the program answers to a script. Raises Refused, Lost."""
        path = self.write(f"{name}.py", script)
        began, known, is_said = time.monotonic(), self.interrupts, False
        due = began
        while (text := self.answer(name)) is None:
            passed = time.monotonic() - began
            if not is_there(self.pid) and self.answer(name) is None:
                raise Lost(f"process {self.pid} ended before it had answered")
            if passed > GIVES_UP_AFTER or self.interrupts > known:
                raise Lost(f"process {self.pid} has not answered for {passed:.0f} s")
            if passed > SAYS_AFTER and not is_said:
                is_said = True
                self.say(
                    f"process {self.pid} does not answer: its main thread is in C code, or waits "
                    f"there; Ctrl-C gives up, as do {GIVES_UP_AFTER - SAYS_AFTER:.0f} s more"
                )
            if began + passed >= due:  # again, since what handlers of signals raise ends a script
                due += ASKS_EVERY
                self.run_there(path)
            self.look()
        self.n_open -= 1
        return text

    def withdraw(self) -> None:
        """What the program may not have run yet is an empty script from here on."""
        if self.n_open > 0:
            with suppress(Exception):  # it has ended
                sys.remote_exec(self.pid, os.devnull)  # type: ignore[attr-defined,unused-ignore]

    def begin(self, request: Json) -> None:
        """The program is recorded. Raises Refused, Lost."""
        script = os.path.join(PACKAGE, "_attach_script.py")
        error = self.ask(BEGIN.format(request=request, script=script), "begun")
        if error:
            raise Lost(f"process {self.pid} cannot be recorded: {error}")
        self.is_recording = True

    def record(self, seconds: float | None) -> None:
        """Until they have passed, or the user has enough, or the program ends."""
        end = time.monotonic() + (1e18 if seconds is None else seconds)
        while time.monotonic() < end and not self.interrupts:
            if self.answer("ended") is not None or not is_there(self.pid):
                return
            self.look()

    def end(self) -> Json:
        """What was recorded. Raises Lost."""
        try:
            error = self.ask(END.format(folder=self.folder), "ended")
        except Lost as lost:
            if not is_there(self.pid):
                raise
            self.is_left = True
            raise Lost(
                f"{lost}: the recording ends, without tables, once its main thread runs Python; "
                f"{self.folder} goes then, too"
            ) from None
        if error:
            raise Lost(f"process {self.pid} could not write its tables: {error}")
        try:
            return read_run(os.path.join(self.folder, "run.json"))
        except BadRun as bad:
            raise Lost(f"process {self.pid} has not told what it measured: {bad}") from None


def record(options: Options) -> Json:
    """The run of the program. Raises Refused, Lost."""
    check(options.attach)
    try:
        folder = os.path.realpath(tempfile.mkdtemp(prefix="memory_profiler-"))
    except OSError as error:
        raise Refused(f"no folder to hand scripts over in: {error.strerror}") from None
    program = Attachment(options.attach, folder, options.quiet)
    try:
        with program.interruptible():
            program.begin({**request_of(options), "folder": folder})
            if options.seconds != 0:
                until = "Ctrl-C" if options.seconds is None else f"{options.seconds:g} s have passed"
                program.say(f"recording process {options.attach} until {until}")
                program.record(options.seconds)
            return program.end()
    except OSError as error:  # somebody has taken the folder away, or the disk is full
        raise Lost(f"nothing can be handed over in {folder}: {error.strerror}") from None
    finally:
        if not program.is_left:
            program.withdraw()
            shutil.rmtree(folder, ignore_errors=True)


def request_of(options: Options) -> Json:
    """What the program is asked for."""
    return {
        "pid": os.getpid(),
        "patience": PATIENCE,
        "package": PACKAGE,
        "targets": [_whole(target) for target in options.prof_mod],
        "all": options.all or not options.prof_mod,
        "at_once": options.seconds == 0,
        "precision": options.precision,
        "backend": options.backend,
        "line_time": options.line_time,
        "allocations": options.allocations,
        "heap": bool(options.heap),
        "began": _start_of(options.attach),
    }


def _whole(target: str) -> str:
    """A target; a file of it by its whole name, since the program may be in another folder."""
    where, colon, function = target.partition(":")
    is_file = where.endswith(".py") or os.sep in where
    return (os.path.realpath(where) if is_file else where) + colon + function


def add_source(run: Json) -> None:
    """Of functions of files that are what they were: the program has not been kept with it."""
    outside = set(map(tuple, run.pop("outside")))
    for process in run["processes"]:
        for function in process["functions"]:
            first = function["first_line"]
            if (function["filename"], first) not in outside:
                continue
            lines = linecache.getlines(function["filename"])
            last = min(max(line["line"] for line in function["lines"]), len(lines))
            if first <= last:
                last = max(last, end_of_block(lines, first, last))
                function["source"] = lines[first - 1 : last]


def report(run: Json, options: Options) -> None:
    """Tables to stdout or to -o FILE, and --json FILE. Raises OSError."""
    complaints = run.pop("complaints", [])
    add_source(run)
    if options.json:
        write_run(options.json, run)
    own = options.allocations == "own"
    if options.out_filename is None:
        with output() as stream:
            write_text([run], stream, options.precision, own)
    else:
        how = {"encoding": "utf-8", "errors": "surrogateescape"}
        with _files.open_output(options.out_filename, "a", **how) as file:
            write_text([run], file, options.precision, own)
    functions = run["processes"][0]["functions"]
    if not functions and not complaints and options.seconds != 0:
        complaints = ["memory_profiler: no table: none of these functions ran meanwhile"]
    for line in complaints:
        complain(line)


def attach(options: Options) -> int:
    """The exit status: 1 where it went wrong on the way, 2 where it could not be begun."""
    try:
        run = record(options)
    except (Refused, Lost) as error:
        complain(f"memory_profiler: {error}")
        return 2 if isinstance(error, Refused) else 1
    where = options.out_filename or "stdout"
    try:
        report(run, options)
    except OSError as error:
        complain(f"memory_profiler: cannot write {error.filename or where}: {error.strerror}")
        return 1
    return 0
