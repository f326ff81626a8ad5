"""--attach: tables of a program that runs already."""

import json
import re
import subprocess
import sys

from attached import WORKS, can_attach
from support import environment, near, python


@can_attach
def test_tables_of_a_program_that_runs(launch):
    program = launch(WORKS)
    outcome = program.attach(
        "-p", "script.py:work", "-p", "script:Nobody.*", "-p", "__main__:Worker.run"
    )
    assert outcome.returncode == 0
    assert outcome.one_line_error() == (
        "memory_profiler: -p script:Nobody.* named no function of this run"
    )
    assert [table.filename for table in outcome.tables] == [str(program.folder / "script.py")] * 2
    work, run = outcome.table("work"), outcome.table("run")
    assert work.at("str(i)").occurrences > 10 < run.at("return work()").occurrences
    assert abs(work.first.occurrences - run.first.occurrences) <= 1
    program.end()


@can_attach
def test_without_p_all_functions_of_its_own_files(run, launch):
    run.write("late.py", "def late():\n    return json.dumps({})\nimport json\n")
    program = launch(
        "import sys, time\nprint('ready', flush=True)\n"
        "def work():\n    import late\n    return late.late()\n"
        "while not sys.stdin.read(0) and work():\n    time.sleep(0.01)\n"
    )
    outcome = program.attach().ok()
    assert outcome.table("work") and outcome.table("late")
    assert len(outcome.tables) == 2, "nothing of the library"


@can_attach
def test_a_module_and_code_from_the_command_line(run, launch):
    run.write("pack/__init__.py", "")
    program = launch(WORKS, "-m", "pack.main", name="pack/main.py")
    assert program.attach("-p", "pack.main:work").ok().table("work")
    program.end()
    program = launch("", "-c", WORKS)
    assert program.attach("-p", "__main__:work").ok("^$").stdout.count("Filename: <string>") == 1
    program.end()


@can_attach
def test_what_grows_is_in_the_line_that_grew(launch):
    """Pages that a line touches are that line's, also of a program that has been for long."""
    program = launch(
        """
        import time
        from tell_of_me import waits_for_input
        kept = []
        def grow():
            kept.append(bytearray(1 << 22))
            time.sleep(0.02)
        def shrink():
            kept.clear()
        print("ready", flush=True)
        waits_for_input()
        for _ in range(5):
            grow()
        shrink()
        print("done", flush=True)
        waits_for_input(line=False)
        """
    )
    attaching = program.begin_attaching("--json", "run.json")
    program.goes_on()
    program.says("done")
    outcome = attaching.end().ok()
    assert outcome.table("grow").at("bytearray").increment == near(20)
    assert outcome.table("grow").at("bytearray").occurrences == 5
    assert outcome.table("shrink").at("clear").increment == near(-20)
    run = json.loads((program.folder / "run.json").read_text())
    assert run["processes"][0]["pid"] == program.pid and "complaints" not in run
    for form in "text", "html":
        words = "-m", "memory_profiler.report", "--to", form, "run.json"
        assert "kept.append(bytearray" in python(*words, cwd=program.folder).ok().stdout
    program.end()


@can_attach
def test_allocations_and_what_lives(launch):
    program = launch(WORKS.replace("range(10)", "range(20_000)"))
    outcome = program.attach("--allocations", "--heap", "-p", "script.py:work").ok()
    assert re.search(r"Heap: peak .* in work\(\); left ", outcome.stdout)
    assert re.search(r"Heap while it ran: [\d,]+ objects", outcome.stdout)
    assert re.search(r"^RSS +[\d.]+ MiB", outcome.stdout, re.M)
    row = re.search(r"^ *\d+ .* (\d+) .*\brows = \[str", outcome.stdout, re.M)
    assert row, outcome.stdout
    again = program.attach("--allocations=own", "-p", "script.py:work").ok()
    assert "Allocated" in again.stdout
    program.end()


@can_attach
def test_what_lives_now_at_once(launch):
    """Objects by type, who keeps them, the bill; no function is recorded."""
    program = launch("class Thing: pass\ncache = {n: Thing() for n in range(20_000)}\n" + WORKS)
    before = program.tell()
    outcome = program.attach("--heap", "--for", "0", "--json", "run.json").ok()
    assert outcome.tables == []
    assert re.match(r"Heap while it ran: [\d,]+ objects, ", outcome.stdout)
    assert re.search(r"^__main__\.Thing +20,000 ", outcome.stdout, re.M)
    assert re.search(r"^__main__\.cache .* dict$", outcome.stdout, re.M)
    assert re.search(r"^RSS +[\d.]+ MiB +100\.0$", outcome.stdout, re.M)
    assert program.attach("--heap", "--for", "0", quiet=False).ok().stdout
    assert program.attach("--heap", "--for", "0", "-o", "heap").ok().stdout == ""
    assert "__main__.cache" in (program.folder / "heap").read_text()
    again = python("-m", "memory_profiler.report", "run.json", cwd=program.folder).ok()
    assert again.stdout == outcome.stdout
    assert program.tell() == before and program.files_of_ours() == []
    program.end()


@can_attach
def test_source_that_was_edited_meanwhile_is_not_shown(run, launch):
    program = launch(WORKS)
    run.write("script.py", WORKS.replace("rows", "nothing like before").replace("work", "toil"))
    outcome = program.attach("-p", "script.py:work").ok()
    assert outcome.stdout.count("Filename: ") == 1 and "nothing like" not in outcome.stdout


@can_attach
def test_tables_in_a_file_and_for_a_reader_that_has_enough(launch):
    program = launch(WORKS)
    assert program.attach("-o", "tables", "--precision", "1").ok().stdout == ""
    assert "def work" in (program.folder / "tables").read_text()
    command = f"{sys.executable} -m memory_profiler -q --attach {program.pid} --for 0.2 | true"
    done = subprocess.run(["sh", "-c", command], env=environment(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    nowhere = program.attach("-o", "no/tables")
    assert nowhere.returncode == 1 and nowhere.stdout == ""
    assert nowhere.one_line_error() == (
        "memory_profiler: cannot write no/tables: No such file or directory"
    )
    program.end()
