"""--attach: whoever ends first, or cannot answer."""

import os
import re
import signal
import threading

import pytest
from attached import HASTY, WORKS, Attaching, can_attach, on_linux
from memory_profiler._attach import Attachment
from started import wait_until


@can_attach
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_recording_and_the_tables_are_printed(launch, number):
    program = launch(WORKS)
    outcome = program.begin_attaching("-p", "script.py:work").end(number).ok()
    assert outcome.table("work")
    assert program.files_of_ours() == []
    program.end()


@can_attach
@pytest.mark.parametrize("how", ["sys.exit(3)", "1 / 0", "raise KeyboardInterrupt"])
def test_a_program_that_ends_meanwhile(launch, how):
    program = launch(WORKS + f"{how}\n")
    attaching = program.begin_attaching("-p", "script.py:work")
    program.process.stdin.close()
    outcome = attaching.end(None).ok()
    assert outcome.table("work")
    assert program.files_of_ours() == []
    stdout, stderr = program.process.stdout.read(), program.process.stderr.read()
    assert stdout == "" and "memory_profiler" not in stderr


@can_attach
@pytest.mark.parametrize("how", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_program_that_is_gone_in_an_instant(launch, how):
    program = launch("import os\n" + WORKS + f"{how}\n")
    attaching = program.begin_attaching()
    program.process.stdin.close()
    outcome = attaching.end(None)
    assert outcome.returncode == 1 and outcome.stdout == ""
    assert outcome.one_line_error() == (
        f"memory_profiler: process {program.pid} ended before it had answered"
    )
    assert program.files_of_ours() == []


@can_attach
def test_an_interrupt_of_the_program_is_its_own(launch):
    program = launch(WORKS)
    attaching = program.begin_attaching()
    program.process.send_signal(signal.SIGINT)
    assert attaching.end(None).ok().table("work")
    assert program.process.wait() == -signal.SIGINT
    assert "KeyboardInterrupt" in program.process.stderr.read()


@can_attach
@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt", "Bell"])
def test_what_handlers_of_signals_raise_is_the_programs(launch, kind):
    """A bell that rings all the time ends no recording, and the program misses none of them in
    silence: CPython says where it loses one as it begins a script, and may lose more as it does."""
    program = launch(
        f"""
        import select, signal
        class Bell(Exception):
            pass
        rung = caught = 0
        def ring(number, frame):
            global rung
            rung += 1
            raise {kind}
        def work():
            return [str(i) for i in range(10)]
        def is_asked_to_end():
            return select.select([0], [], [], 0.001)[0]
        signal.signal(signal.SIGALRM, ring)
        print("ready", flush=True)
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        while True:
            try:
                while not is_asked_to_end():
                    work()
                signal.setitimer(signal.ITIMER_REAL, 0)
                break
            except {kind}:
                caught += 1
        print(rung, caught, flush=True)
        """
    )
    for _ in range(3):
        assert program.attach("-p", "script.py:work").ok().table("work")
    stdout, stderr = program.process.communicate()
    rung, caught = map(int, stdout.split())
    lost = stderr.count("Error executing debugger script")
    assert rung == caught if lost == 0 else rung - caught >= lost
    assert rung > 0


WAITS = """
import itertools, sys, threading
lock = threading.Lock()
lock.acquire()
def release():
    sys.stdin.readline()
    lock.release()
def loop():
    for _ in range(10): pass
threading.Thread(target=release, daemon=True).start()
print("ready", flush=True)
{wait}
loop()
print("goes on", flush=True)
sys.stdin.readline()
loop()
print("has gone on", flush=True)
"""


@can_attach
@pytest.mark.parametrize("wait", ["lock.acquire()", "sum(itertools.repeat(0, 10**15))"])
def test_a_program_whose_main_thread_is_in_c(launch, wait):
    """It is said, given up in the end, and nothing of it comes later."""
    program = launch(WAITS.format(wait=wait))
    outcome = program.attach(how=HASTY, quiet=False)
    assert outcome.returncode == 1 and outcome.stdout == ""
    says, gives_up = outcome.stderr.splitlines()
    may = (
        "its main thread may be in C code, or wait there, or be kept from reading what it is handed"
    )
    assert f"process {program.pid} has not answered yet; {may} (by a limit" in says
    assert f"process {program.pid} did not answer within 2 s; {may}" in gives_up
    assert program.files_of_ours() == []
    if wait == "lock.acquire()":
        for line in "goes on", "has gone on":
            program.goes_on()
            program.says(line)
        program.end()


@can_attach
def test_ctrl_c_gives_up(launch):
    program = launch(WAITS.format(wait="lock.acquire()"))
    outcome = Attaching(program, program.words()[1:], "process").end()
    assert outcome.returncode == 1 and outcome.stdout == ""
    assert re.match(
        rf"memory_profiler: process {program.pid} was given up: it had not answered for [\d.]+ s; ",
        outcome.one_line_error(),
    )
    assert program.files_of_ours() == []
    for line in "goes on", "has gone on":
        program.goes_on()
        program.says(line)
    program.end()


@can_attach
def test_a_program_that_goes_into_c_meanwhile(launch):
    """The recording ends when it comes back, and the folder goes then."""
    program = launch(
        WORKS + "import threading\nlock = threading.Lock()\nlock.acquire()\n"
        "sys.stdin.readline()\n"
        "threading.Thread(target=lambda: (sys.stdin.readline(), lock.release())).start()\n"
        "lock.acquire()\nfor _ in range(1000): work()\n"
        "print(sys.monitoring.get_tool(3), flush=True)\nsys.stdin.read()\n"
    )
    attaching = program.begin_attaching(how=HASTY)
    program.goes_on()
    program.wait_for_sleep()
    outcome = attaching.end()
    assert outcome.returncode == 1
    assert "without tables, once its main thread runs Python" in outcome.stderr
    assert len(program.files_of_ours()) == 1
    program.goes_on()
    program.says("None")
    assert program.files_of_ours() == []
    program.end()


@can_attach
@on_linux
def test_a_profiler_that_is_killed(launch):
    """The program waits a while for a sign of it, then all is as before."""
    program = launch(WORKS)
    before = program.tell()
    attaching = program.begin_attaching(how=HASTY)
    attaching.end(signal.SIGKILL)
    wait_until(lambda: program.files_of_ours() == [])
    wait_until(lambda: program.tell() == before)
    program.end()


@can_attach
def test_one_at_a_time(launch):
    program = launch(WORKS)
    attaching = program.begin_attaching()
    outcome = program.attach()
    assert outcome.returncode == 1
    assert outcome.one_line_error() == (
        f"memory_profiler: process {program.pid} cannot be recorded: another --attach is under way "
        f"there, that of process {attaching.process.pid}"
    )
    attaching.end().ok()
    program.end()


def test_an_answer_while_it_is_looked_for(tmp_path):
    """Nothing said is a link to `.`, a folder: whoever looks sees no answer yet, or the whole one."""
    attachment = Attachment(os.getpid(), quiet=True)
    attachment.folder = str(tmp_path)
    is_over = threading.Event()

    def answer():
        while not is_over.is_set():
            os.symlink(".", tmp_path / "begun")
            os.unlink(tmp_path / "begun")

    program = threading.Thread(target=answer)
    program.start()
    try:
        seen = {attachment.answer("begun") for _ in range(20_000)}
    finally:
        is_over.set()
        program.join()
    assert seen == {None, ""}
