"""Files beside the program have names of modules that we need: we take Python's, the program its own."""

import subprocess
import sys

import pytest
from support import environment, python

# runpy itself, by which -m works, needs others that cannot be had then.
NAMES = "argparse json linecache shutil signal tempfile tokenize inspect difflib csv pstats".split()
MINE = "raise SystemExit('mine')\n"
PROGRAM = "@profile\ndef f():\n    return 1\nf()\n"
OPTIONS = [
    [],
    ["--json", "run.json", "--multiprocess"],
    ["--functions", "--pstats", "f.pstats"],
    ["--all", "--peak"],
    ["--line-time", "--lprof", "t.lprof"],
]


@pytest.fixture(params=NAMES)
def name(request, tmp_path):
    (tmp_path / f"{request.param}.py").write_text(MINE)
    (tmp_path / "script.py").write_text(PROGRAM)
    return request.param


def ended_well(tmp_path, *words):
    done = python("-m", *words, cwd=tmp_path, env=environment())
    assert (done.returncode, done.stderr) == (0, ""), words
    return done.stdout


def test_we_take_pythons(name, tmp_path):
    for options in OPTIONS:
        assert "Filename: script.py" in ended_well(
            tmp_path, "memory_profiler", *options, "script.py"
        )
    assert "script.py" in ended_well(tmp_path, "memory_profiler.report", "run.json")
    for form in ("csv", "html", "json"):
        ended_well(tmp_path, "memory_profiler.report", "--to", form, "-o", "out", "run.json")
    ended_well(tmp_path, "memory_profiler.diff", "run.json", "run.json")
    plain = python("-c", "1", cwd=tmp_path, env=environment())
    if plain.returncode == 0:  # Python 3.14 itself imports linecache from there for -c
        assert "peak memory" in ended_well(tmp_path, "memory_profiler.memit", "1")
    else:
        assert (name, plain.stderr) == ("linecache", "mine\n")


@pytest.mark.parametrize("taken", ["signal", "subprocess", "json", "threading"])
def test_mprof_takes_pythons(taken, tmp_path):
    (tmp_path / f"{taken}.py").write_text(MINE)
    (tmp_path / "x.dat").write_text("MEM 5.0 1795356600.0000\n")
    assert ended_well(tmp_path, "mprof", "peak", "x.dat") == "x.dat\t5.000 MiB\n"


def test_a_program_that_imports_mprof_finds_its_own(tmp_path):
    package = tmp_path / "tool"
    package.mkdir()
    (package / "__init__.py").write_text("import mprof, memory_profiler\nimport helper\n")
    (package / "__main__.py").write_text("import helper\nprint(helper.what)\n")
    (tmp_path / "helper.py").write_text("what = 'mine'\n")
    assert ended_well(tmp_path, "tool") == "mine\n"


@pytest.mark.parametrize("package", [False, True])
def test_the_program_takes_its_own(tmp_path, package):
    """Wherever it is imported from, a package too; whatever it has no file for is Python's."""
    names = ["json", "argparse", "signal"]
    for name in names:
        place = tmp_path / name / "__init__.py" if package else tmp_path / f"{name}.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"what = {name!r}\n")
    (tmp_path / "linecache.txt").write_text("no module")
    imports = f"import {', '.join(names)}, linecache\n"
    says = "print('OUT', json.what, argparse.what, signal.what, linecache.getline)\n"
    (tmp_path / "own.py").write_text(imports + says)
    plain = python("own.py", cwd=tmp_path, env=environment())
    assert plain.stderr == "" and plain.stdout.startswith("OUT json argparse signal <function")
    for program in (["own.py"], ["-m", "own"], ["-c", imports + says], ["./"], ["own"]):
        if program == ["./"]:
            (tmp_path / "__main__.py").write_text(imports + says)
        done = python("-m", "memory_profiler", "-q", *program, cwd=tmp_path, env=environment())
        assert (done.returncode, done.stderr) == (0, ""), program
        assert done.stdout.split("<")[0] == plain.stdout.split("<")[0], program


def test_a_folder_that_is_gone(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = tmp_path / "script.py"
    script.write_text(f"print('OUT')\n{PROGRAM}")
    shell = 'cd "$1" && rmdir "$1" && exec "$2" -m memory_profiler "$3"'
    done = subprocess.run(
        ["sh", "-c", shell, "sh", str(gone), sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert done.returncode == 0 and done.stdout.startswith("OUT\n"), done.stderr
