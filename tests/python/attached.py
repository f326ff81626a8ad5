"""Programs that run already when the profiler comes to them."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from started import state_of, wait_until
from support import MAPPED_BLOCKS, TIMEOUT, Outcome, environment, python

CAN_ATTACH = sys.version_info >= (3, 14)
can_attach = pytest.mark.skipif(not CAN_ATTACH, reason="sys.remote_exec() is of Python 3.14")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")

# Ends with its input; works a thousand times in a second.
WORKS = """
import select, sys, time
from tell_of_me import tells

def work():
    rows = [str(i) for i in range(10)]
    return len(rows)

class Worker:
    def run(self):
        return work()

def is_asked_to_end():
    return bool(select.select([0], [], [], 0.001)[0])

print("ready", flush=True)
while not is_asked_to_end():
    Worker().run()
    tells()
"""

COMMAND = "-m", "memory_profiler"
# As `python -m memory_profiler`, with less patience.
HASTY = (
    "-c",
    "import sys; from memory_profiler import _attach, __main__; "
    "_attach.SAYS_AFTER, _attach.GIVES_UP_AFTER, _attach.PATIENCE = 0.5, 2.0, 1.0; "
    "sys.exit(__main__.main(sys.argv[1:]))",
)

# What a program says of itself when a file `tell` appears: all that may not change.
TELLS = """
import os, select, signal, sys, threading

def waits_for_input(line=True):
    # In Python: a main thread that sits in read() answers nobody.
    while not select.select([0], [], [], 0.002)[0]:
        pass
    if line:
        sys.stdin.readline()

def tells():
    if os.path.exists("tell"):
        with open("told.new", "w") as file:
            print(
                sorted(sys.modules), sorted(sys.path_importer_cache), sys.meta_path, sys.path,
                [sys.monitoring.get_tool(tool) for tool in range(6)],
                [sys.monitoring.get_events(tool) for tool in range(6) if sys.monitoring.get_tool(tool)],
                sys.gettrace(), sys.getprofile(), threading.enumerate(),
                signal.pthread_sigmask(signal.SIG_BLOCK, []),
                sorted(os.listdir("/proc/self/fd")), os.listdir("/proc/self/task"),
                {name: sorted(vars(module)) for name, module in sorted(sys.modules.items())},
                sep="\\n", file=file,
            )
        os.remove("tell")
        os.rename("told.new", "told")
"""


class Program:
    """One that runs, and has said "ready"; ``source`` may call tells()."""

    def __init__(self, run, source, *words, name="script.py", under=(), env=None):
        """``words``: for Python, in the place of the script; ``under``: what Python is run by."""
        run.write("tell_of_me.py", TELLS)
        run.write(name, source)
        self.folder = run.folder
        self.process = subprocess.Popen(
            [*under, sys.executable, *(words or [name])],
            cwd=run.folder,
            env=environment(**MAPPED_BLOCKS, **(env or {})),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.pid = self.process.pid
        self.tmp = self.folder / "tmp"
        self.tmp.mkdir(exist_ok=True)
        self.says("ready")

    def says(self, line):
        """Waits for a line that it prints."""
        said = self.process.stdout.readline()
        assert said == line + "\n", (said, self.process.communicate())

    def goes_on(self):
        """Gives it a line of input."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def attach(self, *options, how=COMMAND, quiet=True):
        """python -m memory_profiler --attach"""
        env = environment(TMPDIR=str(self.tmp))
        words = [*how, *["-q"] * quiet, "--attach", self.pid, "--for", 0.3, *options]
        return python(*words, cwd=self.folder, env=env)

    def words(self, *options):
        """The command that attaches to it until it is told to end."""
        return [sys.executable, *COMMAND, "--attach", str(self.pid), *options]

    def begin_attaching(self, *options, how=COMMAND):
        """One that records until it is told to end."""
        return Attaching(self, [*how, "--attach", str(self.pid), *options])

    def tell(self, ask=lambda: None):
        """What it says of itself, once it was asked."""
        (self.folder / "tell").touch()
        ask()
        wait_until((self.folder / "told").exists)
        text = (self.folder / "told").read_text()
        (self.folder / "told").unlink()
        return text

    def wait_for_sleep(self):
        """Until its main thread sits in a system call, for some time already."""
        looks = []

        def sleeps():
            looks.append(state_of(self.pid))
            return looks[-9:] == ["S"] * 9

        wait_until(sleeps)

    def files_of_ours(self):
        return os.listdir(self.tmp)

    def end(self, returncode=0):
        """It is told to end by an end of its input; it has printed nothing."""
        stdout, stderr = self.process.communicate(timeout=TIMEOUT)
        told = self.process.returncode, stdout, stderr
        assert told == (returncode, "", ""), told


class Attaching:
    """A profiler that has said that it records, or ``says`` something else of the program."""

    def __init__(self, program, words, says="recording process"):
        self.program = program
        self.process = subprocess.Popen(
            [sys.executable, *words],
            cwd=program.folder,
            env=environment(TMPDIR=str(program.tmp)),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        line = self.process.stderr.readline()
        assert line.startswith(f"memory_profiler: {says} {program.pid} "), line

    def end(self, number=signal.SIGINT):
        if number:
            self.process.send_signal(number)
        stdout, stderr = self.process.communicate(timeout=TIMEOUT)
        return Outcome(self.process.returncode, stdout, stderr)


@contextlib.contextmanager
def running(run, source, *words, **kw):
    program = Program(run, source, *words, **kw)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.process.kill()
            program.process.communicate()
