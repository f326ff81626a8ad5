"""Programs that read profiles by themselves: they go on reading what is written now."""

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

import mprof as ours
from plots import limited

SCRIPT = """
import subprocess, sys, time

@profile
def load():
    with profile.timestamp("my block"):
        time.sleep(0.3)

load()
with profile.timestamp("a/b 100%"):
    subprocess.run([sys.executable, "-S", "-c", "import time; time.sleep(0.3)"])
"""


@pytest.fixture(scope="session")
def theirs(sources):
    """The module mprof of 0.61."""
    spec = importlib.util.spec_from_file_location("mprof_of_061", sources / "mprof.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PARTS = pytest.param(
    ["--parts"], marks=pytest.mark.skipif(sys.platform == "darwin", reason="no parts on macOS")
)


@pytest.fixture(params=[[], PARTS], ids=["plain", "parts"])
def plain(mprof, request):
    """The profile of a program under a limit, with nothing asked of it, or its parts."""
    command = ["run", "-q", *request.param, "-T", "0.05", "-o", "x.dat", "sleep", "0.4"]
    assert mprof(*command, preexec_fn=limited(64 << 20)).returncode == 0
    dat = mprof.dat("x.dat")
    assert bool(dat.of("PARTS")) == bool(request.param)
    assert dat.of("LIMIT") or sys.platform == "darwin"
    assert len(dat.memory) >= 5 and dat.of("RUN") and dat.of("PEAK") and dat.of("END")
    return dat


@pytest.fixture
def marked(mprof):
    """The profile of a Python program with a child and blocks."""
    (mprof.folder / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "MPROF_PYTHON": sys.executable}
    parts = [] if sys.platform == "darwin" else ["--parts"]
    done = mprof("run", "-q", "-E", "-M", *parts, "-o", "x.dat", "script.py", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return mprof.dat("x.dat")


def test_the_reader_of_061(mprof, marked, theirs):
    path = str(mprof.folder / "x.dat")
    read, own = theirs.read_mprofile_file(path), ours.read_mprofile_file(path)
    calls = {name.replace("\u00a0", " "): spans for name, spans in read["func_timestamp"].items()}
    assert set(calls) == {"__main__.load", ".my block", ".a/b 100%"}
    assert calls == own["func_timestamp"]
    for key in ("mem_usage", "timestamp", "cmd_line"):
        assert read[key] == own[key] and read[key]
    assert dict(read["children"]) == dict(own["children"]) and read["children"]
    assert marked.of("BEGIN")


def test_the_commands_of_061(mprof, marked, sources):
    """peak and list of its mprof.py, as a program."""
    environment = {**os.environ, "PYTHONPATH": str(sources)}
    command = [sys.executable, sources / "mprof.py"]
    options = {"cwd": mprof.folder, "env": environment, "capture_output": True, "text": True}
    peak = subprocess.run([*command, "peak", "x.dat"], **options)
    assert peak.returncode == 0, peak.stderr
    assert peak.stdout.split()[:3] == ["x.dat", f"{max(marked.memory):.3f}", "MiB"]
    of_load = subprocess.run([*command, "peak", "--func", "__main__.load", "x.dat"], **options)
    assert of_load.returncode == 0, of_load.stderr
    assert 1 < float(of_load.stdout.split()[1]) <= max(marked.memory) + 0.0005  # it is rounded


def test_numpy(mprof, plain):
    numpy = pytest.importorskip("numpy")
    points = numpy.loadtxt(mprof.folder / "x.dat", usecols=(1, 2), skiprows=1)
    assert points.tolist() == [list(point) for point in zip(plain.memory, plain.moments)]


def all_points(dat):
    """Every line but the first, taken for numbers: each is a true point of the process."""
    points = [(float(fields[1]), float(fields[2])) for fields in dat.lines[1:]]
    assert all(0 < memory <= max(dat.peaks.values()) for memory, _ in points)
    assert all(0 <= moment - dat.moments[0] + 0.1 < 5 for _, moment in points)
    return points


def test_lines_that_are_split_at_blanks(plain):
    assert len(all_points(plain)) > len(plain.memory)


def test_pandas(mprof, plain):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(mprof.folder / "x.dat", sep=" ", names=["kind", "mem", "time"])
    assert frame["mem"][1:].astype(float).tolist() == [memory for memory, _ in all_points(plain)]
    only = frame[frame["kind"] == "MEM"]
    assert only["mem"].astype(float).tolist() == plain.memory


@pytest.mark.skipif(shutil.which("gnuplot") is None, reason="no gnuplot here")
def test_gnuplot(mprof, plain):
    command = "stats 'x.dat' using 3:2 nooutput; print STATS_records, STATS_max_y"
    done = subprocess.run(
        ["gnuplot", "-e", command], cwd=mprof.folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    records, highest = done.stderr.split()
    assert int(float(records)) == len(plain.memory)
    assert float(highest) == pytest.approx(max(plain.memory))
