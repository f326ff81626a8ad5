"""What `mprof top` costs: of a core and of memory, while it draws four frames a second.

    python bench/top.py [--seconds 10] MPROF

A process whose memory grows, and the profile of a run with open calls, each in a window of 80 by 24
and one of 200 by 50. `sh tools/bench.sh` runs this among the others.
"""

import argparse
import fcntl
import os
import pathlib
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time

from frame import Failed, Series, Table
from mprof_sampling import SETTLED, Look

WINDOWS = [(24, 80), (50, 200)]
GROWS = """
import time
held = []
while True:
    held.append(bytearray(200_000))
    time.sleep(0.05)
"""


class View:
    """mprof top in a terminal that reads what it writes."""

    def __init__(self, mprof, argument, rows, columns):
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
            environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
            os.execve(mprof, [mprof, "top", argument], environment)
        self.written = 0

    def read(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._fd], [], [], left)[0]:
                self.written += len(os.read(self._fd, 65536))

    def quit(self):
        os.write(self._fd, b"q")
        if os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]) != 0:
            raise Failed("mprof top did not end well")
        os.close(self._fd)


def add_view(table, mprof, what, argument, seconds):
    for rows, columns in WINDOWS:
        view = View(mprof, argument, rows, columns)
        view.read(SETTLED)
        begin, written = Look(view.pid), view.written
        view.read(seconds)
        end = Look(view.pid)
        share = (end.cpu - begin.cpu) / (end.moment - begin.moment)
        note = f"{(view.written - written) / seconds:,.0f} bytes written a second"
        name = f"mprof top, {what}, {columns} × {rows}"
        table.add(f"{name}: of a core", Series([100 * share]), 2, " %", 0.5, note=note)
        table.add(f"{name}: memory", Series([end.resident / 1024]), 2, " MiB", 3)
        view.quit()


def add_rows(table, mprof, seconds):
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "grows.py")
        program.write_text(GROWS)
        dat = pathlib.Path(folder, "x.dat")
        command = [mprof, "run", "-q", "--nopython", "-o", dat, sys.executable, program]
        process = subprocess.Popen(command)
        try:
            time.sleep(SETTLED)
            pid = next(
                line.split("/")[1] for line in dat.read_text().splitlines() if line[:5] == "#RUN/"
            )
            add_view(table, mprof, "a process", pid, seconds)
            add_view(table, mprof, "a profile that grows", str(dat), seconds)
        finally:
            process.terminate()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mprof", metavar="MPROF")
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    table = Table()
    add_rows(table, options.mprof, options.seconds)
    print(table.text())


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"bench: {failure}")
