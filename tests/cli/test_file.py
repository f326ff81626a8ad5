"""The profile: its name, its contents, and what happens where it cannot be written."""

import os
import resource
import subprocess

import pytest


def test_names_are_unique_within_a_second(mprof):
    running = [mprof.start("run", "-q", "true") for _ in range(5)]
    for process in running:
        assert process.wait(timeout=20) == 0
    assert len(mprof.dats()) == 5
    for path in mprof.dats():
        assert len(mprof.dat(path.name).of("CMDLINE")) == 1
    assert len(mprof("list").stdout.splitlines()) == 5


def test_given_file_is_truncated_and_it_is_said(mprof):
    mprof("run", "-o", "x.dat", "echo", "first")
    result = mprof("run", "-o", "x.dat", "echo", "second")
    assert "mprof: overwriting x.dat\n" in result.stderr
    assert result.stdout == "second\n"
    assert mprof.dat("x.dat").of("CMDLINE") == [["echo", "second"]]


def test_moments_have_six_decimals_below_ten_milliseconds(mprof):
    for interval, decimals in [("0.1", 4), ("0.01", 4), ("0.009", 6)]:
        mprof("run", "-q", "-T", interval, "-o", "x.dat", "sleep", "0.05")
        moments = [moment for _, moment in mprof.dat("x.dat").of("MEM")]
        assert {len(moment.split(".")[1]) for moment in moments} == {decimals}


def test_newline_in_an_argument(mprof):
    mprof("run", "-q", "-o", "x.dat", "echo", "a\nMEM 1 2")
    assert mprof.dat("x.dat").lines[0] == ["CMDLINE", "echo", "'a\\nMEM", "1", "2'"]


def test_locale_changes_no_number(mprof):
    mprof("run", "-q", "-o", "x.dat", "true", env={**os.environ, "LC_ALL": "de_DE.UTF-8"})
    assert "," not in mprof.dat("x.dat").text


def as_nobody():
    os.setgid(65534)
    os.setuid(65534)


@pytest.fixture
def no_writing(tmp_path):
    """A folder that cannot be written by who runs mprof in it, with the options for that."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    options = {"cwd": folder}
    if os.getuid() == 0:
        for parent in folder.parents:
            if str(parent).startswith("/tmp/") and parent.stat().st_uid == 0:
                parent.chmod(parent.stat().st_mode | 0o055)
        options["preexec_fn"] = as_nobody
    return options


def test_read_only_folder(mprof, no_writing):
    result = mprof("run", "touch", str(mprof.folder / "ran"), **no_writing)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("mprof: cannot write mprofile_")
    assert result.stderr.endswith(": Permission denied\n")
    assert not (mprof.folder / "ran").exists()


def test_missing_folder(mprof):
    result = mprof("run", "-o", "nowhere/x.dat", "true")
    assert result.returncode == 1
    assert result.stderr == "mprof: cannot write nowhere/x.dat: No such file or directory\n"


def test_full_disk_at_the_start(mprof):
    result = mprof("run", "-o", "/dev/full", "true")
    assert result.returncode == 1
    assert result.stderr == "mprof: cannot write /dev/full: No space left on device\n"


def test_disk_that_gets_full(mprof):
    """The program is left alone; one line tells what is missing, and the status is not 0."""
    command = ["run", "-q", "-T", "0.001", "-o", "x.dat", "sh", "-c", "sleep 1; echo done"]
    result = mprof(
        *command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    )
    assert result.stdout == "done\n"
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("mprof: cannot write x.dat: File too large; ")
    assert (mprof.folder / "x.dat").stat().st_size == 8192


def test_wrong_options(mprof):
    for arguments in [
        ["-T", "0"],
        ["-T", "x"],
        ["-T", "-1"],
        ["-T", "nan"],
        ["-t", "-1"],
        ["--backend", "magic"],
        ["--backend", "tracemalloc"],
        ["--spikes", "--backend", "pss"],
        ["--no-such-option"],
        ["-Z"],
        ["-T"],
    ]:
        result = mprof("run", *arguments, *([] if arguments == ["-T"] else ["true"]))
        assert result.returncode == 2, arguments
        assert result.stderr.startswith("mprof run: ") and result.stderr.count("\n") == 1
    assert mprof.dats() == []


@pytest.mark.parametrize(
    "words, meant",
    [
        (["plto"], "plot"),
        (["lsit"], "list"),
        (["atach"], "attach"),
        (["--verison"], "--version"),
        (["--hlep"], "--help"),
        (["zzz"], None),
        ([""], None),
        (["plot", "--tilte", "x"], "--title"),
        (["run", "--spkes=3"], "--spikes"),
        (["run", "--=3"], None),
        (["run", "--" + "x" * 5000], None),
    ],
)
def test_words_that_look_like_others(mprof, words, meant):
    result = mprof(*words)
    assert result.returncode == (2 if len(words) > 1 else 1)
    line = result.stderr.rstrip("\n")
    assert "\n" not in line and "unknown " in line
    assert line.endswith(f" (did you mean {meant}?)") if meant else "did you" not in line


@pytest.mark.parametrize("words", [[], ["help"], ["run"], ["top"], ["plot"]])
def test_help_as_a_command(mprof, words):
    result, asked = mprof("help", *words), mprof(*[w for w in words if w != "help"], "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == asked.stdout and result.stdout.startswith("usage: mprof ")
    assert mprof("help", "plto").stderr == "mprof: unknown command: plto (did you mean plot?)\n"


@pytest.mark.parametrize(
    "command", ["run", "attach", "list", "rm", "clean", "peak", "mark", "top", "heap"]
)
def test_help_of_each_command(mprof, command):
    result = mprof(command, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: mprof {command} ")
    assert "--help" in result.stdout and result.stderr == ""


def test_help_says_what_can_be_missed_or_changed(mprof):
    text = " ".join(mprof("run", "--help").stdout.split())
    assert "with --backend pss the sum is right" in text
    assert "This changes what the program itself reads as its peak" in text
    assert "can be missed" in text
    assert "The program itself is never stopped" in text


def test_usage(mprof):
    for arguments, status in [([], 1), (["bogus"], 1), (["--help"], 0)]:
        result = mprof(*arguments)
        assert result.returncode == status
        assert result.stdout.startswith("usage: mprof <command>")


def test_combined_and_attached_options(mprof):
    assert mprof("run", "-qMCT0.02", "--output=x.dat", "sleep", "0.1").returncode == 0
    assert mprof.dat("x.dat").of("RUN")[0][1:4] == ["rss", "sum+each", "0.02"]


def test_full_output(mprof):
    """A listing that could not be written is no success."""
    mprof("run", "-q", "true")
    with open("/dev/full", "w") as full:
        result = mprof("list", stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1
    assert result.stderr == "mprof: cannot write the output: No space left on device\n"
