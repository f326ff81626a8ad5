"""Folders and archives with a __main__.py, run as Python runs them."""

import os
import re
import shutil
import sys
import zipapp

import pytest
from support import environment, parse_tables, python

MAIN = """
import builtins
if not hasattr(builtins, "profile"):
    builtins.profile = lambda function: function
import sys, helper
names = __name__, __file__, __package__, __spec__.name, __spec__.origin, globals().get("__cached__")
print("OUT", names, type(__loader__).__name__, sys.path[0], sys.argv)
@profile
def f():
    return bytearray(8 << 20)
f()
helper.g()
if sys.argv[1:] == ["raises"]:
    1 / 0
"""
HELPER = """
import builtins
@builtins.profile
def g():
    return bytearray(8 << 20)
"""


@pytest.fixture
def folder(tmp_path):
    """With app/, app.pyz, and an archive that begins with a line for the shell."""
    app = tmp_path / "app"
    app.mkdir()
    (app / "__main__.py").write_text(MAIN)
    (app / "helper.py").write_text(HELPER)
    zipapp.create_archive(app, tmp_path / "app.pyz")
    zipapp.create_archive(app, tmp_path / "tool", interpreter=sys.executable)
    shutil.copy(tmp_path / "app.pyz", tmp_path / "\u00e4 b.zip")
    return tmp_path


def both(folder, *args):
    """(plain run, profiled run) of the same words."""
    plain, ours = args, ("-m", "memory_profiler", *args)
    env = environment(PYTHONDONTWRITEBYTECODE="1")
    return [python(*words, cwd=folder, env=env) for words in (plain, ours)]


@pytest.mark.parametrize(
    "target",
    ["./app", "app", "app/", ".", "app.pyz", "./app.pyz", "tool", "\u00e4 b.zip", "{cwd}/app"],
)
def test_it_is_run_as_python_runs_it(folder, target):
    at = folder / "app" if target == "." else folder
    plain, ours = both(at, target.format(cwd=at), "a", "-m")
    assert (plain.returncode, ours.returncode, ours.stderr) == (0, 0, "")
    out, _, tables = ours.stdout.partition("\n")
    assert out + "\n" == plain.stdout
    g, f = parse_tables(tables)  # in order of decoration: the helper is imported first
    assert f.filename == os.path.join(target.format(cwd=at), "__main__.py")
    assert [row.text.strip() for row in f.rows][-1] == "return bytearray(8 << 20)"
    assert [row.text.strip() for row in g.rows][0] == "@builtins.profile"


@pytest.mark.parametrize("target", ["./app", "app.pyz"])
def test_its_exception_is_the_one_of_python(folder, target):
    plain, ours = both(folder, target, "raises")
    assert (plain.returncode, ours.returncode) == (1, 1)
    assert ours.stderr == plain.stderr and "ZeroDivisionError" in plain.stderr


def test_all_takes_its_functions(folder):
    """Without any @profile in it."""
    (folder / "app" / "__main__.py").write_text("def f():\n    return 1\nf()\n")
    done = python("-m", "memory_profiler", "--all", "./app", cwd=folder, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert [table.rows[0].text for table in parse_tables(done.stdout)] == ["def f():"]


def test_a_bare_word_is_a_package_as_ever(folder):
    (folder / "app" / "__init__.py").write_text("")
    (folder / "app" / "__main__.py").write_text("print('OUT', __package__, __name__)\n")
    done = python("-m", "memory_profiler", "-q", "app", cwd=folder, env=environment())
    assert (done.returncode, done.stdout, done.stderr) == (0, "OUT app __main__\n", "")


@pytest.mark.parametrize("target", ["empty/", "empty.zip"])
def test_without_a_main_it_is_one_line(tmp_path, target):
    (tmp_path / "empty").mkdir()
    shutil.make_archive(str(tmp_path / "empty"), "zip", tmp_path / "empty")
    done = python("-m", "memory_profiler", target, cwd=tmp_path, env=environment())
    assert done.returncode == 1
    whole = os.path.join(tmp_path, target)
    assert done.stderr == f"memory_profiler: can't find '__main__' module in {whole!r}\n"


@pytest.mark.parametrize("form", ["./app", "app.pyz"])
def test_a_main_that_cannot_be_compiled(folder, form):
    """As of a script: the place, the line and the caret, and no traceback."""
    (folder / "app" / "__main__.py").write_text("def f(:\n")
    zipapp.create_archive(folder / "app", folder / "app.pyz")
    done = python("-m", "memory_profiler", form, cwd=folder, env=environment())
    assert done.returncode == 1
    assert re.fullmatch(
        r'  File ".*__main__\.py", line 1\n    def f\(:\n +\^\nSyntaxError: .*\n', done.stderr
    )


@pytest.fixture
def commands(tmp_path):
    """A folder of $PATH with commands, and the environment that has it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, first in [
        ("tool", f"#!{sys.executable}"),
        ("shell", "#!/bin/sh"),
        ("email", "#!python"),
    ]:
        (folder / name).write_text(f"{first}\nimport sys\nprint('OUT', sys.argv)\n")
        (folder / name).chmod(0o755)
    return environment(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_command_is_run_where_no_module_has_its_name(tmp_path, commands):
    done = python("-m", "memory_profiler", "-q", "tool", "a", cwd=tmp_path, env=commands)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"OUT ['{tmp_path}/bin/tool', 'a']\n"
    (tmp_path / "tool.py").write_text("print('module')\n")
    done = python("-m", "memory_profiler", "-q", "tool", "a", cwd=tmp_path, env=commands)
    assert (done.returncode, done.stdout, done.stderr) == (0, "module\n", "")


@pytest.mark.parametrize("name", ["shell", "email", "nowhere", "tool.x", "a\x01b", "-"])
def test_nothing_else_is(tmp_path, commands, name):
    done = python("-m", "memory_profiler", name, cwd=tmp_path, env=commands)
    assert "OUT" not in done.stdout and done.returncode == 1
    assert done.stderr.count("\n") == 1
