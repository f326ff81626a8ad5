"""@profile and LineProfiler over functions that are no Python: the call goes through, one line."""

import os
import shlex
import subprocess
import sys
import sysconfig

import pytest
from support import MIB

# (how the function is got, its arguments, what it gives). `made_up` has a code object, as functions
# of Cython and of mypyc have: of nothing at all, of zeros, or as PyCode_NewEmpty() makes it.
MADE_UP = """
import opcode

def python(n):
    return n

class CFunction:
    def __init__(self, code):
        self.__code__ = python.__code__.replace(co_code=code)
        self.__name__ = "python"
    __call__ = staticmethod(len)

def raises_at_once():
    assert 0

EMPTY = CFunction(b"")
ZEROS = CFunction(bytes(24))
NEVER = CFunction(raises_at_once.__code__.co_code)
"""

FUNCTIONS = {
    "builtin": ("len", "[1, 2]", "2"),
    "method": ("'a-b'.split", "'-'", "['a', 'b']"),
    "type's method": ("str.upper", "'a'", "'A'"),
    "slot": ("(5).__add__", "2", "7"),
    "code of nothing": ("EMPTY", "[1, 2]", "2"),
    "code of zeros": ("ZEROS", "[1, 2]", "2"),
    "code that raises": ("NEVER", "[1, 2]", "2"),
}

SAYS = r"^memory_profiler: .* has no Python code: not profiled\n$"
WARNS = r"^\S*script\.py:\d+: UserWarning: Could not extract a code object for the object .*\n.*\n$"


def decorated(run, way, function, arguments, expected, before=""):
    """Runs a call of profile(function): its value, one line on stderr and no table."""
    head = "" if way == "m" else "from memory_profiler import profile\n"
    source = f"{before}{head}value = profile({function})({arguments})\nassert value == {expected}\n"
    done = (run.m if way == "m" else run.plain)(source).ok(SAYS)
    assert done.stdout == ""


@pytest.mark.parametrize("way", ["m", "import"])
@pytest.mark.parametrize("function, arguments, expected", FUNCTIONS.values(), ids=FUNCTIONS)
def test_decorated(run, way, function, arguments, expected):
    decorated(run, way, function, arguments, expected, before=MADE_UP)


@pytest.mark.parametrize("function, arguments, expected", FUNCTIONS.values(), ids=FUNCTIONS)
def test_added_to_a_profiler(run, function, arguments, expected):
    run.plain(f"""
        {MADE_UP.replace(chr(10), chr(10) + " " * 8)}
        from memory_profiler import LineProfiler, show_results
        profiler = LineProfiler()
        profiler.add_function({function})
        with profiler:
            value = {function}({arguments})
        assert value == {expected}
        show_results(profiler)
        """).ok(WARNS)


def test_code_that_begins_nowhere_in_a_code_map(run):
    """Spark and others put code there themselves."""
    done = run.plain(
        MADE_UP
        + """
from memory_profiler import LineProfiler, show_results
profiler = LineProfiler()
for code in (EMPTY.__code__, ZEROS.__code__, python.__code__):
    profiler.code_map.add(code)
with profiler:
    assert EMPTY([1, 2]) == ZEROS([1, 2]) == python(2)
show_results(profiler)
"""
    ).ok()
    assert done.table("python").at("return n").occurrences == 1


def test_a_ufunc(run):
    pytest.importorskip("numpy")
    for way in ("m", "import"):
        decorated(run, way, "numpy.add", "1, 2", "3", before="import numpy\n")


def test_a_function_without_code_among_others(run):
    """The rest of the program is measured as ever."""
    done = run.m(f"""
        join = profile(str.join)
        @profile
        def grow():
            return join("", ["a"] * {20 * MIB})
        grow()
        """).ok(SAYS)
    assert 19 < done.table("grow").at("return").increment


CYTHON = """
# cython: binding=True, language_level=3
def f(n):
    return [1] * n
def g(n):
    yield n
class A:
    def m(self): return 5
    @staticmethod
    def s(): return 6
"""

CYTHON_CALLS = {
    "function": ("cythonic.f", "3", "[1, 1, 1]"),
    "generator": ("lambda n, g=profile(cythonic.g): list(g(n))", "3", "[3]"),
    "method": ("cythonic.A().m", "", "5"),
    "static": ("cythonic.A.s", "", "6"),
    "in its class": ("lambda: profile(cythonic.A)().m()", "", "5"),
}


@pytest.fixture(scope="module")
def cythonic(tmp_path_factory):
    """A folder with the module cythonic."""
    pytest.importorskip("Cython")
    folder = tmp_path_factory.mktemp("cython")
    (folder / "cythonic.pyx").write_text(CYTHON)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC"))
    include = sysconfig.get_paths()["include"]
    for command in (
        [sys.executable, "-m", "cython", "-3", "cythonic.pyx"],
        [*compiler, "-shared", "-fPIC", f"-I{include}", "cythonic.c", "-o", f"cythonic{suffix}"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


@pytest.mark.parametrize("way", ["m", "import"])
@pytest.mark.parametrize("function, arguments, expected", CYTHON_CALLS.values(), ids=CYTHON_CALLS)
def test_cython(run, cythonic, way, function, arguments, expected):
    before = f"import sys\nsys.path.append({str(cythonic)!r})\nimport cythonic\n"
    head = "" if way == "m" else "from memory_profiler import profile\n"
    call = function if function.startswith("lambda") else f"profile({function})"
    source = f"{before}{head}assert ({call})({arguments}) == {expected}\n"
    assert (run.m if way == "m" else run.plain)(source).ok(SAYS).stdout == ""


def test_cython_in_a_profiler(run, cythonic):
    run.plain(f"""
        import sys
        sys.path.append({str(cythonic)!r})
        import cythonic
        from memory_profiler import LineProfiler, show_results
        profiler = LineProfiler()
        profiler.add_function(cythonic.f)
        with profiler:
            assert cythonic.f(2) == [1, 1]
        show_results(profiler)
        """).ok(WARNS)
