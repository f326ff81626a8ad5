"""mprof top in a terminal of its own, and what it watches."""

import fcntl
import os
import pty
import re
import struct
import termios

from terminal import Terminal

from plots import ENVIRONMENT

UTF8 = {**ENVIRONMENT, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
LEAVES = "\x1b[?25h\x1b[?1049l"
LINE = re.compile(
    r"\d\d:\d\d:\d\d  [\d.]+ [MG]iB  peak [\d.]+ [MG]iB(  processes \d+)?(  PSS [\d.]+ [MG]iB)?"
    r"(  swap [\d.]+ [MG]iB)?(  in .+ [+-][\d.]+ [MG]iB)?  (running|ended.*|no sample for .*)"
)


def usual_attributes():
    control, terminal = pty.openpty()
    attributes = termios.tcgetattr(terminal)
    os.close(control)
    os.close(terminal)
    return attributes


class Top(Terminal):
    """mprof top in a terminal, which must be as it was at the end."""

    def __init__(self, mprof, *arguments, env=UTF8, **options):
        super().__init__([mprof.binary, "top", *arguments], mprof.folder, env=env, **options)

    def shows(self, *words):
        self.until(lambda screen: all(word in "\n".join(screen.rows) for word in words))

    def row(self, word):
        return next(row for row in self.screen.rows if word in row)

    def resize(self, rows, columns):
        """What is on its way yet is of the old size: all is drawn once more."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        for _ in range(10):
            self.read()
        self.screen.__init__(rows, columns)
        self.type("\x0c")

    def is_sane(self):
        took, left = self.sent.count("\x1b[?1049h"), self.sent.count(LEAVES)
        return took == left and termios.tcgetattr(self._fd) == usual_attributes()

    def quit(self):
        self.type("q")
        assert self.end() == 0 and self.is_sane()


BEGIN = "CMDLINE python x.py\n#RUN/99999999/rss/process/0.1 9.0 1000.0000\n"


def samples(*memory, start=1000.0):
    return "".join(f"MEM {m:.6f} {start + i:.4f}\n" for i, m in enumerate(memory))
