"""tools/addresses.py: what a package index shows has whole addresses."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
URL = "https://host.example/owner/name"


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/addresses.py", tmp_path / "tools")
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def run(folder, *arguments):
    command = [sys.executable, folder / "tools/addresses.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_every_link_of_the_readme_becomes_whole(copy):
    done = run(copy, URL, "v1.0.0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (copy / "README.md").read_text()
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)\)", text)
    assert len(links) > 20 and all(path.startswith(f"{URL}/") for _, path in links)
    for picture, path in links:
        kind, name = re.fullmatch(rf"{URL}/(raw|blob)/v1\.0\.0/(.*)", path).groups()
        assert kind == ("raw" if picture else "blob")
        assert (ROOT / name).exists(), name


def test_the_project_has_urls(copy):
    tomllib = pytest.importorskip("tomllib", reason="no tomllib before Python 3.11")
    assert run(copy, URL, "main").returncode == 0
    urls = tomllib.loads((copy / "pyproject.toml").read_text())["project"]["urls"]
    assert urls["Repository"] == URL and all(url.startswith(URL) for url in urls.values())


@pytest.mark.parametrize("arguments", [[], [URL], ["ftp://x/y", "main"], ["https://x", "main"]])
def test_what_is_no_address_is_refused(copy, arguments):
    before = (copy / "README.md").read_bytes()
    done = run(copy, *arguments)
    assert (done.returncode, done.stdout) == (2, "") and "python tools/addresses.py" in done.stderr
    assert (copy / "README.md").read_bytes() == before
