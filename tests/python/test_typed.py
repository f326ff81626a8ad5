"""The stubs cover every public name."""
import pathlib
import re
import subprocess
import sys

import pytest

USE = pathlib.Path(__file__).with_name("typed_use.py")


@pytest.fixture
def mypy(tmp_path):
    pytest.importorskip("mypy")
    return lambda path: subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(path)],
        cwd=tmp_path, capture_output=True, text=True, timeout=120)


def test_strict(mypy):
    outcome = mypy(USE)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_results_of_memory_usage_have_types(mypy, tmp_path):
    forms = {"-1": "list[float]", "-1, max_usage=True": "float",
             "-1, timestamps=True": "list[tuple[float, float]]",
             "int, retval=True": "tuple[list[float], Any]",
             "int, retval=True, max_usage=True": "tuple[float, Any]"}
    (tmp_path / "wrong.py").write_text("from memory_profiler import memory_usage\n" + "".join(
        f"x{place}: str = memory_usage({form})\n" for place, form in enumerate(forms)))
    outcome = mypy(tmp_path / "wrong.py")
    found = re.findall(r'expression has type "(.*?)", variable has type "str"', outcome.stdout)
    assert found == list(forms.values()), outcome.stdout
