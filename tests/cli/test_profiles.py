"""list, rm and clean see profiles and nothing else; read_mprofile_file reads them."""

import subprocess

import pytest
from terminal import Terminal

NAMES = [f"mprofile_{date}120001.dat" for date in ("20230101", "20240101", "20240229")]
OTHERS = ["mprofile_abcdefghijklmn.dat", "mprofile_2024.dat", "mprofile_20240101120001.dat.bak"]


@pytest.fixture
def profiles(tmp_path):
    for name in NAMES + OTHERS:
        (tmp_path / name).write_text("MEM 1 1\n")
    return lambda: sorted(path.name for path in tmp_path.glob("mprofile_*"))


def test_list(mprof, profiles):
    assert mprof("list").stdout.splitlines() == [
        f"0 {NAMES[0]} 12:00:01 01/01/2023",
        f"1 {NAMES[1]} 12:00:01 01/01/2024",
        f"2 {NAMES[2]} 12:00:01 29/02/2024",
    ]


def test_rm(mprof, profiles):
    result = mprof("rm", "--dry-run", "0", "-1")
    assert result.stdout == f"Files to be removed: \n{NAMES[0]}\n{NAMES[2]}\n"
    assert profiles() == sorted(NAMES + OTHERS)
    assert mprof("rm", "0", "-1").returncode == 0
    assert profiles() == sorted([NAMES[1], *OTHERS])
    assert mprof("rm", OTHERS[1]).returncode == 0
    assert OTHERS[1] not in profiles()


@pytest.mark.parametrize("argument", ["7", "-4", "nothing.dat", "0x1", "99999999999999999999"])
def test_rm_of_nothing_removes_nothing(mprof, profiles, argument):
    result = mprof("rm", "0", argument)
    assert result.returncode == 1
    assert result.stderr == f"mprof rm: no such profile: {argument}\n"
    assert profiles() == sorted(NAMES + OTHERS)


def test_clean(mprof, profiles):
    lines = mprof("clean", "--dry-run").stdout.splitlines()
    assert lines == ["Files to be removed: ", *NAMES]
    result = mprof("clean", stdin=subprocess.DEVNULL)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [f"removed {name}" for name in NAMES]
    assert profiles() == sorted(OTHERS)
    result = mprof("clean")
    assert (result.returncode, result.stdout, result.stderr) == (0, "no profiles to remove\n", "")


def write_profile(mprof, name, *lines):
    (mprof.folder / f"mprofile_{name}.dat").write_bytes("".join(lines).encode())


def test_a_list_for_people(mprof):
    """What is not known stays blank; a profile that cannot be read is listed all the same."""
    at = "1795356600.0000\n"
    write_profile(mprof, "20260101000001", "CMDLINE python a\x1b[31m.py\n", f"MEM 2000.0 {at}")
    write_profile(mprof, "20260101000002", f"MEM 5.0 {at}", "MEM 7.0 1795356602.5000\n")
    write_profile(mprof, "20260101000003", "nothing of ours\n")
    (mprof.folder / "mprofile_20260101000004.dat").mkdir()
    result = mprof("list", "--verbose")
    assert (result.returncode, result.stderr) == (0, "")
    assert [line[49:] for line in result.stdout.splitlines()] == [
        "            1.95 GiB  python a\\x1b[31m.py",
        "    2.50 s  7.00 MiB",
        "                    ",
        "                      cannot read: Is a directory",
    ]
    assert len(mprof("list").stdout) == 4 * 50


def test_a_list_fits_a_terminal(mprof):
    run = "RUN 9 0.100000 rss process 1795356600.0000\nMEM 5.0 1795356600.0000\n"
    write_profile(mprof, "20260101000001", "CMDLINE python " + "größe " * 40 + "\n", run)
    for columns, length in (100, 100), (80, 80), (60, 79):
        line = list_on_a_terminal(mprof, columns)
        assert len(line) == length and line.endswith("…") and "  größe" in line


def list_on_a_terminal(mprof, columns, *options):
    terminal = Terminal([mprof.binary, "list", *options], mprof.folder, columns=columns)
    try:
        assert terminal.end() == 0
    finally:
        terminal.close()
    (line,) = terminal.sent.splitlines()
    return line


@pytest.mark.parametrize(
    "command, brief",
    [
        ("/opt/v/bin/python3.12 ../src/a.py 3", "a.py 3"),
        ("/opt/v/bin/python3 -m pkg.mod x/y", "python3 -m pkg.mod x/y"),
        ("python a.py", "a.py"),
        ("python", "python"),
        ("./pythonic x/y", "pythonic x/y"),
        ("/usr/bin/sort /tmp/x", "sort /tmp/x"),
        ("'/o p/t' /tmp/x", "'/o p/t' /tmp/x"),
        ("odd/ x", "odd/ x"),
        ("python 'a b.py'", "'a b.py'"),
    ],
)
def test_a_terminal_shows_the_program_of_a_command(mprof, command, brief):
    """The folder of an interpreter would fill the row; -v has it."""
    write_profile(mprof, "20260101000001", f"CMDLINE {command}\n", "MEM 5.0 1795356600.0000\n")
    assert list_on_a_terminal(mprof, 120)[49:].split("MiB  ")[1] == brief
    assert list_on_a_terminal(mprof, 80, "-v").endswith("MiB  " + command)
