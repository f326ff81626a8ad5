"""mprof run --types: which types are told, of whom and when; mprof peak --types; what plots say of it.

Programs wait until they have been counted, so that no clock decides.
"""

import os
import re
import subprocess
import sys

import pytest

COUNTED = """
import os, time

def lines(name="", pid=None):
    with open(os.environ["MPROF_OUTPUT"], errors="replace") as profile:
        of = f"#TYPE/{pid or os.getpid()}/"
        return [line for line in profile if line.startswith(of) and name in line]

def counted(name, times=1, pid=None):
    "Until a type was told so often."
    while len(lines(name, pid)) < times:
        time.sleep(0.02)
"""
SESSIONS = (
    COUNTED
    + """
class Session:
    pass

kept = [Session() for _ in range(5000)]
counted("__main__.Session/5000/", 2)
"""
)
NOTHING = "mprof: nothing told of its types: "


def types_of(dat):
    """pid -> moments -> {name: (objects, bytes)}"""
    found = {}
    for pid, name, objects, size, memory, moment in dat.of("TYPE"):
        assert float(memory) > 1
        census = found.setdefault(int(pid), {}).setdefault(float(moment), {})
        assert name not in census
        census[name] = int(objects), int(size)
    return found


@pytest.fixture
def program(tmp_path):
    def write(text, name="program.py"):
        (tmp_path / name).write_text(text)
        return name

    return write


def recorded(mprof, *command, seconds="0.1", more=()):
    done = mprof("run", "-q", f"--types={seconds}", *more, "-o", "x.dat", *command)
    assert (done.returncode, done.stderr) == (0, "")
    return mprof.dat("x.dat")


def test_the_hungriest_types_are_told(mprof, program):
    done = mprof("run", "--types=0.1", "-o", "x.dat", program(SESSIONS))
    assert done.returncode == 0 and NOTHING not in done.stderr
    dat = mprof.dat("x.dat")
    ((pid, censuses),) = types_of(dat).items()
    first, *_, last = [censuses[moment] for moment in sorted(censuses)]
    assert pid == dat.pid and len(censuses) >= 3
    assert all(1 <= len(census) <= 40 for census in censuses.values())
    assert "__main__.Session" not in first and last["__main__.Session"][0] == 5000
    assert 5000 * 32 <= last["__main__.Session"][1] <= 5000 * 200
    assert {"dict", "str", "tuple", "type"} <= set(first)
    for census in censuses.values():
        sizes = [size for _, size in census.values()]
        assert sizes == sorted(sizes, reverse=True)


def test_what_grew(mprof, program):
    recorded(mprof, program(SESSIONS))
    done = mprof("peak", "--types", "x.dat")
    assert (done.returncode, done.stderr) == (0, "")
    peak, heading, *rows = done.stdout.splitlines()
    assert re.fullmatch(r"x\.dat\t[\d.]+ MiB", peak)
    assert re.fullmatch(r"  grown in \S+ m?s +Objects +Size", heading)
    (session,) = [row for row in rows if row.startswith("  __main__.Session ")]
    assert re.fullmatch(r"  __main__\.Session +\+5,000 +\+[\d.]+ KiB", session)
    assert mprof("peak", "x.dat").stdout == peak + "\n"


CENSUSES = """CMDLINE x
MEM 5.0 1000.0
MEM 5.0 {end}
#TYPE/5/a.B/10/1000 5.0 1000.0
#TYPE/5/a.B/20/2000 5.0 {last}
"""


@pytest.mark.parametrize(
    "last, end, says",
    [
        (1003.0, 1003.5, "grown in 3.00 s"),
        (1003.0, 1010.0, "grown in 3.00 s, counted last 7.00 s before the last sample"),
        (990.0, 1010.0, "grown in no time that can be told"),
    ],
    ids=["to the end", "given up", "backwards"],
)
def test_when_they_were_counted_last(mprof, last, end, says):
    (mprof.folder / "x.dat").write_text(CENSUSES.format(last=last, end=end))
    done = mprof("peak", "--types", "x.dat")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.split(r"  +", done.stdout.splitlines()[1].strip())[0] == f"Child 5: {says}"


def test_without_a_number_it_is_a_second(mprof, program):
    """Told once before the program begins, whatever the time until the next."""
    name = program(COUNTED + "assert os.environ['MPROF_TYPES'].startswith('1/')")
    done = mprof("run", "-q", "--types", "-o", "x.dat", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert types_of(mprof.dat("x.dat"))


def test_a_file_without_types(mprof):
    assert mprof("run", "-q", "-o", "x.dat", "true").returncode == 0
    done = mprof("peak", "--types", "x.dat")
    assert (done.returncode, done.stderr) == (
        1,
        "mprof peak: x.dat: no types were recorded: mprof run --types records them\n",
    )


def test_several_processes(mprof):
    """Each has a table; of many types the last row is a sum, and one count is no growth."""
    lines = ["CMDLINE app", "#RUN/7/rss/each/0.1 9.0 1700000000.0000", "MEM 9.0 1700000000.0000"]
    for second in range(2):
        for i in range(30):
            size = 1000 + second * (i + 1) * 1024
            lines.append(f"#TYPE/7/T{i}/{1 + second}/{size} 9.0 170000000{second}.0000")
    lines += ["#TYPE/8/dict/3/96 9.0 1700000001.0000"]
    lines += [f"#TYPE/9/dict/3/{96 - i} 9.0 170000000{i}.0000" for i in range(2)]
    (mprof.folder / "x.dat").write_text("\n".join(lines) + "\n")
    done = mprof("peak", "--types", "x.dat")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [" ".join(row.split()) for row in done.stdout.splitlines()]
    assert rows[1:3] == ["grown in 1.00 s Objects Size", "T29 +1 +30.0 KiB"]
    assert rows[22:] == [
        "... and 10 more +10 +55.0 KiB",
        "Child 8: its types were counted once",
        "Child 9: no type has grown in 1.00 s",
    ]


def test_hostile_names(mprof, program):
    names = ["a b/c", "x\ny%", "\x1b[31m", "</script>", "\udc80", "n" * 3000, "ü" * 800, ""]
    text = f"""
class Never(type):
    def __getattribute__(cls, name):
        raise SystemExit(9)

class Hidden(metaclass=Never):
    pass

kept = [[Hidden() for _ in range(3000)]]
for name in {names!r}:
    T = type("T", (), {{}})
    T.__qualname__ = name
    kept.append([T() for _ in range(3000)])
counted("__main__.Hidden/3000/", 1)
"""
    dat = recorded(mprof, program(COUNTED + text))
    censuses = types_of(dat)[dat.pid]
    told = {name for name, (objects, _) in censuses[max(censuses)].items() if objects == 3000}
    short = {
        *("__main__.Hidden", "__main__.", "__main__.a\xa0b%2Fc", "__main__.x%0Ay%25"),
        *("__main__.\x1b[31m", "__main__.<%2Fscript>", "__main__.\\udc80"),
    }
    long = told - short
    assert short <= told and {name[9] for name in long} == {"n", "ü"}
    assert all(name.endswith("…") and len(name.encode()) in (199, 200) for name in long)
    done = mprof("peak", "--types", "x.dat")
    assert (done.returncode, done.stderr) == (0, "")
    assert "__main__.a b/c " in done.stdout and r"__main__.\x1b[31m " in done.stdout


def test_classes_of_one_name_are_one(mprof, program):
    text = """
kept = []
for _ in range(3):
    class Same:
        pass
    kept += [Same() for _ in range(2000)]
counted("__main__.Same/6000/")
"""
    recorded(mprof, program(COUNTED + text))


def test_the_main_thread_may_wait(mprof, program):
    """A count needs the interpreter's lock alone, not the main thread."""
    text = """
import threading

class Session:
    pass

def work():
    kept = [Session() for _ in range(5000)]
    counted("__main__.Session/5000/", 2)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
    recorded(mprof, program(COUNTED + text))


FORKING = (
    COUNTED
    + """
import warnings
warnings.simplefilter("error")

class Session:
    pass

kept = [Session() for _ in range(3000)]
counted("__main__.Session/3000/")
child = os.fork()
if child == 0:
    kept += [Session() for _ in range(1000)]
    {of_child}
    os._exit(0)
kept += [Session() for _ in range(2000)]
counted("__main__.Session/5000/")
assert os.waitpid(child, 0)[1] == 0
"""
)


def test_a_forked_child_tells_its_own(mprof, program):
    name = program(FORKING.replace("{of_child}", 'counted("__main__.Session/4000/")'))
    for more in ["-M"], ["-C"]:
        dat = recorded(mprof, name, more=more)
        found = types_of(dat)
        (child,) = set(found) - {dat.pid}
        told = [census["__main__.Session"][0] for census in found[child].values()]
        assert set(told) == {4000}


def test_without_children_there_are_none(mprof, program):
    dat = recorded(mprof, program(FORKING.replace("{of_child}", "time.sleep(0.5)")))
    assert set(types_of(dat)) == {dat.pid}


CHILD = "import time; kept = [{} for _ in range(9000)]; time.sleep(0.3)"


def test_a_python_that_the_program_starts(mprof, program):
    text = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {CHILD!r}], check=True)\n"
    )
    name = program(text)
    dat = recorded(mprof, name)
    assert set(types_of(dat)) == {dat.pid}
    dat = recorded(mprof, name, more=["-M"])
    assert len(types_of(dat)) == 2


def test_a_program_that_execs(mprof, program):
    text = """
import sys
if len(sys.argv) == 1:
    os.execv(sys.executable, [sys.executable, __file__, "again"])
kept = {i: str(i) for i in range(50000)}
counted("/dict/", 4)
"""
    dat = recorded(mprof, program(COUNTED + text))
    assert set(types_of(dat)) == {dat.pid}


def test_any_python_program(mprof, script):
    """Without function marks, too, and as a command of its own."""
    dat = recorded(mprof, *script(SESSIONS))
    assert set(types_of(dat)) == {dat.pid}
    assert not dat.of("FUNC")


def test_nothing_told(mprof):
    done = mprof("run", "--types", "-o", "x.dat", "true")
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if line.startswith(NOTHING)]
    quiet = mprof("run", "-q", "--types", "-o", "x.dat", "true")
    assert (quiet.returncode, quiet.stderr) == (0, "")
    isolated = mprof("run", "--types", "-o", "x.dat", sys.executable, "-S", "-c", "pass")
    assert isolated.returncode == 0 and NOTHING in isolated.stderr


def test_a_recording_in_a_recording(mprof, program):
    """The inner one asks for itself."""
    text = f"""
import subprocess, sys
subprocess.run([{mprof.binary!r}, "run", "-q", "-o", "inner.dat", sys.executable, "-c", {CHILD!r}],
               check=True)
"""
    recorded(mprof, program(text), more=["-M"])
    assert not mprof.dat("inner.dat").of("TYPE")


SEEN = """
import json, os, sys, threading
fds = sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []
print(json.dumps([fds, threading.active_count(), sorted(sys._current_frames()) == [threading.get_ident()]]))
"""


def test_the_program_sees_nothing_of_it(mprof, program):
    name = program(SEEN)
    plain = mprof("run", "-q", "-o", "x.dat", name)
    told = mprof("run", "-q", "--types=0.1", "-o", "x.dat", name)
    assert (told.returncode, told.stderr, told.stdout) == (0, "", plain.stdout)


def test_a_profile_that_is_gone_is_not_made_anew(mprof, script):
    text = COUNTED + 'os.unlink(os.environ["MPROF_OUTPUT"])\ntime.sleep(0.5)\n'
    done = mprof("run", "-q", "--types=0.1", "-o", "x.dat", *script(text))
    assert (done.returncode, done.stderr) == (0, "")
    assert not (mprof.folder / "x.dat").exists()


@pytest.mark.parametrize("value", ["0", "0.05", "-1", "1e7", "nan", ""])
def test_wrong_seconds(mprof, value):
    done = mprof("run", f"--types={value}", "-o", "x.dat", "true")
    assert done.returncode == 2 and done.stderr.startswith("mprof run: --types ")
    assert done.stderr.count("\n") == 1 and not (mprof.folder / "x.dat").exists()


def test_a_process_that_runs_already(mprof):
    done = mprof("run", "--types", "--attach", str(os.getpid()))
    assert (done.returncode, done.stderr) == (
        2,
        "mprof run: --types asks a program that mprof starts, --attach means another\n",
    )


def test_other_charts_say_where_they_are(mprof, program):
    recorded(mprof, program(SESSIONS))
    done = mprof("plot", "x.dat", "-o", "x.txt")
    assert (done.returncode, done.stderr) == (
        0,
        "mprof plot: types were recorded, too: -o NAME.html lists them, mprof peak --types tells "
        "what grew\n",
    )
    for name in "x.html", "x.prom":
        done = mprof("plot", "x.dat", "-o", name)
        assert (done.returncode, done.stderr) == (0, "")


def test_others_read_the_file(mprof, program):
    """As memory_profiler 0.61 and numpy do: what is told of types is a comment, or a true point."""
    recorded(mprof, program(SESSIONS))
    code = "from mprof import read_mprofile_file as r; p = r('x.dat'); print(len(p['mem_usage']))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=mprof.folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == len(mprof.dat("x.dat").of("MEM"))
