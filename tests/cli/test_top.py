"""mprof top: what it shows of processes and of profiles, its keys, and its lines where there is no
terminal to draw on."""

import os
import re
import subprocess
import sys
import time

import pytest
from terminal import Terminal
from watching import BEGIN, LEAVES, LINE, UTF8, samples

# ---- a process


@pytest.mark.parametrize("rows, columns", [(24, 80), (50, 200)])
def test_a_process(top, sleeper, rows, columns):
    view = top(str(sleeper.pid), rows=rows, columns=columns)
    view.shows(f"PID {sleeper.pid}", "running", "peak", "1 process", "q quit", "⣿⣿⣿")
    assert columns < 200 or "a name" in view.row("-c import sys")
    (row,) = [row for row in view.screen.rows if re.match(rf" +{sleeper.pid} ", row)]
    rss, pss = re.findall(r"([\d.]+) MiB", row)[:2]
    assert 40 < float(pss) <= float(rss) < 80
    assert "q quit" in view.screen.last_row and len(view.screen.rows) == rows
    assert max(map(len, view.screen.rows)) <= columns
    view.quit()
    assert LINE.search(view.sent[view.sent.rindex(LEAVES) :])


def test_the_tree(top, script):
    command = script("import subprocess; subprocess.run(['cat'])")
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        view = top(str(parent.pid), "-C")
        view.shows("2 processes: PSS", "MiB with children", "cat")
        view.type("sss")
        view.shows("PID▾", "sort: PID")
        pids = re.findall(r"^ +(\d+) +[\d.]+ MiB ", "\n".join(view.screen.rows), re.M)
        assert len(pids) == 2 and pids[0] == str(parent.pid)
        parent.communicate()
        view.shows("ended", "no process of it is alive")
        view.quit()
    finally:
        parent.kill()


def test_a_name(top, tmp_path, sleeper):
    view = top("-a", f"a name {tmp_path}")
    view.shows(f"PID {sleeper.pid}", "running")
    view.quit()


def test_only_what_has_changed_is_written(top, sleeper):
    view = top(str(sleeper.pid), rows=50, columns=200)
    view.shows("running", "⣿⣿⣿")
    before = len(view.sent)
    for _ in range(40):
        view.read()
    assert len(view.sent) - before < 200 * 50 * 4
    assert view.sent.count("\x1b[?2026h") <= 60
    view.quit()


# ---- keys


def test_keys(top, mprof):
    spans = "".join(f"#BEGIN/0/m.f{i} 9.0 {1001 + i / 10:.4f}\n" for i in range(30))
    (mprof.folder / "x.dat").write_text(BEGIN + samples(*[9] * 20) + spans)
    view = top("x.dat")
    view.shows("m.f0", "open since")
    assert "m.f29" not in "\n".join(view.screen.rows)
    view.type("jjj\x1b[B\x1bOB")
    view.until(lambda screen: "open since" not in "".join(screen.rows))
    view.type("kkkkkkkk\x1b[A")
    view.shows("no process of it is alive")
    view.type("\x1b[6~\x1b[F")
    view.shows("m.f29")
    view.type("\x1b[5~\x1b[H\x1b[1;5C\x1b\x0c")
    view.shows("no process of it is alive")
    view.type("?")
    view.shows("q        quit", "PSS      ")
    view.type("?t")
    view.shows("this run has no types recorded", "sort: size")
    view.quit()


def test_types(top, mprof):
    dat = mprof.folder / "x.dat"
    dat.write_text(
        BEGIN
        + samples(*[9] * 20)
        + "#TYPE/47/list/500/2097152 9.0 1001.0000\n#TYPE/47/gone/1/1 9.0 1001.0000\n"
        + "#TYPE/47/dict/1000/1048576 9.0 1001.0000\n"
        + "#TYPE/47/list/400/1048576 9.0 1002.0000\n#TYPE/47/dict/3000/4194304 9.0 1002.0000\n"
    )
    view = top("x.dat")
    view.shows("x.dat")
    view.type("t")
    view.shows("dict", "list", "size▾")
    assert view.row(" dict").split()[:8] == ["47", "3", "000", "+2", "000", "4.00", "MiB", "+3.00"]
    assert view.row(" list").split()[:6] == ["47", "400", "-100", "1.00", "MiB", "-1.00"]
    assert "gone" not in "\n".join(view.screen.rows)
    rows = view.screen.rows
    assert rows.index(view.row(" dict")) < rows.index(view.row(" list"))
    view.type("ss")
    view.shows("change▾")
    view.type("t")
    view.shows("no process of it is alive")
    view.quit()


# ---- a file


RUNNING = """
import sys, time
from memory_profiler import profile

@profile
def work():
    held = bytearray(30 << 20)
    with profile.timestamp("a\\x1b[31m block"):
        time.sleep(0.5)
        more = bytearray(20 << 20)
        sys.stdin.read()
    return held

work()
sys.exit(3)
"""


def test_a_run_is_followed(top, mprof, tmp_path, wait_for):
    (tmp_path / "work.py").write_text(RUNNING)
    run = mprof.start(
        *("run", "-q", "-E", "-o", "x.dat", "work.py"),
        stdin=subprocess.PIPE,
        env={**os.environ, "MPROF_PYTHON": sys.executable},
    )
    dat = tmp_path / "x.dat"
    wait_for(lambda: dat.exists() and "MEM" in dat.read_text())
    view = top("x.dat")
    view.shows("running", "1 process", "__main__.work", "a\\x1b[31m block", "+20.")
    work = float(re.search(r"\+([\d.]+) MiB", view.row("__main__.work"))[1])
    block = float(re.search(r"\+([\d.]+) MiB", view.row("[31m block"))[1])
    assert 45 < work < 70 and 15 < block < 30
    assert "[31m block" not in view.sent.replace("\\x1b[31m block", "")
    assert run.communicate(timeout=60)[1] == ""
    assert run.returncode == 3
    view.shows("ended: exit status 3", "no process of it is alive")
    view.quit()


def test_paused(top, mprof):
    dat = mprof.folder / "x.dat"
    dat.write_text(BEGIN + samples(5))
    view = top("x.dat")
    view.shows("5.00 MiB · peak")
    view.type("p")
    view.shows("PAUSED")
    with dat.open("a") as file:
        file.write(samples(77, start=1001))
    view.type("j")
    for _ in range(20):
        view.read()
    assert not any("77.0 MiB" in row for row in view.screen.rows)
    view.type("p")
    view.shows("77.0 MiB · peak 77.0 MiB")
    view.quit()


def five(top, mprof):
    """(a profile of 5 MiB, its view)"""
    dat = mprof.folder / "x.dat"
    dat.write_text(BEGIN + samples(*[5] * 50))
    view = top("x.dat")
    view.shows("5.00 MiB · peak")
    return dat, view


def test_a_file_that_is_written_over(top, mprof):
    dat, view = five(top, mprof)
    dat.write_text("CMDLINE another\n" + samples(8))
    view.shows("another", "8.00 MiB · peak 8.00 MiB")
    view.quit()


@pytest.mark.parametrize("is_new", [False, True], ids=["the same file", "another of its name"])
def test_a_file_that_a_longer_run_is_written_over(top, mprof, is_new):
    dat, view = five(top, mprof)
    longer = "CMDLINE another\n" + samples(*[8] * 200)
    if is_new:
        (mprof.folder / "new").write_text(longer)
        os.replace(mprof.folder / "new", dat)
    else:
        with dat.open("r+") as stream:
            stream.write(longer)
    view.shows("another", "8.00 MiB · peak 8.00 MiB")
    view.quit()


def test_a_file_that_is_removed_stays(top, mprof):
    dat, view = five(top, mprof)
    dat.unlink()
    dat.mkdir()
    sent = len(view.sent)
    view.type("?")
    view.until(lambda screen: len(view.sent) > sent)
    view.type("?")
    view.shows("5.00 MiB · peak")
    view.quit()


def test_the_newest_run(mprof, tmp_path):
    for name, command in ("20200101000000", "old"), ("20200101000001", "new"):
        (tmp_path / f"mprofile_{name}.dat").write_text(
            f"CMDLINE {command}\n" + samples(3) + "#END/5/exit/0 3.0 1001.0000\n"
        )
    result = mprof("top")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"\d\d:\d\d:\d\d  3\.00 MiB  peak 3\.00 MiB  ended\n", result.stdout)


# ---- lines


def test_lines(mprof, sleeper):
    process = mprof.start("top", "-T", "0.25", str(sleeper.pid))
    lines = [process.stdout.readline() for _ in range(3)]
    sleeper.communicate()
    rest, errors = process.communicate(timeout=30)
    lines += rest.splitlines(keepends=True)
    assert (process.returncode, errors) == (0, "")
    assert len(lines) >= 4 and all(LINE.fullmatch(line.rstrip("\n")) for line in lines), lines
    assert lines[0].endswith("  running\n") and lines[-1].endswith("  ended\n")
    assert "  processes 1  PSS 4" in lines[1] or "  processes 1  PSS 5" in lines[1]


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_plain_terminal_gets_lines(top, sleeper, term):
    view = top(str(sleeper.pid), "-T0.25", env={**UTF8, "TERM": term})
    view.until(lambda screen: view.sent.count("\n") >= 3)
    sleeper.communicate()
    assert view.end() == 0
    assert "\x1b" not in view.sent and view.sent.isascii()


def test_keys_come_from_the_terminal(top, mprof, sleeper):
    """Also where standard input is something else."""
    code = f"exec '{mprof.binary}' top {sleeper.pid} </dev/null"
    view = Terminal(["sh", "-c", code], mprof.folder, env=UTF8)
    try:
        view.until(lambda screen: "q quit" in screen.last_row)
        view.type("q")
        assert view.end() == 0
    finally:
        view.close()


def test_a_reader_that_goes(mprof, sleeper):
    command = f"'{mprof.binary}' top -T 0.25 {sleeper.pid} | head -n 2"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2


def test_what_is_hostile(mprof, tmp_path):
    name = "\x1b]0;x\x07 \u202e\u2028 50%"
    (tmp_path / "x.dat").write_bytes(
        f"CMDLINE {name}\n".encode()
        + samples(3).encode()
        + f"#BEGIN/0/{name.replace(' ', chr(0xA0)).replace('%', '%25')}\xff 1.0 1000.5\n".encode(
            "latin-1", "ignore"
        )
        + b"#BEGIN/0/a\x00b 1.0 1000.6000\n\x00\xff\nMEM 9e9 1\n#END/5/exit/0 3.0 1001.0000\n"
    )
    result = mprof("top", "x.dat")
    assert (result.returncode, result.stderr) == (0, "")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\u2028]", result.stdout)


def test_a_long_name_in_a_line(mprof, tmp_path):
    (tmp_path / "x.dat").write_text(BEGIN + samples(3) + f"#BEGIN/0/{'ä' * 500} 1.0 1000.5\n")
    result = mprof("top", "-t", "0.1", "x.dat", env=UTF8)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"  in {'ä' * 60}… +2.00 MiB  " in result.stdout


# ---- what is wrong


def test_forms(mprof):
    for arguments in ([], ["1", "2"], ["-a", ""]):
        result = mprof("top", *arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("mprof top: which program? mprof top PID, ")
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "argument, says",
    [
        ("nothing.dat", "cannot read nothing.dat: No such file or directory"),
        (".", "cannot read .: it is a folder"),
        ("/dev/zero", "cannot read /dev/zero: it is no file"),
        ("pipe", "cannot read pipe: it is no file"),
        ("empty.dat", "empty.dat is empty"),
        ("text.dat", "text.dat is no profile"),
        ("", "cannot read '': No such file or directory"),
        ("4194999", "no process has the pid 4194999"),
        ("0", "no process has the pid 0"),
    ],
)
def test_what_cannot_be_watched(mprof, tmp_path, argument, says):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty.dat").write_text("")
    (tmp_path / "text.dat").write_text("some text\nand more\n")
    result = mprof("top", argument)
    assert (result.returncode, result.stdout) == (1, "")
    assert says in result.stderr and result.stderr.count("\n") == 1


def test_a_name_and_a_pid(mprof):
    result = mprof("top", "-a", "x", "1")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "mprof top: either -a x or 1, not both\n"


def test_children_are_of_a_process(mprof, tmp_path):
    (tmp_path / "x.dat").write_text(BEGIN + samples(3))
    result = mprof("top", "-C", "x.dat")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--include-children" in result.stderr and result.stderr.count("\n") == 1


def test_by_way_of_python(mprof, sleeper):
    command = [sys.executable, "-m", "mprof", "top", str(sleeper.pid)]
    for key, status in ("q", 0), ("\x03", 130):
        view = Terminal(command, mprof.folder, env=UTF8)
        try:
            view.until(lambda screen: "q quit" in screen.last_row)
            view.type(key)
            assert view.end() == status
            assert view.sent.count("\x1b[?1049h") == view.sent.count(LEAVES) == 1
        finally:
            view.close()


def test_a_timeout(top, mprof, sleeper):
    view = top(str(sleeper.pid), "-t", "0.6")
    assert view.end() == 0 and view.is_sane()
    result = mprof("top", "-T0.25", "-t", "0.6", str(sleeper.pid))
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 4  # the last at the end
    began = time.monotonic()
    result = mprof("top", "-T1000", "-t", "1.2", str(sleeper.pid))
    assert time.monotonic() - began >= 1.2 and len(result.stdout.splitlines()) == 2
    result = mprof("top", "-t", "-1", str(sleeper.pid))
    assert (result.returncode, result.stdout) == (2, "") and "--timeout" in result.stderr


@pytest.mark.parametrize("interval", ["0.1", "0", "-1", "1e9", "nan", "x"])
def test_wrong_intervals(mprof, interval):
    result = mprof("top", f"--interval={interval}", "1")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--interval" in result.stderr and result.stderr.count("\n") == 1
