"""``--attach PID``: tables of a program that runs already; what is done in it is in _attached.py.

The program is handed small scripts by sys.remote_exec(), which its main thread runs between two
instructions, and answers in files of a folder that is ours alone.
"""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import linecache
import shutil
import signal
import sys
from contextlib import contextmanager, suppress

from . import _files
from ._attach_folder import new_folder, remove_stale
from ._attachable import (
    Refused,
    check,
    has_descriptor_left,
    is_there,
    start_of,
    why_not,
    why_silent,
)
from ._saved import write_run
from ._saved_check import BadRun, read_run
from ._saved_command import output
from ._source import end_of_block
from ._visible import complain, reason
from .report import write_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace as Options
    from collections.abc import Iterator

    from ._types import Json

SAYS_AFTER = 2.0  # seconds without an answer
GIVES_UP_AFTER = 30.0
GIVES_UP_WORK_AFTER = 600.0  # of a program that is at it
LOOKS_EVERY = 0.05
ASKS_AGAIN_AFTER = 1.0  # then after twice as long, and so on
SIGN_EVERY = 1.0  # of us, for the program
PATIENCE = 30.0  # seconds without one, until the program takes us for dead

# What the program is handed. Signals are blocked, since what their handlers raise would be lost.
# What goes wrong is told in the folder, since CPython would write it to the program's stderr. It
# is short, since what scripts take is in the program's numbers; and imports by what the interpreter
# itself does, since a program may have put anything in the place of __import__() and open().
SCRIPT = """core = __builtins__["__loader__"].find_spec.__globals__
sys, get = core["sys"], core["__import__"]
posix, _signal = get("posix"), get("_signal")
signals = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
try:
    try:
        posix.symlink("begun", {taken!r})
    except Exception:
        pass
    {act}
except Exception as error:
    try:
        text = f".{{error.__class__.__name__}}: {{error}}".encode("utf-8", "backslashreplace")
        posix.symlink(text.replace(b"\\0", b"")[:1000], {answer!r})
    except Exception:
        pass
    _signal.pthread_sigmask(_signal.SIG_SETMASK, signals)
except:
    _signal.pthread_sigmask(_signal.SIG_SETMASK, signals)
    raise
"""
BEGIN = """io = get("_io")
    with io.open({script!r}, encoding="utf-8") as file:
        code = compile(file.read(), {script!r}, "exec")
    names = {{"__name__": "memory_profiler._attach_script"}}
    names["__builtins__"] = {{**__builtins__, "__import__": get, "open": io.open}}
    exec(code, names)
    names["begin"]({request!r}, signals)"""
END = """visit = getattr(sys.modules.get("_memory_profiler_attached"), "visit", None)
    if visit is None or visit.folder != {folder!r}:
        raise LookupError("nothing is recorded there any more")
    visit.end(signals)"""

PACKAGE = os.path.dirname(os.path.realpath(__file__))


class Lost(Exception):
    """It went wrong on the way."""


class Attachment:
    """A program that is recorded, from here."""

    def __init__(self, pid: int, quiet: bool) -> None:
        self.pid, self.quiet = pid, quiet
        self.folder = ""
        self.interrupts = 0
        self.is_recording = False
        self.is_handed = False  # a script that has not been answered
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
        self.is_handed = True
        try:
            sys.remote_exec(self.pid, path)  # type: ignore[attr-defined,unused-ignore]
        except (OSError, RuntimeError, ValueError) as error:
            if is_there(self.pid) and not self.is_recording:  # else it is about to end
                raise Refused(why_not(self.pid, error)) from None

    def is_seen(self, path: str) -> bool:
        """Whether the program finds the same file there; also where that cannot be known."""
        try:
            return os.path.samestat(os.stat(f"/proc/{self.pid}/root{path}"), os.stat(path))
        except FileNotFoundError:
            return not os.path.exists(f"/proc/{self.pid}/root")
        except OSError:
            return True

    def answer(self, name: str) -> str | None:
        """The text of a link, or of a file where the program could make none."""
        path = os.path.join(os.fsencode(self.folder), name.encode())
        try:
            said = os.readlink(path)
        except FileNotFoundError:
            return None
        except OSError:  # it is no link, and nothing takes the place of an answer
            with open(path, "rb") as file:
                said = file.read()
        return said[1:].decode("utf-8", "replace")

    def look(self) -> None:
        """Sleeps a little, and lets the program know that we are there."""
        time.sleep(LOOKS_EVERY)
        now = time.monotonic()
        if now >= self._sign_due:
            self._sign_due = now + SIGN_EVERY
            os.utime(self.folder)

    def ask(self, name: str, act: str = "") -> str:
        """What the program answers to a script, or without one. Raises Refused, Lost."""
        script = act and SCRIPT.format(
            act=act,
            taken=os.path.join(self.folder, f"{name}.taken"),
            answer=os.path.join(self.folder, name),
        )
        path = script and self.write(f"{name}.py", script)
        began, known, is_said = time.monotonic(), self.interrupts, False
        asks_at, wait = 0.0, ASKS_AGAIN_AFTER
        while (text := self.answer(name)) is None:
            passed = time.monotonic() - began
            is_at_it = not path or self.is_there_now(f"{name}.taken")
            gives_up_after = GIVES_UP_WORK_AFTER if is_at_it else GIVES_UP_AFTER
            if not is_there(self.pid) and self.answer(name) is None:
                raise Lost(f"process {self.pid} ended before it had answered")
            if passed > gives_up_after or self.interrupts > known:
                how = f"did not answer within {passed:.0f} s"
                if self.interrupts > known:
                    how = f"was given up: it had not answered for {passed:.1f} s"
                raise Lost(f"process {self.pid} {how}; {self.why_silent(is_at_it)}")
            if passed > SAYS_AFTER and not is_said:
                is_said = True
                self.say(
                    f"process {self.pid} has not answered yet; {self.why_silent(is_at_it)}: Ctrl-C "
                    f"gives up, as do {gives_up_after - SAYS_AFTER:.0f} s more"
                )
            # Again, since what handlers of signals raise ends a script, and others may hand it one.
            if passed >= asks_at and not is_at_it:
                asks_at, wait = passed + wait, 2 * wait
                if has_descriptor_left(self.pid):
                    self.run_there(path)
            self.look()
        self.is_handed = False
        return text

    def is_there_now(self, name: str) -> bool:
        return os.path.lexists(os.path.join(self.folder, name))

    def why_silent(self, is_at_it: bool) -> str:
        return "its main thread is at it" if is_at_it else why_silent(self.pid)

    def withdraw(self) -> None:
        """What the program may not have run yet is an empty script from here on."""
        if self.is_handed:
            with suppress(Exception):  # it has ended
                sys.remote_exec(self.pid, os.devnull)  # type: ignore[attr-defined,unused-ignore]
            time.sleep(LOOKS_EVERY)  # it may just read the other

    def begin(self, request: Json) -> None:
        """The program is recorded. Raises Refused, Lost."""
        script = os.path.join(PACKAGE, "_attach_script.py")
        error = self.ask("begun", BEGIN.format(request=request, script=script))
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

    def end(self, asks: bool) -> Json:
        """What was recorded; ``asks``: the recording does not end by itself. Raises Lost."""
        try:
            error = self.ask("ended", END.format(folder=self.folder) if asks else "")
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

    def run(self, options: Options) -> Json:
        """What is recorded from now on. Raises Refused, Lost, OSError."""
        self.begin({**request_of(options), "folder": self.folder})
        remove_stale(self.folder, self.pid)
        if options.seconds != 0:
            until = "Ctrl-C" if options.seconds is None else f"{options.seconds:g} s have passed"
            self.say(f"recording process {self.pid} until {until}")
            self.record(options.seconds)
        return self.end(asks=options.seconds != 0)


def record(options: Options) -> Json:
    """The run of the program. Raises Refused, Lost."""
    check(options.attach)
    program = Attachment(options.attach, options.quiet)
    with program.interruptible():
        try:
            program.folder = new_folder(options.attach)
        except OSError as error:
            raise Refused(f"no folder to hand scripts over in: {reason(error)}") from None
        try:
            return program.run(options)
        except OSError as error:  # somebody has taken the folder away, or the disk is full
            above = os.path.dirname(program.folder)
            raise Lost(f"nothing can be handed over in {above}: {reason(error)}") from None
        except Lost as lost:
            if program.is_left:
                raise
            raise Lost(str(lost).replace(program.folder + "/", "")) from None
        finally:
            if not program.is_left:
                program.withdraw()
                shutil.rmtree(program.folder, ignore_errors=True)


def request_of(options: Options) -> Json:
    """What the program is asked for."""
    return {
        "pid": os.getpid(),
        "pids": _namespace_of_pids(),
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
        "began": start_of(options.attach),
    }


def _namespace_of_pids() -> int | None:
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None


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
    where = options.out_filename or "stdout"
    if sys.stdout is None and options.out_filename is None:
        complain(f"memory_profiler: cannot write {where}: it is closed")
        return 1
    try:
        run = record(options)
    except (Refused, Lost) as error:
        complain(f"memory_profiler: {error}")
        return 2 if isinstance(error, Refused) else 1
    try:
        report(run, options)
    except OSError as error:
        complain(f"memory_profiler: cannot write {error.filename or where}: {reason(error)}")
        return 1
    return 0
