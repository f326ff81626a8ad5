"""The workflows run what there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_a_workflow_runs_is_there(path):
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"\b((?:tools|tests)/[\w./-]+\.(?:sh|py))\b", text)
    assert named or path.name == "publish.yml"
    assert [name for name in named if not (ROOT / name).exists()] == []
    for option in re.findall(r"sh (tools/\w+\.sh) (--\w+)", text):
        assert option[1] in (ROOT / option[0]).read_text(encoding="utf-8"), option
