"""``--on-signal NAME``: the tables so far, while the program goes on."""

import re
import signal
import subprocess
import sys
import time

import pytest
from started import wait_until
from support import TIMEOUT, near, parse_tables

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no timer that sends a signal")

LOOPS = """
import time
@profile
def f():
    block = bytearray(5 << 20)
    for i in range(10**10):
        bytes(100)
        if i == 2:
            print("ready", flush=True)
f()
"""


def read_table(stream):
    """(the heading, the table) that come next."""
    heading, lines = stream.readline(), []
    assert stream.readline() == "\n"
    while lines[-2:] != ["\n", "\n"] or len(lines) < 4:
        lines.append(stream.readline())
        assert lines[-1], lines
    (table,) = parse_tables("".join(lines))
    return heading, table


def test_tables_so_far(start):
    program = start(LOOPS, "--on-signal", "USR1")
    seen = []
    for _ in range(3):
        time.sleep(0.1)
        program.process.send_signal(signal.SIGUSR1)
        heading, table = read_table(program.process.stdout)
        seconds = float(re.fullmatch(r"Tables so far, (\d+\.\d) s after the start:\n", heading)[1])
        seen.append((seconds, table.at("bytes(100)").occurrences))
        assert table.at("block = ").increment == near(5)
        assert table.at("bytes(100)").increment == near(0, 0.3)
    assert seen == sorted(seen) and seen[0][1] < seen[-1][1]
    assert program.end().table("f").at("bytes(100)").occurrences >= seen[-1][1]


def test_who_asks_while_an_answer_is_given_gets_one_more(start):
    program = start(LOOPS, "--on-signal", "USR1")
    for _ in range(20):
        program.process.send_signal(signal.SIGUSR1)
        read_table(program.process.stdout)
    program.end().table("f")


def test_tables_so_far_of_a_program_that_waits(start, run):
    """Its system call goes on, no child of its own is seen, and they go to the file."""
    program = start(
        """
        import os, signal, socket
        left, right = socket.socketpair()
        children = []
        signal.signal(signal.SIGCHLD, lambda number, frame: children.append(number))
        @profile
        def f():
            block = bytearray(5 << 20)
            print("ready", flush=True)
            assert left.recv(1) == b""
        def close():
            import sys
            sys.stdin.read(1)
            right.close()
        import threading
        threading.Thread(target=close).start()
        f()
        assert children == [], children
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            print("no child")
        """,
        "--on-signal",
        "SIGUSR2",
        "-o",
        "tables",
        stdin=subprocess.PIPE,
    ).wait_for_sleep()
    tables = run.folder / "tables"
    for count in 1, 2:
        program.process.send_signal(signal.SIGUSR2)
        wait_until(lambda: tables.exists() and tables.read_text().count("left.recv(1)") == count)
        time.sleep(0.3)
    stdout, stderr = program.process.communicate("x", timeout=TIMEOUT)
    assert (program.process.returncode, stdout, stderr) == (0, "no child\n", "")
    text = tables.read_text()
    assert text.count("Tables so far, ") == 2 and text.startswith("Tables so far, ")
    found = parse_tables(text)
    assert len(found) == 3
    assert all(table.at("block = ").increment == near(5) for table in found)
    assert all(table.at("left.recv(1)").occurrences == 1 for table in found)


def test_a_handler_of_the_program_rules_there_too(run):
    outcome = run.m(
        """
        import os, signal
        got = []
        signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))
        os.kill(os.getpid(), signal.SIGUSR1)
        assert got == [signal.SIGUSR1]
        """,
        options=["--on-signal", "USR1"],
    ).ok()
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    "name, why",
    [
        ("USR9", "no signal is called 'USR9'"),
        ("", "no signal is called ''"),
        ("15", "no signal is called '15'"),
        ("_DFL", "no signal is called '_DFL'"),
        ("KILL", "not KILL: nobody can handle it"),
        ("SIGSTOP", "not SIGSTOP: nobody can handle it"),
        ("TERM", "not TERM: the tables are printed before it ends the program, without an option"),
        ("SIGSEGV", "not SIGSEGV: it tells of a crash"),
        ("INT", "not INT: Python makes KeyboardInterrupt of it"),
    ],
)
def test_names_that_cannot_be_used(run, name, why):
    outcome = run.m("print('ran')", options=["--on-signal", name])
    assert outcome.returncode == 2 and outcome.stdout == ""
    assert outcome.stderr.rstrip().split("\n")[-1].endswith(f"argument --on-signal: {why}")


def test_not_with_timestamp(run):
    outcome = run.m("print('ran')", options=["--on-signal", "USR1", "--timestamp"])
    assert outcome.returncode == 2 and "no --on-signal with it" in outcome.stderr


def test_a_forked_child_is_not_asked(run):
    outcome = run.m(
        """
        import os, signal
        pid = os.fork()
        if pid == 0:
            while True:
                pass
        os.kill(pid, signal.SIGUSR1)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """,
        options=["--on-signal", "USR1"],
    ).ok()
    assert outcome.stdout == f"{-signal.SIGUSR1}\n"
