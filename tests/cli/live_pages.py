"""Programs that run with a page of --live, for its tests with a browser and without."""

import json
import os
import re
import sys

from plots import ENVIRONMENT

SLEEPER = [sys.executable, "-c", "import sys; sys.stdin.read()"]
ODD_NAMES = [
    "a b#c?d%20&'\"<e>.html",
    "javascript:1.html",
    "ä漢🎉.html",
    os.fsdecode(b"not \xff utf8.html"),
    "-x.HTML",
    "line\nend.html",
    "folder/in a folder.html",
]


def version_of(path):
    """What the file beside the page holds; every time it must be whole."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith("mprofLive(") and text.endswith(");\n"), text[-80:]
    return json.loads(text[len("mprofLive(") : -len(");\n")])


def data_of(page):
    (data,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>',
        page.read_text(encoding="utf-8"),
    )
    return json.loads(data)


class Running:
    """A program that runs until it is told to end, recorded with a page."""

    def __init__(self, mprof, *options, page="page.html", program=SLEEPER):
        self.folder = mprof.folder
        self.page = self.folder / page
        self.data = self.page.with_name(re.sub(r"\.html$", ".data.js", self.page.name, flags=re.I))
        self.process = mprof.start(
            "run", *options, f"--live={page}", *program, stdin=-1, env=ENVIRONMENT
        )

    def version(self):
        try:
            return version_of(self.data)
        except FileNotFoundError:
            return {"chart": None, "written": 0}

    def is_drawn(self):
        return self.page.exists() and self.version()["chart"] is not None

    def end(self):
        _, stderr = self.process.communicate(timeout=60)
        return self.process.returncode, stderr.splitlines()
