"""Every block of the documents is run, and prints what the document shows, but for its numbers.

MEMPROF_WRITE_DOCS=1 writes what was printed into the documents where it differs: look at the
difference before you commit it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import doc_blocks
import pytest
from doc_blocks import (
    READ_ONLY,
    Session,
    Step,
    agrees,
    blocks_of,
    hidden_files,
    is_compared,
    steps_of,
)

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
WITH_BLOCKS = [path for path in DOCUMENTS if blocks_of(path.read_text(encoding="utf-8"))]
WRITE = os.environ.get("MEMPROF_WRITE_DOCS")


def is_here(name):
    return shutil.which(name) or importlib.util.find_spec(name)


def needs_of(block):
    return [*block.notes.get("needs", "").split(), *["IPython"] * (block.kind == "ipython")]


class Reader:
    """Runs the blocks of a document; `changes` are outputs that differ: (begin, end, text)."""

    def __init__(self, path, folder):
        self.text = path.read_text(encoding="utf-8")
        self.name = path.name
        self.folder = folder
        self.session = Session(folder, Path(sys.executable).parent)
        self.changes, self.differences, self.skipped = [], [], []

    def prepare(self):
        shutil.copytree(
            ROOT / "examples",
            self.folder / "examples",
            ignore=shutil.ignore_patterns("__pycache__", "*.dat"),
        )
        for name, text in hidden_files(self.text).items():
            self.write(name, text)

    def write(self, name, text):
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def where(self, block):
        return f"{self.name}:{block.line}"

    def compare(self, block, step, got):
        if agrees(step.expected, got) or (step.expected and not is_compared(block.notes)):
            return
        self.differences.append(
            f"{self.where(block)}: {step.source}\n-- shown:\n{step.expected}-- printed:\n{got}"
        )
        text = got.strip("\n")
        self.changes.append((block, step, text + "\n" if text else ""))

    def run_console(self, block):
        steps = steps_of(block.text, r"\$ ", "> ")
        results = self.session.console(steps, block.notes.get("before", ""))
        for at, (step, (status, got)) in enumerate(zip(steps, results, strict=True)):
            is_last = step is steps[-1]
            told = not is_last and steps[at + 1].source == "echo $?"
            wanted = int(block.notes.get("status", 0)) if is_last else 0
            assert told or status == wanted, f"{self.where(block)}: {step.source}: {status}\n{got}"
            self.compare(block, step, got)

    def run_pycon(self, block):
        steps = steps_of(block.text, ">>> ", r"\.\.\. ")
        for step, got in zip(steps, self.session.pycon(block.text), strict=True):
            self.compare(block, step, got)

    def run_ipython(self, block):
        steps = steps_of(block.text, r"In \[\d+\]: ", r" +\.\.\.: ")
        for step, got in zip(steps, self.session.ipython(steps), strict=True):
            self.compare(block, step, got)

    def run_program(self, block, *command):
        source = block.notes.get("before", "") + "\n" + block.text
        self.write("block.py", source)
        status, output = self.session.run(*command, "block.py")
        assert status == 0, f"{self.where(block)}:\n{output}"

    def run(self, block):
        notes = block.notes
        if "file" in notes:
            self.write(notes["file"], block.text)
        elif block.kind in READ_ONLY or "not run" in notes:
            return
        elif missing := [name for name in needs_of(block) if not is_here(name)]:
            self.skipped.append(f"{self.where(block)}: no {', '.join(missing)}")
        elif block.kind == "python":
            self.run_program(block, sys.executable)
        elif block.kind in ("sh", "bash"):
            self.run_program(block, block.kind, "-e")
        else:
            getattr(self, f"run_{block.kind}")(block)

    def changed(self):
        """The document with what was printed."""
        text = self.text
        for block, step, got in reversed(self.changes):
            shown = block.text[: step.begin] + got + block.text[step.end :]
            indented = "".join(
                block.indent + line if line.strip() else line
                for line in shown.splitlines(keepends=True)
            )
            size = sum(
                len(line) + len(block.indent) * bool(line.strip())
                for line in block.text.splitlines(keepends=True)
            )
            text = text[: block.start] + indented + text[block.start + size :]
            block.text = shown
        return text


@pytest.mark.parametrize("path", WITH_BLOCKS, ids=lambda path: path.name)
def test_blocks_print_what_the_document_shows(path, tmp_path):
    reader = Reader(path, tmp_path)
    reader.prepare()
    for block in blocks_of(reader.text):
        reader.run(block)
    if WRITE and reader.changes:
        path.write_text(reader.changed(), encoding="utf-8")
    assert not reader.differences, "\n\n".join(reader.differences)
    if reader.skipped:
        pytest.skip("; ".join(reader.skipped))


@pytest.mark.parametrize("path", WITH_BLOCKS, ids=lambda path: path.name)
def test_every_block_says_what_it_is(path):
    wrong = [
        f"{path.name}:{block.line}: {block.kind!r}"
        for block in blocks_of(path.read_text(encoding="utf-8"))
        if block.kind not in doc_blocks.KINDS
        or any(len(block.notes.get(note, "x x x").split()) < 3 for note in ("not run",))
    ]
    assert wrong == []


def ways_in():
    """The commands of the table in README: one question, one command."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("## Which way in?\n")[1].split("\n## ")[0]
    return [re.findall(r"`([^`]+)`", row.split("|")[2]) for row in table.strip().splitlines()[2:]]


@pytest.mark.parametrize("commands", ways_in(), ids=lambda commands: commands[0])
def test_the_ways_in_work(tmp_path, commands):
    (tmp_path / "script.py").write_text("def f(): return [bytes(1000)] * 1000\nf()\n")
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    session = Session(tmp_path, Path(sys.executable).parent)
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        for command in commands:
            command = command.replace("PID", f"{sleeper.pid} -t 0.2")
            status, output = session.run("sh", "-c", command)
            assert status == 0, output
            assert "Traceback" not in output and "error" not in output.lower(), output
    finally:
        sleeper.kill()
        sleeper.wait()


def test_there_are_six_ways_in():
    assert len(ways_in()) == 6 and all(ways_in())


def test_outputs_are_compared():
    table = "Line   Mem\n==========\n   1   13.391 MiB\n"
    assert agrees(table, "Line    Mem\n===========\n   12   -113.2 MiB")
    assert not agrees(table, table.replace("MiB", "GiB"))
    assert not agrees(table, table + "more\n")
    assert agrees("a\n...\nz\n", "a\nb\nc\nz\n") and agrees("a\n...\nz\n", "a\nz\n")
    assert not agrees("a\n...\nz\n", "a\nb\n") and not agrees("a 1\n", "a\n")


def test_sessions_are_taken_apart():
    text = "$ one \\\n> two\nout\n$ three\n"
    first, second = steps_of(text, r"\$ ", "> ")
    assert first == Step("one \\\ntwo", "out\n", 14, 18) and text[14:18] == "out\n"
    assert second == Step("three", "", 26, 26)


def test_comments_before_a_block_are_read():
    document = (
        "<!-- file: a.py\nx = 1\n-->\nText.\n\n<!-- not run: no such host -->\n```sh\nls\n```\n"
    )
    (block,) = blocks_of(document)
    assert (block.kind, block.text, block.line) == ("sh", "ls\n", 7)
    assert block.notes == {"not run": "no such host"}
    assert hidden_files(document) == {"a.py": "x = 1\n"}
