"""The terminal of mprof top: of any size and kind, and as it was afterwards, whatever the way out."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import termios

import pytest
from terminal import Terminal
from watching import BEGIN, LEAVES, UTF8, samples

# ---- ways out


@pytest.mark.parametrize(
    "number",
    [
        *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT),
        *(signal.SIGSEGV, signal.SIGUSR1),
    ],
)
def test_the_terminal_is_as_it_was_after_signals(top, sleeper, number):
    view = top(str(sleeper.pid))
    view.shows("running")
    os.kill(view.pid, number)
    assert view.end() == 128 + number
    assert view.is_sane()


def test_ctrl_c(top, sleeper):
    view = top(str(sleeper.pid))
    view.shows("running")
    view.type("\x03")
    assert view.end() == 130
    assert view.is_sane()


def test_a_terminal_that_is_gone(top, sleeper):
    view = top(str(sleeper.pid))
    view.shows("running")
    os.close(view._fd)
    view._fd = os.open(os.devnull, os.O_RDONLY)
    assert os.waitpid(view.pid, 0)[1] == signal.SIGHUP
    view.pid = 0


def test_a_terminal_that_controls_no_session(mprof, sleeper):
    control, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    command = [mprof.binary, "top", "-t", "0.6", str(sleeper.pid)]
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=UTF8, start_new_session=True
    )
    sent = ""
    while process.poll() is None:
        if select.select([control], [], [], 0.05)[0]:
            sent += os.read(control, 65536).decode("utf-8", "replace")
    while select.select([control], [], [], 0)[0]:
        sent += os.read(control, 65536).decode("utf-8", "replace")
    assert process.returncode == 0
    assert "\x1b[?1049h" in sent and LEAVES in sent
    assert termios.tcgetattr(terminal) == before
    os.close(control)
    os.close(terminal)


def test_a_hangup_that_is_ignored(mprof, sleeper):
    """As under nohup: the terminal is gone all the same."""
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        [mprof.binary, "top", str(sleeper.pid)],
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
        env=UTF8,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    os.close(terminal)
    assert b"\x1b[?1049h" in os.read(control, 4096)
    os.close(control)
    assert process.communicate(timeout=20) == (None, b"")
    assert process.returncode == 1


def test_stopped_and_taken_up_again(top, mprof, sleeper):
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("no bash")
    terminal = Terminal(
        [shell, "--norc", "--noprofile", "-i"], mprof.folder, env={**UTF8, "PS1": "$ "}
    )
    try:
        terminal.type(f"'{mprof.binary}' top {sleeper.pid}\n")
        terminal.until(lambda screen: "q quit" in screen.last_row)
        terminal.type("\x1a")
        terminal.until(lambda screen: LEAVES in terminal.sent)
        terminal.type("echo $((6 * 7))\n")
        terminal.until(lambda screen: "42" in "".join(screen.rows))
        terminal.sent = ""
        terminal.type("fg\n")
        terminal.until(lambda screen: "\x1b[?1049h" in terminal.sent)
        terminal.until(lambda screen: "q quit" in screen.last_row)
        terminal.type("q")
        terminal.until(lambda screen: LEAVES in terminal.sent)
        terminal.type("exit $?\n")
        assert terminal.end() == 0
    finally:
        terminal.close()


def test_the_program_ends(top, sleeper):
    view = top(str(sleeper.pid))
    view.shows("running")
    sleeper.communicate()
    view.shows("ended", "no process of it is alive", "peak")
    view.quit()


# ---- the window


def test_another_size(top, sleeper):
    view = top(str(sleeper.pid))
    view.shows("q quit")
    for rows, columns in (50, 200), (10, 40), (3, 12), (1, 1), (24, 80):
        view.resize(rows, columns)
        view.until(lambda screen: screen.rows[0].startswith("PID "[:columns]) or rows < 2)
        assert all(len(row) <= columns for row in view.screen.rows)
    view.shows("q quit", "running")
    view.quit()


def test_without_utf8(top, mprof, sleeper):
    (mprof.folder / "x.dat").write_text(BEGIN + samples(*[5] * 50, *[90] * 50) + "MEM 9 x\n")
    view = top("x.dat", env={**UTF8, "LC_ALL": "C"})
    view.shows("x.dat", "###", "no process of it is alive")
    assert view.sent.isascii()
    view.quit()


def test_colours(top, sleeper):
    coloured = re.compile(r"\x1b\[\d[\d;]*m")
    for environment, has_colours in (UTF8, True), ({**UTF8, "NO_COLOR": "1"}, False):
        view = top(str(sleeper.pid), env=environment)
        view.shows("running", "⣿⣿⣿")
        assert bool(coloured.search(view.sent)) == has_colours
        view.quit()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")
def test_in_tmux(mprof, sleeper, tmp_path, wait_for):
    def tmux(*arguments):
        command = ["tmux", "-S", str(tmp_path / "socket"), "-f", os.devnull, "-u", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=UTF8, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    command = f"'{mprof.binary}' top {sleeper.pid}; echo status $?; cat"
    tmux("new-session", "-d", "-s", "t", "-x", "80", "-y", "24", command)
    try:
        wait_for(lambda: "⣿⣿⣿" in tmux("capture-pane", "-p", "-t", "t"))
        tmux("resize-window", "-t", "t", "-x", "120", "-y", "40")
        wait_for(
            lambda: (
                tmux("capture-pane", "-p", "-t", "t").splitlines()[39:40]
                and "q quit" in tmux("capture-pane", "-p", "-t", "t").splitlines()[39]
            )
        )
        lines = tmux("capture-pane", "-p", "-t", "t").splitlines()
        assert lines[0].startswith(f"PID {sleeper.pid}") and lines[0].endswith("running")
        tmux("send-keys", "-t", "t", "q")
        wait_for(lambda: "status 0" in tmux("capture-pane", "-p", "-t", "t"))
        text = tmux("capture-pane", "-p", "-t", "t")
        assert "q quit" not in text and "⣿" not in text
    finally:
        tmux("kill-server")
