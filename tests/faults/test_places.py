"""Folders, disks and views of /proc that are not as usual."""

import os
import re
import signal
import stat
import sys

import pytest
from faulty import SAID, SCRIPT, open_ways

NO_PROC = "umount -l /proc"
NOT_MOUNTED = "/proc is not mounted\n"
DAT = "CMDLINE x\nMEM 5.0 1.0000\nMEM 6.0 2.0000\n"


def test_without_proc_the_program_runs_and_one_line_is_said(faults, namespaces):
    run = faults.shell(
        NO_PROC, faults.mprof, "run", "-qE", "-o", "x.dat", "sh", "-c", "echo 1; exit 7", status=7
    )
    assert (run.stdout, run.stderr) == (
        "1\n",
        f"mprof: cannot read the memory of the program: {NOT_MOUNTED}",
    )
    attach = faults.shell(NO_PROC, faults.mprof, "attach", "1", status=1)
    assert attach.stderr == f"mprof: no process can be seen: {NOT_MOUNTED}"
    (faults.folder / "d.dat").write_text(DAT)
    assert faults.shell(NO_PROC, faults.mprof, "peak", "d.dat").stdout == "d.dat\t6.000 MiB\n"
    assert faults.shell(NO_PROC, faults.mprof, "plot", "-o", "d.txt", "d.dat").stderr == ""
    for options in [], ["--peak"], ["--functions"], ["--timestamp"]:
        lines = faults.shell(NO_PROC, *faults.profiler, *options, "script.py", status=1)
        assert lines.stderr == f"memory_profiler: memory cannot be read: {NOT_MOUNTED}"


def test_without_proc_signals_reach_the_program(faults, namespaces):
    process = faults.start(
        "unshare",
        "-m",
        "sh",
        "-c",
        NO_PROC + '; exec "$@"',
        "sh",
        faults.mprof,
        "run",
        "-qE",
        "sh",
        "-c",
        "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done",
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[1].endswith(NOT_MOUNTED)
    assert process.returncode == 9


def test_where_processes_of_others_are_hidden_our_own_are_measured(faults, namespaces, nobody):
    open_ways(faults.folder)
    faults.folder.chmod(0o777)
    mprof = faults.folder / "mprof"
    mprof.write_bytes(open(faults.mprof, "rb").read())
    mprof.chmod(0o755)
    hide = "mount -t proc -o hidepid=2 proc /proc"
    run = faults.shell(
        hide,
        *nobody,
        mprof,
        "run",
        "-qEM",
        "-o",
        "x.dat",
        "sh",
        "-c",
        "sleep 0.3 & wait; exit 5",
        status=5,
    )
    assert run.stderr == ""
    assert faults.peak("x.dat") > 0.5
    assert "CHLD" in faults.dat("x.dat")
    attach = faults.shell(hide, *nobody, mprof, "attach", "1", status=1)
    assert attach.stderr == "mprof: no process has the pid 1\n"


def in_tmpfs(options):
    return f"mkdir -p disk && mount -t tmpfs -o {options} tmpfs disk && cd disk"


def test_in_a_folder_that_cannot_be_written(faults, namespaces):
    there = in_tmpfs("ro")
    run = faults.shell(there, faults.mprof, "run", "true", status=1)
    assert run.stderr.startswith("mprof: cannot write mprofile_")
    assert run.stderr.endswith(": Read-only file system\n") and run.stderr.count("\n") == 1
    named = faults.shell(
        there, faults.mprof, "run", "-qE", "-o", "../x.dat", "sh", "-c", "exit 4", status=4
    )
    assert named.stderr == ""
    assert faults.peak("x.dat") > 0.5
    plot = faults.shell(there, faults.mprof, "plot", "-o", "p.html", "../x.dat", status=1)
    assert plot.stderr == "mprof plot: cannot write p.html: Read-only file system\n"
    for option in "-o", "--json", "--pstats":
        lines = faults.shell(there, *faults.profiler, option, "out", "../script.py", status=1)
        assert lines.stderr == "memory_profiler: cannot write out: Read-only file system\n"
    lines = faults.shell(there, *faults.profiler, "../script.py", status=7)
    assert lines.stdout.startswith(SAID) and lines.stderr == ""


NO_LIVE = (
    "memory_profiler: no {}/out.live (No space left on device): a run that is killed leaves what it "
    "saved last"
)
FULL_DISK = in_tmpfs("size=16k") + " && head -c 16k /dev/zero > fill; truncate -s 12k fill"


def test_on_a_full_disk_the_program_ends_as_it_would(faults, namespaces):
    run = faults.shell(
        FULL_DISK,
        faults.mprof,
        "run",
        "-qE",
        "-T",
        "0.001",
        "-o",
        "x.dat",
        "sh",
        "-c",
        "sleep 0.3; cp x.dat ..; exit 4",
        status=4,
    )
    assert run.stderr.startswith("mprof: cannot write x.dat: No space left on device; ")
    assert run.stderr.endswith(" samples are missing\n") and run.stderr.count("\n") == 1
    assert faults.peak("x.dat") > 0.5
    (faults.folder / "big.dat").write_text(
        "CMDLINE x\n" + "".join(f"MEM {i}.0 {i}.0000\n" for i in range(9000))
    )
    plot = faults.shell(FULL_DISK, faults.mprof, "plot", "-o", "p.html", "../big.dat", status=1)
    assert plot.stderr == "mprof plot: cannot write p.html: No space left on device\n"
    for option in "--json", "--pstats":
        full = FULL_DISK + "; truncate -s 16k fill; head -c 16k /dev/zero > fill 2>/dev/null"
        lines = faults.shell(full, *faults.profiler, option, "out", "../script.py", status=7)
        assert lines.stdout.startswith(SAID)
        *before, last = lines.stderr.splitlines()
        assert re.fullmatch(r"memory_profiler: cannot write \S+/out: No space left on device", last)
        assert before == ([NO_LIVE.format(faults.folder / "disk")] if option == "--json" else [])


def test_on_a_disk_that_fills_up_live_tables_are_what_fitted(faults, namespaces):
    """The program goes on, its own tables are whole; the end says what FILE.live had not."""
    (faults.folder / "many.py").write_text(
        "names = {'profile': profile}\n"
        "for i in range(2000):\n"
        "    exec(f'@profile\\ndef f{i}():\\n    return {i}\\nf{i}()', names)\n"
        "import os, shutil, sys; shutil.copy('out.live', '../left.live')\n"
    )
    small = in_tmpfs("size=200k")
    lines = faults.shell(small, *faults.profiler, "--json", "out", "../many.py", status=0)
    assert re.fullmatch(
        r"(memory_profiler: the tables could not be saved: .*No space left on device\n)?"
        r"memory_profiler: cannot write \S+/out: No space left on device\n"
        r"memory_profiler: \S+/out\.live was not complete: No space left on device\n",
        lines.stderr,
    )
    assert lines.stdout.count("Filename: ") == 2000
    report = [sys.executable, "-m", "memory_profiler.report", "left.live"]
    left = faults.run(*report, status=0)
    assert 100 < left.stdout.count("Filename: ") < 2000
    assert left.stderr.startswith("memory_profiler.report: left.live: the run did not end: ")


# A file that can be written in a folder that cannot.
LOCKED = (
    in_tmpfs("size=1m")
    + " && touch run.json && mount --bind run.json run.json && mount -o remount,bind,ro ../disk"
)


def test_in_a_folder_that_cannot_be_written_there_are_no_live_tables(faults, namespaces):
    """What is saved in a file of ours there is written at its end alone: nothing can be beside it."""
    then = '"$@"; status=$?; ls; cat run.json; exit $status'
    command = [*faults.profiler, "--json", "run.json", "../script.py"]
    lines = faults.shell(LOCKED, "sh", "-c", then, "sh", *command, status=7)
    assert lines.stderr == ""
    assert '\nrun.json\n{"format"' in lines.stdout and '"finished":true' in lines.stdout


NAMES = [b"caf\xe9", b"a\nb", b"\xff\xfe\x1b[31m", "naïve \u202e".encode()]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_no_text_are_taken_as_they_are(faults, name):
    folder = os.path.join(os.fsencode(faults.folder), name)
    os.mkdir(folder)
    with open(os.path.join(folder, b"s.py"), "w") as file:
        file.write(SCRIPT)
    dat = name + b".dat"
    run = faults.run(
        faults.mprof, "run", "-qE", "-o", dat, "printf", "%s", name, status=0, cwd=folder
    )
    assert (run.stdout, run.stderr) == (os.fsdecode(name), "")
    peak = faults.run(faults.mprof, "peak", dat, cwd=folder)
    assert " MiB" in peak.stdout and peak.stderr == ""
    assert faults.run(faults.mprof, "plot", "-o", b"p.html", dat, cwd=folder).stderr == ""
    assert os.stat(os.path.join(folder, b"p.html")).st_size > 1000
    lines = faults.run(*faults.profiler, os.path.join(folder, b"s.py"), status=7)
    assert lines.stdout.startswith(SAID) and lines.stderr == ""
    python = faults.run(
        faults.mprof, "run", "-qE", "-o", b"q.dat", "--python", b"s.py", name, status=7, cwd=folder
    )
    assert (python.stdout, python.stderr) == (SAID, "")
    with open(os.path.join(folder, b"q.dat"), "rb") as file:
        assert file.read().count(b"\nFUNC __main__.work ") == 3
    saved = faults.run(
        *faults.profiler,
        "--json",
        os.path.join(folder, b"r.json"),
        os.path.join(folder, b"s.py"),
        status=7,
    )
    assert saved.stderr == ""


def test_a_profile_that_others_may_not_read_is_as_the_umask_says(faults):
    faults.run(faults.mprof, "run", "-q", "-o", "x.dat", "true", preexec_fn=lambda: os.umask(0o077))
    assert stat.S_IMODE((faults.folder / "x.dat").stat().st_mode) == 0o600
