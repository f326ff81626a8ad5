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
