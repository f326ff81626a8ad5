"""--all: which files are the program's own; --lines: a table of what is in no function."""

import re

import pytest
from support import MAPPED_BLOCKS, environment, near, python

MAPPED = environment(**MAPPED_BLOCKS)


def names_of(outcome):
    """The functions that have a table."""
    found = []
    for table in outcome.tables:
        found.append(re.search(r"def (\w+)", "".join(row.text for row in table.rows))[1])
    return sorted(found)


def module(*names):
    """A module with these functions, each called once."""
    return "".join(f"def {name}():\n    return 1\n\n{name}()\n" for name in names)


@pytest.fixture
def project(run):
    """A project with files of its own, and with others' below and beside it."""
    run.write("home/app/__init__.py", module("of_app"))
    run.write("home/app/__main__.py", "from app.sub import deep\n" + module("of_main"))
    run.write("home/app/sub/__init__.py", "")
    run.write("home/app/sub/deep.py", module("of_deep"))
    run.write("home/app/sub/job.py", "import app.sub.deep, beside\n" + module("of_job"))
    run.write("home/beside.py", module("of_beside"))
    run.write("home/env/pyvenv.cfg", "")
    run.write("home/env/more/in_env.py", module("of_env"))
    run.write("home/lib/site-packages/installed.py", module("of_installed"))
    run.write("outside/elsewhere.py", module("of_elsewhere"))
    return run


SCRIPT = """
    import os, sys
    sys.path += ["env/more", "lib/site-packages", "../outside"]
    import beside, in_env, installed, elsewhere, colorsys
    def of_script():
        colorsys.rgb_to_hls(1, 2, 3)
        os.chdir("/")
        import app.sub.deep
    of_script()
    """


def test_all_means_the_folder_of_a_script(project):
    project.write("home/script.py", SCRIPT)
    outcome = project.profiler("--all", "script.py", cwd=project.folder / "home").ok()
    assert names_of(outcome) == ["of_app", "of_beside", "of_deep", "of_script"]


def test_a_link_to_a_script_has_the_folder_of_the_script(project):
    project.write("home/script.py", "import beside\n" + module("of_script"))
    (project.folder / "link").symlink_to("home/script.py")
    project.write("mine.py", module("of_mine"))
    outcome = project.profiler("--all", "./link", cwd=project.folder).ok()
    assert names_of(outcome) == ["of_beside", "of_script"]


@pytest.mark.parametrize(
    "program, names",
    [
        (["-m", "app"], ["of_app", "of_deep", "of_main"]),
        (["-m", "app.sub.job"], ["of_app", "of_deep", "of_job"]),
        (["-m", "beside"], ["of_beside"]),
        (["app.sub.job"], ["of_app", "of_deep", "of_job"]),
        (["-c", "import beside, app.sub.deep"], ["of_app", "of_beside", "of_deep"]),
    ],
)
def test_all_means_the_folder_of_the_package(project, program, names):
    outcome = project.profiler("--all", *program, cwd=project.folder / "home").ok()
    assert names_of(outcome) == names


@pytest.mark.parametrize("program", ["calendar", "json.tool"])
def test_of_a_program_of_pythons_own_only_the_program_is_profiled(project, program):
    outcome = project.profiler("--all", "-m", program, "--help", cwd=project.folder).ok()
    assert outcome.tables and {table.filename for table in outcome.tables} == {
        outcome.tables[0].filename
    }


def test_of_an_installed_program_only_the_program_is_profiled(project):
    project.write("home/lib/site-packages/tool/__init__.py", "")
    project.write("home/lib/site-packages/tool/part.py", module("of_part"))
    project.write("home/lib/site-packages/tool/__main__.py", "import tool.part\n" + module("own"))
    where = project.folder / "home/lib/site-packages"
    assert names_of(project.profiler("--all", "-m", "tool", cwd=where).ok()) == ["own"]


def test_one_file_alone_is_taken_by_p(project):
    project.write("home/script.py", "import beside\n" + module("of_script"))
    outcome = project.profiler("-p", "script.py", "script.py", cwd=project.folder / "home").ok()
    assert names_of(outcome) == ["of_script"]


# ---- --lines

NO_FUNCTIONS = """
    '''A script without functions.'''
    import sys
    first = bytearray(5 << 20)
    class Held:
        inner = bytearray(3 << 20)
        def method(self):
            return bytearray(7 << 20)
    kept = [bytearray(1 << 20) for i in range(4)]
    called = Held().method()
    if len(sys.argv) > 1:
        raise SystemExit(3)
    del first
    # the end
    """


def increments_of(table):
    return {row.lineno: row.increment for row in table.rows if row.ran}


def test_lines_gives_a_script_without_functions_a_table(run):
    outcome = run.m(NO_FUNCTIONS, options=["--lines"], env=MAPPED).ok()
    (table,) = outcome.tables
    assert table.rows[-1].text.startswith("# the end")
    assert [table.at(text).increment for text in ("first =", "inner =", "kept =", "called =")] == [
        near(5),
        near(3),
        near(4),
        near(7),
    ]
    assert table.at("del first").increment == near(-5)
    assert not table.at("return bytearray").ran
    assert table.at("first =").occurrences == table.at("del first").occurrences == 1


def test_lines_that_ran_before_the_program_ended_itself_are_shown(run):
    outcome = run.m(NO_FUNCTIONS, "end", options=["--lines"], env=MAPPED)
    assert (outcome.returncode, outcome.stderr) == (3, "")
    (table,) = outcome.tables
    assert table.at("first =").increment == near(5)
    assert table.at("raise SystemExit").ran and not table.at("del first").ran


def test_functions_have_tables_beside_the_one_of_lines(run):
    source = NO_FUNCTIONS + "\n    @profile\n    def work():\n        return 1\n    work()\n"
    outcome = run.m(source, options=["--lines", "--json", "run.json"], env=MAPPED).ok()
    whole, work = outcome.tables
    assert whole.filename == work.filename == "script.py"
    assert work.rows[-1].occurrences == 1 and work.rows[0].text.strip() == "@profile"
    assert whole.line(work.rows[-1].lineno).occurrences is None
    report = python("-m", "memory_profiler.report", "run.json", cwd=run.folder).ok()
    assert report.stdout == outcome.stdout


def test_lines_of_a_module_and_of_a_command(run):
    run.write("pkg/__init__.py", "")
    run.write("pkg/job.py", "x = bytearray(6 << 20)\n")
    for program in (["-m", "pkg.job"], ["-c", "x = bytearray(6 << 20)\n"]):
        outcome = run.profiler("--lines", *program, env=MAPPED).ok()
        (table,) = outcome.tables
        (row,) = table.rows
        assert row.increment - row.mem == near(0) and row.text == "x = bytearray(6 << 20)"


def test_lines_of_an_empty_script(run):
    (table,) = run.m("# nothing\n", options=["--lines"]).ok().tables
    assert [(row.text, row.occurrences) for row in table.rows] == [("# nothing", 1)]
