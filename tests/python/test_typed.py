"""The stubs cover every public name."""
import pathlib
import subprocess
import sys

import pytest

USE = pathlib.Path(__file__).with_name("typed_use.py")


def test_strict(tmp_path):
    pytest.importorskip("mypy")
    outcome = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(USE)],
        cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
