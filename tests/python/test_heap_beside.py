"""CPython's own tests end as they do, beside a thread that walks the heap every few milliseconds.

A crash here is the end of the walk as it is.
"""

import importlib.util

import pytest
from support import python

BESIDE = """
import _thread, atexit, runpy, sys, time
from memory_profiler import heap
walks = 0

def walk():
    global walks
    while True:
        try:
            heap(sizes="getsizeof" if walks % 2 else "blocks")
            walks += 1
        except RuntimeError:
            pass  # a collection runs
        time.sleep(0.002)

_thread.start_new_thread(walk, ())
atexit.register(lambda: print("walks:", walks, flush=True))
# It counts the objects of all threads, ours too.
sys.argv = ["test", "-q", "--ignore", "test_get_count", *sys.argv[1:]]
runpy.run_module("test", run_name="__main__", alter_sys=True)
"""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("test.test_gc") is None, reason="a Python without its own tests"
)


@pytest.mark.parametrize(
    "name", ["test_gc", "test_weakref", "test_dict", "test_threading", "test_descr"]
)
def test_cpython(name, tmp_path):
    script = tmp_path / "beside.py"
    script.write_text(BESIDE)
    done = python(script, name, cwd=tmp_path, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tests result: SUCCESS" in done.stdout
    assert int(done.stdout.rpartition("walks:")[2]) >= 10, done.stdout
