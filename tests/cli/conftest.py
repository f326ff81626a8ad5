"""Runs the real mprof: $MPROF_BINARY, else the one inside the installed package, else of PATH."""

import os
import pathlib
import shutil
import signal
import site
import subprocess
import sys
import tarfile
import time

import pytest
from browser import Browser
from live_pages import Running
from packages import from_index
from watching import Top

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OTHER = "memory_profiler==0.61.0"


def find_binary():
    given = os.environ.get("MPROF_BINARY")
    if given:
        return os.path.abspath(given)
    for folder in site.getsitepackages():
        inside = os.path.join(folder, "mprof", "_bin", "mprof")
        if os.path.exists(inside):
            return inside
    return shutil.which("mprof")


class Dat:
    """The lines of a profile, by keyword; every line must be whole."""

    def __init__(self, path):
        self.text = pathlib.Path(path).read_text(encoding="utf-8", errors="surrogateescape")
        assert self.text.endswith("\n")
        self.lines = [line.split(" ") for line in self.text.splitlines()]
        facts = [line for line in self.lines if line[0].startswith("#")]
        assert all(len(line) == 3 for line in facts), facts
        assert all(float(memory) >= 0 < float(moment) for _, memory, moment in facts), facts
        self.facts = [[*line[0][1:].split("/"), *line[1:]] for line in facts]

    def of(self, keyword):
        """The fields of its lines; of a comment, its details and then memory and moment."""
        return [line[1:] for line in self.lines + self.facts if line[0] == keyword]

    @property
    def memory(self):
        return [float(memory) for memory, _ in self.of("MEM")]

    @property
    def moments(self):
        return [float(moment) for _, moment in self.of("MEM")]

    @property
    def pid(self):
        return int(self.of("RUN")[0][0])

    @property
    def children(self):
        """pid -> its samples."""
        found = {}
        for pid, memory, _ in self.of("CHLD"):
            found.setdefault(int(pid), []).append(float(memory))
        return found

    @property
    def peaks(self):
        """pid -> the largest PEAK."""
        found = {}
        for pid, memory, _ in self.of("PEAK"):
            found[int(pid)] = max(float(memory), found.get(int(pid), 0))
        return found


class Mprof:
    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.started = []

    def __call__(self, *arguments, **options):
        """Runs to the end, in the test's folder."""
        options.setdefault("cwd", self.folder)
        options.setdefault("timeout", 60)
        if "stdout" not in options and "stderr" not in options:
            options["capture_output"] = True
        options.setdefault("text", True)
        return subprocess.run([self.binary, *arguments], **options)

    def start(self, *arguments, **options):
        """Starts in a process group of its own; killed at the end of the test."""
        options.setdefault("cwd", self.folder)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("text", True)
        options.setdefault("start_new_session", True)
        process = subprocess.Popen([self.binary, *arguments], **options)
        self.started.append(process)
        return process

    def dats(self):
        return sorted(self.folder.glob("mprofile_*.dat"))

    def dat(self, name=None):
        if name is not None:
            return Dat(self.folder / name)
        (only,) = self.dats()
        return Dat(only)

    def stop_all(self):
        for process in self.started:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


@pytest.fixture
def mprof(tmp_path):
    binary = find_binary()
    assert binary, "no mprof: set MPROF_BINARY or install the package"
    runner = Mprof(binary, tmp_path)
    yield runner
    runner.stop_all()


@pytest.fixture
def script(tmp_path):
    """Writes a Python program beside the profiles, and gives the command that runs it."""

    def write(text, name="program.txt"):
        path = tmp_path / name
        path.write_text(text)
        return [sys.executable, str(path)]

    return write


@pytest.fixture
def wait_for():
    def wait(condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it does not happen"
            time.sleep(0.005)

    return wait


@pytest.fixture
def running(mprof, wait_for):
    """Starts a recording with a page; it returns when there is a chart in it."""

    def running(*options, **how):
        run = Running(mprof, *options, **how)
        wait_for(run.is_drawn)
        return run

    return running


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """What the source distribution of memory_profiler 0.61 holds."""
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("sdist")
    what = [*"download -q --no-deps --no-binary :all:".split(), OTHER]
    from_index("package index", *what, "-d", folder, timeout=300)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return folder / "memory_profiler-0.61.0"


@pytest.fixture
def top(mprof):
    started = []

    def start(*arguments, **options):
        started.append(Top(mprof, *arguments, **options))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


@pytest.fixture
def sleeper(tmp_path):
    """A process that holds 40 MiB until its input ends; its last argument is nobody else's."""
    code = "import sys; x = bytearray(40 << 20); print(flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "a name", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    yield process
    process.communicate()


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()
