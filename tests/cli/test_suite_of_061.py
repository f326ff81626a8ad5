"""The tests that memory_profiler 0.61 brings along, with ours in its place."""

import shutil
import subprocess
import sys

import pytest

# Programs for `python -m memory_profiler`; how many tables they print.
PROGRAMS = {
    "test_as.py": 1,
    "test_async.py": 1,
    "test_attributes.py": 0,
    "test_exception.py": 0,
    "test_func.py": 1,
    "test_gen.py": 3,
    "test_global.py": 0,
    "test_import.py": 1,
    "test_loop.py": 1,
    "test_loop_decorated.py": 2,
    "test_memory_usage.py": 0,
    "test_mprofile.py": 2,
    "test_nested.py": 1,
    "test_precision_command_line.py": 2,
    "test_precision_import.py": 2,
    "test_stream_unicode.py": 0,
    "test_tracemalloc.py": 0,
    "test_unicode.py": 1,
}
# Those in which nothing is under the profiler's own @profile, which is said.
NONE = {"test_attributes.py", "test_exception.py", "test_global.py", "test_memory_usage.py"}
UNITS = ["test_exit_code", "test_increment_display", "test_mprof"]
# They use a name that unittest gave up in 3.12.
RUN = """
import sys, unittest
unittest.TestCase.assertRaisesRegexp = unittest.TestCase.assertRaisesRegex
sys.path.insert(0, ".")
unittest.main(module=None, argv=["unittest", *sys.argv[1:]])
"""


@pytest.fixture
def folder(sources, tmp_path):
    return shutil.copytree(sources / "test", tmp_path / "test")


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def test_every_file_is_known(folder):
    assert {path.name for path in folder.glob("*.py")} == {*PROGRAMS, *(f"{u}.py" for u in UNITS)}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(folder, name):
    done = run(folder, "-m", "memory_profiler", name)
    assert done.returncode == 0
    if name in NONE:
        assert done.stderr.startswith("memory_profiler: no table: ")
        assert done.stderr.count("\n") == 1
    else:
        assert done.stderr == ""
    assert done.stdout.count("Filename: ") == PROGRAMS[name]


def test_units(folder):
    done = run(folder, "-c", RUN, "-v", *UNITS)
    assert done.returncode == 0, done.stderr
    assert "Ran 8 tests" in done.stderr and "skipped" not in done.stderr


def test_functions_that_pytest_finds(folder):
    done = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_memory_usage.py")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
