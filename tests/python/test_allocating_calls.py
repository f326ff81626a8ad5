"""profile(allocations=True) in the import form: a table of each outermost call, with what it has
allocated."""

import pytest
from support import environment, python

HEADER = """
import sys, threading
from memory_profiler import profile
H = sys.getsizeof(b"")
"""


@pytest.fixture
def ran(run):
    def lines(program):
        run.write("script.py", HEADER + program)
        done = python("script.py", cwd=run.folder).ok()
        assert done.stderr == ""
        return done.stdout

    return lines


def rows_of(table, *parts):
    """[Allocated, Allocs, At peak, Left] of the rows with these texts."""
    found = []
    for part in parts:
        (row,) = [line for line in table.splitlines() if part in line]
        words = [word for word in row.split() if word != "MiB"]
        found.append((float(words[4]), int(words[5]), float(words[6]), float(words[7])))
    return found


PROGRAM = """
kept = []
def make(n):
    return bytes(n)
@profile(allocations=WHICH, precision=3)
def f(n):
    kept.append(make(n << 20))
    big = make(10 << 20)
    del big
    small = make(1 << 20)
    return n
assert f(2) == 2
assert f(3) == 3
assert f.__name__ == "f"
"""


def test_each_call_has_its_own(ran):
    tables = ran(PROGRAM.replace("WHICH", "True")).split("Filename: ")[1:]
    assert len(tables) == 2
    for table, n in zip(tables, (2, 3)):
        assert "Allocated     Allocs      At peak         Left   Line Contents" in table
        kept, big, small = rows_of(table, "kept.append", "big = make", "small = make")
        assert kept[0] == pytest.approx(n, abs=0.01) == kept[2] == kept[3]
        assert big[0] == pytest.approx(10, abs=0.01) == big[2] and big[3] == 0
        # When the call's table is made its locals are alive yet.
        assert small[0] == pytest.approx(1, abs=0.01) and small[2] == 0
        assert f"Heap: peak {n + 10}.0 MiB in " in table and "in make(); left " in table


def test_own(ran):
    (table, _) = ran(PROGRAM.replace("WHICH", "'own'")).split("Filename: ")[1:]
    kept, big = rows_of(table, "kept.append", "big = make")
    assert big[0] < 0.005 and kept[0] < 0.005


def test_recursion_and_threads(ran):
    printed = ran("""
@profile(allocations=True)
def rec(n):
    block = bytes(1 << 20)
    return rec(n - 1) if n else None
rec(4)
threads = [threading.Thread(target=rec, args=(2,)) for i in range(2)]
for thread in threads:
    thread.start()
    thread.join()
""")
    tables = printed.split("Filename: ")[1:]
    assert len(tables) == 3
    assert [rows_of(table, "block = ")[0][0] for table in tables] == [5.0, 3.0, 3.0]
    assert [rows_of(table, "return rec")[0][0] for table in tables] == [4.0, 2.0, 2.0]


def test_one_profiled_function_calls_another(ran):
    printed = ran("""
@profile(allocations=True)
def inner():
    return bytes(3 << 20)
@profile(allocations=True)
class Kind:
    def outer(self):
        first = bytes(2 << 20)
        return inner()
    def other(self):
        pass
    @staticmethod
    def third():
        return bytes(1 << 20)
Kind().outer()
Kind.third()
""")
    inner, outer, third = printed.split("Filename: ")[1:]
    assert rows_of(inner, "return bytes")[0][0] == 3.0 and "peak 3.0 MiB" in inner
    assert rows_of(outer, "return inner")[0][0] == 3.0 and "peak 5.0 MiB" in outer
    assert "peak 1.0 MiB" in third


def test_all_is_as_before_after_a_call_that_raises(ran):
    ran("""
import ctypes, io
class Allocator(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in "ctx malloc calloc realloc free".split()]
def state():
    allocator = Allocator()
    ctypes.pythonapi.PyMem_GetAllocator(2, ctypes.byref(allocator))
    return allocator.malloc
before = state()
out = io.StringIO()
@profile(stream=out, allocations=True)
def f():
    assert state() != before
    raise KeyError("x")
try:
    f()
except KeyError:
    pass
assert state() == before
assert "Heap: peak" in out.getvalue()
""")


@pytest.mark.parametrize(
    "program, error",
    [
        (
            "@profile(allocations=True)\ndef g():\n    yield",
            "TypeError: profile(allocations=True) is",
        ),
        ("@profile(allocations=True)\nasync def g(): pass", "generators and coroutines: g()"),
        ("with profile(allocations=True): pass", "memory_profiler.allocations()"),
        ("profile(print, allocations='most')", "True, False or 'own', not 'most'"),
    ],
)
def test_what_it_is_not_for(run, program, error):
    run.write("script.py", HEADER + program)
    done = python("script.py", cwd=run.folder)
    assert done.returncode == 1 and error in done.stderr.splitlines()[-1], done.stderr


def test_under_the_command_the_option_shows_it(run):
    run.write("script.py", "@profile(allocations=True)\ndef f(): return bytes(1 << 20)\nf()\n")
    done = python("-m", "memory_profiler", "script.py", cwd=run.folder).ok(
        "has its columns with --allocations"
    )
    assert "Allocated" not in done.stdout and "Occurrences" in done.stdout
    done = python("-m", "memory_profiler", "--allocations", "script.py", cwd=run.folder).ok()
    assert "Allocated" in done.stdout


def test_off(run):
    run.write(
        "script.py", HEADER + "@profile(allocations=True)\ndef f(): return 1\nassert f() == 1\n"
    )
    done = python("script.py", cwd=run.folder, env=environment(MEMORY_PROFILER="0")).ok()
    assert done.stdout == done.stderr == ""
