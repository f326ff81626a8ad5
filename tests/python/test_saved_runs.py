"""--json, the report and the diff: what is saved, that a kill loses little, and what a gate says."""

import csv
import html.parser
import json
import re
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from support import MAPPED_BLOCKS, MIB, TIMEOUT, environment, near, python

MAPPED = environment(**MAPPED_BLOCKS)

PROGRAM = """
    class Thing:
        @profile
        def method(self, mib):
            block = bytearray(mib << 20)
            return block

    @profile
    def work():
        kept = [Thing().method(n) for n in (3, 4)]
        text = "é < & \\u2028 漢字"
        return kept

    @profile
    def never():
        return 1

    kept = work()
    """


@pytest.fixture
def save(run):
    """Runs a program and gives (the saved run, the outcome)."""

    def save(source=PROGRAM, *options, name="run.json"):
        outcome = run.m(source, options=["--json", name, *options], env=MAPPED).ok()
        return json.loads((run.folder / name).read_text(encoding="utf-8")), outcome

    return save


def report(run, *arguments, **options):
    options.setdefault("cwd", run.folder)
    return python("-m", "memory_profiler.report", *arguments, **options)


def diff(run, *arguments):
    return python("-m", "memory_profiler.diff", *arguments, cwd=run.folder)


# ---- what is saved


def test_the_format(save):
    saved, _ = save()
    assert saved["format"] == "memory_profiler run" and saved["version"] == 1
    assert saved["finished"] is True and saved["command"] == ["script.py"]
    assert saved["python"] == sys.version.split()[0]
    (process,) = saved["processes"]
    assert process["name"] == "main" and process["backend"] == "psutil"
    assert process["reads"] > 0 and process["gate_ns"] > 0
    method, work = process["functions"]
    assert method["name"].endswith("method") and work["name"] == "work"
    assert [line["line"] for line in method["lines"]] == [2, 4, 5]
    assert method["lines"][1]["increment_bytes"] == near(7 * MIB, MIB)
    assert method["lines"][1]["occurrences"] == 2
    assert "".join(method["source"]).startswith("    @profile\n    def method(self, mib):\n")
    assert "漢字" in "".join(work["source"])
    assert "peak_bytes" not in method["lines"][0] and "time_ns" not in method["lines"][0]


def test_the_ledger_balances(save):
    saved, _ = save()
    for function in saved["processes"][0]["functions"]:
        ledger = function["ledger"]
        assert (
            sum(line["increment_bytes"] for line in function["lines"]) == ledger["increments_bytes"]
        )
        assert ledger["increments_bytes"] == ledger["entry_bytes"] + ledger["segments_bytes"]


@pytest.mark.skipif(sys.platform != "linux", reason="no mark that can be set back")
def test_columns_are_saved(save, run):
    saved, outcome = save(
        "import time\ntime.sleep(0.15)\n" + textwrap.dedent(PROGRAM), "--peak", "--line-time"
    )
    for function in saved["processes"][0]["functions"]:
        assert all(line["peak_bytes"] >= 0 and line["time_ns"] >= 0 for line in function["lines"])
    assert report(run, "run.json").ok().stdout == outcome.stdout


def has_grown(path):
    """Whether a line that ran twice and grew is saved there."""
    text = path.read_text() if path.exists() else ""  # empty: just tried
    functions = json.loads(text)["processes"][0]["functions"] if text else []
    lines = [line for function in functions for line in function["lines"][1:]]
    return any(line["increment_bytes"] > 0 and line["occurrences"] > 1 for line in lines)


@pytest.mark.parametrize("backend", ["rss", "pss", "tracemalloc"])
def test_a_killed_run_leaves_its_tables(run, backend):
    """With the ten seconds made short: what was saved is whole, and says that it was not the end."""
    run.write(
        "script.py",
        """
        import memory_profiler._memprof as core, memory_profiler.__main__, sys, time
        main = sys.modules["memory_profiler.__main__"]
        ending = next(a for a in [__import__("gc").get_objects()] for a in a
                      if type(a).__name__ == "Ending")
        core.save_every(0.05, lambda: ending.save_run([], False))

        @profile
        def work():
            kept = []
            while True:
                kept.append(bytearray(1 << 20))
                time.sleep(0.005)

        work()
        """,
    )
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "memory_profiler",
            "--backend",
            backend,
            "--json",
            "run.json",
            "script.py",
        ],
        cwd=run.folder,
        env=MAPPED,
    )
    deadline = time.monotonic() + TIMEOUT
    while not has_grown(run.folder / "run.json"):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    saved = json.loads((run.folder / "run.json").read_text())
    assert saved["finished"] is False
    (function,) = saved["processes"][0]["functions"]
    assert any(
        line["increment_bytes"] > 0 and line["occurrences"] > 1 for line in function["lines"][1:]
    )
    assert report(run, "run.json").ok(says="run.json: the run did not end").table("work").rows


def test_saving_takes_nothing_from_the_program(run):
    outcome = run.m(
        """
        import gc, os, signal, sys, threading, time
        import memory_profiler._memprof as core
        ending = next(one for one in gc.get_objects() if type(one).__name__ == "Ending")
        calls = []

        def save():
            ending.save_run([], False)
            calls.append(1)

        core.save_every(0.01, save)
        names = {"profile": profile}
        for n in range(300):
            exec(f"@profile\\ndef f{n}():\\n    return {n}\\n", names)
            names[f"f{n}"]()

        @profile
        def work():
            while len(calls) < 5:
                time.sleep(0.002)
            return len(calls)

        before = [signal.getsignal(n) for n in range(1, 20) if n not in (9, 19)]
        assert work() > 3
        assert before == [signal.getsignal(n) for n in range(1, 20) if n not in (9, 19)]
        assert threading.active_count() == 1 and sys.gettrace() is None
        core.save_every(1, None)
        """,
        options=["--json", "run.json"],
        env=MAPPED,
    ).ok()
    # Function by function: 300 of them need no more than one, and what is needed is used again.
    assert outcome.table("work").at("time.sleep").increment == near(0, 0.3)
    assert (
        len(json.loads((run.folder / "run.json").read_text())["processes"][0]["functions"]) == 301
    )


@pytest.mark.parametrize(
    "path, why", [("no/run.json", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_written(run, path, why):
    outcome = run.m("print('ran')\n", options=["--json", path])
    assert outcome.returncode == 1 and outcome.stdout == ""
    assert outcome.one_line_error() == f"memory_profiler: cannot write {path}: {why}"


# ---- the report


def test_the_report_prints_what_the_run_printed(save, run):
    _, outcome = save()
    assert report(run, "run.json").ok().stdout == outcome.stdout
    _, outcome = save(PROGRAM, "--precision", "1")
    assert report(run, "run.json").ok().stdout == outcome.stdout
    text = (run.folder / "run.json").read_text()
    piped = subprocess.run(
        [sys.executable, "-m", "memory_profiler.report", "-"],
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        cwd=run.folder,
    )
    assert piped.stdout == outcome.stdout
    again = report(run, "run.json", "--precision", "2").ok().tables
    assert [table.filename for table in again] == ["script.py", "script.py"]


def test_two_runs_as_one(save, run):
    one, _ = save(name="a.json")
    two, _ = save(name="b.json")
    merged = json.loads(report(run, "a.json", "b.json", "--to", "json").ok().stdout)
    (process,) = merged["processes"]
    for place, function in enumerate(process["functions"]):
        parts = [saved["processes"][0]["functions"][place] for saved in (one, two)]
        for at, line in enumerate(function["lines"]):
            assert line["occurrences"] == sum(part["lines"][at]["occurrences"] for part in parts)
            assert line["memory_bytes"] == max(part["lines"][at]["memory_bytes"] for part in parts)
        ledger = function["ledger"]
        assert ledger["segments_bytes"] == sum(part["ledger"]["segments_bytes"] for part in parts)
        assert ledger["increments_bytes"] == ledger["entry_bytes"] + ledger["segments_bytes"]
    (run.folder / "merged.json").write_text(json.dumps(merged))
    assert report(run, "merged.json").ok().stdout == report(run, "a.json", "b.json").ok().stdout


def test_csv(save, run):
    saved, _ = save()
    report(run, "run.json", "--to", "csv", "-o", "out.csv").ok()
    with open(run.folder / "out.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = [line for function in saved["processes"][0]["functions"] for line in function["lines"]]
    assert [int(row["increment_bytes"]) for row in rows] == [
        line["increment_bytes"] for line in lines
    ]
    assert any(row["source"] == '    text = "é < & \\u2028 漢字"' for row in rows)
    assert rows[0]["peak_bytes"] == "" and rows[0]["filename"] == "script.py"


class _Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_html_is_one_harmless_page(run, save):
    hostile = "</td></table><script>alert(1)</script>"
    save(f"""
        @profile
        def work():
            text = "{hostile}"
            block = bytearray(9 << 20)
            return text
        work()
        """)
    report(run, "run.json", "--to", "html", "-o", "out.html").ok()
    text = (run.folder / "out.html").read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    assert [tag for tag, _ in page.tags].count("script") == 1  # that of the page itself
    assert hostile in page.text
    policy = next(
        a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not any("style" in attributes or "src" in attributes for _, attributes in page.tags)
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert any(attributes.get("class") == "more10" for _, attributes in page.tags)


BAD = {
    "empty": ("", "it is no JSON: Expecting value at line 1"),
    "cut": ('{"format": "memory_profiler run", "ver', "it is no JSON: Unterminated string"),
    "binary": (b"\xff\xfe\x00", "it is no JSON: "),
    "foreign": ('{"a": 1}', "it is no saved run"),
    "list": ("[1, 2]", "it is no saved run"),
    "newer": (
        '{"format": "memory_profiler run", "version": 99}',
        "it is of version 99, this program knows up to 1",
    ),
    "bare": ('{"format": "memory_profiler run", "version": 1}', "it has no processes"),
    "hollow": (
        '{"format": "memory_profiler run", "version": 1, "processes": [7]}',
        "a process has no functions",
    ),
    "deep": ("[" * 100000, "it is no JSON: "),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("command, status", [("report", 2), ("diff", 2)])
def test_files_that_are_no_runs(run, case, command, status):
    content, words = BAD[case]
    (run.folder / "bad.json").write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    files = ["bad.json"] if command == "report" else ["bad.json", "bad.json"]
    outcome = python("-m", f"memory_profiler.{command}", *files, cwd=run.folder)
    assert outcome.returncode == status and outcome.stdout == ""
    assert outcome.one_line_error().startswith(f"memory_profiler.{command}: bad.json: {words}")


@pytest.mark.parametrize(
    "where, member, words",
    [
        ("lines", "increment_bytes", "the increments of a function are not those of its ledger"),
        ("ledger", "increments_bytes", "the increments of a function are not those of its ledger"),
        ("ledger", "entry_bytes", "the ledger of a function does not add up"),
        ("ledger", "segments_bytes", "the ledger of a function does not add up"),
    ],
)
@pytest.mark.parametrize("command", ["report", "diff"])
def test_tampered_numbers_are_found(save, run, where, member, words, command):
    saved, _ = save()
    (run.folder / "whole.json").write_text(json.dumps(saved))
    function = saved["processes"][0]["functions"][0]
    (function["lines"][1] if where == "lines" else function["ledger"])[member] += 1
    (run.folder / "run.json").write_text(json.dumps(saved))
    files = ["run.json"] if command == "report" else ["whole.json", "run.json"]
    outcome = python("-m", f"memory_profiler.{command}", *files, cwd=run.folder)
    assert outcome.returncode == 2 and outcome.stdout == ""
    assert outcome.one_line_error() == f"memory_profiler.{command}: run.json: {words}"


def test_missing_files_and_closed_pipes(run, save):
    outcome = report(run, "nothing.json")
    assert outcome.returncode == 2
    assert outcome.one_line_error() == (
        "memory_profiler.report: cannot read nothing.json: No such file or directory"
    )
    save()
    outcome = report(run, "run.json", "-o", "no/out.txt")
    assert outcome.returncode == 1
    assert outcome.one_line_error() == (
        "memory_profiler.report: cannot write no/out.txt: No such file or directory"
    )
    done = subprocess.run(
        f"{sys.executable} -m memory_profiler.report run.json | true",
        shell=True,
        cwd=run.folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.stderr == ""


def test_the_users_own_report_and_diff_go_on_running(run):
    for name in ("report.py", "diff.py"):
        outcome = run.m(
            "import report, diff\nprint('mine', __name__)\n"
            if name == "main.py"
            else "print('mine', __name__)\n",
            name=name,
        ).ok()
        assert outcome.stdout.startswith("mine __main__")
    assert run.plain("import report\n", name="main.py").ok().stdout == "mine report\n"


# ---- the diff

AFTER = (
    PROGRAM.replace("class Thing:", "# a comment\n    # and one more\n    class Thing:")
    .replace(
        "block = bytearray(mib << 20)",
        "block = bytearray(mib << 20)\n            more = bytearray(2 << 20)",
    )
    .replace("return block", "return block, more")
)


def test_lines_are_matched_through_edits(save, run):
    save(name="a.json")
    save(AFTER, name="b.json")
    outcome = diff(run, "a.json", "b.json").ok()
    lines = [line for line in outcome.stdout.splitlines() if "bytearray" in line]
    (added,) = [line for line in lines if "more =" in line]
    number, after, change = added.split()[:3]  # nothing stands in the columns of the run before
    assert number == "7" and after == change and 4 <= float(after) < 4.1
    assert not any("block =" in line for line in lines)  # matched, and it did not change
    assert re.search(r"In all \+\d+\.\d+ MiB$", outcome.stdout)


def test_the_gate(save, run):
    save(name="a.json")
    save(AFTER, name="b.json")
    assert diff(run, "a.json", "b.json", "--fail-over", "100 MiB").ok()
    assert diff(run, "b.json", "a.json", "--fail-over", "0").ok()
    outcome = diff(run, "a.json", "b.json", "--fail-over", "1 MiB")
    assert outcome.returncode == 1
    assert re.match(
        r"memory_profiler\.diff: \S+ grew by 4\.\d+ MiB more than before, over the bound of "
        r"1\.000 MiB",
        outcome.one_line_error(),
    )
    outcome = diff(run, "a.json", "b.json", "--fail-over", "much")
    assert outcome.returncode == 2 and "no size: 'much'" in outcome.stderr


def test_functions_that_came_and_went(save, run):
    save("@profile\ndef old():\n    return [bytearray(5 << 20)]\nx = old()\n", name="a.json")
    save("@profile\ndef new():\n    return [bytearray(6 << 20)]\nx = new()\n", name="b.json")
    outcome = diff(run, "a.json", "b.json", "--fail-over", "5 MiB")
    assert outcome.returncode == 1 and outcome.one_line_error().startswith(
        "memory_profiler.diff: new grew by 6"
    )
    assert re.search(r"new   \+6\.\d+ MiB   \(new\)", outcome.stdout)
    assert re.search(r"old   -5\.\d+ MiB   \(gone\)", outcome.stdout)


@pytest.mark.parametrize("command", ["report", "diff"])
def test_help(run, command):
    assert (
        "usage: python -m memory_profiler." + command
        in python("-m", f"memory_profiler.{command}", "--help", cwd=run.folder).ok().stdout
    )


# ---- the honesty line


def test_v_says_how_far_the_numbers_go(run):
    outcome = run.m(PROGRAM, options=["-v"], env=MAPPED).ok()
    notes = [line for line in outcome.stdout.splitlines() if line.startswith("(readings ")]
    assert len(notes) == 2
    assert re.match(
        r"\(readings (exact|within \d+ bytes); gate \d+ ns; \d+ events read, \d+ skipped; "
        r"about \d+\.\d+ s spent on them\)$",
        notes[0],
    )
    outcome = run.m(PROGRAM, options=["-v", "--exact"], env=MAPPED).ok()
    assert "no gate: switched off by --exact" in outcome.stdout
