"""--flame FILE and allocations().flame(): pages, collapsed stacks, speedscope; all sums balance."""

import base64
import hashlib
import json
import os
import re

import pytest
from memory_profiler import _memprof, allocations
from support import python

PROGRAM = """
import threading
kept = []
def leaf(n):
    kept.append(bytes(n))
def outer():
    for i in range(10):
        leaf(10_000)
    passing = bytes(300_000)
    leaf(50_000)
def work():
    for i in range(20):
        leaf(3_000)
threads = [threading.Thread(target=work) for i in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
outer()
"""
VIEWS = {"peak": "at_peak_bytes", "left": "left_bytes", "allocated": "allocated_bytes"}
NUMBERS = (
    "at_peak_bytes",
    "at_peak_blocks",
    "left_bytes",
    "left_blocks",
    "allocated_bytes",
    "allocations",
)


def profile(run, *options, text=PROGRAM, name="script.py", status=0, stderr=""):
    run.write(name, text)
    done = python("-m", "memory_profiler", *options, name, cwd=run.folder)
    assert (done.returncode, done.stderr) == (status, stderr)
    return done.stdout


def totals(folder):
    return json.loads((folder / "run.json").read_text())["processes"][0]["heap"]


def stacks_in(path):
    """{stack: bytes} of a file of collapsed stacks."""
    stacks = {}
    for line in path.read_text().splitlines():
        stack, size = line.rsplit(" ", 1)
        assert stack not in stacks and int(size) > 0
        stacks[stack] = int(size)
    return stacks


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])


def sums_of(process):
    """The six numbers of all nodes of a page's process."""
    nodes = process["nodes"]
    return dict(zip(NUMBERS, (sum(nodes[3 + k :: 9]) for k in range(6))))


@pytest.mark.parametrize("of", VIEWS)
def test_collapsed_stacks_have_all_bytes_of_a_view(run, of):
    out = profile(run, "--flame", "f.txt", "--flame-of", of, "--json", "run.json")
    assert out == ""
    stacks = stacks_in(run.folder / "f.txt")
    assert sum(stacks.values()) == totals(run.folder)[VIEWS[of]]
    header = len(bytes(0)) + b"".__sizeof__()
    main = "main thread;<module> (script.py:16);outer (script.py:7);leaf (script.py:4)"
    assert 10 * (10_000 + header) <= stacks[main] < 10 * (10_000 + header) + 5_000  # and the list
    works = [stack for stack in stacks if "work (script.py:12);leaf (script.py:4)" in stack]
    assert len({stack.partition(";")[0] for stack in works}) == 2
    for stack in works:
        assert stack.startswith(("thread 2;", "thread 3;"))
        assert 20 * (3_000 + header) <= stacks[stack] < 20 * (3_000 + header) + 5_000
    passing = "main thread;<module> (script.py:16);outer (script.py:8)"
    assert (passing in stacks) == (of != "left")


def test_threads_that_come_late_are_one(run):
    text = """
    import threading
    kept = []
    def work():
        kept.append(bytes(5_000))
    for i in range(70):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    """
    profile(run, "--flame", "f.txt", "--flame-of", "left", text=text)
    found = {}
    for stack, size in stacks_in(run.folder / "f.txt").items():
        if stack.endswith("work (script.py:4)"):
            found[stack.partition(";")[0]] = size // 5_000
    assert found == {**{f"thread {i}": 1 for i in range(2, 66)}, "later threads": 6}


SCHEMA = {  # of what is used of speedscope's file format
    "$schema": str,
    "exporter": str,
    "name": str,
    "activeProfileIndex": int,
    "shared": dict,
    "profiles": list,
}


def test_speedscope(run):
    profile(run, "--flame", "f.json", "--json", "run.json", "--flame-of", "left")
    found = json.loads((run.folder / "f.json").read_text())
    assert {key: type(value) for key, value in found.items()} == SCHEMA
    assert found["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = found["shared"]["frames"]
    assert all(
        isinstance(frame["name"], str)
        and set(frame) <= {"name", "file", "line"}
        and isinstance(frame.get("line", 1), int)
        for frame in frames
    )
    assert [one["name"] for one in found["profiles"]] == list(VIEWS)
    assert found["activeProfileIndex"] == 1
    for one in found["profiles"]:
        assert (one["type"], one["unit"], one["startValue"]) == ("sampled", "bytes", 0)
        assert len(one["samples"]) == len(one["weights"]) > 0
        assert sum(one["weights"]) == one["endValue"] == totals(run.folder)[VIEWS[one["name"]]]
        assert all(0 <= index < len(frames) for sample in one["samples"] for index in sample)
    stacks = [
        [frames[index]["name"] for index in sample] for sample in found["profiles"][1]["samples"]
    ]
    assert ["script.py", "main thread", "<module>", "outer", "leaf"] in stacks


def test_the_page_balances_and_runs_nothing_else(run):
    profile(run, "--flame", "f.html", "--json", "run.json", "--flame-of", "allocated")
    page = (run.folder / "f.html").read_text()
    data = data_of(page)
    assert (data["first"], len(data["processes"])) == ("allocated", 1)
    heap = totals(run.folder)
    assert sums_of(data["processes"][0]) == {name: heap[name] for name in NUMBERS}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    script, style = (
        base64.b64encode(
            hashlib.sha256(re.search(rf"<{tag}>(.*?)</{tag}>", page, re.S)[1].encode()).digest()
        ).decode()
        for tag in ("script", "style")
    )
    assert f"script-src 'sha256-{script}'; style-src 'sha256-{style}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


MANY = 47


def test_a_hundred_thousand_stacks_are_a_small_page_that_balances(run):
    calls = {
        name: "".join(f"    {text}\n" for _ in range(MANY))
        for name, text in (("a", "b()"), ("b", "c()"), ("c", "kept.append([0])"))
    }
    text = (
        "kept = []\n" + "".join(f"def {name}():\n{body}" for name, body in calls.items()) + "a()\n"
    )
    profile(run, "--flame", "f.html", "--json", "run.json", text=text)
    path = run.folder / "f.html"
    assert path.stat().st_size < 2 << 20
    process, heap = data_of(path.read_text())["processes"][0], totals(run.folder)
    assert heap["stacks"] > MANY**3
    assert sums_of(process) == {name: heap[name] for name in NUMBERS}
    functions = process["nodes"][1::9]
    assert len(functions) < 40_000
    folded = sum(
        line for function, line in zip(functions[1:], process["nodes"][2 + 9 :: 9]) if function < 0
    )
    assert folded + len(functions) > MANY**3


def test_names_that_anybody_may_have_chosen(run):
    names = ["</script><b>", "a;b", "x\\u202ey", "l\\nine", 'quo\\"te', "\\ud800", "\\x1b[31m"]
    text = "kept = []\n" + "".join(
        f'exec(compile("kept.append(bytes(9000))", "/d/{name}.py", "exec"))\n' for name in names
    )
    for form in "html", "txt", "json":
        profile(run, "--flame", f"f.{form}", "--flame-of", "left", text=text)
        raw = (run.folder / f"f.{form}").read_bytes().decode()
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", raw)
    stacks = [stack for stack, size in stacks_in(run.folder / "f.txt").items() if size >= 9000]
    shown = {stack.rpartition("(")[2] for stack in stacks}
    assert {
        "script><b>.py:1)",  # behind the last slash
        "a\\x3bb.py:1)",
        "x\\u202ey.py:1)",
        "l\\x0aine.py:1)",
        "\\ud800.py:1)",
        "\\x1b[31m.py:1)",
    } <= shown
    page = (run.folder / "f.html").read_text()
    assert page.count("</script>") == 2 and "<b>" not in page
    files = [one[2] for one in data_of(page)["processes"][0]["functions"] if len(one) > 2]
    assert "/d/</script><b>.py" in files
    frames = json.loads((run.folder / "f.json").read_text())["shared"]["frames"]
    assert '/d/quo"te.py' in [frame.get("file") for frame in frames]


@pytest.mark.parametrize("name", ["script.py", "f", "f.htm", "f.HTML", "html", "", ".txt.gz"])
def test_another_name_is_refused_before_the_program_starts(run, name):
    run.write("script.py", "print('ran')")
    done = python("-m", "memory_profiler", "--flame", name, "script.py", cwd=run.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].endswith(
        f"argument --flame: must end in .html, .txt or .json: {name!r}"
    )
    assert (run.folder / "script.py").read_text() == "print('ran')"


def test_what_cannot_be_written_is_said_before_the_program_starts(run):
    said = "memory_profiler: cannot write none/f.txt: No such file or directory\n"
    out = profile(run, "--flame", "none/f.txt", text="print('ran')", status=1, stderr=said)
    assert out == ""


@pytest.mark.parametrize(
    "options, says",
    [
        (["--flame-of", "left"], "--flame-of says what --flame FILE is to show: it needs that"),
        (["--flame", "f.txt", "--timestamp"], "no --allocations, no --flame with it"),
        (["--flame", "f.txt", "--flame-of", "all"], "argument --flame-of: invalid choice: 'all'"),
    ],
)
def test_options_that_do_not_go_together(run, options, says):
    run.write("script.py", "print('ran')")
    done = python("-m", "memory_profiler", *options, "script.py", cwd=run.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr.splitlines()[-1]


def test_a_full_disk_is_one_line(run):
    os.symlink("/dev/full", run.folder / "f.txt")
    said = f"memory_profiler: cannot write {run.folder}/f.txt: No space left on device\n"
    assert profile(run, "--flame", "f.txt", text="print('ran')", stderr=said) == "ran\n"


def test_tables_and_columns_are_as_without_it(run):
    text = "@profile\ndef f():\n    return [1] * 1000\nf()\n"
    plain = profile(run, text=text)
    assert len(plain.splitlines()) == len(profile(run, "--flame", "f.txt", text=text).splitlines())
    both = profile(run, "--flame", "f.txt", "--allocations", text=text)
    assert "Allocated" in both and "Heap: peak" in both
    heap = re.search(r"Heap: peak ([\d.]+) MiB in (\d+) blocks", both)
    peak = sum(stacks_in(run.folder / "f.txt").values())
    assert float(heap[1]) == round(peak / 2**20, 1)


def test_a_program_that_raises_has_its_file(run):
    run.write("script.py", PROGRAM + "raise SystemExit(3)\n")
    done = python("-m", "memory_profiler", "--flame", "f.txt", "script.py", cwd=run.folder)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    assert stacks_in(run.folder / "f.txt")


def test_two_outputs_in_one_file_are_refused(run):
    run.write("script.py", "print('ran')")
    os.symlink("f.json", run.folder / "link.json")
    for other in ["--json", "link.json"], ["--pstats", "f.json"], ["-o", "f.json"]:
        done = python(
            "-m", "memory_profiler", "--flame", "f.json", *other, "script.py", cwd=run.folder
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(
            r"memory_profiler: \S+ and --flame name the same file: .*f\.json\n", done.stderr
        )


def test_the_file_of_a_run_before_does_not_seem_to_be_this_ones(run):
    run.write("f.txt", "OLD 1\n")
    profile(run, "--flame", "f.txt", text="import os\nos._exit(7)\n", status=7)
    assert (run.folder / "f.txt").read_text() == ""


def test_a_second_recording_in_the_process_is_a_line(run):
    run.write("script.py", PROGRAM)
    done = python(
        *"-m memory_profiler --flame a.txt -m memory_profiler --flame b.txt script.py".split(),
        cwd=run.folder,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "allocations cannot be recorded: they are already\n"
    assert stacks_in(run.folder / "a.txt")


# ---- children

CHILDREN = """
import multiprocessing, os, sys
kept = []
def child(n):
    kept.append(bytes(n))
    if n == 300_000:
        os.kill(os.getpid(), 9)
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    for n in 100_000, 200_000, 300_000:
        process = multiprocessing.Process(target=child, args=(n,), name=f"worker-{n}")
        process.start()
        process.join()
    child(50_000)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_each_process_has_stacks_of_its_own(run, method):
    run.write("script.py", CHILDREN)
    for form in "txt", "html", "json":
        done = python(
            *"-m memory_profiler --multiprocess --flame-of left --flame".split(),
            f"f.{form}",
            "script.py",
            method,
            cwd=run.folder,
        )
        assert (done.returncode, done.stdout) == (0, "")
        *others, last = done.stderr.splitlines()
        assert last == (
            "memory_profiler: --flame: 1 child process left no stacks: killed, ended early, "
            "or gone on"
        )
        assert all(re.match(r"memory_profiler: child process \d+ was", one) for one in others)
    found = {}
    for stack, size in stacks_in(run.folder / "f.txt").items():
        process, _, frames = stack.partition(";")
        if frames.endswith("child (script.py:4)") and size > 40_000:
            found[process.partition(",")[0]] = size // 10_000
    assert found == {"script.py": 5, "worker-100000": 10, "worker-200000": 20}
    data = data_of((run.folder / "f.html").read_text())
    names = [process["name"].partition(",")[0] for process in data["processes"]]
    assert names == ["script.py", "worker-100000", "worker-200000"]
    said = re.search(r"<h1>.*?</h1>\n<p>(.*?)</p>", (run.folder / "f.html").read_text())[1]
    assert "; 1 child process left no stacks: killed, ended early, or gone on" in said
    frames = json.loads((run.folder / "f.json").read_text())["shared"]["frames"]
    assert [frame["name"].partition(",")[0] for frame in frames[:3]] == names


def test_without_multiprocess_a_forked_child_writes_nothing(run):
    text = "import os\nkept = bytes(70_000)\nif os.fork() == 0:\n    more = bytes(900_000)\nelse:\n    os.wait()\n"
    profile(run, "--flame", "f.txt", text=text)
    assert 70_000 < sum(stacks_in(run.folder / "f.txt").values()) < 900_000


# ---- a block


def leaf(n):
    return bytes(n)


def test_a_block_writes_its_own(tmp_path):
    before = leaf(70_000)
    with allocations() as outer:
        first = leaf(100_000)
        with allocations() as inner:
            second = leaf(200_000)
            inner.flame(tmp_path / "open.txt")
        del first, second, before
        inner.flame(str(tmp_path / "inner.txt"), of="left")
    outer.flame(tmp_path / "outer.txt", of="allocated")
    with allocations():
        pass
    outer.flame(tmp_path / "again.txt", of="allocated")
    sizes = {
        name: {
            size // 10_000
            for stack, size in stacks_in(tmp_path / f"{name}.txt").items()
            if "leaf (test_flame.py" in stack
        }
        for name in ("open", "inner", "outer", "again")
    }
    assert sizes["open"] == sizes["inner"] == {20}
    assert sizes["outer"] == sizes["again"] == {10, 20}
    total = sum(stacks_in(tmp_path / "outer.txt").values())
    assert total == outer.allocated_bytes
    assert sum(stacks_in(tmp_path / "inner.txt").values()) == inner.left_bytes


def test_what_a_block_cannot_write(tmp_path):
    block = allocations()
    with pytest.raises(RuntimeError, match="has not begun"):
        block.flame(tmp_path / "f.txt")
    with block:
        pass
    with pytest.raises(ValueError, match="must end in .html, .txt or .json"):
        block.flame(tmp_path / "f.py")
    with pytest.raises(ValueError, match="'peak', 'left' or 'allocated', not 'all'"):
        block.flame(tmp_path / "f.txt", of="all")
    with pytest.raises(FileNotFoundError):
        block.flame(tmp_path / "none" / "f.txt")
    assert list(tmp_path.iterdir()) == []


NODE = 64


@pytest.mark.parametrize(
    "process",
    [
        ("p", [], [], b""),
        ("p", [], [], b"x"),
        ("p", [], [(0, "")], bytes(2 * NODE - 1)),
        ("p", [], [], bytes(2 * NODE)),  # of no function
        ("p", [], [(0, "")], bytes(NODE) + b"\1" + bytes(NODE - 1)),  # its own parent
        ("p", [], [(0, ""), (1, "f")], bytes(NODE)),  # of no file
    ],
)
def test_nodes_that_are_none(tmp_path, process):
    with open(tmp_path / "f", "wb") as file, pytest.raises(ValueError):
        _memprof.flame_write(file.fileno(), "txt", 0, "", "", [process])


def test_no_processes_and_no_view(tmp_path):
    with open(tmp_path / "f", "wb") as file:
        with pytest.raises(ValueError, match="no processes"):
            _memprof.flame_write(file.fileno(), "txt", 0, "", "", [])
        with pytest.raises(ValueError, match="no view 3"):
            _memprof.flame_write(
                file.fileno(), "txt", 3, "", "", [("p", [], [(0, "")], bytes(NODE))]
            )
    with pytest.raises(OSError):
        _memprof.flame_write(-1, "txt", 0, "", "", [("p", [], [(0, "")], bytes(NODE))])
