"""A program that PyInstaller has packed: ours is in it whole, and works."""

import os
import sys

import pytest
from packages import from_index, run

PROGRAM = """
import io, os, sys
import mprof
import memory_profiler
from memory_profiler import LineProfiler, TimeStamper, memory_usage, profile, show_results

def grow(mib):
    block = bytearray(mib << 20)
    return len(block)

memory, result = memory_usage((grow, (50,)), max_usage=True, retval=True)
assert result == 50 << 20 and memory > 50
profiled = profile(grow)
profiled(20)  # a table; the next call has one here and one of the LineProfiler
profiler = LineProfiler()
profiler.add_function(profiled)
with profiler:
    profiled(30)
show_results(profiler)
stamper = TimeStamper("psutil")
with stamper.timestamp("my block"):
    pass
(calls,) = stamper.functions.values()
assert len(calls) == 1
for name in ("choose_backend", "exec_with_profiler", "_get_memory", "load_ipython_extension"):
    assert getattr(memory_profiler, name)
sys.argv = ["mprof", "run", "-q", "-o", "x.dat", "true"]
assert mprof.main() == 0 and mprof.read_mprofile_file("x.dat")["mem_usage"]
print("frozen", sys.frozen)
"""


@pytest.fixture(scope="module")
def pyinstaller(tmp_path_factory):
    """The environment in which `python -m PyInstaller` works."""
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("pyinstaller")
    from_index("PyInstaller", "install", "-q", "--target", folder, "pyinstaller")
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def test_a_frozen_program(pyinstaller, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = "-m PyInstaller --log-level ERROR --distpath dist --workpath work"
    made = run(sys.executable, *command.split(), "program.py", cwd=tmp_path, env=pyinstaller)
    assert made.returncode == 0, made.stderr
    (tmp_path / "program.py").unlink()
    done = run(tmp_path / "dist/program/program", cwd=tmp_path, env={"PATH": os.environ["PATH"]})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("frozen True\n") and done.stdout.count("Filename: ") == 3
    assert not list(tmp_path.glob("dist/program/**/IPython")), "nothing is dragged in"
