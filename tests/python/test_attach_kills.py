"""--attach: who attaches is killed at any moment; the program goes on, and nothing of it stays."""

import itertools
import os
import random
import signal
import subprocess
import time

from attached import WORKS, can_attach, on_linux
from started import wait_until
from support import TIMEOUT, environment

THREADED = (
    WORKS.replace("import select, sys", "import select, sys, threading")
    .replace("while not is_asked", "is_over = threading.Event()\nwhile not is_asked")
    .replace(
        'print("ready"',
        """def serve():
    while not is_over.is_set():
        Worker().run()
        is_over.wait(0.001)
threads = [threading.Thread(target=serve) for _ in range(3)]
is_over = threading.Event()
for thread in threads:
    thread.start()
print("ready\"""",
    )
    .replace("is_over = threading.Event()\nwhile not", "while not")
    + "is_over.set()\n"
)
OPTIONS = (
    ["-p", "script.py:work"],
    ["--for", "0.2"],
    ["--heap", "--for", "0"],
    ["--allocations", "--heap", "--for", "0.1"],
)


def kill_at(program, seconds, number, options):
    """Whoever attaches gets a signal after so long."""
    attaching = subprocess.Popen(
        program.words("-q", *options),
        cwd=program.folder,
        env=environment(TMPDIR=str(program.tmp)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    attaching.send_signal(number)
    attaching.wait(TIMEOUT)


def make_old(program):
    """As if an hour had passed since anybody was there."""
    for folder in program.tmp.iterdir():
        os.utime(folder, (0, 0))


@can_attach
@on_linux
def test_who_attaches_is_killed_at_any_moment(launch):
    program = launch(THREADED)
    before = program.tell()
    moments = random.Random(22)
    numbers = itertools.cycle([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    for number, options in zip(numbers, OPTIONS * 4):
        kill_at(program, moments.uniform(0.05, 0.6), number, options)
    wait_until(lambda: program.tell() == before)
    wait_until(lambda: program.attach().returncode == 0)
    make_old(program)
    assert program.attach("-p", "script.py:work").ok().table("work")
    assert program.tell() == before and program.files_of_ours() == []
    program.end()


@can_attach
@on_linux
def test_one_that_comes_after_a_killed_one(launch):
    """It need not wait until the program has found out."""
    program = launch(WORKS + "is_asked_to_end()\nsys.stdin.read()\n")
    program.begin_attaching().end(signal.SIGKILL)
    assert program.attach("-p", "script.py:work").ok().table("work")
    assert program.files_of_ours() == []
    program.end()


@can_attach
@on_linux
def test_folders_that_both_have_left(launch):
    """Old ones of ours, whose processes are gone: nothing else."""
    program = launch(WORKS)
    gone = subprocess.Popen(["true"])
    gone.wait()

    def left(name, mode=0o700):
        folder = program.tmp / name
        folder.mkdir()
        (folder / "begun.py").write_text("")
        folder.chmod(mode)
        return folder

    name = f"memory_profiler-{gone.pid}-{gone.pid}-"
    others = [
        left(name + "open_one", 0o755),
        left(f"memory_profiler-{os.getpid()}-{gone.pid}-asking__"),
        left(f"memory_profiler-{gone.pid}-{os.getpid()}-asked___"),
        left(name + "unlike"),
        left("somebody"),
    ]
    left(name + "both_are"), left(f"memory_profiler-{gone.pid}-{program.pid}-the_same")
    make_old(program)
    others.append(left(name + "just_now"))
    link = program.tmp / (name + "a_link__")
    link.symlink_to(others[4])
    program.attach("-p", "script.py:work").ok()
    assert sorted(program.files_of_ours()) == sorted(path.name for path in [*others, link])
    assert (others[4] / "begun.py").exists()
    program.end()


@can_attach
@on_linux
def test_who_attaches_is_gone_when_the_recording_begins(launch):
    kills = """
import os, sys
def kill(event, args):
    if event == "import" and args[0] == "memory_profiler._selection":
        pid = os.listdir("tmp")[0].split("-")[1]
        os.kill(int(pid), 9)
        while os.path.exists("/proc/" + pid):
            pass
sys.addaudithook(kill)
"""
    program = launch(kills + THREADED)
    before = program.tell()
    for _ in range(3):
        assert program.attach("-p", "script.py:work").returncode == -signal.SIGKILL
        wait_until(lambda: program.tell() == before)
        assert program.files_of_ours() == []
    program.end()
