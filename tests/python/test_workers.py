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


COPIES = '''
"""Functions of a script by value, as cloudpickle pickles them."""
import io, marshal, pickle, types

def make(code):
    return types.FunctionType(marshal.loads(code), {"__name__": "__main__", "__builtins__": __builtins__})

def set_attributes(function, attributes):
    function.__dict__.update(attributes)

class Pickler(pickle.Pickler):
    def reducer_override(self, it):
        if isinstance(it, types.FunctionType) and it.__module__ == "__main__":
            code = it.__code__.replace(co_filename="<dynamic-code>")
            return make, (marshal.dumps(code),), it.__dict__, None, None, set_attributes
        return NotImplemented

def dumps(it):
    file = io.BytesIO()
    Pickler(file).dump(it)
    return file.getvalue()
'''
SENDS = """
import copies, subprocess, sys
@profile
def work(n):
    inner = lambda: n
    return bytearray(inner() << 20)
WORKER = "import pickle, sys; [pickle.load(sys.stdin.buffer)(1) for _ in range(2)]"
pickled = copies.dumps(work)
print("OUT", subprocess.run([sys.executable, "-c", WORKER], input=2 * pickled).returncode)
"""


def send(run, *words):
    run.write("copies.py", COPIES)
    run.write("script.py", SENDS)
    done = python(*words, "script.py", cwd=run.folder, env=environment(MPROF_PYTHON=sys.executable))
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("OUT 0\n")
    return done


def test_copies_of_a_function_of_the_script_are_counted_as_one(run):
    done = send(run, "-m", "memory_profiler", "--multiprocess")
    (table,) = parse_tables(done.stdout)
    assert table.filename.endswith("/script.py")
    assert table.at("@profile").occurrences == 2
    assert table.at("bytearray").occurrences == 2


@pytest.mark.skipif(sys.version_info < (3, 12), reason="recorded by what stands in for a function")
def test_copies_of_a_function_of_the_script_are_recorded(run):
    send(run, "-m", "mprof", "run", "-q", "-o", "x.dat")
    lines = (run.folder / "x.dat").read_text().splitlines()
    assert sum(line.startswith("FUNC __main__.work ") for line in lines) == 2


def test_a_function_carries_nothing_where_nobody_counts_children(run):
    source = "@profile\ndef f():\n    return 1\nf()\nassert vars(f) == {}, vars(f)\n"
    run.m(source).ok()
    run.plain("from memory_profiler import profile\n" + source).ok()
