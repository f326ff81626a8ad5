"""examples/notebook.ipynb runs, and holds what docs/examples.md shows. The other examples are run by
tests/test_doc_blocks.py."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CELLS = [
    "".join(cell["source"])
    for cell in json.loads((ROOT / "examples/notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    if cell["cell_type"] == "code"
]
RUN = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config, colors="NoColor")
for cell in json.loads(sys.stdin.read()):
    print("--", flush=True)
    shell.run_cell(cell).raise_error()
"""


def test_the_notebook_runs(tmp_path):
    pytest.importorskip("IPython")
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(CELLS),
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    _, load, define, memit, mprun, heap = done.stdout.split("--\n")
    assert (load, define) == ("", "")
    assert memit.startswith("peak memory: ") and "numbers = list(range(count))" in mprun
    assert "New on the heap: " in heap


def test_the_notebook_has_no_outputs():
    cells = json.loads((ROOT / "examples/notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    assert [cell for cell in cells if cell.get("outputs")] == []


def test_its_cells_are_those_of_the_document():
    text = (ROOT / "docs/examples.md").read_text(encoding="utf-8")
    for cell in CELLS:
        for line in cell.splitlines():
            assert line.strip() in text, line


def test_every_example_is_in_the_document():
    text = (ROOT / "docs/examples.md").read_text(encoding="utf-8")
    names = {path.name for path in (ROOT / "examples").iterdir() if path.is_file()}
    others = {"loop.py", "pipeline.py"}  # of README and tools/demo.sh
    assert len(names) >= 9 and [name for name in names - others if name not in text] == []
