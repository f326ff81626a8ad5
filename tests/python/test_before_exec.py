"""Programs that become another one by os.exec*(): their tables come before."""

import json
import os

import pytest
from support import python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no exec")

HEADER = """
import os, sys
@profile
def f():
    return bytes(3_000_000)
f()
NEXT = [sys.executable, "-c", "import sys; print('next', sys.argv[1:])", "x"]
"""


@pytest.mark.parametrize(
    "call",
    [
        "os.execv(sys.executable, NEXT)",
        "os.execve(sys.executable, NEXT, dict(os.environ, X='1'))",
        "os.execl(sys.executable, *NEXT)",
        "os.environ['PATH'] = '/nowhere:/:' + os.path.dirname(sys.executable)\n"
        "os.execvp(os.path.basename(sys.executable), NEXT)",
    ],
)
def test_tables_come_before_the_next_program(run, call):
    run.write("script.py", HEADER + call)
    done = python(
        "-m", "memory_profiler", "--allocations", "--json", "run.json", "script.py", cwd=run.folder
    ).ok()
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "next ['x']"
    assert done.stdout.count("return bytes") == 1 and done.stdout.count("Heap: peak") == 1
    saved = json.loads((run.folder / "run.json").read_text())
    assert saved["finished"] and saved["processes"][0]["heap"]["allocated_bytes"] > 3_000_000
    assert not (run.folder / "run.json.live").exists()


def test_one_that_cannot_be_run_changes_nothing(run):
    run.write(
        "script.py",
        HEADER + "for name in '/nowhere/at/all', '/':\n"
        "    try: os.execv(name, [name])\n"
        "    except OSError: f()\n",
    )
    done = python("-m", "memory_profiler", "script.py", cwd=run.folder).ok()
    assert done.stderr == "" and done.stdout.count("return bytes") == 1
    (row,) = [line for line in done.stdout.splitlines() if "return bytes" in line]
    assert row.split()[5] == "3", "all three calls"


def test_a_child_that_becomes_another_python(run):
    run.write("other.py", "@profile\ndef g():\n    return bytes(2_000_000)\ng()\n")
    run.write(
        "script.py",
        HEADER + "pid = os.fork()\n"
        "if pid == 0:\n"
        "    f()\n"
        "    os.execv(sys.executable, [sys.executable, 'other.py'])\n"
        "assert os.waitpid(pid, 0)[1] == 0\n",
    )
    done = python(
        "-m", "memory_profiler", "--multiprocess", "--json", "run.json", "script.py", cwd=run.folder
    ).ok()
    assert done.stderr == ""
    saved = json.loads((run.folder / "run.json").read_text())
    names = [[f["name"] for f in process["functions"]] for process in saved["processes"]]
    assert names == [["f"], ["f"], ["g"]]
    assert saved["processes"][1]["pid"] == saved["processes"][2]["pid"]
