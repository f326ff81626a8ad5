"""Threads that a profiled program starts are followed, and the program sees nothing of it."""

import pstats
from collections import Counter

import pytest

FACTS = """
import sys, threading
def facts():
    return [
        threading.getprofile(), threading._profile_hook, sys.getprofile(), sys.setprofile,
        threading.gettrace(), threading._trace_hook, sys.gettrace(),
    ]
seen = [facts()]
class Own(threading.Thread):
    def start(self):
        seen.append(facts())
        super().start()
    def run(self):
        seen.append(facts())
@profile
def inside():
    seen.append(facts())
    for thread in (threading.Thread(target=lambda: seen.append(facts())), Own()):
        thread.start()
        thread.join()
    seen.append(facts())
def outside():
    seen.append(facts())
inside()
for target in (inside, outside):
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
seen.append(facts())
assert all(fact is None for facts in seen for fact in facts if fact is not sys.setprofile), seen
assert len(seen) == 13
print("alike")
"""

OPTIONS = [[], ["--functions"], ["--all"], ["--timestamp"], ["--all", "--functions", "--peak"]]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_no_hook_is_seen(run, options):
    assert "alike\n" in run.m(FACTS, options=options).ok().stdout


def test_no_hook_is_seen_where_profile_was_imported(run):
    assert "alike\n" in run.plain("from memory_profiler import profile\n" + FACTS).ok().stdout


# A nested function is watched, but nothing stands in for it: only a thread that is followed sees
# it begin.
NESTED = """
import _thread, threading
{before}
class Own(threading.Thread):
    def start(self):
        super().start()
    def run(self):
        self._target()
@profile
def outer(kind):
    def nested():
        inner = 1
        return inner
    threads = [kind(target=nested) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
outer(threading.Thread)
outer(Own)
thread = threading.Thread(target=outer, args=[Own])
thread.start()
thread.join()
{after}
"""

SETS = "import sys\nevents = []\ndef hook(*args): events.append(args[1])\n"


@pytest.mark.parametrize("options", [[], ["--functions"]], ids=["lines", "functions"])
@pytest.mark.parametrize(
    "before, after",
    [
        ("", ""),
        (SETS + "threading.setprofile(hook)", "assert 'return' in events, events"),
        (SETS + "sys.setprofile(hook)", "assert 'c_call' in events, events"),
        (SETS + "threading.settrace(hook)", "assert 'call' in events, events"),
        ("threading.setprofile(None); threading.settrace(None)", ""),
        ("threading.Thread.start = lambda self, start=threading.Thread.start: start(self)", ""),
    ],
    ids=["alone", "setprofile", "sys.setprofile", "settrace", "cleared", "replaced"],
)
def test_nested_functions_in_threads(run, before, after, options):
    table = run.m(NESTED.format(before=before, after=after), options=options).ok().tables[0]
    assert table.at("def outer").occurrences in (None, 3)
    assert table.at("inner = 1").occurrences == table.at("return inner").occurrences == 9
    assert table.first.occurrences == 3


def test_functions_in_threads_are_counted(run):
    """--pstats sees the calls of every thread, from its first one on."""
    run.m(
        """
        import threading
        def work(n):
            return leaf(n)
        def leaf(n):
            return n
        def starts(depth):
            threads = [threading.Thread(target=work, args=[n]) for n in range(5)]
            if depth:
                threads.append(threading.Thread(target=starts, args=[depth - 1]))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        starts(3)
        """,
        options=["--pstats", "calls.prof"],
    ).ok()
    stats = pstats.Stats(str(run.folder / "calls.prof")).stats
    calls = {name: row[1] for (file, _, name), row in stats.items() if file.endswith("script.py")}
    assert {name: n for name, n in calls.items() if "<" not in name} == {
        "work": 20,
        "leaf": 20,
        "starts": 4,
    }


MARKS = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
sys.setswitchinterval(1e-6)
@profile
def work(n):
    return sum([n] * 100)
def loop():
    for n in range(5):
        work(n)
def in_threads():
    threads = [threading.Thread(target=loop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
@profile
def outer():
    in_threads()
@profile
def pool():
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(work, range(20)))
for _ in range(50):
    outer()
    in_threads()
    pool()
"""


@pytest.mark.parametrize(
    "imports", ["", "from memory_profiler import profile\n"], ids=["m", "import"]
)
def test_no_mark_of_a_thread_is_lost(run, imports):
    """Threads that are followed, those that arm themselves, and both in turn."""
    run.m(imports + MARKS, options=["--timestamp", "-o", "run.dat"]).ok()
    lines = (run.folder / "run.dat").read_text().splitlines()
    calls = Counter(line.split(" ")[1] for line in lines if line.startswith("FUNC "))
    assert calls == {"__main__.work": 3000, "__main__.outer": 50, "__main__.pool": 50}
