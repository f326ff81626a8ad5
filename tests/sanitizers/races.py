"""Threads of ours beside threads of the program, for ThreadSanitizer: it ends a program with status
66, and the tests look at the results as well.

Run by `sh tools/test.sh --preset tsan`; not a part of the suite.
"""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))

from support import Runner  # noqa: E402

SPANS = """
import threading, time
@profile
def short(n):
    return [n] * 10
@profile
def long(n):
    time.sleep(0.15)
    return short(n)
def work():
    for n in range(200):
        short(n)
    long(1)
    with profile.timestamp("block"):
        time.sleep(0.12)
for _ in range(3):
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""

SAMPLES = """
import os, threading, warnings
from memory_profiler import memory_usage
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside the runtime's own thread
def work():
    return sum(range(20000))
def measure(found):
    for _ in range(5):
        found.append(len(memory_usage((work,), interval=0.0001)))
        found.append(len(memory_usage((work,), interval=0.0001, timestamps=True, stream=None)))
        found.append(memory_usage((work,), interval=0.0001, max_usage=True))
found = []
threads = [threading.Thread(target=measure, args=(found,)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
memory_usage((fork,), interval=0.0001)
print(len(found), min(found) > 0)
"""

LINES = """
import sys, threading
sys.setswitchinterval(1e-5)
def work(n):
    for i in range(n):
        inner(i)
def inner(n):
    return [n] * 10
if "profile" in globals():
    work, inner = profile(work), profile(inner)
for _ in range(3):
    threads = [threading.Thread(target=work, args=(300,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


@pytest.fixture
def run(tmp_path):
    return Runner(tmp_path)


def test_spans_of_threads_and_the_thread_that_announces_them(run):
    run.m(SPANS, options=["--timestamp", "-o", "out.dat"]).ok()
    lines = (run.folder / "out.dat").read_text().splitlines()
    assert sum(line.startswith("FUNC __main__.short ") for line in lines) == 3 * 4 * 201
    assert sum(line.startswith("FUNC __main__.long ") for line in lines) == 3 * 4


def test_samples_from_several_threads_at_once(run):
    assert run.plain(SAMPLES).ok().stdout == "60 True\n"


@pytest.mark.parametrize("options", [[], ["--exact"], ["--json", "run.json"]], ids=" ".join)
def test_lines_of_threads_that_are_switched_often(run, options):
    table = run.m(LINES, options=options).ok().table("inner")
    assert table.at("return").occurrences == 3 * 4 * 300


def test_peaks_and_times_of_threads(run):
    output = run.m(LINES, options=["--peak", "--line-time"]).ok().stdout
    (row,) = [line.split() for line in output.splitlines() if "return [n] * 10" in line]
    assert row[5] == str(3 * 4 * 300)


def test_every_function_of_threads(run):
    output = run.m(LINES, options=["--functions"]).ok().stdout
    assert "(inner)" in output
