"""Other users of the machine, and hostile words in the environment and on the command line."""

import os
import pathlib
import re

import pytest
from faulty import open_ways

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def trap(faults, nobody):
    """A sticky folder in which another user leaves links: trap(name) gives what they point to."""
    open_ways(faults.folder)
    folder = faults.folder / "sticky"
    folder.mkdir()
    folder.chmod(0o1777)
    victim = faults.folder / "victim"

    def trap(name, text="mine"):
        victim.write_text(text)
        faults.run(*nobody, "ln", "-s", victim, folder / name)
        return victim

    trap.folder = folder
    return trap


def test_a_profile_is_not_written_through_anothers_link(faults, trap):
    victim = trap("x.dat")
    run = faults.run(faults.mprof, "run", "-o", "x.dat", "true", cwd=trap.folder, status=1)
    assert run.stderr == "mprof: cannot write x.dat: Permission denied\n"
    absolute = faults.run(faults.mprof, "run", "-o", trap.folder / "x.dat", "true", status=1)
    assert absolute.stderr.endswith(": Permission denied\n")
    attach = faults.run(
        faults.mprof, "attach", "-o", "x.dat", str(os.getpid()), cwd=trap.folder, status=1
    )
    assert attach.stderr == "mprof: cannot write x.dat: Permission denied\n"
    assert victim.read_text() == "mine"


def test_a_mark_is_not_written_through_anothers_link(faults, trap):
    victim = trap("x.dat", "RUN 1 0.1 rss process 1.0000\nMEM 1.0 1.0000\n")
    before = victim.read_text()
    mark = faults.run(
        faults.mprof,
        "mark",
        "begin",
        "label",
        status=1,
        cwd=trap.folder,
        env={**os.environ, "MPROF_OUTPUT": "x.dat"},
    )
    assert mark.stderr == "mprof mark: cannot write x.dat: Permission denied\n"
    program = faults.folder / "peaks.py"
    program.write_text(
        "from memory_profiler import profile\n"
        "@profile(peak=True, stream=open('t', 'w'))\n"
        "def f():\n    return len(bytearray(50 << 20))\nf()\n"
    )
    run = faults.run(
        faults.python, program, env={**os.environ, "MPROF_OUTPUT": str(trap.folder / "x.dat")}
    )
    assert (run.stdout, run.stderr) == ("", "")
    assert victim.read_text() == before


@pytest.mark.parametrize("suffix", ["html", "txt", "gp", "png"])
def test_a_chart_is_not_written_through_anothers_link(faults, trap, suffix):
    victim = trap("p." + suffix)
    (trap.folder / "d.dat").write_text("MEM 5.0 1.0000\nMEM 6.0 2.0000\n")
    plot = faults.run(faults.mprof, "plot", "-o", "p." + suffix, "d.dat", cwd=trap.folder, status=1)
    assert plot.stderr == f"mprof plot: cannot write p.{suffix}: Permission denied\n"
    assert victim.read_text() == "mine"
    assert (trap.folder / ("p." + suffix)).is_symlink()


def test_links_of_our_own_are_followed(faults):
    target = faults.folder / "target"
    target.write_text("old")
    (faults.folder / "x.dat").symlink_to(target)
    faults.run(faults.mprof, "run", "-q", "-o", "x.dat", "true")
    assert target.read_text().startswith("CMDLINE true\n")
    (faults.folder / "p.txt").symlink_to(faults.folder / "picture")
    (faults.folder / "picture").write_text("old")
    faults.run(faults.mprof, "plot", "-o", "p.txt", "x.dat")
    assert (faults.folder / "p.txt").is_symlink() and (
        faults.folder / "picture"
    ).stat().st_size > 100


def test_a_default_name_that_is_taken_by_a_link_is_left_alone(faults, trap):
    """All names of the seconds in which the command can run lead to the victim."""
    import time

    victim = trap("first")
    now = int(time.time())
    names = [time.strftime("mprofile_%Y%m%d%H%M%S.dat", time.localtime(now + i)) for i in range(60)]
    for name in names:
        (trap.folder / name).symlink_to(victim)
    faults.run(faults.mprof, "run", "-q", "true", cwd=trap.folder)
    assert victim.read_text() == "mine"
    (made,) = [path for path in trap.folder.glob("mprofile_*.dat") if not path.is_symlink()]
    assert made.read_text().startswith("CMDLINE true\n")


def test_the_page_for_the_browser_has_a_name_nobody_can_guess(faults, tmp_path):
    (faults.folder / "d.dat").write_text("MEM 5.0 1.0000\nMEM 6.0 2.0000\n")
    (faults.folder / "bin").mkdir()
    opener = faults.folder / "bin" / "xdg-open"
    opener.write_text('#!/bin/sh\nstat -c "%a %n" "$1"\n')
    opener.chmod(0o755)
    names = set()
    for _ in range(2):
        plot = faults.run(
            faults.mprof,
            "plot",
            "d.dat",
            env={
                **os.environ,
                "DISPLAY": ":9",
                "TMPDIR": str(faults.folder),
                "PATH": f"{faults.folder / 'bin'}:{os.environ['PATH']}",
            },
        )
        found = re.search(r"^600 (\S+/mprof-\w{6}\.html)$", plot.stdout, re.M)
        assert found, plot.stdout
        names.add(found[1])
    assert len(names) == 2


WORDS = [
    "$(touch hacked)",
    "`touch hacked`",
    "; touch hacked",
    "a'b\"; touch hacked #",
    "| touch hacked",
    "-x",
]


@pytest.mark.parametrize("word", WORDS)
def test_no_shell_reads_any_word(faults, word):
    shown = faults.run(faults.mprof, "run", "-qE", "-o", "./" + word + ".dat", "printf", "%s", word)
    assert (shown.stdout, shown.stderr) == (word, "")
    for form in "p.png", "p.html", "p.txt":
        plot = faults.run(faults.mprof, "plot", f"--title={word}", "-o", form, "./" + word + ".dat")
        assert plot.stderr == ""
    faults.run(faults.mprof, "attach", "-t", "0.01", "-o", "y.dat", "--", word, status=(0, 1))
    assert not (faults.folder / "hacked").exists()


def test_no_source_calls_a_shell():
    sources = [
        path for folder in ("memprof", "mprof", "plots") for path in (ROOT / folder).rglob("*.[ch]")
    ]
    assert len(sources) > 100
    for path in sources:
        assert not re.search(r"\b(system|popen|wordexp)\s*\(|/bin/sh", path.read_text()), path
    for path in (ROOT / "python").rglob("*.py"):
        assert not re.search(r"os\.system\(|os\.popen\(|shell=True", path.read_text()), path


HOSTILE = [
    "",
    "/",
    ".",
    "/proc/self/mem",
    "/dev/full",
    "/nowhere/x.dat",
    "x" * 5000,
    "a\nb",
    "\udcff",
    "/dev/null",
    "fifo",
]
CAN_BE_WRITTEN = ["a\nb", "\udcff", "/dev/null"]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_mprof_output_ends_no_program(faults, value):
    os.mkfifo(faults.folder / "fifo")
    program = faults.folder / "marks.py"
    program.write_text(
        "from memory_profiler import profile\n"
        "@profile(peak=True, stream=open('t', 'w'))\n"
        "def f():\n    return len(bytearray(50 << 20))\n"
        "print(f())\n"
    )
    run = faults.run(faults.python, program, env={**os.environ, "MPROF_OUTPUT": value})
    assert (run.stdout, run.stderr) == (f"{50 << 20}\n", "")
    mark = faults.run(
        faults.mprof,
        "mark",
        "begin",
        "label",
        status=(0, 1),
        env={**os.environ, "MPROF_OUTPUT": value},
    )
    assert mark.stderr.startswith("mprof mark: ") == bool(mark.returncode)
    assert mark.returncode == 1 or value in CAN_BE_WRITTEN


PIDS = [
    "0",
    "00",
    "-1",
    "0123",
    "2147483648",
    "4294967297",
    "18446744073709551617",
    "1e1",
    " 1",
    "1 ",
    "+1",
    "",
]


@pytest.mark.parametrize("pid", PIDS)
def test_a_pid_that_is_none_is_refused_in_one_line(faults, pid):
    attach = faults.run(faults.mprof, "attach", "-o", "x.dat", "-t", "0.01", "--", pid, status=1)
    assert attach.stderr.startswith("mprof: ") and attach.stderr.count("\n") == 1
    assert not (faults.folder / "x.dat").exists()


INDICES = [
    "1",
    "-2",
    "2147483648",
    "-9223372036854775808",
    "99999999999999999999999",
    "0x0",
    "1e0",
    "",
    "0 0",
]


@pytest.mark.parametrize("index", INDICES)
def test_an_index_out_of_range_is_no_file(faults, index):
    (faults.folder / "mprofile_20260101000000.dat").write_text("MEM 5.0 1.0000\nMEM 6.0 2.0000\n")
    for command in ["peak"], ["plot", "-o", "p.txt"], ["rm"]:
        result = faults.run(faults.mprof, *command, "--", index, status=(1, 2, 255))
        assert (result.stdout + result.stderr).count("\n") == 1
    assert (faults.folder / "mprofile_20260101000000.dat").exists()
