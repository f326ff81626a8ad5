"""The laws of docs/truth.md, as properties of generated programs.

Each program runs in law_worker.py under two witnesses: the reference of reference.py, by
sys.settrace, and the profiler. Occurrences must be the same, increments the same within the noise
of the interpreter, and the profiler's ledger must balance to the byte.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import programs
import pytest
from hypothesis import HealthCheck, given, note, settings
from support import (
    MAPPED_BLOCKS,
    MIB,
    TIMEOUT,
    TOLERANCE,
    Runner,
    environment,
    mem_resolution,
    near,
    python,
)

HERE = Path(__file__).parent
MAPPED = environment(**MAPPED_BLOCKS)

# A row is many deltas; pools of small objects and the heap's top come and go with either witness.
ROW_NOISE = 0.5 * MIB
SETTINGS = dict(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
# For a longer search: MEMPROF_LAWS=20 makes twenty times as many programs.
TIMES = int(os.environ.get("MEMPROF_LAWS", "1"))


class Worker:
    """law_worker.py, kept running; started again after a crash."""

    def __init__(self):
        self.process = None

    def ask(self, case, *acts):
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "law_worker.py")],
                env=MAPPED,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        self.process.stdin.write(json.dumps(dict(case, do=acts)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.process = None
            raise AssertionError(f"the worker died with {code} on:\n{case['source']}")
        return json.loads(line)

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(TIMEOUT)


@pytest.fixture(scope="module")
def worker():
    worker = Worker()
    yield worker
    worker.close()


def numbered(case):
    note("\n".join(f"{n:4} {line}" for n, line in enumerate(case["source"].split("\n"), 1)))
    note(str({key: value for key, value in case.items() if key != "source"}))


def check_ledger(tables):
    for table in tables:
        rows = {int(line): row for line, row in table["rows"].items()}
        assert table["increments_bytes"] == sum(row[0] for row in rows.values())
        assert table["increments_bytes"] == table["entry_bytes"] + table["segments_bytes"]
        assert all(row[1] > 0 and row[2] > 0 for row in rows.values())


def check_occurrences(expected, tables):
    assert [t["first_line"] for t in tables] == [t["first_line"] for t in expected]
    for want, table in zip(expected, tables):
        got = {int(line): row[2] for line, row in table["rows"].items()}
        counts = {int(line): row[2] for line, row in want["rows"].items()}
        assert set(got) == set(counts), "the lines that ran"
        for line, count in counts.items():
            # A nested generator's resumes may count as entries or not.
            most = count + want["resumes"].get(str(line), 0)
            assert count <= got[line] <= most, f"line {line}: {got[line]} times, not {count}"


def check_increments(expected, tables):
    for want, table in zip(expected, tables):
        entry = {"got": table["entry_bytes"], "want": want["entry"]}
        for line, row in table["rows"].items():
            increment, mem, occurrences = row
            want_increment, want_mem, _ = want["rows"][line]
            if int(line) == want["first_line"]:
                increment, want_increment = increment - entry["got"], want_increment - entry["want"]
            slack = ROW_NOISE + 2 * mem_resolution() * occurrences
            assert abs(increment - want_increment) <= slack, (
                f"line {line}: {increment / MIB:.3f} MiB, not {want_increment / MIB:.3f}"
            )
            got_above, want_above = mem - entry["got"], want_mem - entry["want"]
            assert abs(got_above - want_above) <= slack, (
                f"line {line}: mem {got_above / MIB:.3f} above the entry, not {want_above / MIB:.3f}"
            )
        assert abs(table["segments_bytes"] - want["segments"]) <= ROW_NOISE + 64 * mem_resolution()


def check_against_reference(worker, case):
    numbered(case)
    answer = worker.ask(case, "plain", "reference", "profiler")
    check_ledger(answer["profiler"])
    check_occurrences(answer["reference"], answer["profiler"])
    check_increments(answer["reference"], answer["profiler"])


@settings(max_examples=150 * TIMES, **SETTINGS)
@given(case=programs.cases())
def test_programs(worker, case):
    """Readings, increments, occurrences; calls, recursion, nested code, exits and exceptions."""
    check_against_reference(worker, case)


@settings(max_examples=80 * TIMES, **SETTINGS)
@given(case=programs.interleaved())
def test_generators_that_take_turns(worker, case):
    """Waiting is not one's own: several generators of one function, advanced, thrown into, closed
    and dropped."""
    check_against_reference(worker, case)


@settings(max_examples=30 * TIMES, **SETTINGS)
@given(case=programs.threaded())
def test_threads(worker, case):
    """Every thread counts, and the ledger balances for all of them together."""
    numbered(case)
    # The budget of steps is shared: a program that spends it ends where the scheduler wills.
    answer = worker.ask(dict(case, budget=10**6), "reference", "profiler")
    check_ledger(answer["profiler"])
    check_occurrences(answer["reference"], answer["profiler"])


@settings(max_examples=40 * TIMES, **SETTINGS)
@given(case=programs.cases())
def test_the_reference_agrees_with_itself(worker, case):
    """The noise allowed above is not more than what two runs of the reference differ by."""
    numbered(case)
    first = worker.ask(case, "plain", "reference")["reference"]
    second = worker.ask(case, "reference")["reference"]
    for one, two in zip(first, second):
        for line, (increment, _, occurrences) in one["rows"].items():
            assert two["rows"][line][2] == occurrences
            if int(line) != one["first_line"]:
                assert abs(two["rows"][line][0] - increment) <= ROW_NOISE


# ---- the gate ----

GATED = """
    import mmap, os, sys
    def pages(n):
        block = mmap.mmap(-1, n << 20)
        for at in range(0, n << 20, 4096):
            block[at] = 1
        return block
    @profile
    def mapped():
        block = pages(6)
        more = pages(2)
        block.close()
        return more
    @profile
    def small():
        total = 0
        for i in range(3000):
            total += i
        kept = []
        for i in range(60):
            kept.append(bytearray(1 << 20))
        del kept
        return total
    @profile
    def calls(n):
        return 0 if n == 0 else 1 + calls(n - 1)
    @profile
    def forks():
        block = bytearray(5 << 20)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        del block
    for _ in range(3):
        mapped(); small(); calls(50); forks()
    """


def both(run, source, **kw):
    options = ["--precision", "6"]
    gated = run.m(source, options=options, env=MAPPED, **kw).ok()
    exact = run.m(source, options=[*options, "--exact"], env=MAPPED, **kw).ok()
    return gated.tables, exact.tables


def same_tables(gated, exact):
    assert len(gated) == len(exact) > 0
    for one, two in zip(gated, exact):
        assert one.occurrences() == two.occurrences()
        for a, b in zip(one.rows[1:], two.rows[1:]):
            if a.ran:
                assert a.increment == near(b.increment, 0.1 + 2 * mem_resolution() / MIB), (a, b)
                assert a.mem - one.first.mem == near(b.mem - two.first.mem, 0.25), (a, b)


def test_gated_and_exact_give_the_same_table(run):
    same_tables(*both(run, GATED))


@settings(max_examples=12 * TIMES, **SETTINGS)
@given(case=programs.cases())
def test_gated_and_exact_agree_on_programs(tmp_path_factory, case):
    numbered(case)
    helpers = (HERE / "law_worker.py").read_text().split("def run_plain")[0]
    source = (
        helpers.replace("from reference import Reference\n", "")
        + f"""
gc.disable()
import builtins
Program({case!r}, lambda f: f).run()
gc.collect()
Program({case!r}, builtins.profile).run()
"""
    )
    same_tables(*both(Runner(tmp_path_factory.mktemp("gate")), source))


def test_gated_and_exact_have_the_same_sums_with_threads(run):
    source = """
        import threading
        done = threading.Event()
        @profile
        def grows():
            kept = [bytearray(1 << 20) for i in range(200)]
            return kept
        @profile
        def loops():
            n = 0
            while not done.is_set():
                n += 1
            return n
        @profile
        def main():
            t = threading.Thread(target=loops)
            t.start()
            kept = grows()
            done.set()
            t.join()
            return kept
        main()
        """
    for tables in both(run, source):
        names = {next(r.text for r in t.rows if "def " in r.text).split()[1]: t for t in tables}
        assert names["grows():"].own == near(200, TOLERANCE + 2)
        assert names["main():"].own == near(200, TOLERANCE + 2)
        # What the other thread grew while this one looped is in this one's deltas: once.
        assert -TOLERANCE <= names["loops():"].own <= 200 + 2 + TOLERANCE


# ---- the profiler is not in the numbers ----


def test_a_table_printed_inside_a_profiled_call_is_not_its_callers(run):
    body = "".join(f"    # {'long comment ' * 8} {n}\n" for n in range(40_000))
    run.write(
        "helper.py",
        "from memory_profiler import profile\n@profile(stream=open('t.txt', 'w'))\n"
        "def helped():\n    x = 1\n" + body + "    return x\n",
    )
    table = (
        run.plain(
            """
        from memory_profiler import profile
        import helper
        @profile
        def f():
            helper.helped()
            return 1
        f()
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.at("helper.helped()").increment == near(0), "source and text of the inner table"


def test_deep_recursion_does_not_show_the_tools_stacks(run):
    source = """
        import sys
        import functools
        sys.setrecursionlimit(9000)
        def deep(n):
            return 0 if n == 0 else 1 + deep(n - 1)
        if sys.version_info < (3, 12):
            deep = functools.partial(deep)  # a callable in C stands in: each level takes C stack
        deep(8000)  # the interpreter's own stacks, touched before
        @profile
        def f(n):
            if n == 0:
                return 0
            return 1 + f(n - 1)
        f(100)
        f(7000)
        """
    table = run.m(source, env=MAPPED).ok().table("f")
    assert abs(table.own) < 2, table
    assert table.first.occurrences == 7102


def test_many_threads_do_not_show_the_tools_stacks(run):
    table = (
        run.m("""
        import threading
        @profile
        def f():
            threads = [threading.Thread(target=g) for _ in range(40)]
            for t in threads: t.start()
            for t in threads: t.join()
        @profile
        def g():
            return 1
        f()
        f()
        """)
        .ok()
        .table("f")
    )
    assert table.first.occurrences == 2
    assert abs(table.own) < 3 + TOLERANCE, "thread stacks are the interpreter's, a little"


def test_the_first_entry_of_a_big_function_does_not_show_its_table(run):
    # No more lines: CPython takes a time for each line event that grows with the function.
    body = "".join(f"    x = {n}\n" for n in range(12_000))
    source = f"@profile\ndef big():\n{body}\n@profile\ndef caller():\n    big()\n    return 1\ncaller()\n"
    table = run.m(source).ok().table("caller")
    assert table.at("    big()").increment == near(0)


def test_no_helpers_are_counted_as_children(run):
    table = (
        run.m(
            """
        import os
        @profile
        def f():
            names = os.listdir(f"/proc/{os.getpid()}/task")
            children = open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read()
            assert len(names) == 1 and children == "", (names, children)
            return 1
        f()
        """,
            options=["--include-children"],
        )
        .ok()
        .table("f")
    )
    assert table.at("return 1").increment == near(0)


def test_long_loops_do_not_grow_the_tool(run):
    table = (
        run.m("""
        @profile
        def f():
            n = 0
            for i in range(1_000_000):
                n += i
            return n
        f()
        """)
        .ok()
        .table("f")
    )
    assert table.at("n += i").occurrences == 1_000_000
    assert table.own == near(0)


# ---- a forked child reads itself ----


def test_a_forked_child_reads_itself(run, tmp_path):
    outcome = run.plain(
        """
        import os, sys
        from memory_profiler import profile
        big = bytearray(120 << 20)
        @profile
        def f():
            pid = os.fork()
            if pid == 0:
                global big
                big = None
                block = bytearray(30 << 20)
                return 0
            os.waitpid(pid, 0)
            return pid
        pid = f()
        sys.stdout.flush()
        if pid == 0:
            os._exit(0)
        """,
        env=MAPPED,
    ).ok()
    child, parent = outcome.tables
    # A fork leaves pages of files unmapped: the child maps again what it needs.
    assert child.at("big = None").increment == near(-120, 2 * TOLERANCE + 0.25)
    assert child.at("block = ").increment == near(30, 2 * TOLERANCE + 0.25)
    assert parent.at("os.waitpid").increment == near(0)
    assert not parent.at("block = ").ran


def test_the_resolution_is_said(run):
    text = run.profiler("--version", "-v").ok().stdout
    if mem_resolution() == 0:
        assert "exact" in text.lower()
    else:
        assert str(mem_resolution() // 1024) in text


def test_the_resolution_is_what_the_kernel_gives():
    assert mem_resolution() % 4096 == 0 and mem_resolution() < 64 * MIB


def test_that_the_table_balances_can_be_checked_by_anyone(run):
    """The ledger is public: LineProfiler.ledger()."""
    outcome = python(
        "-c",
        """
import json, memory_profiler
p = memory_profiler.LineProfiler()
@p
def f(n):
    block = bytearray(n << 20)
    return n
f(3); f(2)
for table in p.ledger():
    print(json.dumps({k: v for k, v in table.items()}))
""",
        cwd=run.folder,
        env=MAPPED,
    ).ok()
    table = json.loads(outcome.stdout)
    assert table["name"] == "f" and table["filename"] == "<string>"
    assert table["segments_bytes"] == near(5 * MIB, TOLERANCE * MIB)
    assert [row[0] for row in table["rows"]] == [4, 6, 7]
    assert [row[3] for row in table["rows"]] == [2, 2, 2]
    assert table["increments_bytes"] == sum(row[1] for row in table["rows"])
    assert table["tool_bytes"] >= 0
