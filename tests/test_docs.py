"""What the documents cite exists: the tests that hold a promise, and the environment variables."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]

# tests/a/file.py, or tests/a/file.py::test_one, test_two (perhaps on the next line)
CITED = re.compile(r"\b(tests/[\w/]*\w(?:\.(?:py|c|md|txt))?)((?:(?:::|,\s+)test_\w+\b(?!\.))*)")

# Where C, Python and shell ask for a variable of the environment.
ASKED = re.compile(
    r"""(?x) (?: \bgetenv\( | \bvariable\( | \bpositive_number\( | \benviron\.(?:get|pop)\( | \benviron\[ )
             \s* ["'] ([A-Z_]+) ["']
        | ["'] ([A-Z_]+) ["'] \s+ (?:not\ )? in \s+ os\.environ\b
        | ^VARIABLE\ =\ "([A-Z_]+)"
        | \$\{ ([A-Z_]+) :""",
    re.M,
)
# Of a program under test, set by the test that runs it.
NOT_OURS = {"GROUP", "WHO"}


def cited(document):
    """(file, name of a test in it or None) of a text."""
    for file, names in CITED.findall(document.read_text(encoding="utf-8")):
        yield file, None
        for name in re.findall(r"test_\w+", names):
            yield file, name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_cited_tests_exist(document):
    for file, name in cited(document):
        path = ROOT / file
        assert path.exists(), f"{document.name} cites {file}"
        if name is not None:
            pattern = rf"^(?:def|static void) {name}\("
            assert re.search(pattern, path.read_text(encoding="utf-8"), re.M), (
                f"{document.name} cites {file}::{name}"
            )


def laws():
    """name -> text of docs/truth.md"""
    text = (ROOT / "docs" / "truth.md").read_text(encoding="utf-8")
    return {
        name: body
        for name, body in re.findall(r"^- \*\*(.+?)\*\*(.*?)(?=^- |^#|\Z)", text, re.M | re.S)
    }


def test_every_law_is_held_by_a_test():
    assert len(laws()) > 20
    for name, body in laws().items():
        assert re.search(r"\*tests/[^*]+\*\s*\Z", body), name


def sources():
    for folder in ("memprof", "mprof", "plots", "python", "tests", "bench", "tools"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".c", ".h", ".py", ".sh") and path != Path(__file__).resolve():
                yield path


def asked_variables():
    """name -> a file that asks for it"""
    found = {}
    for path in sources():
        for names in ASKED.findall(path.read_text(encoding="utf-8")):
            found[next(filter(None, names))] = str(path.relative_to(ROOT))
    return {name: path for name, path in found.items() if name not in NOT_OURS}


def listed_variables():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Environment variables\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.split("\n") if line.startswith("| `")]
    return set(re.findall(r"`([A-Z_]+)(?:=\w+)?`", "".join(rows)))


def test_environment_variables_are_listed():
    asked = asked_variables()
    assert {
        "MPROF_OUTPUT",
        "MEMORY_PROFILER",
        "MEMORY_PROFILER_CHILDREN",
        "COLUMNS",
        "MEMPROF_BUILD",
    } <= set(asked), "the pattern finds them in C, Python and shell"
    listed = listed_variables()
    assert not {name: path for name, path in asked.items() if name not in listed}
    assert not listed - set(asked), "listed, but nobody asks for them"


def code_words(document):
    """What stands between backquotes, a word each."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [
        word
        for words in re.findall(r"`([^`\n]+)`", text.replace("```", ""))
        for word in words.split()
    ]


def test_the_map_names_what_exists():
    files = [str(path.relative_to(ROOT)) for path in sources()] + [
        "plots/elements.js",
        "plots/page.js",
        "plots/flame.js",
        "plots/live.js",
        "plots/page_types.js",
    ]
    text = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in files)
    words = code_words("docs/architecture.md")
    paths = [word for word in words if re.search(r"\.(c|h|py|js)$", word) and "NAME" not in word]
    names = [word for word in words if re.fullmatch(r"[a-z]+(_[a-z]+)+", word)]
    assert len(paths) > 30 and len(names) > 25
    assert not [
        path
        for path in paths
        if not any(name == path or name.endswith(f"/{path}") for name in files)
    ]
    assert not [name for name in names if not re.search(rf"\b{name}\b", text)]
