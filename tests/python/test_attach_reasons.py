"""--attach: what goes wrong in the program is told here, with its reason, and never there."""

import re
import signal
import subprocess

import pytest
from attached import HASTY, WORKS, can_attach, on_linux
from started import wait_until
from support import environment


def reason(program, *options, **how):
    """Why it could not be: one line."""
    outcome = program.attach(*options, **how)
    assert outcome.returncode == 1 and outcome.stdout == ""
    line = outcome.one_line_error()
    begin = f"memory_profiler: process {program.pid} "
    assert line.startswith(begin) and str(program.tmp) not in line, line
    assert program.files_of_ours() == []
    return line[len(begin) :]


def spoilt(by):
    """A program that works, and does so before."""
    return by + WORKS.replace("tells()", "")


REFUSES = """
import builtins, sys
is_refusing = False
def refuse(*args, **kw):
    if is_refusing and "memory_profiler" in repr(args):
        raise ValueError("not\\ntoday")
    return before(*args, **kw)
"""


@can_attach
@pytest.mark.parametrize("name", ["__import__", "compile", "exec"])
def test_functions_that_the_program_has_replaced(launch, name):
    """The same exception, its text on one line, and where it comes from."""
    by = REFUSES + f"before, builtins.{name} = builtins.{name}, refuse\n"
    program = launch(spoilt(by).replace('print("ready"', 'is_refusing = True; print("ready"'))
    at = re.escape(str(program.folder / "script.py"))
    says = rf"cannot be recorded: ValueError: not\\x0atoday( \(raised at {at}:5\))?"
    assert re.fullmatch(says, reason(program))
    program.end()


@can_attach
def test_open_of_the_program_is_not_called(launch):
    program = launch(spoilt(REFUSES + "before, builtins.open = open, refuse\nis_refusing = True\n"))
    assert program.attach().ok().table("work")
    program.end()


@can_attach
@pytest.mark.parametrize("event", ["import", "compile", "os.symlink", "sys._getframe"])
def test_hooks_that_refuse(launch, event):
    """They may refuse one way in which answers are given, too."""
    hook = f"""
import sys
def hook(event, args):
    if event == {event!r} and is_refusing and "memory_profiler" in str(args[:2][-1]):
        raise PermissionError(1, "\\x1b[1mnot here", args[0])
is_refusing = False
sys.addaudithook(hook)
"""
    program = launch(spoilt(hook).replace('print("ready"', 'is_refusing = True; print("ready"'))
    if event in ("import", "compile"):
        line = reason(program)
        assert r"cannot be recorded: PermissionError: [Errno 1] \x1b[1mnot here: " in line
    else:
        assert program.attach().ok().table("work")
    program.end()


@can_attach
def test_a_hook_that_lets_nothing_be_read(launch):
    """CPython then runs nothing of ours. It says so itself, there, and not often."""
    hook = """
import sys
def hook(event, args):
    if event == "open" and "memory_profiler-" in str(args[0]):
        raise ValueError("no")
sys.addaudithook(hook)
"""
    program = launch(spoilt(hook))
    line = reason(program, how=HASTY)
    assert re.match(r"did not answer within \d s; .* be kept from reading what it is handed", line)
    stderr = program.process.communicate()[1]
    assert stderr.count("Can't open debugger script") == stderr.count("ValueError: no") <= 3


LIMITED = """
import os, resource
def limit(which, least):
    resource.setrlimit(which, (least, resource.getrlimit(which)[1]))
"""


@can_attach
@on_linux
def test_a_program_without_descriptors(launch):
    program = launch(
        spoilt(LIMITED).replace(
            'print("ready"',
            'limit(resource.RLIMIT_NOFILE, 20)\nwhile os.dup(0) < 19: pass\nprint("ready"',
        )
    )
    line = reason(program, how=HASTY)
    assert re.fullmatch(
        r"did not answer within \d s; it has no descriptor left to read what it is handed", line
    )
    program.end()


@can_attach
@on_linux
@pytest.mark.parametrize("left", [1, 2, 3])
def test_a_program_with_hardly_a_descriptor(launch, left):
    program = launch(
        spoilt(LIMITED).replace(
            'print("ready"',
            "limit(resource.RLIMIT_NOFILE, 20)\n"
            f"while os.dup(0) < {19 - left}: pass\n"
            'print("ready"',
        )
    )
    outcome = program.attach()
    if outcome.returncode:
        assert "[Errno 24] Too many open files" in outcome.one_line_error()
    assert program.files_of_ours() == []
    program.end()


@can_attach
@on_linux
@pytest.mark.parametrize("action", ["SIG_IGN", "SIG_DFL"])
def test_a_program_that_may_write_no_file(launch, action):
    """It is not ended by the signal of that, either."""
    by = LIMITED + f"import signal\nsignal.signal(signal.SIGXFSZ, signal.{action})\n"
    program = launch(
        spoilt(by).replace('print("ready"', 'limit(resource.RLIMIT_FSIZE, 0); print("ready"')
    )
    assert reason(program) == "could not write its tables: OSError: [Errno 27] File too large"
    program.end()


@can_attach
@on_linux
@pytest.mark.parametrize("mib", [0, 1, 2, 4])
def test_a_program_without_memory(launch, mib):
    """It works, or says why not."""
    by = (
        LIMITED
        + """
def at_its_limit():
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    limit(resource.RLIMIT_AS, size + MIB * 1024 * 1024)
""".replace("MIB", str(mib))
    )
    program = launch(spoilt(by).replace('print("ready"', 'at_its_limit(); print("ready"'))
    outcome = program.attach(how=HASTY)
    says = outcome.one_line_error() if outcome.returncode else "nothing"
    assert program.files_of_ours() == []
    if "no memory left to read what it is handed" in says:  # CPython may have said so there
        program.process.communicate()
        assert program.process.returncode == 0
        return
    memory = r"MemoryError|ImportError: .*(failed to map|cannot allocate)|OSError: .*Errno 12"
    assert re.search(memory + "|nothing", says)
    out, said = program.process.communicate()
    assert (program.process.returncode, out) == (0, "")
    # What fails where the program itself goes on after our script, CPython lays to the script.
    assert said == "" or re.fullmatch(f"Error executing debugger script .*({memory}).*", said, re.S)


@can_attach
def test_a_program_without_a_tool_id(launch):
    take = "for tool in 3, 4: sys.monitoring.use_tool_id(tool, 'theirs')\n"
    program = launch(spoilt("import sys\n" + take))
    assert re.match("cannot be recorded: RuntimeError: .*sys.monitoring.*", reason(program))
    program.end()


@can_attach
def test_a_module_that_cannot_be_looked_at(launch):
    """Begun meanwhile: it is told here, once."""
    odd = """
import sys
class Odd:
    @property
    def __dict__(self):
        raise ValueError("not mine")
sys.modules["odd"] = Odd()
code = compile("def f(): pass", "odd.py", "exec")
"""
    begins = '    exec(code, {"__name__": "odd"})\n'
    program = launch(spoilt(odd).replace("    Worker().run()", begins + "    Worker().run()"))
    outcome = program.attach("-p", "script.py:work", "-p", "odd:f")
    assert outcome.returncode == 0 and outcome.table("work")
    assert outcome.stderr.splitlines() == [
        "memory_profiler: -p odd:f named no function of this run",
        "memory_profiler: functions of odd could not be chosen",
    ]
    program.end()


@can_attach
@on_linux
def test_a_program_that_is_stopped(launch):
    program = launch(WORKS)
    before = program.tell()
    program.process.send_signal(signal.SIGSTOP)
    assert re.fullmatch(r"did not answer within \d s; it is stopped", reason(program, how=HASTY))
    program.process.send_signal(signal.SIGCONT)
    assert program.tell() == before
    program.end()


@can_attach
@on_linux
def test_several_that_come_at_once(launch):
    """One of them records, at least; the others hear of one that does."""
    program = launch(WORKS)
    before = program.tell()
    for _ in range(4):
        words = [*program.words("-q", "--for", "0.3", "-p", "script.py:work")]
        env = environment(TMPDIR=str(program.tmp))
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        several = [subprocess.Popen(words, cwd=program.folder, env=env, **pipes) for _ in range(3)]
        said = [(one.communicate(), one.returncode) for one in several]
        assert any(returncode == 0 for _, returncode in said)
        for (stdout, stderr), returncode in said:
            if returncode == 0:
                assert "def work" in stdout and stderr == ""
            else:
                assert (stdout, returncode) == ("", 1)
                assert re.fullmatch(
                    rf"memory_profiler: process {program.pid} cannot be recorded: another --attach "
                    r"is under way there, that of process \d+\n",
                    stderr,
                )
    assert program.tell() == before and program.files_of_ours() == []
    program.end()


@can_attach
def test_a_stdout_that_is_closed(launch):
    """Said at once, not when all has been recorded."""
    program = launch(WORKS)
    outcome = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *program.words()],
        cwd=program.folder,
        env=environment(TMPDIR=str(program.tmp)),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert outcome.returncode == 1
    assert outcome.stderr == "memory_profiler: cannot write stdout: it is closed\n"
    program.end()


@can_attach
def test_a_folder_that_is_taken_away(launch):
    """What is gone is not named."""
    program = launch(WORKS)
    attaching = program.begin_attaching()
    (folder,) = program.tmp.iterdir()
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    outcome = attaching.end(None)
    assert outcome.returncode == 1
    assert outcome.one_line_error() == (
        f"memory_profiler: nothing can be handed over in {program.tmp}: No such file or directory"
    )
    wait_until(lambda: program.attach().returncode == 0)
    program.end()
