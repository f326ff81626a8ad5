"""pytest with our plugin: what it warns of, and another plugin of the name."""

import site
import sys

import pytest
from support import environment, python

IMPORT = "from memory_profiler import profile\n"
DECORATED = """
@profile
def grow():
    return bytearray(1 << 20)

def test_it():
    assert len(grow()) == 1 << 20
"""


@pytest.fixture
def strict(run):
    """A Runner in a folder where every warning is an error."""
    run.write("pytest.ini", "[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider\n")
    return run


PROFILED = ["-m", "memory_profiler", "-q"]
RECORDED = ["-m", "mprof", "run", "-q", "-E", "-o", "run.dat", "--python"]


@pytest.mark.parametrize(
    "way, imports, more",
    [
        ([*PROFILED, "-m", "pytest"], "", []),
        ([*PROFILED, "-m", "pytest"], IMPORT, ["-p", "no:memprof"]),
        ([*PROFILED, "-m", "pytest"], "", ["-p", "no:memprof-native"]),
        ([*RECORDED, "pytest"], "", []),
        ([*RECORDED, sys.executable, "-m", "pytest"], "", ["-p", "no:memprof"]),
        ([*RECORDED, "pytest"], IMPORT, []),
        (["-m", "pytest"], IMPORT, []),
    ],
    ids=["m", "m-import", "m-off", "mprof", "mprof-python", "mprof-import", "import"],
)
def test_no_warning_of_ours(strict, way, imports, more):
    strict.write("test_it.py", imports + DECORATED)
    done = python(*way, *more, cwd=strict.folder).ok()
    assert "1 passed in" in done.stdout  # behind warnings there is "1 passed, 1 warning in"
    if way[1] == "mprof":
        assert "FUNC test_it.grow " in (strict.folder / "run.dat").read_text()
    elif way[1] == "memory_profiler" and not imports:  # else pytest has captured it
        assert done.table("grow").at("bytearray").occurrences == 1


def test_a_test_that_imports_all_of_ours(strict):
    """Also below a conftest that pytest rewrites."""
    strict.write("conftest.py", "import mprof, memory_profiler.pytest_plugin\n" + IMPORT)
    strict.write("test_it.py", DECORATED.replace("@profile", ""))
    done = python("-m", "pytest", cwd=strict.folder).ok()
    assert "1 passed in" in done.stdout


# What pytest-memprof 0.2 has of pytest's names.
NAMESAKE = """
import pytest

def pytest_addoption(parser):
    group = parser.getgroup("memprof")
    group.addoption("--memprof-top-n", dest="memprof_top_n", default=0)
    {more}

@pytest.hookimpl(hookwrapper=True)
def pytest_terminal_summary(terminalreporter, exitstatus):
    top = terminalreporter.config.option.memprof_top_n
    terminalreporter.section("estimates of the namesake: " + str(top))
    yield
"""


@pytest.fixture(params=["before", "after"])
def beside(request, run):
    """Runs pytest where a namesake is installed, before or behind ours on the path."""

    def start(*options, more=""):
        run.write("company/pytest_memprof.py", NAMESAKE.format(more=more))
        info = "company/pytest_memprof-0.2.0.dist-info/"
        run.write(
            info + "METADATA", "Metadata-Version: 2.1\nName: pytest-memprof\nVersion: 0.2.0\n"
        )
        run.write(info + "entry_points.txt", "[pytest11]\nmemprof = pytest_memprof\n")
        run.write("tests/test_it.py", "def test_it():\n    bytearray(50 << 20)\n")
        path = [str(run.folder / "company"), *site.getsitepackages()]
        if request.param == "after":
            path.reverse()
        env = environment(PYTHONPATH=":".join(path))
        return python(
            "-m", "pytest", "-p", "no:cacheprovider", *options, "tests", cwd=run.folder, env=env
        )

    return start


def test_beside_a_namesake_both_work(beside):
    done = beside("--memprof-top-n=7", "--memprof-native").ok()
    assert "1 passed" in done.stdout and "estimates of the namesake: 7" in done.stdout
    assert "MiB  tests/test_it.py::test_it" in done.stdout


def test_a_namesake_may_have_our_short_option(beside):
    claims = 'group.addoption("--memprof", dest="memprof", action="store_true")'
    done = beside("--memprof", more=claims).ok()
    assert "1 passed" in done.stdout and "namesake" in done.stdout
    assert "hungriest" not in done.stdout, "the option is the namesake's"
    assert "hungriest" in beside("--memprof", "--memprof-native", more=claims).ok().stdout


def test_without_a_namesake_the_names_mean_the_same(run):
    run.write("test_it.py", "def test_it():\n    bytearray(50 << 20)\n")
    for name in ("--memprof", "--memprof-native"):
        done = python("-m", "pytest", "-p", "no:cacheprovider", name, cwd=run.folder).ok()
        assert "MiB  test_it.py::test_it" in done.stdout
    off = python("-m", "pytest", "-p", "no:memprof", "--memprof", cwd=run.folder)
    assert off.returncode == 4 and "unrecognized arguments: --memprof" in off.stderr
