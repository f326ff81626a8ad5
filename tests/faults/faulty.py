"""What goes wrong on machines, made to happen. MEMPROF_FAULTS=full takes every fault at its full size."""

import os
import pathlib
import re
import shutil
import site
import subprocess
import sys

FULL = os.environ.get("MEMPROF_FAULTS") == "full"
SCRIPT = """
import sys
@profile
def work(n):
    x = bytearray(n << 20)
    return len(x)
for i in range(3):
    work(3)
print("the program's own words")
sys.exit(7)
"""
WHOLE_LINE = (
    r"|#(?!END|OOM).*|#(END|OOM)(/\w+)+ \d+\.\d{6} \d+\.\d{4,6}|CMDLINE .*"
    r"|FUNC \S+( \d+\.\d{4}){4}( \d+)?|(?!FUNC)\w+ .*\.\d{4,6}( \d+)?"
)
# Of a program that did not end well.
BAD_END = r"^#END/\d+/(?!exit/0 )\w+/\d+ \d+\.\d{6} \d+\.\d{4,6}$"
SAID = "the program's own words\n"


def find_mprof():
    given = os.environ.get("MPROF_BINARY")
    inside = [os.path.join(folder, "mprof", "_bin", "mprof") for folder in site.getsitepackages()]
    found = [
        path
        for path in [given and os.path.abspath(given), *inside]
        if path and os.path.exists(path)
    ]
    return found[0] if found else shutil.which("mprof")


class Faults:
    """Runs our commands in a folder, some with a fault around them."""

    def __init__(self, folder):
        self.folder = folder
        self.mprof = find_mprof()
        self.python = sys.executable
        self.profiler = [sys.executable, "-m", "memory_profiler", "-q"]
        self.script = folder / "script.py"
        self.script.write_text(SCRIPT)
        self.started = []

    def run(self, *command, status=0, **options):
        """To the end, with that exit status (or one of them), and without a traceback."""
        options.setdefault("cwd", self.folder)
        result = subprocess.run(
            [os.fspath(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="surrogateescape",
            timeout=300,
            **options,
        )
        assert "Traceback" not in result.stderr, result.stderr
        wanted = status if isinstance(status, tuple) else (status,)
        assert result.returncode in wanted, (result.returncode, result.stderr)
        return result

    def shell(self, before, *command, **options):
        """After `before` has been done by a shell, in a mount namespace of its own."""
        return self.run(
            "unshare", "-m", "sh", "-c", before + '; exec "$@"', "sh", *command, **options
        )

    def start(self, *command, **options):
        process = subprocess.Popen(
            [os.fspath(part) for part in command],
            cwd=self.folder,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"stdin": subprocess.DEVNULL, **options},
        )
        self.started.append(process)
        return process

    def peak(self, name):
        """What mprof peak says of a profile, of which only the last line may be damaged."""
        text = self.dat(name)
        cut = (
            any(not re.fullmatch(WHOLE_LINE, line) for line in text.split("\n"))
            or text[-1:] != "\n"
        )
        result = self.run(self.mprof, "peak", name, status=(0, 1) if cut else (0,))
        said = [f"mprof peak: {name}: skipped 1 damaged or truncated line"] * result.returncode
        lines = result.stderr.splitlines()
        assert lines[: len(said)] == said
        assert len(lines) - len(said) == len(re.findall(BAD_END, text, re.M))
        return float(re.search(r"\t(\d+\.\d+) MiB", result.stdout)[1])

    def dat(self, name):
        return (self.folder / name).read_bytes().decode("utf-8", "surrogateescape")


def open_ways(path):
    """Lets others pass through the folders down to `path`."""
    for folder in [path, *pathlib.Path(path).parents]:
        if folder.stat().st_uid == os.geteuid() and folder != pathlib.Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
