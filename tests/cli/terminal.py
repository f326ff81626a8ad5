"""A terminal of its own for a command, and what its screen shows."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

SEQUENCE = re.compile(r"\x1b(?:\[([\d;?]*)([A-Za-z])|([78DMc=>]))")


class Screen:
    """Rows of text under the sequences that mprof sends; others are no characters, and do nothing."""

    def __init__(self, rows, columns):
        self.size = rows, columns
        self.rows = [""] * rows
        self.history = []  # what has scrolled out of it
        self.row = self.column = 0
        self.kept = 0, 0
        self.top, self.bottom = 0, rows - 1
        self._rest = ""

    @property
    def text(self):
        return [row.rstrip() for row in self.history + self.rows if row.strip()]

    @property
    def last_row(self):
        return self.rows[-1].rstrip()

    def feed(self, text):
        text = self._rest + text
        cut = text.rfind("\x1b")
        whole = cut < 0 or SEQUENCE.match(text, cut) is not None
        self._rest = "" if whole else text[cut:]
        at = 0
        while at < len(text) - len(self._rest):
            found = SEQUENCE.match(text, at)
            if found is not None:
                self._obey(found)
                at = found.end()
            else:
                self._print(text[at])
                at += 1

    def _print(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._down()
        elif character >= " ":
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[: self.column] + character + row[self.column + 1 :]
            self.column += 1

    def _down(self):
        if self.row == self.bottom:
            gone = self.rows.pop(self.top)
            if self.top == 0:
                self.history.append(gone)
            self.rows.insert(self.bottom, "")
        elif self.row < self.size[0] - 1:
            self.row += 1

    def _obey(self, found):
        numbers = [int(part) for part in re.findall(r"\d+", found[1] or "")]
        if found[3] == "7":
            self.kept = self.row, self.column
        elif found[3] == "8":
            self.row, self.column = self.kept
        elif found[3] == "D":
            self._down()
        elif found[3] == "M":
            assert self.row != self.top, "what is above scrolls down"
            self.row -= 1
        elif found[2] == "r":
            self.top, self.bottom = (
                (numbers[0] - 1, numbers[1] - 1) if numbers else (0, self.size[0] - 1)
            )
            self.row = self.column = 0
        elif found[2] == "H":
            self.row, self.column = min(numbers[0], self.size[0]) - 1, numbers[1] - 1
        elif found[2] == "K":
            assert numbers == [2]
            self.rows[self.row] = ""
        elif found[2] == "J" and not numbers:
            self.rows[self.row] = self.rows[self.row][: self.column]
            self.rows[self.row + 1 :] = [""] * (self.size[0] - self.row - 1)

    def resize(self, rows):
        """As xterm, VTE and tmux: what is below the cursor goes first, what had gone comes back."""
        below = max(0, min(self.size[0] - rows, self.size[0] - 1 - self.row))
        del self.rows[self.size[0] - below :]
        while len(self.rows) > rows:
            self.history.append(self.rows.pop(0))
            self.row -= 1
        while len(self.rows) < rows and self.history:
            self.rows.insert(0, self.history.pop())
            self.row += 1
        self.rows += [""] * (rows - len(self.rows))
        self.size = rows, self.size[1]
        self.top, self.bottom = 0, rows - 1


class Terminal:
    """Runs a command as the foreground job of a new terminal."""

    def __init__(self, command, folder, env=None, rows=24, columns=80, errors_to=None):
        self.screen = Screen(rows, columns)
        self.sent = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
                if errors_to is not None:
                    os.dup2(os.open(errors_to, os.O_CREAT | os.O_WRONLY, 0o600), 2)
                os.chdir(folder)
                os.execvpe(command[0], command, env or os.environ)
            finally:
                os._exit(127)

    def read(self, seconds=0.05):
        """What comes within this time; False: nobody writes any more."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return True
        try:
            read = os.read(self._fd, 65536)
        except OSError:  # as Linux says that nobody has the other end open
            read = b""
        piece = self._decoder.decode(read)
        self.sent += piece
        self.screen.feed(piece)
        return read != b""

    def until(self, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition(self.screen):
            assert self.read() and time.monotonic() < deadline, self.screen.text

    def resize(self, rows):
        self.screen.resize(rows)
        size = struct.pack("4H", rows, self.screen.size[1], 0, 0)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)

    def type(self, text):
        os.write(self._fd, text.encode())

    def end(self, seconds=30):
        """Its exit status; 128 and the signal that ended it."""
        deadline = time.monotonic() + seconds
        while self.read():
            assert time.monotonic() < deadline, self.screen.text
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = 0
        return status if status >= 0 else 128 - status

    def close(self):
        if self.pid != 0:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)
