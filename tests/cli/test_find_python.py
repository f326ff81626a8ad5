"""Which Python runs a script under `mprof run`, where none is named."""

import os
import shutil
import sys

import pytest

WHO = "import os\nprint('OUT', os.environ['WHO'])\n"


@pytest.fixture
def place(tmp_path, mprof):
    """Pythons that say who they are, and copies of mprof beside them or not."""

    class Place:
        path = tmp_path / "path"

        @staticmethod
        def python(folder, name, has_us=True):
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / name
            who = f"{folder.relative_to(tmp_path)}/{name}"
            options = "" if has_us else "-S"
            file.write_text(f'#!/bin/sh\nWHO={who} exec "{sys.executable}" {options} "$@"\n')
            file.chmod(0o755)

        @staticmethod
        def mprof(folder):
            folder.mkdir(parents=True, exist_ok=True)
            return shutil.copy(mprof.binary, folder / "mprof")

        def run(self, binary, *words, **variables):
            (tmp_path / "script.py").write_text(WHO)
            mprof.binary = str(binary)
            env = {k: v for k, v in os.environ.items() if not k.startswith(("MPROF", "PYTHON"))}
            env.update(variables, PATH=str(self.path))
            return mprof("run", "-q", "-o", "x.dat", *(words or ["script.py"]), env=env)

        def who(self, binary, **variables):
            done = self.run(binary, **variables)
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout.startswith("OUT ")
            return done.stdout.split()[1]

    place = Place()
    place.path.mkdir()
    return place


def test_the_one_of_path(place, tmp_path):
    alone = place.mprof(tmp_path / "alone")
    place.python(place.path, "python")
    assert place.who(alone) == "path/python"
    place.python(place.path, "python3")
    assert place.who(alone) == "path/python3"


def test_the_one_beside_comes_first(place, tmp_path):
    place.python(place.path, "python3")
    binary = place.mprof(tmp_path / "venv/bin")
    place.python(tmp_path / "venv/bin", "python3")
    assert place.who(binary) == "venv/bin/python3"
    os.symlink(binary, tmp_path / "linked")
    assert place.who(tmp_path / "linked") == "venv/bin/python3"


def test_a_python_beside_without_our_package_is_passed_by(place, tmp_path):
    place.python(place.path, "python3")
    binary = place.mprof(tmp_path / "usr/bin")
    place.python(tmp_path / "usr/bin", "python", has_us=False)
    assert place.who(binary) == "path/python3"


@pytest.mark.parametrize("where", ["owner/bin", "path"])
@pytest.mark.parametrize(
    "lib", ["lib/python3.99/site", "lib64/python3.99/site", "lib/python3.99/dist"]
)
def test_the_one_whose_site_packages_hold_mprof(place, tmp_path, lib, where):
    """Also where that has no interpreter of its own, as in a user's folder."""
    place.python(place.path, "python3")
    binary = place.mprof(tmp_path / f"owner/{lib}-packages/mprof/_bin")
    place.python(tmp_path / where, "python3.99")
    assert place.who(binary) == f"{where}/python3.99"


def test_a_variable_comes_before_all(place, tmp_path):
    binary = place.mprof(tmp_path / "venv/bin")
    place.python(tmp_path / "venv/bin", "python")
    place.python(tmp_path / "wanted", "anything")
    found = place.who(binary, MPROF_PYTHON=str(tmp_path / "wanted/anything"))
    assert found == "wanted/anything"


def test_where_none_has_our_package_one_line_says_what_was_tried(place, tmp_path):
    binary = place.mprof(tmp_path / "bin")
    place.python(tmp_path / "bin", "python", has_us=False)
    place.python(place.path, "python3", has_us=False)
    done = place.run(binary)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "mprof run: no Python that can import memory_profiler: tried "
        f"{tmp_path}/bin/python, python3, python; MPROF_PYTHON names another\n"
    )
    assert not (tmp_path / "x.dat").exists()


def test_a_program_that_names_its_python_needs_none(place, tmp_path):
    binary = place.mprof(tmp_path / "bin")
    place.python(tmp_path / "named", "python3.99")
    done = place.run(binary, "--nopython", str(tmp_path / "named/python3.99"), "script.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "OUT named/python3.99\n", "")


def test_a_command_of_path_is_a_python_program(place, tmp_path):
    binary = place.mprof(tmp_path / "alone")
    place.python(place.path, "python3")
    tool = place.path / "mytool"
    tool.write_text(f"#!{sys.executable}\nimport sys\nprint('OUT', sys.argv[1:])\n")
    tool.chmod(0o755)
    done = place.run(binary, "--python", "mytool", "-x", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "OUT ['-x', '1']\n"
