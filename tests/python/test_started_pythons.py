"""@profile without an import in a Python that the program starts itself: memprof_native.pth."""

import json
import os
import re
import subprocess
import sys
import time

import pytest
from support import MAPPED_BLOCKS, MIB, environment, near, python

MAPPED = environment(**MAPPED_BLOCKS)
MPROF = os.path.join(os.path.dirname(sys.executable), "mprof")

CHILD = """
    import sys
    @profile
    def work(n):
        kept = bytearray(n << 20)
        return len(kept)
    with profile.timestamp("a block"):
        print("child", sys.argv[1], work(int(sys.argv[1])))
    """

WAYS = {
    "subprocess": "subprocess.run([X, 'child.py', '3'], check=True)",
    "copied environment": (
        "subprocess.run([X, 'child.py', '3'], env={**os.environ, 'A': 'b'}, check=True)"
    ),
    "module": "subprocess.run([X, '-m', 'child', '3'], check=True)",
    "shell": "assert os.system(X + ' child.py 3') == 0",
    "spawnv": "assert os.spawnv(os.P_WAIT, X, [X, 'child.py', '3']) == 0",
    "posix_spawn": (
        "assert os.waitpid(os.posix_spawn(X, [X, 'child.py', '3'], os.environ), 0)[1] == 0"
    ),
    "posix_spawn in subprocess": (
        "subprocess.run([X, 'child.py', '3'], env={**os.environ}, close_fds=False, check=True)"
    ),
    "spawnve": "assert os.spawnve(os.P_WAIT, X, [X, 'child.py', '3'], {**os.environ}) == 0",
    "execv": "os.execv(X, [X, 'child.py', '3'])",
}


def parent(way):
    return f"""
    import os, subprocess, sys
    X = sys.executable
    {way}
    """


def record(run, *arguments):
    done = subprocess.run(
        [MPROF, "run", "-o", "run.dat", *arguments],
        cwd=run.folder,
        env=MAPPED,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    lines = (run.folder / "run.dat").read_text(encoding="utf-8").splitlines()
    return done, [line.split(" ") for line in lines if line.startswith("FUNC ")]


@pytest.mark.parametrize("way", WAYS)
def test_a_started_python_has_its_marks(run, way):
    run.write("child.py", CHILD)
    run.write("parent.py", parent(WAYS[way]))
    done, marks = record(run, "parent.py")
    assert f"child 3 {3 * MIB}" in done.stdout
    work, block = sorted(marks, key=lambda mark: "work" not in mark[1])
    assert work[1].endswith(".work") and "block" in "".join(block[1:3])
    assert float(work[4]) - float(work[2]) == near(3)


@pytest.mark.parametrize("way", sorted(set(WAYS) - {"execv"}))
def test_a_started_python_has_its_tables(run, way):
    run.write("child.py", CHILD)
    outcome = run.m(parent(WAYS[way]), options=["--multiprocess"], env=MAPPED).ok()
    assert re.search(r"^Child process \d+ \(\S+\):$", outcome.stdout, re.M)
    assert outcome.table("work").at("kept = ").increment == near(3)


@pytest.mark.parametrize("way", WAYS)
def test_a_started_python_runs_where_children_are_not_counted(run, way):
    run.write("child.py", CHILD)
    outcome = run.m(parent(WAYS[way]), env=MAPPED).ok()
    assert f"child 3 {3 * MIB}" in outcome.stdout and not outcome.tables


def test_an_environment_of_its_own_stays_as_it_is(run):
    """A changed copy of ours says what ours says; what is no copy holds what was asked for."""
    outcome = run.m("""
        import os, subprocess
        def names(env):
            out = subprocess.run(["env"], env=env, capture_output=True, check=True).stdout
            return {line.partition(b"=")[0] for line in out.splitlines()}
        given = {"A": "b", "PATH": os.environ["PATH"]}
        assert names(given) == {b"A", b"PATH"} and given == {"A": "b", "PATH": os.environ["PATH"]}
        assert names({}) == set()
        without = dict(os.environ)
        del without["PATH"]
        assert names(without) == {*map(os.fsencode, without), b"MEMORY_PROFILER_CHILDREN"}
        assert "MEMORY_PROFILER_CHILDREN" not in os.environ
        """)
    outcome.ok()


def test_what_starts_pythons_looks_as_without_us(run):
    source = """
        import os, inspect, types, _posixsubprocess
        for f in os.execve, os.posix_spawn, os.posix_spawnp, _posixsubprocess.fork_exec:
            text = f.__doc__, f.__module__, f.__qualname__, f.__text_signature__
            print(repr(f).split(" at ")[0], text, isinstance(f, types.BuiltinFunctionType))
            print(f in os.supports_fd, callable(f), inspect.isbuiltin(f))
        for wrong in (), (1,), ("x", ["x"]), ("x", ["x"], 7), ("x", ["x"], {b"A": 1}), (1, 2, 3, 4, 5, [6]):
            for f in os.execve, os.posix_spawn, _posixsubprocess.fork_exec:
                try:
                    f(*wrong)
                except (TypeError, ValueError) as error:
                    print(type(error), error)
                else:
                    assert False
        """
    assert run.m(source).ok().stdout == run.plain(source).ok().stdout


def test_the_workers_of_xdist_have_their_marks(run):
    pytest.importorskip("xdist", reason="needs pytest-xdist")
    run.write("test_it.py", "@profile\ndef work():\n    return 1\n\ndef test_it():\n    work()\n")
    _, marks = record(run, "--python", "pytest", "-q", "-n", "2", "test_it.py")
    assert ["test_it.work"] == [mark[1] for mark in marks]


# ---- as without us

DUMP = """
    import os, sys, warnings
    known = ("memory_profiler", "mprof", "memprof")
    def names(values):
        return sorted(str(value) for value in values)
    import json
    print("DUMP", json.dumps({
        "path": sys.path, "argv": sys.argv, "orig": sys.orig_argv[1:], "flags": repr(sys.flags),
        "meta": names(type(f) for f in sys.meta_path), "hooks": [hook.__qualname__ for hook in sys.path_hooks],
        "modules": sorted(sys.modules), "warn": [str(f) for f in warnings.filters],
        "options": sys.warnoptions, "site": hasattr(sys, "custom"),
        "environ": {k: v for k, v in os.environ.items() if not k.startswith("MPROF_")},
        "main": sorted(vars(sys.modules["__main__"])), "trace": [sys.gettrace(), sys.getprofile()],
        "prefix": sys.prefix, "builtin": "profile" in dir(__builtins__),
    }))
    """
DUMPS = "import subprocess, sys\nfor o in {options}:\n    subprocess.run([sys.executable, *o, '-Werror', 'dump.py'], check=True)\n"


def dumps(outcome):
    return [json.loads(line[5:]) for line in outcome.stdout.splitlines() if line[:5] == "DUMP "]


@pytest.mark.parametrize("how", ["m", "multiprocess", "mprof"])
def test_a_started_python_is_as_without_us(run, how):
    run.write("dump.py", DUMP)
    run.write("sub/sitecustomize.py", "import sys\nsys.custom = 1\n")
    options = [[], ["-E"], ["-I"], ["-S"], ["-s", "-O"], ["-X", "utf8"]]
    source = DUMPS.format(options=options)
    env = environment(PYTHONPATH=str(run.folder / "sub"))
    plain = dumps(run.plain(source, env=env).ok())
    if how == "mprof":
        outcome = python("-m", "mprof", "run", "-o", "x.dat", "script.py", cwd=run.folder, env=env)
        assert outcome.returncode == 0, outcome.stderr
    else:
        outcome = run.m(
            source, options=["--multiprocess"] if how == "multiprocess" else [], env=env
        )
        outcome.ok()
    profiled = dumps(outcome)
    assert len(plain) == len(profiled) == len(options)
    assert plain[0]["site"] and not plain[1]["site"]
    for option, one, other in zip(options, plain, profiled):
        is_inert = option in (["-E"], ["-I"], ["-S"])
        assert other.pop("builtin") is not is_inert and one.pop("builtin") is False
        if how == "multiprocess" or (how == "m" and option == ["-S"]):
            other["environ"].pop("MEMORY_PROFILER_CHILDREN")
        assert one == other, option


def test_a_python_of_another_environment_knows_nothing(run):
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", "other"], cwd=run.folder, check=True
    )
    run.write("dump.py", DUMP)
    source = "import subprocess\nsubprocess.run(['other/bin/python', 'dump.py'], check=True)\n"
    (one,) = dumps(run.plain(source).ok())
    (other,) = dumps(run.m(source, options=["--timestamp", "-o", "x.dat"]).ok())
    assert one == other and one["builtin"] is False and one["prefix"].endswith("other")


def test_a_started_python_that_asks_for_nothing_loads_nothing(run):
    run.write(
        "child.py",
        "import sys\nassert not [n for n in sys.modules if 'mem' in n and 'prof' in n]\n",
    )
    run.m(parent(WAYS["subprocess"])).ok()


def shortest(environ, of=20):
    """Seconds that a Python takes that does nothing."""
    took = []
    for _ in range(of):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", "0"], env=environ, check=True)
        took.append(time.perf_counter() - begin)
    return min(took)


def test_a_start_takes_no_more_than_3_ms_longer(run):
    profiled = environment(MPROF_OUTPUT=str(run.folder / "x.dat"))
    for _ in range(5):  # other programs run here, too
        took = shortest(profiled) - shortest(environment())
        if took < 0.003:
            break
    assert took < 0.003


PRINTS = """
@profile
def work():
    return 1
work()
with profile():
    work()
print("OUT")
"""


@pytest.mark.parametrize("way", ["subprocess", "spawn", "forkserver", "by its path", "itself"])
def test_under_mprof_a_profile_that_nobody_imported_prints_nothing(run, way):
    """stdout is the program's, and may be read by its parent: there are marks alone."""
    run.write("child.py", PRINTS)
    parents = {
        "subprocess": (
            "import subprocess, sys\n"
            "print(subprocess.run([sys.executable, 'child.py'], capture_output=True, text=True))\n"
        ),
        "itself": PRINTS,
    }
    for method in ("spawn", "forkserver"):
        parents[method] = f"""
import multiprocessing
@profile
def work():
    return 1
def child():
    work()
    with profile():
        work()
    print("OUT", flush=True)
if __name__ == "__main__":
    process = multiprocessing.get_context({method!r}).Process(target=child)
    process.start()
    process.join()
"""
    run.write("script.py", parents.get(way, ""))
    words = [sys.executable, "child.py"] if way == "by its path" else ["script.py"]
    done = python(
        "-m", "mprof", "run", "-q", "-o", "x.dat", *words, cwd=run.folder,
        env=environment(MPROF_PYTHON=sys.executable),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "OUT" in done.stdout and "Filename" not in done.stdout
    lines = (run.folder / "x.dat").read_text().splitlines()
    names = [line.split(" ")[1] for line in lines if line.startswith("FUNC ")]
    assert sum(name.endswith(".work") for name in names) == 2
    assert names.count(".<block>") == 1
