"""--attach: where it cannot be, one line says why."""

import glob
import os
import re
import subprocess
import sys

import pytest
from attached import CAN_ATTACH, WORKS, can_attach, on_linux
from support import python

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="it needs root: another user, or a mount")


def refused(outcome, says):
    assert outcome.returncode == 2 and outcome.stdout == ""
    assert re.fullmatch(f"memory_profiler: {says}", outcome.one_line_error()), outcome.stderr


def attach(pid, *options, **kw):
    return python("-m", "memory_profiler", "--attach", pid, *options, cwd="/", **kw)


@pytest.mark.skipif(CAN_ATTACH, reason="this Python can")
def test_an_older_python_cannot():
    refused(
        attach(os.getpid()),
        r"--attach needs Python 3\.14 or later, here and in the program; this is 3\.1\d\.\w+",
    )


@can_attach
def test_what_is_no_such_process():
    refused(attach((1 << 31) - 1), "there is no process 2147483647")
    code = (
        "import os, sys; from memory_profiler.__main__ import main; "
        "sys.exit(main(['--attach', str(os.getpid())]))"
    )
    refused(python("-c", code, cwd="/"), r"\d+ is this process itself")
    sleep = subprocess.Popen(["sleep", "60"])
    try:
        refused(attach(sleep.pid), r"process \d+ runs no Python 3\.14 or later")
    finally:
        sleep.kill()
        sleep.wait()


@can_attach
@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_program_that_does_not_want_it(launch, how):
    options = ["-X", "disable-remote-debug"] if how == "option" else []
    env = {} if how == "option" else {"PYTHON_DISABLE_REMOTE_DEBUG": "1"}
    program = launch(WORKS, *options, "script.py", env=env)
    refused(
        program.attach(),
        r"process \d+ does not let itself be attached to: it runs with PYTHON_DISABLE_REMOTE_DEBUG "
        "or -X disable-remote-debug, or a Python built without it",
    )
    program.end()


def others():
    """Pythons of other versions that are here."""
    names = [*glob.glob("/usr/bin/python3.1?"), *glob.glob("/usr/local/bin/python3.1?")]
    here = "{}.{}".format(*sys.version_info[:2])
    return [name for name in names if not name.endswith(here)]


@can_attach
@on_linux
@pytest.mark.skipif(not others(), reason="there is no other Python here")
def test_programs_of_other_versions():
    for name in others():
        version = name.rpartition("python")[2]
        other = subprocess.Popen(
            [name, "-c", "print(flush=True); input()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        other.stdout.readline()
        try:
            says = (
                rf"process \d+ runs Python {version}: --attach needs 3\.14 or later in the program, too"
                if version < "3.14"
                else rf"process \d+ runs Python {version}, this is 3\.\d+: attach with a Python {version}"
            )
            refused(attach(other.pid), says)
        finally:
            other.kill()
            other.communicate()


@can_attach
@as_root
@on_linux
def test_programs_of_other_users():
    words = [sys.executable, "-c", "print(flush=True); input()"]
    pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    other = subprocess.Popen(words, **pipes, user=65534, group=65534, cwd="/")
    try:
        other.stdout.readline()
        refused(attach(other.pid), r"process \d+ is another user's: attach as that user")
    finally:
        other.kill()
        other.communicate()


@can_attach
@as_root
@on_linux
def test_a_program_that_sees_other_files(run, launch):
    """As in a container; it would complain on its own stderr."""
    (run.folder / "tmp").mkdir()
    mounts = (
        "unshare",
        "-m",
        "--propagation",
        "unchanged",
        "sh",
        "-c",
        'mount -t tmpfs none tmp && exec "$@"',
        "sh",
    )
    program = launch(WORKS, under=mounts)
    refused(
        program.attach(), r"process \d+ does not see /.*: attach from inside, or name .* in TMPDIR"
    )
    program.end()


def test_what_the_kernel_forbids(tmp_path, monkeypatch):
    from memory_profiler import _attachable

    scope = tmp_path / "ptrace_scope"
    monkeypatch.setattr(_attachable, "SCOPE", str(scope))
    denied = PermissionError(1, "Operation not permitted")
    assert "SYS_PTRACE" in _attachable.why_not(os.getpid(), denied)
    scope.write_text("1\n")
    assert "kernel.yama.ptrace_scope is 1" in _attachable.why_not(os.getpid(), denied)


@pytest.mark.parametrize(
    "options, says",
    [
        (["--for", "3"], "--for says how long --attach PID records: it needs that"),
        (["--attach", "1", "x.py"], "--attach is for a program that runs already: no x.py with it"),
        (["--attach", "1", "--peak"], "--attach: no --peak with it"),
        (
            ["--attach", "1", "--heap=peak"],
            "--attach: no --heap=peak with it: that begins with the",
        ),
        (["--attach", "x"], "must be the number of a process, not 'x'"),
        (["--attach", "1", "--for", "-1"], "must be a number of seconds, not '-1'"),
        (["--attach", "1", "--for", "0"], "--for 0 records nothing: it is for --heap, which"),
        (
            ["--attach", "1", "--for", "0", "--heap", "--all"],
            "--for 0 records no function: no --all with it",
        ),
    ],
)
def test_wrong_command_lines(options, says):
    outcome = python("-m", "memory_profiler", *options, cwd="/")
    assert outcome.returncode == 2 and outcome.stdout == ""
    assert says in outcome.stderr.splitlines()[-1]
