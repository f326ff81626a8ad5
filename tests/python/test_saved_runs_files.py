"""Files of saved runs: what is written whatever the names are, where it goes, and what is read."""

import json
import os
import stat
import subprocess
import sys

import pytest
from memory_profiler import diff, report
from memory_profiler._files import check_output
from memory_profiler._saved import replacing, write_run
from saved_runs import FUNCTION, RUN, function, outcome_of, run_of, run_with, saved
from support import TIMEOUT, environment, python

COMMANDS = pytest.mark.parametrize("command, files", [("report", 1), ("diff", 2)])
ONE = "@profile\ndef f():\n    return 1\nf()\n"


def started(name, *arguments, cwd, **options):
    """A command in a process of its own, with descriptors as the shell would give them."""
    return subprocess.run(
        [sys.executable, "-m", f"memory_profiler.{name}", *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        timeout=TIMEOUT,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


# ---- what is saved


def test_names_that_are_no_characters_lose_nothing(run):
    """A lone surrogate in any text of a run: the file is UTF-8, and the text comes back as it was."""
    run.m(
        """
        import sys
        sys.argv[1:] = ["\\ud800", 7]
        names = {"profile": profile}
        for name in ("a\\udcff.py", "a\\udcfe.py"):
            exec(compile("@profile\\ndef f():\\n    return [0] * 9\\n", name, "exec"), names)
            names["f"]()
        names["profile"] = lambda f: profile(type(f)(f.__code__.replace(co_name="g\\ud800"), names))
        exec(compile("@profile\\ndef g():\\n    return 1\\n", "b.py", "exec"), names)
        names["g"]()
        """,
        options=["--json", "run.json"],
    ).ok()
    run_saved = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    functions = run_saved["processes"][0]["functions"]
    assert [one["filename"] for one in functions] == ["a\udcff.py", "a\udcfe.py", "b.py"]
    assert run_saved["command"] == ["script.py", "\ud800", "7"]
    for form in report.FORMS:
        done = python("-m", "memory_profiler.report", "run.json", "--to", form, cwd=run.folder).ok()
        text = done.stdout.replace("<wbr>", "")
        assert "a\\udcff.py" in text and "a\\udcfe.py" in text and done.stderr == ""
    assert (
        json.loads(
            python("-m", "memory_profiler.report", "run.json", "--to", "json", cwd=run.folder)
            .ok()
            .stdout
        )
        == run_saved
    )


def test_saving_a_long_run_holds_one_function_at_a_time(tmp_path):
    alive = []

    class Counted(dict):
        def __init__(self, *args, **names):
            super().__init__(*args, **names)
            alive.append(1)

        def __del__(self):
            alive.pop()

    def functions():
        for number in range(500):
            assert len(alive) <= 1
            yield Counted(FUNCTION, name=f"f{number}")

    written = {**RUN, "processes": [{**RUN["processes"][0], "functions": functions()}]}
    write_run(str(tmp_path / "run.json"), written)
    (process,) = json.loads((tmp_path / "run.json").read_text())["processes"]
    assert [one["name"] for one in process["functions"]] == [f"f{n}" for n in range(500)]


# ---- where it goes


def test_a_failed_save_leaves_what_was_there(tmp_path):
    path = saved(tmp_path, RUN)

    def functions():
        yield FUNCTION
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError):
        write_run(
            str(path), {**RUN, "processes": [{**RUN["processes"][0], "functions": functions()}]}
        )
    assert json.loads(path.read_text()) == RUN and os.listdir(tmp_path) == ["run.json"]


def test_a_planted_link_is_not_followed(run):
    victim = run.folder / "victim"
    victim.write_text("mine")
    (run.folder / "run.json").symlink_to(victim)
    run.m(ONE, options=["--json", "run.json"]).ok()
    assert victim.read_text() == "mine"
    assert json.loads((run.folder / "run.json").read_text())["finished"] is True
    assert not list(run.folder.glob("*.tmp"))


@pytest.mark.parametrize("option", ["-o", "--json", "--pstats"])
@pytest.mark.parametrize("in_everybodys_folder", [False, True])
def test_a_link_of_our_own_that_points_to_nothing_yet(run, option, in_everybodys_folder):
    places, results = run.folder / "places", run.folder / "results"
    places.mkdir()
    results.mkdir()
    if in_everybodys_folder:
        places.chmod(0o1777)
    link, target = places / "out", results / "target"
    link.symlink_to("../results/target")
    outcome = run.m(ONE, options=[option, "places/out"]).ok()
    assert "Filename" in (outcome.stdout if option != "-o" else target.read_text())
    assert link.stat().st_size > 0
    # A saved run takes the place of its name; what is appended or written goes through the link.
    assert target.exists() == link.is_symlink() == (option != "--json")
    assert {path.name for path in places.iterdir()} == {"out"}


@pytest.mark.parametrize("option", ["-o", "--json", "--pstats"])
@pytest.mark.parametrize(
    "target, why",
    [("nowhere/target", "No such file or directory"), ("out", "Too many levels of symbolic links")],
)
def test_a_link_through_which_nothing_can_be_written(run, option, target, why):
    (run.folder / "out").symlink_to(target)
    outcome = run.m("print('ran')", options=[option, "out"])
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.one_line_error() == f"memory_profiler: cannot write out: {why}"
    assert (run.folder / "out").is_symlink()


def test_to_ask_whether_a_link_can_be_written_through_leaves_it_as_it_was(tmp_path):
    link = tmp_path / "out"
    link.symlink_to("target")
    check_output(str(link))
    assert os.readlink(link) == "target" and os.listdir(tmp_path) == ["out"]


def test_a_planted_temporary_file_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / f"memory_profiler-{os.getpid()}.0.tmp").symlink_to(victim)
    write_run(str(tmp_path / "run.json"), RUN)
    assert victim.read_text() == "mine" and json.loads((tmp_path / "run.json").read_text()) == RUN


def test_a_private_file_stays_private(tmp_path):
    path = saved(tmp_path, RUN)
    path.chmod(0o600)
    write_run(str(path), RUN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_name_as_long_as_can_be(tmp_path):
    path = tmp_path / ("n" * 250 + ".json")
    write_run(str(path), RUN)
    assert json.loads(path.read_text()) == RUN


@pytest.mark.skipif(not os.path.exists("/dev/fd/1"), reason="no names of descriptors")
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_stdout_gets_the_run_behind_the_tables(run, name):
    run.write("script.py", ONE)
    arguments = [sys.executable, "-m", "memory_profiler", "--json", name, "script.py"]
    out = subprocess.run(
        arguments,
        cwd=run.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        timeout=TIMEOUT,
        check=True,
    ).stdout.decode()
    assert out.startswith("Filename: script.py\n")
    assert json.loads(out.splitlines()[-1])["finished"] is True


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
def test_a_descriptors_file_is_written_behind_what_it_holds(tmp_path):
    program = (
        "import os, sys; from memory_profiler._saved import write_run; from saved_runs import RUN; "
        "print('tables', flush=True); write_run('/proc/self/fd/1', RUN)"
    )
    out = tmp_path / "out"
    with open(out, "w") as file:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            cwd=os.path.dirname(__file__),
            timeout=TIMEOUT,
        )
    assert (done.returncode, done.stderr) == (0, "")
    first, second = out.read_text().splitlines()
    assert first == "tables" and json.loads(second) == RUN


def test_a_pipe_gets_the_end_alone_and_needs_a_reader(tmp_path):
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    write_run(path, {**RUN, "finished": False}, is_last=False)  # nothing, and no waiting
    with pytest.raises(OSError):
        write_run(path, RUN)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write_run(path, {**RUN, "finished": False}, is_last=False)
    write_run(path, RUN)
    assert json.loads(os.read(reader, 1 << 16)) == RUN
    os.close(reader)
    assert stat.S_ISFIFO(os.stat(path).st_mode) and os.listdir(tmp_path) == ["pipe"]


def test_a_report_replaces_its_file_as_a_whole(tmp_path):
    path = saved(tmp_path, run_with(name="f\ud800"))
    for form in report.FORMS[::-1]:
        assert outcome_of(report.main, ["--to", form, "-o", str(tmp_path / form), str(path)]) == (
            0,
            "",
            "",
        )
        assert "f\\ud800" in (tmp_path / form).read_text(encoding="utf-8") or form == "text"
    with pytest.raises(KeyError), replacing(str(path)) as file:
        file.write("half")
        raise KeyError
    assert json.loads(path.read_text()) == run_with(name="f\ud800")
    assert sorted(os.listdir(tmp_path)) == sorted(["run.json", *report.FORMS])


# ---- what is read, and the exit status

FOREIGN = {
    "empty": (b"", "it is no JSON: "),
    "blank": (b" " * 70_000, "it is no saved run"),
    "zeros": (b"\0" * 70_000, "it is no saved run"),
    "deep": (b"[" * 100_000, "it is no JSON: nested"),
    "nan": (b'{"a": NaN}', "a number is not finite"),
    "infinite": (b'{"a": 1e999}', "a number is not finite"),
    "digits": (b'{"a": ' + b"9" * 10_000 + b"}", "it is no JSON: a number is absurd"),
    "version": (
        b'{"format": "memory_profiler run", "version": ' + b"9" * 400 + b"}",
        "it has no version",
    ),
}


@pytest.mark.parametrize("case", FOREIGN)
@pytest.mark.parametrize("main, files", [(report.main, 1), (diff.main, 2)], ids=["report", "diff"])
def test_a_foreign_file_is_2(tmp_path, case, main, files):
    content, words = FOREIGN[case]
    path = tmp_path / "file"
    path.write_bytes(content)
    status, out, err = outcome_of(main, [str(path)] * files)
    assert (status, out) == (2, "") and len(err.splitlines()) == 1 and len(err) < 300
    assert f"{path}: {words}" in err


@COMMANDS
def test_what_cannot_be_read_is_2(tmp_path, command, files):
    for name, words in (
        ("none", "No such file"),
        (".", "Is a directory"),
        ("a\x1b", "cannot read a\\x1b"),
    ):
        done = python("-m", f"memory_profiler.{command}", *[name] * files, cwd=tmp_path)
        assert done.returncode == 2 and done.stdout == "" and words in done.one_line_error()


def test_a_run_nested_without_end_is_refused_before_it_is_written_again(tmp_path):
    deep = value = []
    for _ in range(200):
        value.append([])
        value = value[0]
    path = saved(tmp_path, {**RUN, "more": deep})
    for form in report.FORMS:
        status, out, err = outcome_of(report.main, ["--to", form, str(path)])
        assert (status, out) == (2, "") and "nested too deep" in err


@COMMANDS
def test_stdout_that_cannot_be_written_is_1(tmp_path, command, files):
    paths = [saved(tmp_path, RUN)] * files
    with open("/dev/full", "w") as full:
        done = started(command, *paths, cwd=tmp_path, stdout=full)
    assert done.returncode == 1
    assert (
        done.stderr == f"memory_profiler.{command}: cannot write stdout: No space left on device\n"
    )


@COMMANDS
def test_closed_descriptors_are_one_line(tmp_path, command, files):
    path = saved(tmp_path, RUN)
    shell = f"'{sys.executable}' -m memory_profiler.{command} "
    for text, status, words in (
        (shell + "- " * files + "<&-", 2, "standard input"),
        (shell + f"'{path}' " * files + ">&-", 1, "cannot write stdout: "),
        (shell + f"'{path}x' " * files + "2>&-", 2, ""),
    ):
        done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=TIMEOUT)
        assert (done.returncode, done.stdout) == (status, "")
        assert words in done.stderr and len(done.stderr.splitlines()) == bool(words)


def test_a_reader_that_has_seen_enough_does_not_open_the_gate(tmp_path):
    """The verdict of --fail-over stays, whoever reads the lines."""
    before = saved(tmp_path, run_of(function("f", "a", "b", growth=0)), "a.json")
    after = saved(tmp_path, run_of(function("f", "a", "b", growth=9 << 20)), "b.json")
    reader, writer = os.pipe()
    os.close(reader)
    done = started("diff", before, after, "--fail-over", "1", cwd=tmp_path, stdout=writer)
    os.close(writer)
    assert done.returncode == 1 and done.stderr.startswith(
        "memory_profiler.diff: f grew by 9.000 MiB"
    )


@COMMANDS
def test_help_says_the_exit_status(tmp_path, command, files):
    assert (
        "exit status: 0; 1 when"
        in python("-m", f"memory_profiler.{command}", "--help", cwd=tmp_path).ok().stdout
    )


# ---- converting and merging


def test_an_unfinished_run_says_so_in_every_form(tmp_path):
    path = str(saved(tmp_path, {**RUN, "finished": False}))
    child = {**RUN["processes"][0], "finished": False, "name": "child"}
    killed = str(saved(tmp_path, {**RUN, "processes": [*RUN["processes"], child]}, "killed.json"))
    for form in report.FORMS:
        for file in (path, killed):
            status, out, err = outcome_of(report.main, ["--to", form, file])
            assert status == 0 and len(err.splitlines()) == 1 and "did not end" in err
    assert json.loads(outcome_of(report.main, ["--to", "json", path])[1])["finished"] is False
    assert "did not end" in outcome_of(diff.main, [path, path])[2]
    whole = str(saved(tmp_path, RUN, "whole.json"))
    for files, finished in (
        ([path, whole], False),
        ([killed, whole], False),
        ([whole, whole], True),
    ):
        _, out, _ = outcome_of(report.main, ["--to", "json", *files])
        assert json.loads(out)["finished"] is finished


def test_one_run_as_json_is_that_run(tmp_path):
    child = {"pid": 8, "parent": 7, "name": "child", "functions": [FUNCTION], "reads": 5}
    converted = {**RUN, "processes": [*RUN["processes"], child], "new member": [1]}
    path = saved(tmp_path, converted)
    assert json.loads(outcome_of(report.main, ["--to", "json", str(path)])[1]) == converted


def test_a_merge_says_what_all_agree_on_and_keeps_the_rest(tmp_path):
    other = {**run_with(), "command": ["other.py"], "time": 2.0}
    other["processes"][0].update(pid=9, name="tool", reads=6)
    files = [str(saved(tmp_path, RUN, "a.json")), str(saved(tmp_path, other, "b.json"))]
    merged = json.loads(outcome_of(report.main, ["--to", "json", *files])[1])
    (process,) = merged["processes"]
    assert (process["pid"], process["parent"], process["name"], process["reads"]) == (
        0,
        1,
        "main, tool",
        11,
    )
    assert (merged["command"], merged["time"], merged["platform"]) == ([], 2.0, "linux")
    assert [part["command"] for part in merged["merged"]] == [["script.py"], ["other.py"]]
    assert [part["processes"][0]["pid"] for part in merged["merged"]] == [7, 9]
    again = str(saved(tmp_path, merged, "merged.json"))
    for form in report.FORMS:
        assert outcome_of(report.main, ["--to", form, again]) == outcome_of(
            report.main, ["--to", form, *files]
        )
    assert "script.py + other.py" in outcome_of(report.main, ["--to", "html", again])[1]
    thrice = json.loads(outcome_of(report.main, ["--to", "json", again, files[0]])[1])
    assert [part["command"] for part in thrice["merged"]] == [
        ["script.py"],
        ["other.py"],
        ["script.py"],
    ]


# ---- children

FORK = """
    import gc, os, sys

    @profile
    def work(mib):
        block = bytearray(mib << 20)
        return len(block)

    work(1)
    pid = os.fork()
    if pid == 0:
        work(5)
        child = next(one for one in gc.get_objects() if type(one).__name__ == "_Child")
        {act}
    print("pid", pid)
    assert os.waitpid(pid, 0)[1] == 0
    """


def test_a_child_that_did_not_end_keeps_what_it_saved_and_is_told(run):
    # Without its live tables, which would be there whole.
    outcome = run.m(
        FORK.format(act="child.save(False); os.remove(child.path + '.live'); os._exit(0)"),
        options=["--multiprocess", "--json", "run.json"],
    ).ok("was killed")
    pid = outcome.stdout.split()[1]
    assert outcome.one_line_error() == (
        f"memory_profiler: child process {pid} was killed, ended by os._exit(), or goes on: "
        "its tables are those that it saved last"
    )
    assert f"Child process {pid} (script.py):" in outcome.stdout
    main, child = json.loads((run.folder / "run.json").read_text())["processes"]
    assert "finished" not in main and child["finished"] is False and len(child["functions"]) == 1
    report_of = python("-m", "memory_profiler.report", "run.json", cwd=run.folder).ok("did not end")
    assert f"child process {pid} (script.py) did not end" in report_of.one_line_error()


def test_a_child_that_cannot_save_says_so(run):
    outcome = run.m(
        FORK.format(act="os.mkdir(child.path + '.json'); sys.argv.clear(); sys.exit()"),
        options=["--multiprocess"],
    ).ok("cannot be saved")
    pid = outcome.stdout.split()[1]
    assert outcome.one_line_error() == (
        f"memory_profiler: the tables of child process {pid} cannot be saved: Is a directory"
    )
    # Its live tables are there all the same.
    assert f"Child process {pid} (script.py):" in outcome.stdout
