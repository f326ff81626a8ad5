"""The scripts of tools/: what they say of what they do, and of what is missing."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCED = ["lib.sh", "roots.sh", "sanitizers.sh", "zig.sh"]
SCRIPTS = sorted(path for path in (ROOT / "tools").glob("*.sh") if path.name not in SOURCED)
# What lib.sh needs; neither a compiler nor CMake, nor a Python that could be used.
TOOLS = "sh awk basename cat date dirname env mkdir mktemp nproc rm sed sleep sort tail".split()


def run(*command, **options):
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        **{"timeout": 60, **options},
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_help(script):
    """What stands at its top, whatever is missing here."""
    for option in "--help", "-h":
        done = run("sh", script, option)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"sh tools/{script.name}" in done.stdout and "#" not in done.stdout


class Machine:
    """A machine with little on it: a copy of tools/, and a PATH of what there is."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        (folder / "home").mkdir()
        for name in TOOLS:
            if found := shutil.which(name):
                (self.programs / name).symlink_to(os.path.realpath(found))
        shutil.copytree(ROOT / "tools", folder / "clone/tools")

    def program(self, name, text):
        (self.programs / name).write_text("#!/bin/sh\n" + text)
        (self.programs / name).chmod(0o755)

    def environment(self):
        return {"PATH": str(self.programs), "HOME": str(self.folder / "home")}

    def run(self, name, *arguments):
        script = self.folder / "clone/tools" / name
        return run(self.programs / "sh", script, *arguments, env=self.environment())


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_who_may_not_install_is_told_what(machine):
    """A user without sudo: no silence, and nothing is begun."""
    machine.program("id", "echo 1000\n")
    machine.program("apt-get", "echo began >>$HOME/said\n")
    done = machine.run("demo.sh")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("demo.sh: you are neither root nor is there sudo")
    command = done.stderr.splitlines()[-1].split()
    assert command[:2] == ["apt-get", "install"]
    assert {"gcc", "libc6-dev", "cmake", "ninja-build", "gnuplot-nox"} <= set(command)
    assert not (machine.folder / "home/said").exists()


@pytest.mark.parametrize("arguments", [["--bogus"], [""], ["0"], ["1.5"], ["9", "x"], ["1"] * 3])
def test_wrong_arguments_of_the_demo_are_told_before_it_builds(machine, arguments):
    done = machine.run("demo.sh", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("demo.sh: ") and line.endswith(f"'{arguments[-1]}'")


@pytest.mark.parametrize("script", ["arm64.sh", "bare.sh", "wheels.sh"])
def test_unknown_arguments_are_told_before_anything_is_built(machine, script):
    done = machine.run(script, "--bogus")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{script}: unknown argument --bogus\n"


@pytest.mark.parametrize("command", ["arm64.sh", "bare.sh", "test-all.sh", "wheels.sh --roots"])
def test_who_is_not_root_enters_no_roots(machine, command):
    machine.program("id", "echo 1000\n")
    script, *arguments = command.split()
    done = machine.run(script, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{script}: needs root: it enters Debian roots of its own\n"


def test_without_apt_the_packages_are_named(machine):
    done = machine.run("demo.sh")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("demo.sh: install these, then try again: ") and (
        " gcc libc6-dev cmake ninja-build" in done.stderr
    )


APT = """
case "$*" in
*--print-uris*) echo "'http://x/a.deb' a.deb 1500000 SHA256:0"
                echo "'http://x/b.deb' b.deb 11000000 SHA256:0" ;;
update) sleep 1 ;;
install*) echo "no such package" >&2; exit 100 ;;
esac
"""


@pytest.mark.parametrize("user", ["root", "sudo"])
def test_steps_have_names_sizes_and_times(machine, user):
    machine.program("id", "echo 0\n" if user == "root" else "echo 1000\n")
    machine.program("sudo", 'echo "$@" >>$HOME/sudone; exec "$@"\n')
    machine.program("apt-get", APT)
    done = machine.run("demo.sh")
    assert (done.returncode, done.stdout) == (1, "")
    update, install, *rest = done.stderr.splitlines()
    assert re.fullmatch(r"apt-get update \.\.\. [1-9] s", update)
    assert re.fullmatch(
        r"apt-get install gcc libc6-dev .*gnuplot-nox.* \(2 packages, 12\.5 MB\) \.\.\. failed",
        install,
    )
    assert rest[0] == "no such package" and rest[-1].startswith("demo.sh: failed: apt-get install")
    assert (machine.folder / "home/sudone").exists() == (user == "sudo")


def test_what_pip_loaded_is_told(machine):
    """As much as it said, whatever the units."""
    (machine.folder / "clone/tools/try.sh").write_text(
        "set -eu\n"
        '. "$(dirname "$0")/lib.sh"\n'
        "quietly loading echo 'Downloading a.whl (1.5 MB)\n"
        "  Downloading b.whl (500 kB)\n"
        "Using cached c.whl.metadata (2 kB)'\n"
        "quietly nothing true\n"
    )
    done = machine.run("try.sh")
    assert done.returncode == 0
    assert re.fullmatch(r"loading \.\.\. \d s \(2\.0 MB\)\nnothing \.\.\. \d s\n", done.stderr)


def test_a_second_demo_waits(machine):
    flock = shutil.which("flock")
    if flock is None:
        pytest.skip("no flock")
    (machine.programs / "flock").symlink_to(flock)
    build = machine.folder / "clone/build"
    build.mkdir()
    holder = subprocess.Popen(
        [flock, build / "demo.lock", "sh", "-c", "echo held; read end"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    script = machine.folder / "clone/tools/demo.sh"
    try:
        assert holder.stdout.readline() == "held\n"
        second = subprocess.Popen(
            [machine.programs / "sh", script],
            env=machine.environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr.readline() == "demo.sh: waiting for another demo to end\n"
        assert second.poll() is None
    finally:
        holder.communicate("\n", timeout=30)
    assert "install these" in second.communicate(timeout=60)[1] and second.returncode == 1


def test_the_suite_holds_where_signals_are_ignored():
    """As in the background of a script: what the tests start does not ignore them."""
    test = ROOT / "tests/cli/test_ending.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    words = [str(part) for part in (*command, "-k", "interrupt")]
    done = run("sh", "-c", "trap '' INT QUIT HUP TERM; exec \"$@\"", "sh", *words, cwd=ROOT)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout


def test_the_figures_of_a_campaign(tmp_path):
    """Parts that ran have rows of their own, also where they failed; of the others the file's rows stay."""
    (tmp_path / "programs.state").write_text("0 1500 2026-11-27 3.12.1 1234567")
    (tmp_path / "programs.log").write_text("some line\n10000 programs end as they do without us\n")
    (tmp_path / "kills.state").write_text("1 9 2026-11-27 3.12.1 1234567")
    (tmp_path / "kills.xml").write_text(
        '<testsuite><testcase name="a"><properties><property name="campaign" value="7 kills"/></properties>'
        '</testcase><testcase name="b"><failure/></testcase><testcase name="c"><skipped/></testcase></testsuite>'
    )
    document = tmp_path / "figures.md"
    document.write_text(
        "before\n<!-- figures: campaign.sh --write -->\n"
        "| kills | long ago | 1 s | old |\n| fuzz | yesterday, 7654321 | 2 s | nothing found |\n"
        "<!-- end of figures -->\nafter\n"
    )
    ran = run(sys.executable, ROOT / "tools/campaign_figures.py", tmp_path, document)
    assert (ran.returncode, ran.stderr) == (1, "")  # a part has failed
    table = (
        "| part | when, which commit | took | found |\n|---|---|---|---|\n"
        "| faults | | | not run |\n"
        "| kills | 2026-11-27, 1234567, Python 3.12.1 | 9 s |"
        " 1 passed, 1 failed, 1 skipped; 7 kills; failed: b; exit status 1 |\n"
        "| programs | 2026-11-27, 1234567, Python 3.12.1 | 1500 s | 10000 programs end as they do without us |\n"
        "| fuzz | yesterday, 7654321 | 2 s | nothing found |\n"
        "| strangers | | | not run |\n"
    )
    assert ran.stdout == table
    assert document.read_text() == (
        f"before\n<!-- figures: campaign.sh --write -->\n{table}<!-- end of figures -->\nafter\n"
    )
