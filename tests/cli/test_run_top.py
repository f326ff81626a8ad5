"""mprof run --top: the view in the lower half of the program's terminal, and all that the program
prints above it."""

import os
import re
import signal
import sys

import pytest
from terminal import Terminal
from watching import UTF8

REGION = re.compile(r"\x1b\[(?:1;\d+)?r")

# Holds 40 MiB, prints a line whenever the file `more` is there, and ends with `go`.
PROGRAM = """
import os, time
held = bytearray(40 << 20)
for i in range(40):
    print("early", i, flush=True)
while not os.path.exists("go"):
    time.sleep(0.02)
for i in range(40):
    print("late", i, flush=True)
"""


@pytest.fixture
def run(mprof):
    started = []

    def start(*options, program=PROGRAM, env=UTF8, **more):
        command = [mprof.binary, "run", "-o", "x.dat", *options, sys.executable, "-c", program]
        started.append(Terminal(command, mprof.folder, env=env, **more))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


def shows(terminal, *words):
    terminal.until(lambda screen: all(word in "\n".join(screen.rows) for word in words))


def gave_back(terminal):
    """The whole terminal is the program's again."""
    return REGION.findall(terminal.sent)[-1] == "\x1b[r"


def test_the_program_prints_above_it(mprof, run):
    view = run("--top")
    shows(view, "x.dat  PID", "running", "MiB · peak", "1 process", "⣿⣿⣿")
    at = next(i for i, row in enumerate(view.screen.rows) if row.startswith("x.dat  PID"))
    assert at == 12 and "q quit" not in view.screen.last_row
    assert view.screen.rows[10].rstrip() == "early 39"
    (mprof.folder / "go").touch()
    assert view.end() == 0 and gave_back(view)
    lines = view.screen.text
    printed = [line for line in lines if line.startswith(("early", "late"))]
    assert printed == [f"early {i}" for i in range(40)] + [f"late {i}" for i in range(40)]
    assert lines[-1].startswith("mprof: peak ") or "next: mprof plot" in "".join(lines[-2:])
    assert not any("⣿" in line or "1 process" in line for line in lines)


def test_another_size(mprof, run):
    view = run("--top", rows=40, columns=100)
    shows(view, "x.dat  PID", "⣿⣿⣿")
    assert view.screen.rows[20].startswith("x.dat  PID")
    (mprof.folder / "go").touch()
    assert view.end() == 0 and gave_back(view)


def test_a_small_window_has_the_line(mprof, run):
    view = run("--top", rows=12)
    view.until(lambda screen: screen.last_row.startswith("mprof: "))
    (mprof.folder / "go").touch()
    assert view.end() == 0 and gave_back(view)


def test_without_colours(mprof, run):
    view = run("--top", env={**UTF8, "NO_COLOR": "1"})
    shows(view, "x.dat  PID", "⣿⣿⣿")
    (mprof.folder / "go").touch()
    assert view.end() == 0
    assert not re.search(r"\x1b\[[\d;]*m", view.sent)


def test_what_clears_the_terminal(mprof, run):
    """It is drawn again."""
    view = run("--top", program='print("\\033[2J", flush=True)\n' + PROGRAM)
    shows(view, "x.dat  PID", "⣿⣿⣿")
    sent = view.sent.count("x.dat")
    view.until(lambda screen: view.sent.count("x.dat") > sent)
    (mprof.folder / "go").touch()
    assert view.end() == 0


KEYS = """
import os, termios, time, tty
while not os.path.exists("keys"):
    time.sleep(0.02)
lines = tty.tcgetattr(0)
tty.setcbreak(0)
print("\\x1b[20;1Hthe program's twentieth row", flush=True)
while not os.path.exists("lines"):
    time.sleep(0.02)
tty.tcsetattr(0, termios.TCSANOW, lines)
while not os.path.exists("go"):
    time.sleep(0.02)
"""


def test_a_program_that_takes_the_whole_screen_loses_no_row(mprof, run):
    view = run("--top", program=KEYS)
    shows(view, "x.dat  PID")
    (mprof.folder / "keys").touch()
    view.until(lambda screen: screen.bottom == 23)
    assert view.screen.rows[19].startswith("the program's twentieth row")
    (mprof.folder / "lines").touch()
    view.until(lambda screen: screen.bottom == 11)
    assert "the program's twentieth row" in "".join(view.screen.text)
    (mprof.folder / "go").touch()
    assert view.end() == 0 and gave_back(view)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(run, number):
    view = run("--top", "-E")
    shows(view, "x.dat  PID")
    os.kill(view.pid, number)
    assert view.end() == 128 + number and gave_back(view)


def test_no_terminal(mprof):
    result = mprof("run", "--top", "-o", "x.dat", "true")
    assert result.returncode == 0
    assert "mprof: --top: standard error is no terminal that can be drawn on\n" in result.stderr
    assert mprof.dat("x.dat").memory
    result = mprof("run", "--top", "-q", "true")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--quiet and --top exclude each other" in result.stderr


def test_a_profile_that_cannot_be_read_back(mprof, run):
    os.mkfifo(mprof.folder / "pipe")
    reader = os.open(mprof.folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        view = run("--top", "-o", "pipe", program="pass")
        view.until(lambda screen: "it is no file" in "\n".join(screen.rows))
        view.end()
    finally:
        os.close(reader)


def test_attach(mprof):
    process = mprof.start("run", "-q", "-o", "other.dat", "sleep", "60")
    command = [mprof.binary, "attach", "--top", "-t", "2", "-o", "x.dat", str(process.pid)]
    view = Terminal(command, mprof.folder, env=UTF8)
    try:
        shows(view, "x.dat  PID", "processes", "sleep 60")
        assert view.end() == 0 and gave_back(view)
    finally:
        view.close()
