"""The blocks of a document, and how each is run.

What a block is, its fence says: `console` (commands behind `$ ` and what they print, on stdout and
stderr), `pycon`, `ipython` (behind `In [1]: `), `python` (a program), `sh` and `bash` (commands alone), and
`text`, `c`, `yaml`, `toml`, which are read, not run. Blocks of one document run in one folder, from
above. Comments before a block say more:

    <!-- file: NAME -->              the block is this file (hidden: the file inside of the comment)
    <!-- before: CODE -->            what a block needs, and readers do not
    <!-- not run: REASON -->         it cannot run here
    <!-- not compared: REASON -->    it runs, and what it prints is not looked at
    <!-- compared from: 3.12 -->     the same before this Python, which does it otherwise
    <!-- status: N -->               its last command ends so
    <!-- needs: NAME -->             a module or a program, without which it is skipped

Numbers, widths and names of cells are masked when outputs are compared; a line `...` stands for
any lines, and one that ends in ` …` goes on.
"""

import doctest
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field

FENCE = re.compile(r"^( *)```(\S*)[ \t]*\n(.*?)^\1```[ \t]*$", re.M | re.S)
COMMENT = re.compile(r"<!-- ([a-z ]+):\s?(.*?)\s*-->", re.S)
HIDDEN_FILE = re.compile(r"<!-- file: (\S+)\n(.*?)^-->", re.M | re.S)
READ_ONLY = {"text", "c", "yaml", "toml", "markdown", "json"}
KINDS = READ_ONLY | {"console", "pycon", "ipython", "python", "sh", "bash"}
TIMEOUT = 120


def is_compared(notes):
    oldest = notes.get("compared from", "3.0").split(".")
    return "not compared" not in notes and sys.version_info[:2] >= tuple(map(int, oldest))


@dataclass
class Block:
    kind: str
    text: str  # without what indents it
    start: int  # where its text begins in the document
    line: int
    indent: str
    notes: dict = field(default_factory=dict)


def notes_before(text):
    """The comments that stand directly before a block."""
    notes = {}
    text = text.rstrip()
    while text.endswith("-->"):
        begin = text.rindex("<!--")
        comment = COMMENT.fullmatch(text[begin:])
        if comment and not HIDDEN_FILE.fullmatch(text[begin:]):
            notes[comment[1]] = comment[2]
        text = text[:begin].rstrip()
    return notes


def blocks_of(document):
    return [
        Block(
            found[2],
            re.sub(rf"^{found[1]}", "", found[3], flags=re.M),
            found.start(3),
            document.count("\n", 0, found.start()) + 1,
            found[1],
            notes_before(document[: found.start()]),
        )
        for found in FENCE.finditer(document)
    ]


def hidden_files(document):
    """name -> text"""
    return dict(HIDDEN_FILE.findall(document))


# ---- outputs


def masked(line):
    line = re.sub(r"<ipython-input-[^>]*>", "<ipython-input>", line)
    line = re.sub(r"[-+]?\d[\d,.]*", "#", line)
    line = re.sub(r"([=─-])\1{2,}", r"\1", line)
    return re.sub(r"\s+", " ", line).strip()


def agrees(expected, got):
    """Whether an output is the one that a document shows."""
    pattern = ""
    for line in expected.strip("\n").split("\n"):
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        elif line.endswith(" …"):
            pattern += re.escape(masked(line[:-2])) + r".*\n"
        else:
            pattern += re.escape(masked(line)) + r"\n"
    lines = "".join(masked(line) + "\n" for line in got.strip("\n").split("\n"))
    return re.fullmatch(pattern, lines) is not None


@dataclass
class Step:
    """A command of a session: what it prints, and where that stands in the block."""

    source: str
    expected: str
    begin: int
    end: int


def steps_of(text, prompt, more):
    """A step for each prompt; lines behind `more` belong to its command."""
    steps, at = [], 0
    for line in text.splitlines(keepends=True):
        if found := re.match(prompt, line):
            steps.append(Step(line[found.end() :].rstrip("\n"), "", 0, 0))
            is_command = True
        elif steps and is_command and (found := re.match(more, line)):
            steps[-1].source += "\n" + line[found.end() :].rstrip("\n")
        else:
            assert steps, f"no prompt before {line!r}"
            steps[-1].expected += line
            is_command = False
        at += len(line)
        if is_command:
            steps[-1].begin = at
        steps[-1].end = at
    return steps


# ---- running


class Session:
    """A folder, and what programs in it see."""

    def __init__(self, folder, binaries):
        self.folder = folder
        # With CI or BUILD_NUMBER pytest writes longer summaries than a reader sees.
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not re.match(
                r"MPROF|MEMORY_PROFILER|PYTEST|COV_|LINES|COLUMNS|DISPLAY|CI$|BUILD_NUMBER", key
            )
        }
        self.environment |= {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *command):
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
        )
        return done.returncode, done.stdout.decode(errors="replace")

    def script(self, source):
        status, output = self.run(sys.executable, "-c", source)
        assert status == 0, output
        return output

    def console(self, steps, before):
        """(status, output) of each command, all in one shell."""
        script = f"exec 2>&1\n{{\n:\n{before}\n}} >/dev/null\n"
        for step in steps:
            script += (
                f"{step.source}\n_status=$?; printf '\\001%d\\001' $_status; (exit $_status)\n"
            )
        output = self.run("sh", "-c", script)[1]
        parts = re.split("\001(\\d+)\001", output)
        return [(int(status), text) for text, status in zip(parts[::2], parts[1::2])]

    def pycon(self, text):
        """What each example prints, as the interpreter would."""
        sources = [example.source for example in doctest.DocTestParser().get_examples(text)]
        return json.loads(self.script(PYCON % repr(sources)).splitlines()[-1])

    def ipython(self, steps):
        sources = [step.source for step in steps]
        return json.loads(self.script(IPYTHON % repr(sources)).splitlines()[-1])


PYCON = """
import io, json, sys, traceback
_outputs = []
_stdout, sys.stdout = sys.stdout, io.StringIO()
for _source in %s:
    try:
        exec(compile(_source, "<stdin>", "single"), globals())
    except Exception:
        print(traceback.format_exc())
    _outputs.append(sys.stdout.getvalue())
    sys.stdout.seek(0)
    sys.stdout.truncate()
sys.stdout = _stdout
print(json.dumps(_outputs))
"""

IPYTHON = """
import contextlib, io, json
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell, outputs = InteractiveShell.instance(config=config, colors="NoColor"), []
for source in %s:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        result = shell.run_cell(source)
    assert result.success, out.getvalue()
    outputs.append(out.getvalue())
print(json.dumps(outputs))
"""
