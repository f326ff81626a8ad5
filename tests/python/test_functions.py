"""--functions and --pstats: the memory of every function of the program."""

import marshal
import pstats
import re
import subprocess
import sys
from textwrap import dedent

import pytest
from support import MAPPED_BLOCKS, TIMEOUT, environment, near

MAPPED = environment(**MAPPED_BLOCKS)
ROW = re.compile(
    r"^ +(\d+)(?:/(\d+))? +(-?[\d.]+) MiB +(-?[\d.]+) MiB(?: +(-?[\d.]+) MiB| +)   (.*)$"
)

PROGRAM = """
    import threading

    def leaf(n):
        return bytearray(n << 20)

    def transient():
        leaf(50)

    def middle():
        first = leaf(10)
        second = leaf(20)
        return first

    def fact(n):
        return leaf(n) if n < 2 else fact(n - 1)

    def numbers():
        block = bytearray(8 << 20)
        yield 1
        yield 2

    def fails():
        block = bytearray(5 << 20)
        raise ValueError

    def main():
        keep = [middle() for _ in range(3)]
        transient()
        fact(5)
        for number in numbers():
            keep.append(leaf(2))
        try:
            fails()
        except ValueError:
            pass
        return keep

    kept = main()
    """


def rows_of(text):
    """[(name, calls, primitive, own, cumulative, peak)] of the table."""
    table = text.split("===\n", 1)[1].split("\n\n", 1)[0]
    found = []
    for line in table.splitlines():
        row = ROW.match(line)
        if row and row[5] is not None:
            name = re.search(r"\(([^()]*)\)$", row[6])[1]
            found.append(
                (name, int(row[1]), int(row[2] or row[1]), *map(float, row.group(3, 4, 5)))
            )
    return found


@pytest.fixture
def stats(run):
    """pstats.Stats of a program's run, by function name; and the file as it is."""

    def stats(source=PROGRAM, *options):
        run.m(source, options=["--pstats", "out.pstats", *options], env=MAPPED).ok()
        with open(run.folder / "out.pstats", "rb") as file:
            raw = marshal.load(file)
        return {key[2]: value for key, value in raw.items() if key[0].endswith("script.py")}, raw

    return stats


def test_the_table(run):
    outcome = run.m(PROGRAM, options=["--functions=peak", "-v"], env=MAPPED).ok()
    found = {row[0]: row[1:] for row in rows_of(outcome.stdout)}
    assert found["main"][:2] == (1, 1)
    assert found["main"][3] == near(34, 1)
    assert found["leaf"][:2] == (10, 10)
    assert found["leaf"][2:] == (near(145, 1), near(145, 1), near(50))
    assert found["transient"] == (1, 1, near(-50), near(0), near(50))
    assert found["fact"][:2] == (5, 1)
    assert found["numbers"] == (1, 1, near(8), near(8), near(8))
    assert found["fails"] == (1, 1, near(5), near(5), near(5))
    # The locals of a function live until it has returned: its caller sees them go.
    assert found["middle"] == (3, 3, near(0), near(90, 1), near(30, 0.5))
    assert "callers of" in outcome.stdout and "callees of" in outcome.stdout


def test_what_ran_for_us_at_the_end_is_not_in_it(run):
    outcome = run.m("def f():\n    return 1\nf()\n", options=["--functions"]).ok()
    names = {row[6] for row in map(ROW.match, outcome.stdout.splitlines()) if row}
    if sys.version_info < (3, 12):
        # Threads are followed by threading's own hook there, and it waits for them at the end.
        names = {name for name in names if not name.startswith("threading.py:")}
    assert names == {"script.py:1(<module>)", "script.py:1(f)"}


def test_it_stands_beside_the_tables_of_lines(run):
    outcome = run.m(
        "@profile\ndef f():\n    return bytearray(1 << 20)\nf()\n",
        options=["--functions=own", "-o", "out.txt"],
        env=MAPPED,
    ).ok()
    text = (run.folder / "out.txt").read_text()
    assert outcome.stdout == ""
    assert text.index("Line Contents") < text.index("Functions by own:")


def test_own_increments_add_up(stats):
    """Of the main thread: what its outermost calls grew is the sum of all own increments."""
    of_script, raw = stats()
    own = sum(value[2] for value in raw.values())
    (module,) = [
        value for key, value in raw.items() if key[2] == "<module>" and key[0].endswith("script.py")
    ]
    # What no counted function called: of all calls those that are in no caller's list.
    outside = sum(value[3] - sum(sums[3] for sums in value[4].values()) for value in raw.values())
    assert own == outside
    assert module[3] == near(34 << 20, 2 << 20)
    assert of_script["middle"][3] == near(90 << 20, 1 << 20)


def test_sums_of_callers_are_the_functions_own(stats):
    _, raw = stats()
    for function, (primitive, calls, own, cumulative, callers) in raw.items():
        assert sum(sums[0] for sums in callers.values()) <= calls
        if callers and sum(sums[0] for sums in callers.values()) == calls:
            assert sum(sums[2] for sums in callers.values()) == own
            assert sum(sums[3] for sums in callers.values()) == cumulative


def test_pstats_reads_it_and_says_the_unit(run, stats, capsys):
    stats()
    loaded = pstats.Stats(str(run.folder / "out.pstats"))
    loaded.sort_stats("cumulative").print_stats()
    loaded.print_callers("leaf")
    loaded.print_callees("middle")
    printed = capsys.readouterr().out
    assert "unit: bytes of memory, in the place of seconds" in printed
    assert re.search(r"leaf\) +<- ", printed) and "script.py" in printed


def test_other_tools_read_it(run, stats):
    pytest.importorskip("gprof2dot")
    stats()
    done = subprocess.run(
        [sys.executable, "-m", "gprof2dot", "-f", "pstats", "out.pstats"],
        cwd=run.folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    assert "middle" in done.stdout and "->" in done.stdout


def test_it_is_a_tree_for_loaders_that_walk_it(run, stats):
    """RunSnakeRun's: rows by key, each woven to its callers, empty ones left out, one root."""
    _, raw = stats("""
        def leaf(n):
            return bytearray(n << 20)
        def deep(n):
            return leaf(1) if n == 0 else (deep(n - 1), leaf(1))
        kept = deep(3)
        """)
    # On Python 3.11 threading waits for threads at the end: a root of its own.
    rows = {key: row for key, row in raw.items() if any(row[:4]) and "threading" not in key[0]}
    children = {key: [] for key in rows}
    for key, (_, _, own, cumulative, callers) in rows.items():
        assert isinstance(key[0], str) and isinstance(key[1], int) and isinstance(key[2], str)
        assert 0 <= own <= cumulative
        for caller, sums in callers.items():
            assert caller in rows and len(sums) == 4
            children[caller].append(key)
    roots = [key for key in rows if not rows[key][4]]
    assert [key[2] for key in roots] == ["<module>"]
    assert rows[roots[0]][3] == max(row[3] for row in rows.values())
    seen, rest = set(), roots
    while rest:
        key = rest.pop()
        rest += [child for child in children[key] if child not in seen]
        seen.add(key)
    assert seen == set(rows)


def test_threads(stats):
    of_script, _ = stats("""
        import threading

        def work(n):
            return [0] * n

        def deep(n):
            return work(10) if n == 0 else deep(n - 1)

        threads = [threading.Thread(target=deep, args=(30,)) for _ in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """)
    assert of_script["work"][1] == 3
    assert of_script["deep"][:2] == (3, 93)


def test_coroutines_and_generators_are_called_once(stats):
    of_script, _ = stats("""
        import asyncio

        async def sleeper(n):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return n

        async def main():
            return await asyncio.gather(*(sleeper(n) for n in range(5)))

        def numbers(n):
            for i in range(n):
                yield i

        asyncio.run(main())
        list(numbers(10)), list(numbers(20))
        """)
    assert of_script["sleeper"][1] == 5
    assert of_script["main"][1] == 1
    assert of_script["numbers"][1] == 2


LIBRARY = """
    def inside(n):
        return bytearray(n << 20)

    def moment():
        return len(inside(30))

    def entered(call):
        kept = inside(6)
        moment()
        return kept, call(), made()

    def made():
        return inside(1)

    def numbers():
        for i in range(3):
            inside(1)
            yield i
    """
USES_IT = """
    from lib import entered, numbers

    def called_back():
        return bytearray(4 << 20)

    def main():
        kept = entered(called_back)
        for i in numbers():
            pass
        return kept

    kept = main()
    """


def with_library(run, *options, source=USES_IT, **kw):
    """Names and rows of a program that uses an installed library, and what it printed."""
    folder = run.folder / "venv" / "site-packages"
    run.write("venv/site-packages/lib.py", LIBRARY)
    kw.setdefault("env", environment(**MAPPED_BLOCKS, PYTHONPATH=str(folder)))
    done = run.m(source, options=options, **kw).ok()
    names = [row[6] for row in map(ROW.match, done.stdout.splitlines()) if row and row[5]]
    return names, {row[0]: row[1:] for row in rows_of(done.stdout)}, done


def test_the_insides_of_libraries_are_in_the_call_that_entered_them(run):
    names, found, done = with_library(run, "--functions=own")
    assert {"lib.py:7(entered)", "lib.py:15(numbers)"} <= {*names}
    assert not {"inside", "moment", "made"} & {*found}
    assert found["entered"] == (1, 1, near(7), near(11), near(36, 1))
    assert found["called_back"] == (1, 1, near(4), near(4), near(4))
    assert found["numbers"][:2] == (1, 1)
    assert found["main"][2:4] == (near(0), near(11))
    assert "--functions=own,all shows it" in done.stdout


def test_the_programs_own_come_first(run):
    for options in ["--functions"], ["--functions=name"], ["--functions=own,all"]:
        names, _, _ = with_library(run, *options)
        is_own = [name.startswith("script.py:") for name in names]
        assert is_own == sorted(is_own, reverse=True) and True in is_own and False in is_own


def test_all_shows_all(run):
    for key in "peak,all", "all,peak", "all":
        _, found, done = with_library(run, f"--functions={key}")
        assert found["inside"][:2] == (6, 6)
        assert found["entered"][2] == near(0) and found["inside"][2] == near(40, 1)
        if key != "all":
            assert found["moment"] == (1, 1, near(-30), near(0), near(30))
        assert f"Functions by {'cumulative' if key == 'all' else 'peak'}: " in done.stdout
        assert "inside of a library" not in done.stdout


def test_callers_and_callees_only_when_verbose_and_always_in_the_file(run):
    _, _, done = with_library(run, "--functions", "--pstats", "out.pstats")
    assert "callers of" not in done.stdout and "callees of" not in done.stdout
    stats = pstats.Stats(str(run.folder / "out.pstats")).stats
    by_name = {key[2]: value for key, value in stats.items()}
    assert by_name["inside"][1] == 6  # the file has the insides, also beside a folded table
    assert {key[2] for key in by_name["inside"][4]} == {"entered", "moment", "made", "numbers"}
    assert any(key[0].endswith("/site-packages/lib.py") for key in stats)
    _, _, done = with_library(run, "--functions", "-v")
    callers = done.stdout.split("callers of script.py:3(called_back)\n", 1)[1].splitlines()[0]
    assert callers.endswith("lib.py:7(entered)")


def test_names_are_short(run):
    run.write("below/mine.py", "def own():\n    return 1\n")
    source = "import json, sys\nsys.path.insert(0, 'below')\nfrom mine import own\nown()\njson.dumps([])\n"
    names, _, _ = with_library(run, "--functions=name", source=source)
    assert {"script.py:1(<module>)", "below/mine.py:1(own)"} <= {*names}
    assert any(re.fullmatch(r"json/__init__\.py:\d+\(dumps\)", name) for name in names)
    source = source.replace("'below'", f"{str(run.folder)!r} + '/below'")
    names, _, _ = with_library(
        run, "--functions=name", source="import os\nos.chdir('/')\n" + source
    )
    assert "below/mine.py:1(own)" in names  # told from where the command was given


def test_a_short_name_is_of_one_file(run):
    for folder in "a", "b":
        run.write(f"{folder}/twin.py", f"def of_{folder}():\n    return 1\n")
    run.write(
        "script.py",
        """
        import os, sys
        here = os.path.dirname(os.path.abspath(__file__))
        for folder in "a", "b":
            sys.path.insert(0, os.path.join(here, folder))
            import twin
            getattr(twin, "of_" + folder)()
            del sys.modules["twin"]
        """,
    )
    (run.folder / "c").mkdir()
    done = run.profiler("--functions=name", "../script.py", cwd=run.folder / "c").ok()
    names = [row[6] for row in map(ROW.match, done.stdout.splitlines()) if row]
    told = sorted(name for name in names if "(of_" in name)
    assert told == [f"{run.folder}/b/twin.py:1(of_b)", "twin.py:1(of_a)"]


def test_an_installed_program_is_its_own(run):
    folder = run.folder / "venv" / "site-packages"
    run.write("venv/site-packages/lib.py", LIBRARY)
    run.write("venv/site-packages/app/__init__.py", "")
    run.write("venv/site-packages/app/__main__.py", USES_IT)
    env = environment(PYTHONPATH=str(folder))
    done = run.profiler("--functions", "-m", "app", env=env).ok()
    found = {row[0]: row[1:] for row in rows_of(done.stdout)}
    assert {"main", "called_back", "entered"} <= {*found} and "inside" not in found
    run.write("venv/site-packages/alone.py", USES_IT)
    done = run.profiler("--functions", "-m", "alone", env=env).ok()
    found = {row[0]: row[1:] for row in rows_of(done.stdout)}
    assert {"main", "called_back", "entered"} <= {*found} and "inside" not in found
    done = run.profiler("--functions", "-c", dedent(USES_IT), env=env).ok()
    found = {row[0]: row[1:] for row in rows_of(done.stdout)}
    assert {"main", "called_back", "entered"} <= {*found} and "inside" not in found


def test_a_program_that_a_link_leads_to(run):
    run.write("real/script.py", USES_IT)
    run.write("real/mine.py", "")
    (run.folder / "link").symlink_to("real")
    run.write("venv/site-packages/lib.py", LIBRARY)
    env = environment(PYTHONPATH=str(run.folder / "venv" / "site-packages"))
    done = run.profiler("--functions", "link/script.py", env=env).ok()
    found = {row[0]: row[1:] for row in rows_of(done.stdout)}
    assert {"main", "called_back"} <= {*found} and "inside" not in found


def test_heat_is_for_terminals(run):
    env = environment(**MAPPED_BLOCKS, CLICOLOR_FORCE="1", TERM="xterm")
    painted = run.m(PROGRAM, options=["--functions"], env=env).ok().stdout
    line = next(line for line in painted.splitlines() if line.endswith("(leaf)"))
    assert "\x1b[97;41m" in line
    plain = run.m(PROGRAM, options=["--functions"], env={**env, "NO_COLOR": "1"}).ok().stdout
    assert "\x1b" not in plain


@pytest.mark.parametrize("value", ["own,calls", "all,all", "", ",", "own,", "ALL", "own,all,all"])
def test_keys_that_are_none(run, value):
    done = run.m("print('ran')\n", options=[f"--functions={value}"])
    assert done.returncode == 2 and done.stdout == ""
    assert f"argument --functions: invalid choice: {value!r}" in done.stderr


@pytest.mark.parametrize("key", ["own", "cumulative", "calls", "peak", "name"])
def test_keys_sort(run, key):
    many = "for i in range(40): exec(f'def g{i}(): pass\\ng{i}()')\n"
    outcome = run.m(dedent(PROGRAM) + many, options=[f"--functions={key}"], env=MAPPED).ok()
    assert f"Functions by {key}: " in outcome.stdout
    column = {"calls": 1, "own": 3, "cumulative": 4, "peak": 5}.get(key)
    rows = rows_of(outcome.stdout)
    assert len(rows) == 30
    if column is not None:
        assert [row[column] for row in rows] == sorted((row[column] for row in rows), reverse=True)


def test_wrong_keys_and_files(run):
    outcome = run.m("print('ran')\n", options=["--functions=size"])
    assert outcome.returncode == 2 and "invalid choice: 'size'" in outcome.stderr
    outcome = run.m("print('ran')\n", options=["--pstats", "no/folder/x"])
    assert outcome.returncode == 1 and outcome.stdout == ""
    assert outcome.one_line_error() == (
        "memory_profiler: cannot write no/folder/x: No such file or directory"
    )


def test_the_program_does_not_notice(run):
    source = """
        import sys, threading, cProfile
        print(sys.gettrace(), threading.active_count())
        profiler = cProfile.Profile()
        profiler.enable()
        sorted([3, 1, 2])
        profiler.disable()
        print(len(profiler.getstats()) > 0)
        sys.exit(7)
        """
    outcome = run.m(source, options=["--functions"])
    assert (outcome.returncode, outcome.stderr) == (7, "")
    assert outcome.stdout.splitlines()[:2] == ["None 1", "True"]


def test_tool_ids_in_use_are_told_in_one_line(run):
    if sys.version_info < (3, 12):
        pytest.skip("needs sys.monitoring")
    run.write(
        "sitecustomize.py",
        """
        import sys
        sys.monitoring.use_tool_id(3, "a")
        sys.monitoring.use_tool_id(4, "b")
        """,
    )
    outcome = run.m(
        "print('ran')\n", options=["--functions"], env=environment(PYTHONPATH=str(run.folder))
    )
    assert outcome.returncode == 1 and outcome.stdout == ""
    assert outcome.one_line_error() == (
        "memory_profiler: sys.monitoring tool ids 3 and 4 are both in use"
    )
