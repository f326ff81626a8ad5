"""What a file of live tables lacks is said by who reads it, also when nobody was left to say it."""

import json
import os
import signal

import pytest
from memory_profiler._saved_check import read_run
from memory_profiler._visible import visible
from support import python

# A table takes more than 100 bytes: these do not fit into the first 64 KiB.
MANY = """
names = {"profile": profile}
for i in range(2000):
    exec(f"@profile\\ndef f{i}():\\n    return {i}\\nf{i}()", names)
"""
NO_ROOM = """
import os, resource, signal
resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 10, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
"""
DIE = """
os.kill(os.getpid(), signal.SIGKILL)
"""
NOT_COMPLETE = "was not complete: File too large"
CUT_SHORT = "was cut short: numbers from before that are lost"


def killed(run, source):
    """(the one process in what it left, what report says of it on stderr)."""
    done = run.m(source, options=["--json", "run.json"])
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    (process,) = read_run(str(run.folder / "run.json"))["processes"]
    report = python("-m", "memory_profiler.report", "run.json", cwd=run.folder)
    assert report.returncode == 0
    return process, report.stderr.splitlines()


def test_a_killed_run_whose_file_had_no_room(run):
    process, lines = killed(run, NO_ROOM + MANY + DIE)
    assert 0 < len(process["functions"]) < 2000
    assert process["lacks"] == NOT_COMPLETE
    assert lines == [
        "memory_profiler.report: run.json: the run did not end: killed while in no profiled function; "
        f"its file {NOT_COMPLETE}"
    ]


@pytest.mark.parametrize("calls", ["", "for i in range(2000):\n    names[f'f{i}']()\n"])
def test_a_killed_run_whose_file_was_cut(run, calls):
    """Also where nothing was counted since, so that nobody had noticed."""
    cut = "import os, signal\nos.truncate('run.json.live', os.path.getsize('run.json.live') // 2)\n"
    process, lines = killed(run, MANY + cut + calls + DIE)
    assert process["lacks"] == CUT_SHORT
    assert len(lines) == 1 and lines[0].endswith(f"; its file {CUT_SHORT}")


def test_a_whole_file_lacks_nothing(run):
    process, lines = killed(run, "import os, signal\n" + MANY + DIE)
    assert len(process["functions"]) == 2000 and "lacks" not in process
    assert len(lines) == 1 and "its file" not in lines[0]


def test_a_killed_child_whose_file_had_no_room(run):
    """Between its calls, where its heading says nothing of a kill."""
    source = f"""
import os
child = os.fork()
if child == 0:
    {NO_ROOM.strip().replace(chr(10), "; ")}
    exec({MANY + DIE!r}, {{**globals(), "profile": profile}})
print(os.waitpid(child, 0)[1])
"""
    done = run.m(source, options=["--multiprocess"])
    assert done.returncode == 0 and done.stdout.startswith("9\n")
    pid = done.stdout.split("Child process ", 1)[1].split(" ", 1)[0]
    assert done.stderr == (
        f"memory_profiler: child process {pid} was killed; its file {NOT_COMPLETE}\n"
    )


@pytest.mark.parametrize("what", ["\x1b[2J\n", 7, None])
def test_what_a_file_says_of_itself_is_not_trusted(run, what):
    done = run.m("@profile\ndef f():\n    return 1\nf()\n", options=["--json", "run.json"]).ok()
    assert done.stderr == ""
    path = os.path.join(run.folder, "run.json")
    with open(path, encoding="utf-8") as file:
        saved = json.load(file)
    saved["finished"], saved["processes"][0]["lacks"] = False, what
    with open(path, "w", encoding="utf-8") as file:
        json.dump(saved, file)
    report = python("-m", "memory_profiler.report", "run.json", cwd=run.folder)
    if isinstance(what, str):
        assert report.returncode == 0 and report.stderr.endswith(f"; its file {visible(what)}\n")
    else:
        assert report.returncode == 2
        assert report.stderr == "memory_profiler.report: run.json: a process has no lacks\n"
