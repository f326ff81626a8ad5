"""The stubs say what the code has: names, parameters, defaults, what is final."""

import pathlib
import subprocess
import sys

import pytest

DIFFER = pathlib.Path(__file__).with_name("stubs_differ.txt")

# The sources are checked by mypy itself, with the settings of the project.
CONFIG = """
[mypy]
cache_dir = {}
[mypy-memory_profiler.*]
ignore_errors = True
"""


def test_stubs_and_code_agree(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "mypy.ini").write_text(CONFIG.format(tmp_path / "cache"))
    command = [sys.executable, "-m", "mypy.stubtest", "memory_profiler", "--ignore-missing-stub"]
    command += ["--mypy-config-file", "mypy.ini", "--allowlist", DIFFER]
    done = subprocess.run(
        [*map(str, command), "--ignore-unused-allowlist"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("options", [[], ["--timestamp"]], ids=["lines", "timestamp"])
def test_profile_takes_the_same_options_in_every_mode(tmp_path, options):
    asked = "precision=2, stream=None, backend='rss', peak=False, time=False"
    (tmp_path / "script.py").write_text(
        f"@profile({asked}, allocations=False, heap=False)\ndef f(): return 1\nprint(f())\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "memory_profiler", *options, "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1\n")
