"""Names of files as mprof prints them: no terminal acts upon them, and what is meant to be pasted
into a shell means the file there."""

import os
import shlex
import subprocess

import pytest

NAMES = [
    "plain.dat",
    "two words.dat",
    "-x.dat",
    "--help",
    "-1",
    "it's.dat",
    '"quoted".dat',
    "$HOME`id`.dat",
    "a;touch pwned;.dat",
    "#comment.dat",
    "~.dat",
    "*.dat",
    "back\\slash\\x1b.dat",
    "漢字 é.dat",
    "line\nbreak.dat",
    "tab\there.dat",
    "escape\x1b[31m7.dat",
    "-\x1b]0;owned\x07.dat",
    "quote'\nand\\line.dat",
    "turned\u202eround.dat",
    "no utf8 \udcff7.dat",
]
UNSEEN = set(map(chr, range(32))) - set("\n\t") | set("\x7f\u202e")


def is_seen(text):
    """Nothing in it moves a cursor; line breaks are ours where lines are counted."""
    return not UNSEEN & set(text)


def run_into(mprof, name):
    result = mprof("run", "-o", name, "true")
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_what_is_to_be_pasted_means_the_file(mprof, name, shell):
    result = run_into(mprof, name)
    *_, line = result.stderr.splitlines()
    command = line.partition(" · next: ")[2]
    assert is_seen(line) and command.startswith("mprof plot ")
    if shell == "sh" and "$'" in command:
        shell = "bash"  # these quotes are in POSIX since 2024: not every sh has them
    words = subprocess.run(
        [shell, "-c", f"printf '%s\\0' {command}"],
        capture_output=True,
        cwd=mprof.folder,
        check=True,
    )
    *_, word = words.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    assert os.path.normpath(word) == os.path.normpath(name) and word[0] != "-"
    plot = mprof("plot", "-o", "chart.txt", word)
    assert (plot.returncode, plot.stderr) == (0, "")
    assert not (mprof.folder / "pwned").exists()


def test_a_plain_name_is_pasted_as_it_is(mprof):
    assert run_into(mprof, "plain-1.dat").stderr.endswith("next: mprof plot plain-1.dat\n")
    assert shlex.split(run_into(mprof, "a b.dat").stderr.rpartition("next: ")[2]) == [
        "mprof",
        "plot",
        "a b.dat",
    ]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_are_shown_and_never_sent(mprof, name):
    run_into(mprof, name)
    path = "./" + name
    for words, lines in (
        (["peak", path], 1),
        (["peak", "-F", "nowhere", path], 1),
        (["rm", "--dry-run", path], 2),
        (["peak", path + "\n\x1b gone"], 1),
        (["plot", path + "\n\x1b gone"], 1),
        (["rm", path + "\n\x1b gone"], 1),
        (["list"], 0),
        (["run", "-o", name, "true"], 4),
    ):
        result = mprof(*words)
        assert is_seen(result.stdout + result.stderr), (words, result)
        said = (result.stdout + result.stderr).splitlines()
        assert len(said) == lines, (words, said)
