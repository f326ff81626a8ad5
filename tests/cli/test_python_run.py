"""Python programs under `mprof run`: functions and blocks are recorded in time."""

import os
import re
import signal
import sys
import textwrap
import time

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "darwin", reason="memory of this kind is read on Linux only"
)


@pytest.fixture
def script(tmp_path):
    def write(text, name="script.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return name

    return write


@pytest.fixture
def run(mprof, tmp_path):
    """Runs `mprof run ARGUMENTS…` with this Python; the parsed profile."""

    def start(*arguments, code=0):
        environment = dict(os.environ, MPROF_PYTHON=sys.executable)
        done = mprof("run", "-q", "-E", "-o", "run.dat", *arguments, env=environment)
        assert done.returncode == code, done.stderr
        return Marks(tmp_path / "run.dat")

    return start


class Marks:
    """FUNC lines and what is begun: name -> [(mem0, t0, mem1, t1, level)]."""

    def __init__(self, path):
        self.functions, self.begun = {}, {}
        self.text = path.read_text()
        for line in self.text.splitlines():
            keyword, *rest = line.split(" ")
            if keyword == "FUNC":
                name, mem0, t0, mem1, t1, level = rest
                span = (float(mem0), float(t0), float(mem1), float(t1), int(level))
                self.functions.setdefault(name.replace("\u00a0", " "), []).append(span)
            elif keyword.startswith("#BEGIN/"):
                name = keyword.split("/")[2].replace("\u00a0", " ")
                self.begun.setdefault(name, []).append((float(rest[0]), float(rest[1])))


NESTED = """
    {head}
    import time
    @profile
    def outer():
        block = bytearray(20 << 20)
        with profile.timestamp("my block"):
            inner()
        return block
    @profile
    def inner():
        time.sleep(0.02)
    outer()
"""


@pytest.mark.parametrize(
    "head", ["", "from memory_profiler import profile"], ids=["bare", "imported"]
)
@pytest.mark.parametrize("lead", [[], ["--python"], ["--python", sys.executable]])
def test_functions_and_blocks(run, script, head, lead):
    marks = run(*lead, script(NESTED.format(head=head)))
    assert "MEM " in marks.text
    (outer,), (inner,) = marks.functions["__main__.outer"], marks.functions["__main__.inner"]
    (block,) = marks.functions[".my block"]
    assert [outer[4], block[4], inner[4]] == [0, 1, 2]
    assert outer[1] <= block[1] <= inner[1] < inner[3] <= block[3] <= outer[3]
    assert inner[3] - inner[1] >= 0.015
    assert inner[0] - outer[0] == pytest.approx(20, abs=1)
    assert "MiB" not in marks.text, "no tables in the profile"


def test_a_module(run, script):
    script(NESTED.format(head=""), "tool.py")
    assert "__main__.outer" in run("--python", sys.executable, "-m", "tool").functions


def test_exceptions_keep_the_level(run, script):
    marks = run(
        script("""
        @profile
        def fails(n):
            if n:
                fails(n - 1)
            raise ValueError
        @profile
        def after():
            pass
        for _ in range(3):
            try:
                fails(2)
            except ValueError:
                pass
        after()
        """)
    )
    assert sorted(span[4] for span in marks.functions["__main__.fails"]) == [
        0,
        0,
        0,
        1,
        1,
        1,
        2,
        2,
        2,
    ]
    assert marks.functions["__main__.after"][0][4] == 0


def test_threads_generators_and_coroutines(run, script):
    marks = run(
        script("""
        import asyncio, threading, time
        @profile
        def in_thread():
            time.sleep(0.02)
        @profile
        def numbers():
            for i in range(5):
                yield i
        @profile
        async def task(n):
            await asyncio.sleep(0.01 * n)
        threads = [threading.Thread(target=in_thread) for _ in range(3)]
        for t in threads: t.start()
        for t in threads: t.join()
        a, b = numbers(), numbers()
        next(a); next(b)
        list(a); list(b)
        async def main():
            await asyncio.gather(task(1), task(2), task(3))
        asyncio.run(main())
        """)
    ).functions
    assert [span[4] for span in marks["__main__.in_thread"]] == [0, 0, 0]
    assert len(marks["__main__.numbers"]) == 2, "one span for each generator"
    lasted = sorted(span[3] - span[1] for span in marks["__main__.task"])
    assert len(lasted) == 3 and lasted[2] >= 0.025


@pytest.mark.parametrize(
    "head", ["", "from memory_profiler import profile"], ids=["bare", "imported"]
)
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children(run, script, method, head):
    marks = run(
        "-M",
        script(f"""
        {head}
        import multiprocessing
        @profile
        def work(n):
            return n
        if __name__ == "__main__":
            context = multiprocessing.get_context("{method}")
            children = [context.Process(target=work, args=(i,)) for i in range(3)]
            for c in children: c.start()
            for c in children: c.join()
        """),
    )
    names = [name for name in marks.functions if name.endswith(".work")]
    assert sum(len(marks.functions[name]) for name in names) == 3


def test_what_ended_before_is_there_after_os_exit_and_chdir(run, script, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    marks = run(
        script("""
        import os
        os.chdir("elsewhere")
        @profile
        def before():
            pass
        before()
        os._exit(3)
        """),
        code=3,
    )
    assert len(marks.functions["__main__.before"]) == 1


def test_what_ended_before_an_exec_is_there(run, script):
    """The program goes on as another one in the same process, whose calls are recorded too."""
    script(
        """
        from memory_profiler import profile
        @profile
        def after():
            pass
        after()
        """,
        name="other.py",
    )
    marks = run(
        script("""
        import os, sys
        @profile
        def before():
            pass
        before()
        os.execv(sys.executable, [sys.executable, "other.py"])
        """)
    )
    assert len(marks.functions["__main__.before"]) == 1
    assert len(marks.functions["__main__.after"]) == 1


def test_a_killed_program_shows_what_it_was_doing(run, script):
    marks = run(
        script("""
        import os, signal, time
        @profile
        def done():
            pass
        @profile
        def guilty():
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGKILL)
        done()
        guilty()
        """),
        code=128 + signal.SIGKILL,
    )
    assert len(marks.functions["__main__.done"]) == 1
    assert "__main__.guilty" not in marks.functions
    ((memory, began),) = marks.begun["__main__.guilty"]
    assert memory > 1 and abs(began - time.time()) < 60


def test_short_spans_are_not_announced(run, script):
    marks = run(
        script("""
        @profile
        def short():
            pass
        for _ in range(100):
            short()
        """)
    )
    assert len(marks.functions["__main__.short"]) == 100
    assert marks.begun == {}


IMPORTED = """
    import sys, time
    from memory_profiler import profile

    log = open("tables.log", "w+")

    @profile(stream=log)
    def logged(n):
        block = bytearray(n << 20)
        return block

    @profile
    def printed():
        kept = [logged(30)]
        return kept

    @profile
    class Both:
        def method(self):
            return 1

    @profile
    def numbers():
        yield 1

    kept = printed(), logged(5), Both().method(), list(numbers())
    print("the program's own")
"""


@pytest.mark.parametrize("lead", [[], ["--nopython", sys.executable]], ids=["script", "program"])
def test_an_imported_profile_marks_and_prints_its_tables(mprof, script, tmp_path, lead):
    """Marks in the profile, tables where they are asked for: in the log, and on stdout."""
    environment = dict(os.environ, MPROF_PYTHON=sys.executable)
    name = script(IMPORTED)
    done = mprof("run", "-q", "-E", "-o", "run.dat", *lead, name, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    marks = Marks(tmp_path / "run.dat")
    calls = {name: len(spans) for name, spans in marks.functions.items()}
    assert calls == {
        "__main__.logged": 2,
        "__main__.printed": 1,
        "__main__.Both.method": 1,
        "__main__.numbers": 1,
    }
    levels = sorted(span[4] for span in marks.functions["__main__.logged"])
    assert levels == [0, 1] and marks.functions["__main__.printed"][0][4] == 0
    assert "MiB" not in marks.text

    def tables(text):
        return re.findall(r"^ +\d+ .*def (\w+)\(", text, re.M)

    assert tables((tmp_path / "tables.log").read_text()) == ["logged", "logged"]
    assert tables(done.stdout) == ["printed", "method", "numbers"]
    assert done.stdout.endswith("the program's own\n")
    (row,) = re.findall(r"^ +\d+ .*kept = \[logged", done.stdout, re.M)
    assert 29 < float(row.split()[3]) < 32  # the increment of the line that called


FORKS = """
import os, threading

def fork():
    for _ in range(150):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)

threads = [threading.Thread(target=fork) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("well")
"""


@pytest.mark.parametrize("more", [[], ["--types=0.1", "-M"]], ids=["plain", "types"])
def test_threads_that_fork_at_once(mprof, script, more):
    """Neither waits for the other while it has the interpreter's lock."""
    environment = dict(os.environ, MPROF_PYTHON=sys.executable, PYTHONWARNINGS="ignore")
    done = mprof("run", "-q", "-E", *more, "-o", "run.dat", script(FORKS), env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "well\n", "")
