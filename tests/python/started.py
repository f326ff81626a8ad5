"""Profiled programs that are running when a test sends them a signal."""

import re
import signal
import subprocess
import sys
import time

from support import MAPPED_BLOCKS, TIMEOUT, Outcome, environment

SOON = 5.0  # seconds, from the signal to the end; here it takes less than one
RUNNING = r"memory_profiler: killed while in f\(\) at script\.py:\d+\n"


def wait_until(condition):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def state_of(pid):
    """What a process does, as the kernel has it: S for one that waits."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


class Started:
    """A profiled program that has said "ready", and nothing else yet."""

    def __init__(self, run, source, options=(), **kw):
        run.write("script.py", source)
        self.folder = run.folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "memory_profiler", "-q", *options, "script.py"],
            cwd=run.folder,
            env=environment(**MAPPED_BLOCKS),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **kw,
        )
        self.pid = self.process.pid
        assert self.process.stdout.readline() == "ready\n"

    def wait_for(self, name):
        """Until the program has made that file."""
        wait_until((self.folder / name).exists)
        return self

    def wait_for_sleep(self):
        """Until its main thread sits in a system call, for some time already."""
        looks = []

        def sleeps():
            looks.append(state_of(self.pid))
            return looks[-5:] == ["S"] * 5

        wait_until(sleeps)
        return self

    def end(self, number=signal.SIGTERM, says=rf"({RUNNING})?", soon=SOON):
        """Ends it by that signal; ``says`` matches all of stderr. Also a program that runs Python code
        may come to nothing in 0.6 s, where the machine has much to do: that is said then."""
        sent = time.monotonic()
        self.process.send_signal(number)
        stdout, stderr = self.process.communicate(timeout=TIMEOUT)
        self.took = time.monotonic() - sent
        assert self.process.returncode == -number, (self.process.returncode, stdout, stderr)
        assert re.fullmatch(says, stderr), stderr
        assert self.took < soon
        return Outcome(0, stdout, stderr)
