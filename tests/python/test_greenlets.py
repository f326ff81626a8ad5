"""Greenlets take turns in one thread: every line of each is counted once, and what memory changes
while one waits is not its own."""

import re
from collections import Counter

import pytest
from support import MAPPED_BLOCKS, environment, near

greenlet = pytest.importorskip("greenlet")

MAPPED = environment(**MAPPED_BLOCKS)
IMPORT = "from memory_profiler import profile\n"

TWO = """
from greenlet import greenlet
main = greenlet.getcurrent()
@profile
def work(n):
    a = bytearray(n << 20)
    n = main.switch(1) or n
    b = bytearray(n << 20)
    main.switch(2)
    c = 1
    return n
g1 = greenlet(work); g2 = greenlet(work)
g1.switch(10); g2.switch(20); g1.switch(); g2.switch(); {last}
"""
LAST = "g1.switch(); g2.switch()"
LINES = ["a = ", "n = main", "b = ", "main.switch(2)", "c = 1", "return n"]


def check_call(table, calls, size):
    assert [table.at(line).occurrences for line in LINES] == [calls] * 6
    assert table.first.occurrences == calls
    assert table.at("a = ").increment == near(size) and table.at("b = ").increment == near(size)
    for line in ("n = main", "main.switch(2)", "c = 1", "return n"):
        assert table.at(line).increment == near(0), line


def test_one_table(run):
    outcome = run.m(TWO.format(last=LAST), env=MAPPED).ok()
    check_call(outcome.table("work"), 2, 30)


def test_a_table_for_each_call(run):
    first, second = run.plain(IMPORT + TWO.format(last=LAST), env=MAPPED).ok().tables
    check_call(first, 1, 10)
    check_call(second, 1, 20)


@pytest.mark.parametrize("last", ["", "g1.switch()", "g1.throw()", "del g1", "g1 = g2 = None"])
def test_greenlets_that_do_not_end(run, last):
    """They are thrown out of, or wait for ever."""
    ended = {"": 0, "g1.switch()": 1}.get(last, 0)
    table = run.m(TWO.format(last=last), env=MAPPED).ok().table("work")
    assert [table.at(line).occurrences for line in LINES[:4]] == [2] * 4
    assert (table.at("c = 1").occurrences or 0) == ended
    assert table.at("a = ").increment == near(30)
    tables = run.plain(IMPORT + TWO.format(last=last), env=MAPPED).ok().tables
    assert len(tables) <= 2 and all(table.first.occurrences == 1 for table in tables)


MANY = """
import random
from greenlet import greenlet, getcurrent
random.seed(1)
def hub():
    return getcurrent().parent.switch()
def helper(depth):
    if depth:
        return helper(depth - 1)
    return hub()
@profile
def inner(n):
    helper(n % 7)
    x = n
    hub()
    return x
@profile
def steps(n):
    for i in range(n):
        hub()
        yield i
@profile
def recurse(n):
    hub()
    if n:
        return recurse(n - 1)
    return 0
@profile
def outer(n):
    total = 0
    for i in steps(3):
        total += inner(n)
    recurse(n % 4)
    try:
        fails(n)
    except ValueError:
        total += 1
    return total
@profile
def fails(n):
    hub()
    raise ValueError
{run}
"""

SHUFFLED = """
waiting = [greenlet(outer) for n in range(40)]
for n, one in enumerate(waiting):
    one.switch(n)
while waiting:
    one = random.choice(waiting)
    one.switch()
    if one.dead:
        waiting.remove(one)
"""

GEVENT = """
import gevent
def hub():
    gevent.sleep(0)
gevent.joinall([gevent.spawn(outer, n) for n in range(40)])
"""

THREADS = """
import threading
def shuffled():
%s
threads = [threading.Thread(target=shuffled) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
""" % "\n".join("    " + line for line in SHUFFLED.strip().split("\n"))

LATE = """
getcurrent = None
@profile
def main():
    import gevent
    global hub
    hub = lambda: gevent.sleep(0)
    gevent.joinall([gevent.spawn(outer, n) for n in range(40)])
    return 1
main()
"""

WAYS = {
    "greenlet": (SHUFFLED, 1),
    "gevent": (GEVENT, 1),
    "threads": (THREADS, 3),
    "late": (LATE, 1),
}
OPTIONS = [[], ["--peak", "--line-time"], ["--functions", "--exact"]]


def many(run):
    if "gevent" in run:
        pytest.importorskip("gevent")
    text = MANY.format(run=run)
    return text.replace("from greenlet import greenlet, getcurrent\n", "") if run is LATE else text


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
@pytest.mark.parametrize("way", WAYS)
def test_many_that_take_turns(run, way, options):
    source, times = WAYS[way]
    outcome = run.m(many(source), options=options).ok()
    outcome.stdout = re.sub(r"Functions by .*", "", outcome.stdout, flags=re.S)
    counts = {}
    for name in ("inner", "outer", "steps", "recurse", "fails"):
        pattern = rf"^ *\d+ .* (\d+)   (?: .*)?@profile\n *\d+ +def {name}\("
        counts[name] = int(re.search(pattern, outcome.stdout, re.M)[1])
    recursions = sum(n % 4 + 1 for n in range(40))
    assert counts == {
        "inner": 120 * times,
        "outer": 40 * times,
        "steps": 40 * times,
        "recurse": recursions * times,
        "fails": 40 * times,
    }
    hits = {
        "helper(n % 7)": 120,
        "x = n": 120,
        "return x": 120,
        "yield i": 120,
        "return recurse": recursions - 40,
        "return 0": 40,
        "total += inner(n)": 120,
        "total += 1": 40,
        "return total": 40,
        "raise ValueError": 40,
    }
    for text, count in hits.items():
        found = re.search(rf"^ *\d+ .* (\d+) .*   +{re.escape(text)}", outcome.stdout, re.M)
        assert found and int(found[1]) == count * times, (text, found)


@pytest.mark.parametrize("way", ["greenlet", "gevent", "threads"])
def test_a_table_for_each_of_many_calls(run, way):
    source, times = WAYS[way]
    tables = run.plain(IMPORT + many(source)).ok().tables
    named = {}
    for table in tables:
        name = next(row.text for row in table.rows if "def " in row.text)
        named.setdefault(re.search(r"def (\w+)", name)[1], []).append(table)
    assert {name: len(found) for name, found in named.items()} == {
        "inner": 120 * times,
        "outer": 40 * times,
        "steps": 40 * times,
        "recurse": 40 * times,
        "fails": 40 * times,
    }
    for table in named["outer"]:
        assert table.first.occurrences == table.at("return total").occurrences == 1
    for table in named["inner"]:
        assert table.first.occurrences == table.at("return x").occurrences == 1


def test_marks(run):
    run.m(many(SHUFFLED), options=["--timestamp", "-o", "run.dat"]).ok()
    lines = (run.folder / "run.dat").read_text().splitlines()
    calls = Counter(line.split(" ")[1] for line in lines if line.startswith("FUNC "))
    counts = {"inner": 120, "outer": 40, "steps": 40, "recurse": 100, "fails": 40}
    assert calls == {f"__main__.{name}": count for name, count in counts.items()}


def test_while_a_profiler_is_enabled(run):
    outcome = run.plain(
        """
        from greenlet import greenlet
        from memory_profiler import LineProfiler, show_results
        main = greenlet.getcurrent()
        def work(n):
            main.switch()
            x = n
            main.switch()
            return x
        profiler = LineProfiler()
        profiler.add_function(work)
        ones = [greenlet(work) for _ in range(5)]
        with profiler:
            for _ in range(3):
                for n, one in enumerate(ones):
                    one.switch(*[n] * (not one))
        show_results(profiler)
        """
    ).ok()
    (table,) = outcome.tables
    assert table.first.occurrences == 5
    assert [table.at(line).occurrences for line in ("x = n", "return x")] == [5, 5]


def test_thousands(run):
    """Each waits in a function that is profiled."""
    table = (
        run.m(
            """
        from greenlet import greenlet, getcurrent
        @profile
        def work(n):
            getcurrent().parent.switch()
            return n
        ones = [greenlet(work) for _ in range(5000)]
        for _ in range(2):
            for one in ones:
                one.switch(1)
        """
        )
        .ok()
        .table("work")
    )
    assert table.first.occurrences == table.at("return n").occurrences == 5000
