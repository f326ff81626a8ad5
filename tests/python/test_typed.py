"""The stubs cover every public name."""

import ast
import pathlib
import re
import subprocess
import sys
from importlib import resources

import pytest
from memory_profiler import _memprof

USE = pathlib.Path(__file__).with_name("typed_use.py")


@pytest.fixture
def mypy(tmp_path):
    pytest.importorskip("mypy")
    return lambda path: subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_strict(mypy):
    outcome = mypy(USE)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_results_of_memory_usage_have_types(mypy, tmp_path):
    forms = {
        "-1": "list[float]",
        "-1, max_usage=True": "float",
        "-1, timestamps=True": "list[tuple[float, float]]",
        "int, retval=True": "tuple[list[float], Any]",
        "int, retval=True, max_usage=True": "tuple[float, Any]",
    }
    (tmp_path / "wrong.py").write_text(
        "from memory_profiler import memory_usage\n"
        + "".join(f"x{place}: str = memory_usage({form})\n" for place, form in enumerate(forms))
    )
    outcome = mypy(tmp_path / "wrong.py")
    found = re.findall(r'expression has type "(.*?)", variable has type "str"', outcome.stdout)
    assert found == list(forms.values()), outcome.stdout


def names_of(body):
    """What a stub defines at one level; what begins with one underscore stands in the stub alone."""
    names = {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    names |= {node.target.id for node in body if isinstance(node, ast.AnnAssign)}
    return {name for name in names if not re.match("_[^_]", name)}


def test_the_stub_of_the_extension_is_complete():
    body = ast.parse(resources.files("memory_profiler").joinpath("_memprof.pyi").read_text()).body
    assert names_of(body) == {name for name in dir(_memprof) if not name.startswith("__")}
    classes = [node for node in body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    assert len(classes) == 5
    for node in classes:
        hidden = {"__doc__", "__module__", "__weakref__", "__weaklistoffset__"}
        assert names_of(node.body) == set(vars(getattr(_memprof, node.name))) - hidden, node.name


def test_what_the_stub_says_of_dicts_holds():
    body = ast.parse(resources.files("memory_profiler").joinpath("_memprof.pyi").read_text()).body
    stubs = {
        node.name: {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}
        for node in body
        if isinstance(node, ast.ClassDef)
    }
    profiler = _memprof.Profiler()
    index = profiler.watch([names_of.__code__])
    assert set(profiler.info()) == stubs["_Info"]
    assert set(profiler.ledger(index)) == stubs["_Ledger"]
