"""Programs of every kind under valgrind's memcheck: the extension and mprof, uninstrumented.

Run by `sh tools/test.sh --preset valgrind`; it takes minutes. What memcheck says of CPython itself
is in valgrind.supp, anything else fails.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import textwrap

import pytest

HERE = pathlib.Path(__file__).resolve().parent
MPROF = pathlib.Path(sysconfig.get_path("scripts")) / "mprof"
VALGRIND = [
    "valgrind",
    "-q",
    "--trace-children=yes",
    "--trace-children-skip=*/gnuplot*",
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=definite",
    f"--suppressions={HERE / 'valgrind.supp'}",
]
PROFILER = [sys.executable, "-m", "memory_profiler"]

PLAIN = """
    @profile
    def work(n):
        block = bytearray(n)
        if n > 1000:
            work(n // 2)
        try:
            raise ValueError(n)
        except ValueError as error:
            return str(error)
    for n in range(3):
        work(n * 1000)
"""

GENERATORS = """
    import asyncio
    @profile
    def numbers(n):
        for i in range(n):
            yield [i] * 1000
    @profile
    async def wait(n):
        await asyncio.sleep(0)
        return n
    async def main():
        return await asyncio.gather(*map(wait, range(4)))
    left = numbers(3)
    next(left)
    print(sum(map(len, numbers(4))), asyncio.run(main()))
    del left
"""

THREADS = """
    import threading
    @profile
    def work(n):
        kept = []
        for i in range(n):
            kept.append([i] * 100)
        return kept
    threads = [threading.Thread(target=work, args=(50,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""

CHILDREN = """
    import multiprocessing
    @profile
    def work(n):
        return len([n] * 1000)
    if __name__ == "__main__":
        pool = multiprocessing.get_context("fork").Pool(2)
        print(pool.map(work, range(4)))
        pool.close()
        pool.join()
"""

SPANS = """
    import time
    @profile
    def work():
        time.sleep(0.3)
        with profile.timestamp("block"):
            return [0] * 1000
    work()
"""

SAMPLES = """
    import os
    from memory_profiler import memory_usage, profile
    def work(n=1000):
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        return [0] * n
    print(len(memory_usage((work, (10,)), interval=0.01, timestamps=True)) > 1)
    print(memory_usage((work,), max_usage=True, include_children=True) > 0)
    profile(work)()
"""

CASES = {
    "plain": (PLAIN, [], "def work"),
    "generators": (GENERATORS, [], "async def wait"),
    "threads": (THREADS, [], "kept.append"),
    "every column": (PLAIN, ["--peak", "--line-time", "-v"], "def work"),
    "a program without profile": (PLAIN.replace("@profile", ""), ["-p", "script.py"], "def work"),
    "functions": (GENERATORS, ["--functions", "--pstats", "out.pstats"], "numbers"),
    "json": (THREADS, ["--json", "run.json", "-o", "tables.txt"], ""),
    "children": (CHILDREN, ["--multiprocess"], "def work"),
    "smaps": (PLAIN, ["--backend", "pss", "--include-children"], "def work"),
    "tracemalloc": (PLAIN, ["--backend", "tracemalloc", "--exact"], "def work"),
    "an error": ("@profile\ndef work():\n    1 / 0\nwork()\n", [], "1 / 0"),
}


class Folder:
    """Where programs run; each process of them has a log."""

    def __init__(self, path):
        self.path = path

    def run(self, *command, status=0):
        """Its output; fails by what memcheck says of any process, and by another status."""
        logs = self.path / "logs"
        logs.mkdir(exist_ok=True)
        done = subprocess.run(
            [*VALGRIND, f"--log-file={logs}/%p", *map(str, command)],
            cwd=self.path,
            text=True,
            capture_output=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )
        texts = [log.read_text() for log in logs.iterdir()]
        assert texts, "nothing ran under valgrind"
        # "--pid-- WARNING" is of system calls that valgrind does not know: no error of a program.
        errors = [line for text in texts for line in text.splitlines() if line.startswith("==")]
        assert not errors, "\n".join(errors)
        assert done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def folder(tmp_path):
    assert shutil.which("valgrind"), "no valgrind: apt install valgrind"
    return Folder(tmp_path)


def write(folder, text):
    (folder.path / "script.py").write_text(textwrap.dedent(text))
    return "script.py"


@pytest.mark.parametrize("name", CASES)
def test_lines(folder, name):
    text, options, says = CASES[name]
    output = folder.run(*PROFILER, *options, write(folder, text), status=name == "an error")
    assert says in output


def test_an_imported_profile_and_samples(folder):
    output = folder.run(sys.executable, write(folder, SAMPLES))
    assert output.startswith("True\nTrue\n") and "def work" in output


def test_saved_runs(folder):
    folder.run(*PROFILER, "--json", "run.json", write(folder, PLAIN))
    assert "def work" in folder.run(*PROFILER[:2], "memory_profiler.report", "run.json")


def test_mprof(folder):
    """Recorded with children and spans, and drawn in every form."""
    path = os.pathsep.join([str(MPROF.parent), os.environ["PATH"]])
    folder.run("env", f"PATH={path}", MPROF, "run", "-M", "-o", "run.dat", write(folder, SPANS))
    text = (folder.path / "run.dat").read_text()
    assert "\nMEM " in text and "FUNC __main__.work" in text
    for name in ("chart.html", "chart.txt", "chart.svg", "chart.gp"):
        folder.run(MPROF, "plot", "-o", name, "run.dat")
        assert (folder.path / name).stat().st_size > 0
    assert "run.dat" in folder.run(MPROF, "peak", "run.dat")
