"""The ranking of a run: what it says, where it goes, and that piped output stays as it was."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import ANSI, MAPPED_BLOCKS, environment, mask, near, on_a_terminal

GOLDEN = Path(__file__).parent.parent / "golden"
FIVE = (GOLDEN / "five_functions.py").read_text(encoding="utf-8")
FIVE_PRINTED = (GOLDEN / "five_functions.txt").read_text(encoding="utf-8")
MAPPED = environment(**MAPPED_BLOCKS)
GREW = "Lines of the run that grew most, with what they called:\n"
HIGHEST = "Lines of the run that memory was highest after:\n"
HELD = "Lines of the run that held most above their start:\n"
ROW = re.compile(
    r"^ *(-?[\d.]+) MiB +(-?[\d.]+) MiB +(\d+)(?: +(-?[\d.]+) MiB)?   (\S+)  (.*)$", re.M
)

PROGRAM = """
@profile
def leaf(n):
    return bytearray(n << 20)

@profile
def transient():
    x = bytearray(40 << 20)
    del x
    return 1

@profile
def middle():
    a = leaf(20)
    b = leaf(10)
    del a
    return b

def between():
    return middle()

@profile
def main():
    transient()
    kept = between()
    return kept

kept = main()
"""


def rows(text, title):
    """[(place, source, memory, increment, occurrences, peak)] of the list under a title."""
    listed = text.split(title, 1)[1].split("===\n", 1)[1].split("\n\n", 1)[0]
    found = [ROW.match(line) for line in listed.splitlines()]
    assert all(found), listed
    return [
        (m[5], m[6], float(m[1]), float(m[2]), int(m[3]), None if m[4] is None else float(m[4]))
        for m in found
    ]


def peak_of(text):
    """(MiB, seconds, place, callers) of the run."""
    said = re.search(
        r"^Peak of the run: ([\d.]+) MiB, ([\d.]+) s after the start, in (\S+\))"
        r"(?:, called from (.*))?$",
        text,
        re.M,
    )
    assert said, text
    return float(said[1]), float(said[2]), said[3], (said[4] or "").split(", ")


def ranked(run, source=PROGRAM, *options, says="Lines of the run", **kw):
    kw.setdefault("env", MAPPED)
    return run.m(source, options=options, quiet=False, **kw).ok(says)


# ---- piped output


@pytest.mark.parametrize("options", [[], ["-q"]], ids=["", "-q"])
def test_stdout_is_as_it_was_byte_for_byte(run, options):
    done = run.m(FIVE, options=options, name="five_functions.py", quiet=False, env=MAPPED).ok(
        "to s"
    )
    assert mask(done.stdout) == FIVE_PRINTED
    assert (GREW in done.stderr) == (not options)
    assert done.stderr.startswith("to stderr\n")


def test_a_pipe_of_both_is_as_it_was(run):
    run.write("five_functions.py", FIVE)
    done = subprocess.run(
        [sys.executable, "-m", "memory_profiler", "five_functions.py"],
        cwd=run.folder,
        env=MAPPED,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert done.returncode == 0
    assert mask(done.stdout.replace("to stderr\n", "")) == FIVE_PRINTED


def test_files_and_streams_have_tables_alone(run):
    run.m(FIVE, options=["-o", "out.txt"], name="five_functions.py", quiet=False, env=MAPPED)
    tables = (run.folder / "out.txt").read_text()
    assert mask(tables) == FIVE_PRINTED.partition("end\n")[2]
    with open(run.folder / "both.txt", "w") as both:
        done = subprocess.run(
            [sys.executable, "-m", "memory_profiler", "-o", "both.txt", "five_functions.py"],
            cwd=run.folder,
            env=MAPPED,
            stdout=subprocess.DEVNULL,
            stderr=both,
        )
    assert done.returncode == 0
    assert "Lines of the run" not in (run.folder / "both.txt").read_text()

    source = "out = open('s.txt', 'w')\n" + PROGRAM.replace("@profile", "@profile(stream=out)")
    done = ranked(run, source)
    text = (run.folder / "s.txt").read_text()
    assert text.count("Filename:") == 4 and "Lines of" not in text and done.stdout == ""


# ---- on a terminal


@pytest.mark.parametrize(
    "env", [{"TERM": "xterm"}, {"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}]
)
def test_on_a_terminal_it_stands_below_the_tables_with_heat(run, env):
    run.write("script.py", PROGRAM)
    env = environment(**MAPPED_BLOCKS, **env)
    shown = on_a_terminal(run.folder, env, "-m", "memory_profiler", "script.py")
    assert shown.rindex("Filename:") < shown.index(GREW)
    if env.get("NO_COLOR") or env["TERM"] == "dumb":
        assert "\x1b" not in shown
        return
    hottest = "\x1b[97;41m"
    ranking = shown[shown.index(GREW) :]
    assert hottest in ranking.split("\n")[4] and "\x1b" not in ranking.split("\n")[3]
    assert rows(ANSI.sub("", ranking), GREW)[0][0] == "script.py:7(transient)"
    # In a table too the largest increments are the hottest.
    line = next(line for line in shown.split("\n") if "return bytearray" in line)
    assert hottest in line


def test_where_stdout_alone_is_a_terminal_it_is_there(run):
    run.write("script.py", PROGRAM)
    with open(run.folder / "err", "w") as err:
        shown = on_a_terminal(
            run.folder, environment(TERM="xterm"), "-m", "memory_profiler", "script.py", stderr=err
        )
    assert GREW in shown and (run.folder / "err").read_text() == ""


def test_where_stderr_alone_is_a_terminal_it_is_there(run):
    run.write("script.py", PROGRAM)
    env = environment(TERM="xterm", CLICOLOR_FORCE="1")
    with open(run.folder / "out", "w") as out:
        shown = on_a_terminal(run.folder, env, "-m", "memory_profiler", "script.py", stdout=out)
    assert GREW in shown and "\x1b[" in shown
    assert "Lines of the run" not in (run.folder / "out").read_text()


def test_colour_can_be_forced(run):
    env = environment(**MAPPED_BLOCKS, CLICOLOR_FORCE="1", TERM="xterm")
    assert "\x1b[97;41m" in ranked(run, env=env).stderr
    assert "\x1b" not in ranked(run, env={**env, "NO_COLOR": "1"}).stderr


# ---- when


@pytest.mark.parametrize("n, is_there", [(3, False), (4, True)])
def test_more_than_three_functions_that_ran(run, n, is_there):
    source = "".join(f"@profile\ndef f{i}():\n    x = 1\n" for i in range(6))
    source += "".join(f"f{i}()\n" for i in range(n))
    done = run.m(source, quiet=False).ok(None if not is_there else "Peak of the run")
    assert ("Peak of the run" in done.stderr) == is_there


def test_other_ways_to_measure_have_none(run):
    source = "from memory_profiler import profile\n" + PROGRAM
    assert run.plain(source, env=MAPPED).ok().stdout.count("Filename:") == 5
    run.m(PROGRAM, options=["--timestamp", "-o", "x.dat"], quiet=False).ok()


def test_a_forked_child_prints_its_tables_alone(run):
    source = PROGRAM + "import os\nif (child := os.fork()) == 0:\n    main()\nelse:\n"
    done = ranked(run, source + "    os.waitpid(child, 0)\n")
    assert done.stderr.count("Peak of the run") == 1 and done.stdout.count("Filename:") == 8
    done = ranked(
        run, source + "    os.waitpid(child, 0)\n", "--multiprocess", says="Peak of this process"
    )
    assert "Lines of this process that grew" in done.stderr


def test_the_status_is_the_programs(run):
    done = run.m(PROGRAM + "raise SystemExit(7)\n", quiet=False)
    assert done.returncode == 7 and "Peak of the run" in done.stderr


@pytest.mark.parametrize(
    "spoil",
    [
        "sys.stderr = None",
        "sys.stderr = sys.__stderr__ = None",
        "sys.stderr.close()",
        "import os; os.close(2)",
        "sys.stderr = object()",
        "sys.stdout = io.StringIO()",
        "sys.stderr = sys.stdout = io.StringIO()",
    ],
)
def test_streams_that_the_program_has_spoilt(run, spoil):
    source = PROGRAM + f"import io, sys\n{spoil}\n"
    done = run.m(source, quiet=False, env=MAPPED)
    assert done.returncode == run.m(source, env=MAPPED).returncode
    assert "Traceback" not in done.stderr and "rror" not in done.stderr
    assert "Lines of" not in done.stdout


REPLACED = """
import os, sys
class Stream:
    def __init__(self, *streams): self.streams = streams
    def write(self, text):
        for stream in self.streams: stream.write(text)
    def flush(self): [stream.flush() for stream in self.streams]
"""


@pytest.mark.parametrize(
    "replace, is_there",
    [
        ("sys.stderr = Stream(sys.stderr, sys.stdout)", True),
        ("sys.stderr = Stream(sys.stdout)", True),
        ("sys.stderr = Stream(open('log', 'w'))", True),
        ("sys.stderr = open('log', 'w')", True),
        ("sys.stdout.isatty = lambda: True", True),
        ("os.close(2); sys.data = open('log', 'w'); assert sys.data.fileno() == 2", False),
        ("os.dup2(1, 2)", False),
    ],
)
def test_streams_of_the_programs_own_get_none(run, replace, is_there):
    """They may end in its stdout, or in files that it reads again: it is on the stderr there was."""
    done = run.m(REPLACED + replace + PROGRAM, quiet=False, env=MAPPED)
    assert done.returncode == 0 and "Lines of" not in done.stdout
    assert (GREW in done.stderr) == is_there
    if "log" in replace:
        assert (run.folder / "log").read_text() == ""


def test_where_functions_print_to_stderr_it_has_tables_alone(run):
    source = "import sys\n" + PROGRAM.replace("@profile", "@profile(stream=sys.stderr)")
    done = run.m(source, quiet=False, env=MAPPED)
    assert done.returncode == 0 and done.stdout == ""
    assert done.stderr.count("Filename:") == 4 and "Lines of" not in done.stderr


# ---- what


def test_lines_that_grew_most(run):
    done = ranked(run)
    grew = rows(done.stderr, GREW)
    assert [row[0] for row in grew[:3]] == [
        "script.py:7(transient)",
        "script.py:3(leaf)",
        "script.py:13(middle)",
    ]
    assert [row[3] for row in grew[:3]] == [near(40), near(30), near(20)]
    assert grew[1][1] == "return bytearray(n << 20)" and grew[1][4] == 2
    assert sorted((row[3] for row in grew), reverse=True) == [row[3] for row in grew]
    assert all(row[3] > 0 for row in grew)


def test_it_says_what_the_tables_say(run):
    done = ranked(run)
    row = done.table("transient").at("x = bytearray")
    assert rows(done.stderr, GREW)[0][2:5] == (row.mem, row.increment, row.occurrences)


def test_the_first_entry_is_no_growth(run):
    lambdas = "".join(f"g{i} = profile(lambda: [0] * {i})\ng{i}()\n" for i in range(6))
    done = ranked(run, lambdas)
    assert all(row[3] < 1 for row in rows(done.stderr, HIGHEST))


def test_lines_that_peaked(run):
    highest = rows(ranked(run).stderr, HIGHEST)
    assert highest[0][0] == "script.py:7(transient)"
    assert sorted((row[2] for row in highest), reverse=True) == [row[2] for row in highest]
    assert len(highest) == 10
    held = rows(ranked(run, PROGRAM, "--peak").stderr, HELD)
    assert [row[5] for row in held[:2]] == [near(40), near(40)]
    assert {row[0] for row in held[:2]} == {"script.py:7(transient)", "script.py:23(main)"}


def test_ten_of_many(run):
    source = "".join(
        f"@profile\ndef f{i}():\n    return bytearray({i + 1} << 20)\nx{i} = f{i}()\n"
        for i in range(30)
    )
    done = ranked(run, source)
    assert [row[3] for row in rows(done.stderr, GREW)] == [near(30 - i) for i in range(10)]
    assert len(rows(done.stderr, HIGHEST)) == 10


def test_another_backend_is_not_compared(run):
    other = (
        "@profile(backend='tracemalloc')\ndef other():\n    return bytearray(99 << 20)\nother()\n"
    )
    assert "other" not in ranked(run, PROGRAM + other).stderr


def test_names_cannot_move_the_cursor(run):
    done = ranked(run, PROGRAM, name="a\x1b[31m\n.py")
    assert "\x1b" not in done.stderr and "a\\x1b[31m\\x0a.py:7(transient)" in done.stderr


def test_precision(run):
    done = ranked(run, PROGRAM, "--precision", "1")
    assert rows(done.stderr, GREW)[0][3] == near(40, 0.3)
    assert re.search(r"run: \d+\.\d MiB,", done.stderr)


def test_a_row_for_a_line_of_any_length(run):
    """Within the window, but that the name stays whole; 160 columns elsewhere."""
    long = "b'" + "x" * 5000 + "'"
    source = PROGRAM.replace("return bytearray(n << 20)", f"return bytearray(n << 20), {long}")
    text = ranked(run, source).stderr
    assert 155 < max(len(line) for line in text.splitlines()) <= 160
    row = next(line for line in text.splitlines() if "script.py:3(leaf)" in line)
    assert "return bytearray(n << 20), b'xxx" in row and row.endswith("x...")
    assert "x = bytearray(40 << 20)\n" in text
    for columns, longest in (100, 100), (20, 90):
        env = environment(**MAPPED_BLOCKS, TERM="dumb")
        words = ["-m", "memory_profiler", "-o", "o", "script.py"]
        shown = on_a_terminal(run.folder, env, *words, columns=columns)
        rows_shown = [line for line in shown.splitlines() if "script.py:3(leaf)  " in line]
        assert rows_shown and max(map(len, rows_shown)) <= longest


# ---- the peak of the run


def test_the_peak_in_a_line_called_from_where(run):
    held, seconds, place, callers = peak_of(ranked(run).stderr)
    assert place == "script.py:7(transient)"
    assert callers == ["script.py:23(main)", "script.py:27(<module>)"]
    assert held == near(rows(ranked(run).stderr, HIGHEST)[0][2], 0.5)
    assert 0 <= seconds < 60


def test_callers_that_nobody_profiles_are_named(run):
    source = PROGRAM.replace("40 << 20", "1 << 20")
    _, _, place, callers = peak_of(ranked(run, source).stderr)
    assert place == "script.py:3(leaf)"
    assert callers == ["script.py:14(middle)", "script.py:19(between)", "script.py:24(main)"]


def test_the_latest_caller_is_told(run):
    """Where one function peaks twice, called from two lines."""
    source = """
    @profile
    def grow(n): return bytearray(n << 20)
    @profile
    def a(): return 1
    @profile
    def b(): return 1
    @profile
    def main():
        one = grow(5)
        two = grow(5)
        return one, two
    a(), b()
    kept = main()
    """
    _, _, place, callers = peak_of(ranked(run, source).stderr)
    assert (place, callers[0]) == ("script.py:2(grow)", "script.py:10(main)")


def test_a_peak_in_a_caller_that_nobody_profiles(run):
    """Found when the function begins that it calls."""
    source = """
    @profile
    def f(): return 1
    @profile
    def g(): return 1
    @profile
    def h(): return 1
    @profile
    def last(): return 1
    f(), g(), h()
    def outside():
        x = bytearray(50 << 20)
        last()
    outside()
    """
    _, _, place, callers = peak_of(ranked(run, source).stderr)
    assert (place, callers) == ("script.py:12(outside)", ["script.py:13(<module>)"])


def test_generators_coroutines_and_threads(run):
    source = """
    import asyncio, threading
    @profile
    def numbers():
        yield 1
        x = bytearray(30 << 20)
        yield 2
    @profile
    def use():
        return sum(numbers())
    @profile
    async def main():
        await asyncio.sleep(0)
    @profile
    def other(): return 1
    other()
    asyncio.run(main())
    thread = threading.Thread(target=use)
    thread.start(); thread.join()
    """
    _, _, place, callers = peak_of(ranked(run, source).stderr)
    assert place == "script.py:5(numbers)"
    assert callers[0] == "script.py:9(use)" and callers[1].startswith("threading.py:")


def test_what_was_held_for_a_moment_between_readings(run):
    """--peak knows the line; else the kernel's mark is told, and no line."""
    source = PROGRAM.replace("return 1", "return len(bytearray(90 << 20))")
    done = ranked(run, source, "--peak")
    held, _, place, _ = peak_of(done.stderr)
    assert place == "script.py:9(transient)" and "kernel" not in done.stderr
    done = ranked(run, source)
    lower, _, place, _ = peak_of(done.stderr)
    assert place == "script.py:7(transient)" and lower < held - 40
    said = re.search(
        r"^Between readings the kernel saw up to ([\d.]+) MiB: --peak", done.stderr, re.M
    )
    assert float(said[1]) == near(held, 3)


def test_a_moment_outside_of_all_functions(run):
    source = PROGRAM + "x = len(bytearray(200 << 20))\nmain()\n"
    done = ranked(run, source, "--peak")
    assert re.search(r"^Peak of the run: 2\d\d.*, outside of these functions$", done.stderr, re.M)


def test_code_that_is_gone_by_then(run):
    """Its lines are told all the same."""
    source = """
    import gc
    text = '''
    def go():
        x = bytearray(60 << 20)
        inner()
    go()
    '''
    @profile
    def inner(): return 1
    @profile
    def f(): return 1
    @profile
    def g(): return 1
    @profile
    def h(): return 1
    f(), g(), h()
    import textwrap
    exec(textwrap.dedent(text), {"inner": inner})
    gc.collect()
    """
    _, _, place, callers = peak_of(ranked(run, source).stderr)
    assert place == "<string>:4(go)" and callers[0] == "<string>:5(<module>)"


def test_a_stderr_that_nobody_reads(run):
    """The status stays the program's."""
    run.write("script.py", PROGRAM)
    done = subprocess.run(
        f"{sys.executable} -m memory_profiler script.py 2>&1 >/dev/null | true; "
        "echo ${PIPESTATUS[0]}",
        shell=True,
        executable="/bin/bash",
        cwd=run.folder,
        env=MAPPED,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
