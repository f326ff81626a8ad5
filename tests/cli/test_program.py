"""The program under mprof is the program the shell would have started."""

import os
import resource
import signal
import subprocess
import sys

import pytest


def test_arguments_are_passed_byte_for_byte(mprof):
    arguments = [b"-1", b"", b"a b", b"new\nline", b"\xff\xfe", b"--help", b"-T", b"$x `y`", b"--"]
    show = "import os, sys; print(list(map(os.fsencode, sys.argv[1:])))"
    result = mprof("run", "-q", sys.executable, "-c", show, *arguments)
    assert result.stdout == f"{arguments}\n"
    assert len(mprof.dat().of("CMDLINE")) == 1
    assert "new\\nline" in mprof.dat().text


def test_head_gets_its_number(mprof):
    (mprof.folder / "file").write_text("one\ntwo\n")
    result = mprof("run", "-q", "head", "-1", "file")
    assert result.stdout == "one\n"


def test_double_dash_ends_the_options_once(mprof):
    assert mprof("run", "-q", "--", "echo", "--", "x").stdout == "-- x\n"


def test_standard_streams_are_the_programs_own(mprof):
    result = mprof("run", "-q", "sh", "-c", "cat; echo error >&2", input="text")
    assert (result.stdout, result.stderr) == ("text", "error\n")


def test_first_lines_and_their_silence(mprof):
    result = mprof("run", "true")
    assert result.stdout == ""
    notices = result.stderr.splitlines()
    assert notices[:2] == ["mprof: Sampling memory every 0.1s", "running new process"]
    assert mprof("run", "-T", "1", "true").stderr.startswith("mprof: Sampling memory every 1.0s\n")
    quiet = mprof("run", "-q", "true")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_the_output_is_the_programs_alone(mprof):
    """mprof run gen > data gives data: notices, also of a file that is overwritten, are no part."""
    for _ in range(2):
        result = mprof("run", "-o", "x.dat", sys.executable, "-c", "print(*range(1000), sep='\\n')")
        assert result.returncode == 0
        assert result.stdout == "".join(f"{n}\n" for n in range(1000))
    said = result.stderr.splitlines()
    assert said[0] == "mprof: overwriting x.dat"
    assert said[1:3] == ["mprof: Sampling memory every 0.1s", "running new process"]
    assert len(said) == 4 and said[3].startswith("mprof: peak ")


STATE = """
import os, resource, signal
status = open("/proc/self/status").read().splitlines()
print([line for line in status if line.startswith(("SigBlk", "SigIgn", "NoNewPrivs", "Cpus_al"))])
print(open("/proc/self/timerslack_ns").read())
print([resource.getrlimit(n) for n in range(16)])
print(sorted(os.listdir("/proc/self/fd"), key=int)[:-1])
print(os.getpgrp() == int(os.environ["GROUP"]), os.getsid(0), os.nice(0), os.umask(0), os.getcwd())
print(sorted(set(os.environ) - {"MPROF_OUTPUT"}))
"""


@pytest.mark.parametrize("closed", [(), (0,), (2,), (0, 2)])
@pytest.mark.parametrize("ignored", [(), (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)])
def test_state_is_that_of_the_shell(mprof, closed, ignored):
    """Masks, ignored signals, limits, timer slack, descriptors: as without mprof."""
    descriptor = os.open("/dev/null", os.O_RDONLY)

    def prepare():
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH, signal.SIGTERM})
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
        for number in closed:
            os.close(number)

    options = {
        "preexec_fn": prepare,
        "pass_fds": (descriptor,),
        "env": {**os.environ, "GROUP": str(os.getpgrp())},
        "restore_signals": False,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
        "stdin": subprocess.DEVNULL,
        "cwd": mprof.folder,
        "text": True,
        "timeout": 60,
    }
    program = [sys.executable, "-I", "-S", "-c", STATE]
    plain = subprocess.run(program, **options)
    ours = subprocess.run([mprof.binary, "run", "-q", *program], **options)
    os.close(descriptor)
    assert plain.returncode == 0
    assert ours.stdout == plain.stdout


def test_ignored_sigchld_does_not_confuse(mprof):
    result = mprof(
        "run",
        "-E",
        "sh",
        "-c",
        "exit 5",
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    )
    assert result.returncode == 5
    assert len(mprof.dat().memory) >= 1


@pytest.mark.parametrize(
    "command, status", [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
)
def test_exit_code(mprof, command, status):
    assert mprof("run", "-E", "sh", "-c", command).returncode == status
    assert mprof("run", "sh", "-c", command).returncode == 0


def test_program_that_cannot_start(mprof):
    (mprof.folder / "plain").write_text("text")
    for program, reason in [
        ("./nothing", "No such file or directory"),
        ("no-such-program-anywhere", "No such file or directory"),
        ("./plain", "Permission denied"),
        ("/", "Permission denied"),
    ]:
        result = mprof("run", program)
        assert result.returncode == 1
        assert result.stderr.splitlines()[2:] == [f"mprof: cannot run {program}: {reason}"]
    assert mprof.dats() == []


def test_a_script_that_is_not_there(mprof):
    """Neither here nor on PATH: nothing is run, and there is no profile."""
    environment = {**os.environ, "MPROF_PYTHON": sys.executable, "PATH": f"{mprof.folder}/bin"}
    for options in [], ["-E"], ["--python"]:
        result = mprof("run", *options, "sub/job.py", env=environment)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == "mprof: cannot run sub/job.py: No such file or directory\n"
    assert mprof.dats() == []
    (mprof.folder / "bin/sub").mkdir(parents=True)
    (mprof.folder / "bin/sub/job.py").write_text("print('ran')\n")
    assert mprof("run", "-q", "sub/job.py", env=environment).stdout == "ran\n"


def test_a_program_here_that_is_in_no_folder_of_path_is_told(mprof):
    (mprof.folder / "app").mkdir()
    (mprof.folder / "app.pyz").touch()
    for name in "app", "app.pyz":
        result = mprof("run", "-q", name)
        assert (result.returncode, result.stderr) == (
            1,
            f"mprof: cannot run {name}: it is in no folder of PATH; the one here is ./{name}, and "
            f"run --python {name} takes a Python program\n",
        )


def test_what_is_not_there_is_one_status(mprof):
    """1; 255 where it is memory_profiler's."""
    commands = {
        1: [
            "run nothing",
            "run nothing.py",
            "attach nobody",
            "attach 4194305",
            "rm 5",
            "rm no.dat",
        ],
        255: ["peak", "peak no.dat", "peak 5", "plot", "plot no.dat -o x.txt", "plot 5 -o x.txt"],
    }
    for status, lines in commands.items():
        for line in lines:
            assert mprof(*line.split()).returncode == status, line


def test_no_program(mprof):
    result = mprof("run")
    assert result.returncode == 1
    assert result.stdout == "A program to run must be provided. Use -h for help\n"


def test_last_line(mprof):
    result = mprof("run", "sleep", "0.25")
    (dat,) = mprof.dats()
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    parts = lines[2].split(" · ")
    assert parts[0].startswith("mprof: peak ") and parts[0].endswith(" s")
    assert parts[1].startswith("real 0.2") and " user " in parts[1] and " sys " in parts[1]
    assert parts[2] == f"{len(mprof.dat().memory)} samples"
    assert parts[3:] == [dat.name, "next: mprof plot"]
    peak = float(parts[0].split()[2])
    assert peak == pytest.approx(max(mprof.dat().peaks.values()), abs=0.006)


def test_output_named_by_an_absolute_path_after_chdir(mprof, script):
    program = script("import os; os.chdir('/'); print(os.environ['MPROF_OUTPUT'])")
    result = mprof("run", "-q", "-o", "here.dat", *program)
    assert result.stdout == f"{mprof.folder / 'here.dat'}\n"
    assert len(mprof.dat("here.dat").memory) >= 1


def test_closed_standard_error_of_mprof(mprof):
    """Nothing of ours lands in the profile, which would get number 2."""
    subprocess.run(
        ["sh", "-c", '"$0" run -o x.dat true 2>&-', mprof.binary],
        cwd=mprof.folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert "mprof:" not in mprof.dat("x.dat").text
    assert len(mprof.dat("x.dat").memory) >= 1


def test_reader_of_our_output_that_goes_away(mprof):
    """A closed pipe ends neither mprof nor the program."""
    result = subprocess.run(
        ["sh", "-c", '("$0" run -o x.dat -E sh -c "sleep 0.2; exit 9"; echo $? >&2) | true']
        + [mprof.binary],
        cwd=mprof.folder,
        capture_output=True,
        text=True,
    )
    assert result.stderr.splitlines()[-1] == "9"
    assert len(mprof.dat("x.dat").memory) >= 2


def test_no_leftovers(mprof):
    """When mprof has ended, so has its witness."""
    process = mprof.start("run", "-q", "sleep", "0.3")
    process.wait(timeout=20)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
