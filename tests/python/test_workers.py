"""Workers of pools whose function is decorated in a module of its own: all their calls are told."""

import sys

import pytest
from support import environment, parse_tables, python

MODULE = """
from memory_profiler import profile
@profile
def work(n):
    kept = bytearray(1 << 20)
    return n
"""
POOLS = {
    "futures": """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing, sys
from work_module import work
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        print("OUT", list(pool.map(work, range(4))))
""",
    "joblib": """
from joblib import Parallel, delayed
from work_module import work
if __name__ == "__main__":
    print("OUT", Parallel(n_jobs=2)(delayed(work)(n) for n in range(4)))
""",
}
CASES = [("futures", "fork"), ("futures", "spawn"), ("futures", "forkserver"), ("joblib", "loky")]


@pytest.fixture(params=CASES, ids=" ".join)
def program(request, tmp_path):
    pool, method = request.param
    if pool == "joblib":
        pytest.importorskip("joblib", reason="no test dependency: it brings its own executors")
    (tmp_path / "work_module.py").write_text(MODULE)
    (tmp_path / "script.py").write_text(POOLS[pool])
    return tmp_path, ["script.py", method]


def calls(text):
    assert "OUT [0, 1, 2, 3]\n" in text
    return sum(table.at("@profile").occurrences for table in parse_tables(text))


@pytest.mark.parametrize("options", [None, [], ["--multiprocess"]], ids=str)
def test_tables(program, options):
    """The imported profile prints call by call where no parent gathers them."""
    folder, words = program
    ours = [] if options is None else ["-m", "memory_profiler", "-q", *options]
    done = python(*ours, *words, cwd=folder, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert calls(done.stdout) == 4


def test_marks(program):
    folder, words = program
    done = python(
        "-m", "mprof", "run", "-q", "-o", "x.dat", *words, cwd=folder,
        env=environment(MPROF_PYTHON=sys.executable),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = (folder / "x.dat").read_text().splitlines()
    assert sum(line.startswith("FUNC work_module.work ") for line in lines) == 4
    assert calls(done.stdout) == 4
