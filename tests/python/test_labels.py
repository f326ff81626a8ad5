"""Labels of profile.timestamp(), and names of functions: whatever they hold, the program goes on."""

import pytest
from support import python

import mprof

LABELS = r"""
class Broken:
    def __str__(self):
        raise ValueError("no text")

class Odd(str):
    def __str__(self):
        return self
    def encode(self, *args):
        raise ValueError("not encoded")
    __add__ = __radd__ = encode

LABELS = {
    "a\0b": "a\\0b",
    "\0": "\\0",
    "x" * 10000: "x" * 996 + "…",
    "é" * 5000: "é" * 498 + "…",
    "\udc80 \ud800": "\\udc80 \\ud800",
    "": "",
    7: "7",
    None: "None",
    b"\xff": "b'\\xff'",
    ("a", 1): "('a', 1)",
    Broken(): "<Broken>",
    Odd("odd"): "odd",
    "два слова": "два слова",
}
"""

PROGRAM = (
    LABELS
    + """
for label in LABELS:
    with profile.timestamp(label) as block:
        with profile.timestamp(label):
            pass
try:
    with profile.timestamp("a\\0b"):
        raise KeyError("the program's own")
except KeyError as error:
    print("done", error)
"""
)

IMPORT = "from memory_profiler import profile\n"


def expected():
    names = {}
    exec(LABELS, names)
    return ["." + text for text in names["LABELS"].values()]


@pytest.mark.parametrize("imports", ["", IMPORT], ids=["builtin", "import"])
@pytest.mark.parametrize("way", ["timestamp", "mprof"])
def test_recorded(run, way, imports):
    run.write("labels.py", imports + PROGRAM)
    command = {
        "timestamp": ["-m", "memory_profiler", "--timestamp", "-o", "run.dat", "labels.py"],
        "mprof": ["-m", "mprof", "run", "-q", "-E", "-o", "run.dat", "labels.py"],
    }[way]
    done = python(*command, cwd=run.folder).ok()
    assert done.stdout.endswith('done "the program\'s own"\n')
    (run.folder / "run.dat").read_text(encoding="utf-8")  # whole letters alone
    functions = mprof.read_mprofile_file(str(run.folder / "run.dat"))["func_timestamp"]
    assert sorted(functions) == sorted(expected())
    assert {len(calls) for name, calls in functions.items() if name != ".a\\0b"} == {2}
    assert len(functions[".a\\0b"]) == 3


@pytest.mark.parametrize("form", ["m", "import"])
def test_not_recorded(run, form):
    """Where nobody records labels do nothing; they do not fail either."""
    source = PROGRAM if form == "m" else IMPORT + PROGRAM
    done = (run.m if form == "m" else run.plain)(source).ok()
    assert done.stdout == 'done "the program\'s own"\n'


def test_a_stamper_of_the_program(run):
    run.plain(
        LABELS
        + """
import io
from memory_profiler import TimeStamper
stamper, kept = TimeStamper(), io.StringIO()
for label in LABELS:
    with stamper.timestamp(label):
        pass
stamper.show_results(kept)
lines = kept.getvalue().splitlines()
assert len(lines) == len(LABELS), lines
"""
    ).ok()


def test_names_of_functions(run):
    """Their names are the program's to change, too."""
    run.write(
        "names.py",
        r"""
        class Broken:
            __str__ = None

        def call(module, name):
            def f(): pass
            f.__module__, f.__qualname__ = module, name
            profile(f)()

        for module in ("m", Broken(), None):
            for name in ("a\0b", "\udc80", "n" * 5000):
                call(module, name)
        print("done")
        """,
    )
    options = ["--timestamp", "-o", "run.dat"]
    assert run.profiler(*options, "names.py").ok().stdout == "done\n"
    functions = mprof.read_mprofile_file(str(run.folder / "run.dat"))["func_timestamp"]
    names = {module: ["a\\0b", "\\udc80"] for module in ("m", "<Broken>", "")}
    assert {f"{module}.{name}" for module in names for name in names[module]} < set(functions)
    assert len(functions) == 9 and max(map(len, functions)) == 998
