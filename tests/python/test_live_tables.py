"""FILE.live beside --json FILE: what a run that is killed leaves, and what others do to the file.

It is longer than 500 lines because all tests share the programs that are killed and their reports.
"""

import json
import os
import re
import signal
import stat
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from memory_profiler import report
from memory_profiler._live import MAGIC
from memory_profiler._memprof import live_is_held
from memory_profiler._saved_check import read_run
from saved_runs import outcome_of
from support import MAPPED_BLOCKS, TIMEOUT, TOLERANCE, environment, near, parse_tables, python

MUTATIONS = int(os.environ.get("MEMPROF_FUZZ_RUNS", "200"))
MAPPED = environment(**MAPPED_BLOCKS)
# At the end of its last profiled line a program is killed, or it is not.
DIE = """
import os, signal, sys, threading
def die():
    os.kill(os.getpid(), signal.SIGKILL if sys.argv[1:] == ["die"] else 0)
"""
SHAPES = {
    "plain": """
@profile
def f():
    kept = [bytearray(1 << 20) for i in range(3)]
    die()
f()
""",
    "nested": """
@profile
def f(n):
    kept = bytearray(1 << 20)
    if n:
        f(n - 1)
    else:
        g()
@profile
def g():
    for i in range(5):
        kept = bytearray(i << 20)
    h = lambda: die()
    h()
@profile
def before():
    return [0] * 10**5
before(); before()
f(40)
""",
    "threads": """
@profile
def f(n, now, gate):
    kept = bytearray(n << 20)
    now.release()
    gate.acquire()
@profile
def last():
    die()
now, gate = threading.Semaphore(0), threading.Semaphore(0)
threads = [threading.Thread(target=f, args=(n, now, gate)) for n in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    now.acquire()
last()
for thread in threads:
    gate.release()
for thread in threads:
    thread.join()
""",
    "generators": """
@profile
def g(n):
    for i in range(n):
        kept = bytearray(1 << 20)
        yield kept
@profile
def f():
    one, other = g(3), g(5)
    next(one)
    for x in other:
        kept = x
    next(one)
    die()
f()
""",
    "exceptions": """
@profile
def f():
    kept = bytearray(1 << 20)
    raise ValueError
@profile
def g():
    for i in range(3):
        try:
            f()
        except ValueError:
            kept = bytearray(1 << 20)
    die()
g()
""",
    "classes": """
class K:
    @profile
    def f(self):
        return bytearray(1 << 20)
    @staticmethod
    @profile
    def g():
        kept = K().f()
        die()
K.g()
""",
}


def check_law(function):
    """The table balances, but for what is said to be in flight."""
    ledger = function["ledger"]
    growth = ledger["entry_bytes"] + ledger["segments_bytes"] + ledger.get("in_flight_bytes", 0)
    assert ledger["increments_bytes"] == growth
    assert sum(line["increment_bytes"] for line in function["lines"]) == growth


def occurrences(functions):
    return [
        (one["filename"], one["name"], {it["line"]: it["occurrences"] for it in one["lines"]})
        for one in functions
    ]


def left_by(run, name="run.json"):
    """The one process in what a run left."""
    left = read_run(str(run.folder / name))
    assert left["finished"] is False
    (process,) = left["processes"]
    for function in process["functions"]:
        check_law(function)
    return process


def killed(run, source, *options, name="script.py", **kw):
    """The process in what a program left that was killed by its own hand."""
    done = run.m(DIE + source, "die", options=["--json", "run.json", *options], name=name, **kw)
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == ""
    return left_by(run)


def ended(run, source, *options, name="script.py", **kw):
    run.m(DIE + source, options=["--json", "end.json", *options], name=name, **kw).ok()
    assert not (run.folder / "end.json.live").exists()
    saved = json.loads((run.folder / "end.json").read_text())
    assert saved["finished"] is True
    return saved["processes"][0]


def line_of(source, text):
    return (DIE + source).lstrip("\n").split("\n").index(text) + 1


# ---- killed


@pytest.mark.parametrize("shape", SHAPES)
def test_a_killed_run_leaves_what_one_that_ends_leaves(run, shape):
    """Also before anything was saved for the first time."""
    left, saved = killed(run, SHAPES[shape]), ended(run, SHAPES[shape])
    assert occurrences(left["functions"]) == occurrences(saved["functions"])
    for one, other in zip(left["functions"], saved["functions"]):
        assert one["source"] == other["source"] and one["first_line"] == other["first_line"]
        assert "in_flight_bytes" not in one["ledger"]
    assert {key: left[key] for key in ("name", "backend", "gate_off")} == {
        key: saved[key] for key in ("name", "backend", "gate_off")
    }
    done = python("-m", "memory_profiler.report", "run.json", cwd=run.folder).ok(
        r"^memory_profiler\.report: run\.json: the run did not end: killed while in .*\n$"
    )
    assert len(done.tables) == len(saved["functions"])


@pytest.mark.parametrize(
    "options",
    [
        ["--peak"],
        ["--line-time"],
        ["--peak", "--line-time", "--exact"],
        ["--functions"],
        ["--multiprocess"],
        ["--backend", "tracemalloc"],
        ["--include-children"],
        ["--precision", "1", "-v"],
    ],
    ids=" ".join,
)
def test_with_every_option(run, options):
    left = killed(run, SHAPES["nested"], *options)
    saved = ended(run, SHAPES["nested"], *options)
    assert occurrences(left["functions"]) == occurrences(saved["functions"])
    for one, other in zip(left["functions"], saved["functions"]):
        assert one["precision"] == other["precision"]
        assert [sorted(line) for line in one["lines"]] == [sorted(line) for line in other["lines"]]


@pytest.mark.parametrize("options", [["--all"], ["-p", "__main__"], ["-p", "script.py"]])
def test_selected_functions(run, options):
    source = SHAPES["nested"].replace("@profile", "")
    left, saved = killed(run, source, *options), ended(run, source, *options)
    assert occurrences(left["functions"]) == occurrences(saved["functions"])
    assert [one["source"] for one in left["functions"]] == [
        one["source"] for one in saved["functions"]
    ]
    assert len(left["functions"]) >= 3


def test_times_of_a_killed_run_are_those_of_the_clock(run):
    source = """
import time
@profile
def f():
    time.sleep(0.2)
    die()
f()
"""
    (function,) = killed(run, source, "--line-time")["functions"]
    (slept,) = [line["time_ns"] for line in function["lines"] if line["time_ns"] > 10**8]
    (alone,) = killed(run, source.replace("@profile", "@profile(time=True)"))["functions"]
    (slept_alone,) = [line["time_ns"] for line in alone["lines"] if line["time_ns"] > 10**8]
    assert 199 * 10**6 <= slept_alone < 2 * 10**9
    assert 199 * 10**6 <= slept < 2 * 10**9


def test_profilers_that_measure_in_other_ways(run):
    source = """
@profile(backend="tracemalloc")
def f():
    kept = bytearray(1 << 20)
    return kept
@profile(peak=True, time=True, precision=5)
def g():
    kept = f()
    h()
@profile
def h():
    die()
g()
"""
    left, saved = killed(run, source), ended(run, source)
    assert occurrences(left["functions"]) == occurrences(saved["functions"])
    assert [one["precision"] for one in left["functions"]] == [3, 5, 3]
    assert ["time_ns" in one["lines"][0] for one in left["functions"]] == [False, True, False]


def test_where_each_thread_was(run):
    process = killed(run, SHAPES["threads"])
    main, *others = process["running"]
    assert main["thread"] == process["pid"]
    assert (main["function"], main["line"]) == ("last", line_of(SHAPES["threads"], "    die()"))
    waits = line_of(SHAPES["threads"], "    gate.acquire()")
    assert [(it["function"], it["line"]) for it in others] == [("f", waits)] * 3
    assert len({it["thread"] for it in others}) == 3


def test_a_run_that_was_in_no_function(run):
    process = killed(run, "@profile\ndef f():\n    return 1\nf()\ndie()\n")
    assert process["running"] == []
    python("-m", "memory_profiler.report", "run.json", cwd=run.folder).ok(
        "killed while in no profiled function\n$"
    )


@pytest.mark.parametrize("name", ["a b.py", "\u00e4\u2028.py", "a\udcff.py", 'x"\\\n.py', "-.py"])
def test_names_with_odd_characters(run, name):
    arguments = ["./" + name if name.startswith("-") else name]
    path = os.fsencode(run.folder) + b"/" + os.fsencode(name)
    with open(path, "w") as file:
        file.write((DIE + SHAPES["plain"]).lstrip("\n"))
    done = run.profiler("--json", "run.json", *arguments, "die")
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    (function,) = left_by(run)["functions"]
    assert function["filename"] == arguments[0]
    assert python("-m", "memory_profiler.report", "run.json", cwd=run.folder).returncode == 0


def test_a_program_that_goes_elsewhere(run):
    source = """
os.mkdir("below")
os.chdir("below")
def make(i):
    names = {"profile": profile}
    exec(f"@profile\\ndef f{i}():\\n    return {i}", names)
    names[f"f{i}"]()
for i in range(3000):
    make(i)
@profile
def f():
    die()
f()
"""
    assert len(killed(run, source)["functions"]) == 3001
    os.rmdir(run.folder / "below")
    assert len(ended(run, source)["functions"]) == 3001


# ---- other ends


def test_os_exit(run):
    done = run.m(
        DIE + SHAPES["plain"].replace("die()", "os._exit(5)"), options=["--json", "run.json"]
    )
    assert (done.returncode, done.stderr) == (5, "")
    (function,) = left_by(run)["functions"]
    assert function["name"] == "f"


EXEC = """import ctypes
    words = (ctypes.c_char_p * 4)(sys.executable.encode(), b"-c", b"", None)
    ctypes.CDLL(None).execv(words[0], words)"""


def test_execv(run):
    """The process goes on, but not as the one that writes the file; os.execv() would end that."""
    done = run.m(DIE + SHAPES["plain"].replace("die()", EXEC), options=["--json", "run.json"]).ok()
    assert done.stdout == ""
    assert [one["name"] for one in left_by(run)["functions"]] == ["f"]
    assert live_is_held(str(run.folder / "run.json.live")) is False
    run.m("@profile\ndef g():\n    return 1\ng()\n", options=["--json", "run.json"]).ok()
    assert not (run.folder / "run.json.live").exists()


FORKS = """
@profile
def f():
    return 1
f()
child = os.fork()
if child == 0:
    for i in range(100):
        f()
    @profile
    def of_the_child():
        return [0] * 10**6
    of_the_child()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert os.path.exists("run.json.live")
f()
@profile
def last():
    die()
last()
"""


def test_a_forked_child_leaves_its_parents_file_alone(run):
    process = killed(run, FORKS)
    counts = {one["name"]: max(it["occurrences"] for it in one["lines"]) for one in process["functions"]}  # fmt: skip
    assert counts == {"f": 2, "last": 1}


def test_a_program_that_closes_all_descriptors(run):
    source = """
os.closerange(3, 65536)
names = {"profile": profile}
for i in range(3000):
    exec(f"@profile\\ndef f{i}():\\n    return {i}\\nf{i}()", names)
@profile
def last():
    die()
last()
"""
    assert len(killed(run, source)["functions"]) == 3001


@pytest.mark.parametrize("percent", [0, 50, 99])
def test_a_file_that_somebody_cuts(run, percent):
    """The program goes on; what is counted from then on balances, and the end says what happened."""
    source = f"""
names = {{"profile": profile}}
for i in range(2000):
    exec(f"@profile\\ndef f{{i}}():\\n    return {{i}}\\nf{{i}}()", names)
@profile
def inner(n):
    kept = bytearray(1 << 20)
    return inner(n - 1) if n else cut()
@profile
def cut():
    size = os.path.getsize("run.json.live")
    os.truncate("run.json.live", size * {percent} // 100)
    for i in range(2000):
        names[f"f{{i}}"]()
    kept = bytearray(4 << 20)
inner(20)
print("OUT")
"""
    done = run.m(DIE + source, options=["--json", "run.json"])
    assert done.returncode == 0 and "OUT\n" in done.stdout
    if done.stderr or percent < 99:  # else nobody needed what was behind
        assert done.one_line_error() == (
            f"memory_profiler: {run.folder}/run.json.live was cut short: "
            "numbers from before that are lost"
        )
    assert not (run.folder / "run.json.live").exists()
    saved = read_run(str(run.folder / "run.json"))
    assert saved["finished"] is True
    for function in saved["processes"][0]["functions"]:
        check_law(function)
    assert {"inner", "cut"} <= {one["name"] for one in saved["processes"][0]["functions"]}


def test_a_bus_error_of_the_program_ends_it_as_it_would(run):
    source = "import os, signal\nos.kill(os.getpid(), signal.SIGBUS)\n"
    done = run.m(source, options=["--json", "run.json"])
    assert (done.returncode, done.stderr) == (-signal.SIGBUS, "")
    source = """
    import os, signal
    signal.signal(signal.SIGBUS, lambda *_: print("OUT handled"))
    os.kill(os.getpid(), signal.SIGBUS)
    """
    assert run.m(source, options=["--json", "other.json"]).ok().stdout == "OUT handled\n"


# ---- what is at FILE.live before


class Waiting:
    """A run that waits in a profiled function until it is told to go on."""

    SOURCE = """
import sys
@profile
def f():
    print("ready", flush=True)
    sys.stdin.readline()
f()
"""

    def __init__(self, run):
        run.write("waiting.py", self.SOURCE)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "memory_profiler", "--json", "run.json", "waiting.py"],
            cwd=run.folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.communicate()

    def end(self):
        out, err = self.process.communicate("\n", timeout=TIMEOUT)
        assert (self.process.returncode, err) == (0, "")
        return out


def test_a_second_run_with_the_same_file_is_refused(run):
    with Waiting(run) as first:
        second = run.m("print('OUT')", options=["--json", "run.json"])
        assert second.returncode == 1 and second.stdout == ""
        assert second.one_line_error() == (
            f"memory_profiler: {run.folder}/run.json.live is written by a run that goes on"
        )
        assert left_by(run)["running"][0]["function"] == "f"
        python("-m", "memory_profiler.report", "run.json", cwd=run.folder).ok(
            r"run\.json: the run goes on, and is in f\(\) at waiting\.py:5\n$"
        )
        assert len(parse_tables(first.end())) == 1
    assert not (run.folder / "run.json.live").exists()
    assert read_run(str(run.folder / "run.json"))["finished"] is True


def test_what_a_killed_run_left_is_replaced(run):
    killed(run, SHAPES["plain"])
    run.m(DIE + SHAPES["generators"], options=["--json", "run.json"]).ok()
    assert not (run.folder / "run.json.live").exists()
    saved = read_run(str(run.folder / "run.json"))
    assert saved["finished"] is True
    assert [one["name"] for one in saved["processes"][0]["functions"]] == ["g", "f"]


def test_what_is_newer_is_shown(run):
    """A run ends, and the next one with the same name is killed."""
    run.m(DIE + SHAPES["generators"], options=["--json", "run.json"]).ok()
    assert [one["name"] for one in killed(run, SHAPES["plain"])["functions"]] == ["f"]


def make_text(path):
    path.write_text("mine")


def make_link(path):
    path.symlink_to("target")


OTHERS = {"text": make_text, "folder": os.mkdir, "link": make_link, "fifo": os.mkfifo}


@pytest.mark.parametrize("kind", OTHERS)
def test_something_else_by_that_name_is_left_alone(run, kind):
    path = run.folder / "run.json.live"
    OTHERS[kind](path)
    before = os.lstat(path)
    done = run.m(SHAPES["plain"].replace("die()", "pass"), options=["--json", "run.json"])
    assert done.returncode == 0 and len(done.tables) == 1
    assert re.fullmatch(
        r"memory_profiler: no \S+/run\.json\.live \(.*\): a run that is killed leaves what it "
        "saved last",
        done.one_line_error(),
    )
    after = os.lstat(path)
    assert (after.st_ino, after.st_size, after.st_mode) == (before.st_ino, before.st_size, before.st_mode)  # fmt: skip
    assert not (run.folder / "target").exists()
    assert read_run(str(run.folder / "run.json"))["finished"] is True


def test_the_file_is_its_owners_alone(run):
    previous = os.umask(0)
    try:
        killed(run, SHAPES["plain"])
    finally:
        os.umask(previous)
    mode = os.lstat(run.folder / "run.json.live").st_mode
    assert stat.S_ISREG(mode) and stat.S_IMODE(mode) == 0o600


def test_a_descriptor_has_none(run):
    done = run.m(SHAPES["plain"].replace("die()", "pass"), options=["--json", "/dev/stdout"]).ok()
    assert '"finished":true' in done.stdout
    assert sorted(os.listdir(run.folder)) == ["script.py"]
    assert not os.path.exists("/dev/stdout.live")


# ---- the box is not in the numbers

GROWS = """
names = {"profile": profile}
@profile
def f():
    kept = bytearray(8 << 20)
    for i in range(4000):
        exec(f"@profile\\ndef f{i}():\\n    return {i}\\nf{i}()", names)
    return 1
f()
"""


def test_the_box_is_not_in_the_numbers(run):
    """As much as without it, also where thousands of tables are made in a profiled function."""
    with_box = run.m(GROWS, options=["--json", "run.json"], env=MAPPED).ok().table("f")
    without = run.m(GROWS, env=MAPPED).ok().table("f")
    assert with_box.at("kept =").increment == near(without.at("kept =").increment)
    assert with_box.at("kept =").increment == near(8)
    # What is decorated is the program's; what describes it is not. A source of 16 bytes each.
    assert with_box.at("exec(").increment == near(without.at("exec(").increment, TOLERANCE + 0.5)


# ---- hostile files


class Bytes(bytes):
    """That are not shown in full where a test fails."""

    def __repr__(self):
        return f"<{len(self)} bytes>"


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The bytes of a real file."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "script.py").write_text(DIE + SHAPES["threads"] + SHAPES["nested"])
    subprocess.run(
        [
            sys.executable,
            "-m",
            "memory_profiler",
            "--json",
            "run.json",
            "--peak",
            "script.py",
            "die",
        ],
        cwd=folder,
        env=environment(),
        timeout=TIMEOUT,
    )
    return Bytes((folder / "run.json.live").read_bytes())


def report_of(folder, content, form):
    """What `report` says of it: a result, or one line."""
    (folder / "run.json").write_bytes(content)
    status, out, err = outcome_of(report.main, [str(folder / "run.json"), "--to", form])
    assert status in (0, 2)
    assert err.count("\n") == 1 and "Traceback" not in err and (status == 0 or out == "")


OFTEN = dict(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 2, 3, 4, 5, 1 << 31, 1 << 62, (1 << 63) - 1, (1 << 64) - 1]),
    st.integers(0, (1 << 64) - 1),
)


@settings(max_examples=MUTATIONS, **OFTEN)
@given(data=st.data(), form=st.sampled_from(["text", "json", "csv", "html"]))
def test_any_change_is_shown_or_told_in_one_line(tmp_path, real, data, form):
    end = len(real.rstrip(b"\0"))
    content = bytearray(real)
    for _ in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            at = data.draw(st.integers(0, end // 8)) * 8
            content[at : at + 8] = data.draw(NUMBERS).to_bytes(8, "little")
        else:
            at = data.draw(st.integers(8, end))
            content[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(8, end)) :]
    report_of(tmp_path, bytes(content), form)


@settings(max_examples=MUTATIONS, **OFTEN)
@given(content=st.binary(max_size=2000))
def test_any_bytes(tmp_path, content):
    report_of(tmp_path, MAGIC + content, "text")


def head_of(real):
    """(where, length) of the last head in a file: JSON, which is padded with blanks when changed."""
    at = real.rindex(b'{"format":')
    return at, json.JSONDecoder().raw_decode(real[at : at + 10000].decode("utf-8", "replace"))[1]


@pytest.mark.parametrize(
    "head",
    [
        "null",
        "7",
        "[]",
        '{"processes":[]}',
        '{"processes":[7]}',
        '{"processes":7}',
        '{"processes":[{}]}',
        '{"processes":[{"name":1}],"ns_per_tick":"x"}',
        '{"processes":[{"name":"x"}],"ns_per_tick":1e400}',
        '{"processes":[[]],"ns_per_tick":true}',
        "[" * 300,
        "",
    ],
)
def test_any_head(tmp_path, real, head):
    at, length = head_of(real)
    changed = head.encode().ljust(length)
    report_of(tmp_path, real[:at] + changed + real[at + length :], "json")


@pytest.mark.parametrize("name", ["null", "7", "{}", '{"name":7}', '{"first_line":1e9}', "[", ""])
def test_any_name(tmp_path, real, name):
    at = real.rindex(b'{"filename":')
    length = json.JSONDecoder().raw_decode(real[at : at + 10000].decode("utf-8", "replace"))[1]
    changed = name.encode().ljust(length)
    report_of(tmp_path, real[:at] + changed + real[at + length :], "json")
