"""Manual pages, completions and docs/reference.md: current, well formed, installed, and they work."""

import importlib.metadata
import os
import pty
import select
import shlex
import shutil
import sys
import time
from pathlib import Path

import pytest
from test_tools import run

ROOT = Path(__file__).resolve().parent.parent
SHARE = ROOT / "share"
PAGES = sorted((SHARE / "man/man1").glob("*.1"))
FILES = sorted(str(path.relative_to(ROOT)) for path in SHARE.rglob("*") if path.is_file())


def need(program):
    return shutil.which(program) or pytest.skip(f"no {program}")


def test_all_is_current():
    done = run(sys.executable, ROOT / "tools/reference", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_not_current_is_named(tmp_path):
    """Of a copy in which one option is older."""
    for name in ("tools", "docs", "share"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    page = tmp_path / "share/man/man1/mprof.1"
    page.write_text(page.read_text().replace("interval", "intervall"))
    done = run(sys.executable, tmp_path / "tools/reference", "--check")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "share/man/man1/mprof.1 is not current: python tools/reference\n"
    assert run(sys.executable, tmp_path / "tools/reference").returncode == 0
    assert page.read_text() == (SHARE / "man/man1/mprof.1").read_text()
    assert run(sys.executable, tmp_path / "tools/reference", "x").returncode == 2


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "linter",
    [
        "mandoc -T lint -W warning",
        "groff -man -ww -Tutf8 -z",
        "man --warnings -E UTF-8 -l -Tutf8 -Z",
    ],
    ids=lambda words: words.split()[0],
)
def test_manual_pages_are_well_formed(page, linter):
    need(linter.split()[0])
    done = run(*linter.split(), page, env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""})
    complaint = done.stderr + (done.stdout if "mandoc" in linter else "")
    assert (done.returncode, complaint) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_manual_pages_are_read(page):
    need("man")
    done = run("man", "-l", page, env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "NAME" in done.stdout and "EXIT STATUS" in done.stdout
    assert ("--include-children") in done.stdout


def test_all_of_it_is_installed():
    """By the wheel, below the prefix: where man and bash-completion look for a program of PATH."""
    installed = importlib.metadata.files("memprof-native")
    paths = {path.locate().resolve() for path in installed}
    missing = [name for name in FILES if Path(sys.prefix, name).resolve() not in paths]
    assert len(FILES) == 8 and missing == []
    for name in FILES:
        assert Path(sys.prefix, name).read_bytes() == (ROOT / name).read_bytes()


# ---- what shells offer: the words typed, and what must be and must not be among the offers

CASES = [
    ("mprof pl", {"plot"}, {"peak"}),
    ("mprof run --in", {"--include-children", "--interval"}, {"--parts"}),
    ("mprof run --backend ps", {"pss", "psutil"}, {"rss"}),
    ("mprof mark ", {"begin", "end"}, set()),
    ("mprof plot some", {"some.dat"}, {"something.else"}),
    ("python3 -m memory_profiler --line", {"--line-time", "--lines"}, {"--lprof"}),
    ("python3 -m memory_profiler --backend ps", {"pss"}, {"rss"}),
    ("python3 -m memory_profiler.report --to h", {"html"}, {"csv"}),
    ("python3 -m memory_profiler.diff --fail-over-", {"--fail-over-left"}, {"--least"}),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("some.dat", "something.else"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (binaries / "mprof").write_text("#!/bin/sh\n")  # fish completes only what there is
    (binaries / "mprof").chmod(0o755)
    monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_DATA_DIRS", f"{SHARE}:/usr/share")
    return tmp_path


BASH = """
source {share}/bash-completion/completions/mprof || exit
source {share}/bash-completion/completions/memory_profiler || exit
function=$(complete -p "$1" | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
"$function" "$1" "${{@: -1}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def offers_of_bash(line):
    words = [*shlex.split(line), *[""] * line.endswith(" ")]
    done = run("bash", "--norc", "-c", BASH.format(share=shlex.quote(str(SHARE))), "bash", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def offers_of_fish(line):
    source = f"source {shlex.quote(str(SHARE))}/fish/vendor_completions.d/memory_profiler.fish; "
    done = run("fish", "-c", f"{source}complete -C {shlex.quote(line)}")
    assert (done.returncode, done.stderr) == (0, "")
    return [row.split("\t")[0] for row in done.stdout.splitlines()]


def read_for(terminal, seconds, until):
    """What appears there, until a text does or time is over."""
    text, end = "", time.monotonic() + seconds
    while until not in text and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            text += os.read(terminal, 65536).decode(errors="replace")
    return text


def offers_of_zsh(line):
    """Zsh completes in a terminal alone: it is asked there to print all that fits."""
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(TERM="dumb", COLUMNS="200", PS1="ready> ")
        os.execvp("zsh", ["zsh", "-f", "-i"])
    try:
        begin = f"fpath=({shlex.quote(str(SHARE))}/zsh/site-functions $fpath)"
        # A widget of ours prints the offers between marks, whatever the listing looks like.
        script = f"""{begin}
autoload -U compinit; compinit -u -D
compadd() {{ builtin compadd -O offers "$@"; (( $#offers )) && print -lr -- $offers >&3; builtin compadd "$@" }}
ask() {{ exec 3>offers.txt; _main_complete; exec 3>&-; print -r -- done > done.txt }}
zle -C ask complete-word ask; bindkey '^X' ask; print sett''ed
"""
        Path("setup.zsh").write_text(script)
        os.write(terminal, b"source ./setup.zsh\n")
        assert "setted" in read_for(terminal, 30, "setted")
        os.write(terminal, line.encode() + b"\x18")
        end = time.monotonic() + 30
        while not Path("done.txt").exists() and time.monotonic() < end:
            read_for(terminal, 0.2, "\0")
        return Path("offers.txt").read_text().split()
    finally:
        os.close(terminal)
        os.kill(process, 9)
        os.waitpid(process, 0)


@pytest.mark.parametrize("line, offered, not_offered", CASES, ids=[case[0] for case in CASES])
@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_shells_complete(folder, shell, line, offered, not_offered):
    need(shell)
    asked = {"bash": offers_of_bash, "fish": offers_of_fish, "zsh": offers_of_zsh}[shell]
    offers = {offer.rstrip("=") for offer in asked(line)}
    if shell == "fish":  # which puts files of the suffix before the others
        offers.discard("something.else")
    assert offered <= offers and not not_offered & offers, offers
