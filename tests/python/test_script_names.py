"""A script runs under the name that Python gives it, and is shown under the one that the user gave."""

import json
import os
import pstats
import re

import pytest
from support import python

UNDECORATED = "profile = lambda function: function\n"
WANDERER = """
import inspect, os, sys, traceback, warnings
print("OUT", __file__, sys.argv[0], sys._getframe().f_code.co_filename)
os.chdir("/")
@profile
def f(x):
    return 1 // x
f(1)
print("OUT", inspect.getsource(f).splitlines(), inspect.getsourcefile(f))
warnings.warn("careful")
try:
    f(0)
except ZeroDivisionError:
    print("OUT", traceback.format_exc().splitlines())
f(0)
"""


def names(folder):
    """Ways to name script.py in a folder."""
    (folder / "sub").mkdir()
    return ["script.py", "./script.py", "sub/..//script.py", str(folder / "script.py")]


@pytest.mark.parametrize("options", [[], ["--timestamp"], ["--all", "--json", "run.json"]])
def test_code_and_tracebacks_are_as_in_plain_python_wherever_the_program_goes(run, options):
    for name in names(run.folder):
        plain = run.plain(UNDECORATED + WANDERER, name=name)
        assert plain.returncode == 1 and plain.stderr.count("return 1 // x") == 1, plain.stderr
        ours = run.m("# profile is there\n" + WANDERER, name=name, options=options)
        assert (ours.returncode, ours.stderr) == (1, plain.stderr)
        assert [line for line in ours.stdout.splitlines() if line.startswith("OUT")] == (
            plain.stdout.splitlines()
        )


CHANGER = """
    import os
    os.chdir("/")
    @profile
    def f():
        return [1] * 10**6
    def g():
        return f()
    def told():
        from memory_profiler import profile
        return profile(lambda: 1)()
    g()
    told()
    """


def test_tables_and_files_have_the_name_that_was_given(run):
    for name in names(run.folder):
        outcome = run.m(
            CHANGER,
            name=name,
            options=["--all", "--json", "run.json", "--functions", "--pstats", "calls"],
        ).ok()
        assert len(outcome.tables) == 4  # one of them printed by the import form
        assert {table.filename for table in outcome.tables} == {name}
        assert outcome.table("f").at("[1] * 10**6").occurrences == 1
        assert f" {name}:3(f)" in outcome.stdout
        saved = json.loads((run.folder / "run.json").read_text())["processes"][0]["functions"]
        assert {function["filename"] for function in saved} == {name}
        assert (name, 3, "f") in pstats.Stats(str(run.folder / "calls")).stats


def test_a_selected_file_is_found_by_every_name(run):
    run.write("script.py", CHANGER)
    for name in names(run.folder):
        for target in ("script.py", os.path.realpath(run.folder / "script.py"), "__main__:g"):
            outcome = run.profiler("-p", target, name).ok()
            assert outcome.table("g").filename == name
            assert outcome.table("g").at("return f()").occurrences == 1


def test_show_results_of_ones_own_mapping_finds_the_source(run):
    outcome = run.m("""
        import os
        from memory_profiler import CodeMap, LineProfiler, show_results
        os.chdir("/")
        class Map(CodeMap):
            def items(self):
                return list(super().items())
        def f():
            return [1] * 10**6
        profiler = LineProfiler()
        profiler.code_map = Map()
        profiler.add_function(f)
        profiler.runcall(f)
        show_results(profiler)
        assert profiler.ledger()[0]["filename"] == "script.py"
        """).ok()
    assert outcome.table("f").filename == "script.py"


def test_the_debugger_shows_the_line(run):
    outcome = run.m(CHANGER, options=["--pdb-mmem", "0"], stdin="list\ncontinue\n").ok()
    assert f"{run.folder}/script.py(" in outcome.stdout
    assert "-> return [1] * 10**6" in outcome.stdout


def test_a_program_that_is_none_is_shown_as_python_shows_it(run):
    """The line and the caret as well."""
    for name in names(run.folder):
        source = "x = 1\nif x:\n\tx = = 1\n"
        outcome, plain = run.m(source, name=name), run.plain(source, name=name)
        assert (outcome.returncode, outcome.stdout) == (plain.returncode, plain.stdout) == (1, "")
        assert "SyntaxError: invalid syntax\n" in plain.stderr and "^" in plain.stderr
        assert outcome.stderr == plain.stderr


SHOW_MAIN = """
import re, sys
main = sys.modules["__main__"]
def show(value):
    shown = re.sub("0x[0-9a-f]+", "0x", repr(value))
    parts = {} if isinstance(value, type) else getattr(value, "__dict__", {})
    if type(value).__name__ in ("ModuleSpec", "SourceFileLoader"):
        shown += repr({name: show(part) for name, part in parts.items()})
    return shown
names = {name: value for name, value in vars(main).items() if name[:2] == "__"}
for name, value in names.items():
    print(name, show(value)[:999])
print(type(main), main.__name__, main.__doc__, vars(main) is globals(), sys.argv, sys.path[0])
print([name for name in vars(main) if name not in names])
a: int = 5
print(globals().get("__annotations__"), getattr(main, "__loader__", None) is __loader__)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["show.py"],
        ["./show.py", "x"],
        ["folder/show.py"],
        ["{}/show.py"],
        ["bare", "-v"],
        ["-m", "show", "x"],
        ["-m", "package", "x"],
        ["-m", "package.show"],
        ["-c", SHOW_MAIN, "x"],
    ],
    ids=lambda words: " ".join(words)[:20],
)
def test_main_has_what_it_has_in_plain_python(run, words):
    for name in ("show.py", "folder/show.py", "bare", "package/__main__.py", "package/show.py"):
        run.write(name, SHOW_MAIN)
    run.write("package/__init__.py", "")
    words = [words[0].replace("{}", str(run.folder)), *words[1:]]
    plain = python(*words, cwd=run.folder).ok().stdout
    ours = run.profiler(*words).ok().stdout
    assert "['re', 'sys', 'main'" in plain and "['profile', 're', 'sys', 'main'" in ours
    ours = ours.replace("['profile', ", "[")
    if words[0] == "-c":  # an empty name is of the folder where one goes, ours stays
        ours = re.sub(r"(\['-c', 'x'\]) .*", r"\1 ", ours)
    assert ours == plain


def test_no_command_sends_a_name_to_the_terminal(run):
    name = "a\x1b]0;owned\x07\n\u202e7.py"
    program = "profile = profile\n@profile\ndef f():\n    return 1\nf()\n"
    tables = run.m(program, name=name, options=["--functions", "--multiprocess"]).ok()
    assert "Filename: a\\x1b]0;owned\\x07\\x0a\\u202e7.py\n" in tables.stdout
    imported = run.plain("from memory_profiler import profile\n" + program, name=name).ok()
    wrong = ["--json", name, name], ["--nope" + name], ["--prec", "7" + name], ["--" + name]
    refused = [run.profiler(*words, "x") for words in wrong]
    for module in ("report", "diff"):
        for words in wrong:
            refused.append(python("-m", f"memory_profiler.{module}", *words, cwd=run.folder))
    assert all(outcome.returncode in (1, 2) for outcome in refused[1:])
    for outcome in [tables, imported, *refused]:
        said = outcome.stdout + outcome.stderr
        assert not set("\x1b\x07\u202e") & set(said), said
        assert said


def test_what_can_be_read_as_a_file(run):
    """As Python runs it: what a shell's <(…) names, and its input."""
    program = "@profile\ndef f():\n    return 1\nf()\n"
    done = python("-m", "memory_profiler", "/dev/stdin", cwd=run.folder, stdin=program)
    assert (done.returncode, done.stderr) == (0, "")
    assert "    return 1" in done.stdout and "Filename: /dev/stdin" in done.stdout
    done = python("-m", "memory_profiler", "-q", "/dev/null", cwd=run.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
