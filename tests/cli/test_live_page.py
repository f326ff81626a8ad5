"""mprof run --live PAGE.html: the files it writes while the program runs."""

import contextlib
import os
import re
import resource
import signal
import sys

import pytest
from live_pages import ODD_NAMES, SLEEPER, Running, data_of, version_of

from plots import ENVIRONMENT

need_proc = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells who writes")


def writer_of(process):
    """The process that writes the page: of the children the one with the lowest priority."""
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    with open(children, encoding="ascii") as stream:
        pids = [int(pid) for pid in stream.read().split()]
    return [pid for pid in pids if os.getpriority(os.PRIO_PROCESS, pid) == 19]


def assert_ordinary(mprof, page, dat):
    """The page is what mprof plot writes of the profile, and nothing stands beside it."""
    drawn = mprof("plot", dat, "-o", "drawn.html", env=ENVIRONMENT)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert page.read_bytes() == (mprof.folder / "drawn.html").read_bytes()
    (mprof.folder / "drawn.html").unlink()
    left = {path.name for path in mprof.folder.iterdir()} | {
        path.name for path in page.parent.iterdir()
    }
    assert left - {page.parent.name} == {page.name, dat}


def test_the_last_page_is_that_of_plot(mprof, running):
    run = running("-o", "x.dat", "-T", "0.01")
    status, lines = run.end()
    assert status == 0 and len(lines) == 3, lines
    assert_ordinary(mprof, run.page, "x.dat")
    page = run.page.read_text(encoding="utf-8")
    assert "mprofLive" not in page and "strict-dynamic" not in page


def test_a_program_that_ends_at_once(mprof):
    result = mprof("run", "-q", "-o", "x.dat", "--live", "page.html", "true", env=ENVIRONMENT)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert_ordinary(mprof, mprof.folder / "page.html", "x.dat")


def test_the_exit_status_is_that_without_it(mprof):
    fails = [sys.executable, "-c", "raise SystemExit(3)"]
    for options, status in ([], 0), (["-E"], 3):
        assert mprof("run", *options, "--live", "page.html", *fails).returncode == status


def test_a_reader_never_sees_half_a_file(mprof, wait_for):
    """Both files, read all the time from the first version to the last."""
    run = Running(mprof, "-T", "0.001", "-o", "x.dat")
    versions = []
    pages = set()

    def look():
        with contextlib.suppress(FileNotFoundError):
            page = run.page.read_text(encoding="utf-8")
            assert page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n")
            pages.add(page)
        if not run.data.exists():
            return
        with contextlib.suppress(FileNotFoundError):
            version = version_of(run.data)
            if not versions or versions[-1]["written"] != version["written"]:
                versions.append(version)
            if len(versions) == 5 and not run.process.stdin.closed:
                run.process.stdin.close()

    wait_for(lambda: look() or run.process.poll() is not None)
    look()
    assert run.process.returncode == 0, run.process.stderr.read()
    assert [version["written"] for version in versions] == sorted(
        version["written"] for version in versions
    )
    assert [version["ended"] for version in versions] == [False] * (len(versions) - 1) + [True]
    assert len(versions) >= 6 and len(pages) == 2
    ends = [version["chart"]["time"][1] for version in versions if version["chart"]]
    assert ends == sorted(ends) and len(set(ends)) >= 5
    assert versions[-1]["chart"] == data_of(run.page)


@need_proc
def test_a_long_profile_is_thinned_and_read_once(mprof, wait_for):
    """What the program itself adds counts as well; the file beside the page stays small."""
    program = (
        "import os, sys, time\n"
        "with open(os.environ['MPROF_OUTPUT'], 'a') as out:\n"
        "    now = time.time()\n"
        "    for i in range(400000):\n"
        "        out.write(f'CHLD 7 {50 + i % 40:.6f} {now + i / 1e4:.4f}\\n')\n"
        "sys.stdin.read()\n"
    )
    run = Running(mprof, "-o", "x.dat", program=[sys.executable, "-c", program])
    wait_for(lambda: run.is_drawn() and run.version()["chart"]["time"][1] > 39, 60)
    assert run.data.stat().st_size < 400_000 < 10_000_000 < (run.folder / "x.dat").stat().st_size
    (writer,) = writer_of(run.process)
    with open(f"/proc/{writer}/io", encoding="ascii") as stream:
        (read,) = re.findall(r"rchar: (\d+)", stream.read())
    before = int(read)
    seen = run.version()["written"]
    wait_for(lambda: run.version()["written"] not in (0, seen))
    with open(f"/proc/{writer}/io", encoding="ascii") as stream:
        (read,) = re.findall(r"rchar: (\d+)", stream.read())
    assert int(read) - before < 1_000_000
    status, lines = run.end()
    assert status == 0, lines
    assert_ordinary(mprof, run.page, "x.dat")


@need_proc
def test_no_sample_waits_for_the_page(mprof, running, wait_for):
    """The page is written by another process, in the lowest place; while it is stopped, sampling goes on."""
    run = running("-T", "0.001", "-o", "x.dat")
    (writer,) = writer_of(run.process)
    os.kill(writer, signal.SIGSTOP)
    samples = (mprof.folder / "x.dat").read_text().count("\nMEM")
    seen = set()

    def look():
        seen.add(run.version()["written"])
        return (mprof.folder / "x.dat").read_text().count("\nMEM") > samples + 2000

    wait_for(look)
    assert len(seen) <= 2  # one may have been on its way
    os.kill(writer, signal.SIGCONT)
    wait_for(lambda: run.version()["written"] not in seen)
    assert run.end()[0] == 0


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(mprof, name):
    (mprof.folder / "folder").mkdir()
    result = mprof("run", "-q", "-o", "x.dat", f"--live={name}", "true", env=ENVIRONMENT)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    (mprof.folder / "folder" / "x").touch()
    page = mprof.folder / name
    assert data_of(page)["title"] == "true"
    assert not list(mprof.folder.rglob("*.data.js*"))


def test_ctrl_c_ends_the_run_and_not_the_page(mprof, running):
    run = running("-o", "x.dat")
    os.killpg(run.process.pid, signal.SIGINT)
    status, lines = run.end()
    assert status == 0, lines
    assert_ordinary(mprof, run.page, "x.dat")


@need_proc
def test_killed(mprof, running, wait_for):
    """What was there stays, and whole; the next run of that page takes over."""
    run = running("-o", "x.dat")
    writers = writer_of(run.process)
    run.process.kill()
    run.process.wait()
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in writers))
    version = version_of(run.data)
    assert version["chart"]["series"] and version["ended"] is False
    assert 'data-source="page.data.js"' in run.page.read_text(encoding="utf-8")
    assert {path.name for path in run.folder.iterdir()} == {"x.dat", "page.html", "page.data.js"}
    result = mprof("run", "-q", "-o", "x.dat", "--live", "page.html", "true", env=ENVIRONMENT)
    assert (result.returncode, result.stderr) == (0, "")
    assert_ordinary(mprof, run.page, "x.dat")


@need_proc
def test_a_writer_that_is_killed(mprof, running):
    """The profile is whole, and a line says that the page is not."""
    run = running("-q", "-o", "x.dat")
    (writer,) = writer_of(run.process)
    os.kill(writer, signal.SIGKILL)
    assert run.end() == (1, ["mprof: page.html is not whole: the process that wrote it was killed"])
    assert mprof.dat("x.dat").of("END")


@need_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_writer_that_hangs(mprof, running, number):
    """A line says what is waited for; whoever does not want to wait ends it."""
    run = running("-q", "-o", "x.dat")
    (writer,) = writer_of(run.process)
    os.kill(writer, signal.SIGSTOP)
    run.process.stdin.close()
    line = run.process.stderr.readline()
    assert line == "mprof: waiting until page.html is written (Ctrl-C: not any longer)\n"
    os.kill(run.process.pid, number)
    assert run.process.wait(60) == 1
    assert run.process.stderr.read() == (
        "mprof: page.html is not whole: the process that wrote it was not waited for\n"
    )
    assert mprof.dat("x.dat").of("END")


def test_a_page_that_another_run_writes(mprof, running):
    run = running("-o", "x.dat")
    for name in "page.html", "./page.html":
        refused_line = refused(mprof, "-o", "y.dat", "--live", name, status=1)
        assert refused_line == f"mprof run: --live: another recording is writing {name}"
    assert run.end()[0] == 0
    assert_ordinary(mprof, run.page, "x.dat")


def test_two_runs_that_begin_at_once(mprof, running):
    """One of them has the page; the other, if it came that far, says so and leaves it."""
    runs = [mprof.start("run", "-q", "-o", f"{n}.dat", "--live", "page.html", "sleep", "3",
                        env=ENVIRONMENT) for n in range(4)]  # fmt: skip
    lines = [run.communicate(timeout=60)[1] for run in runs]
    refused_one = "mprof run: --live: another recording is writing page.html\n"
    lost = "mprof: page.html is not of this run: somebody else has written it meanwhile\n"
    assert lines.count("") == 1 and set(lines) <= {"", refused_one, lost}, lines
    winner = lines.index("")
    assert [run.returncode for run in runs] == [int(n != winner) for n in range(4)]
    for n in range(4):
        if n != winner:
            (mprof.folder / f"{n}.dat").unlink(missing_ok=True)
    assert_ordinary(mprof, mprof.folder / "page.html", f"{winner}.dat")


def test_attach(mprof, wait_for):
    program = mprof.start("run", "-q", "-o", "other.dat", *SLEEPER, stdin=-1)
    attach = mprof.start(
        "attach", "-o", "x.dat", "--live", "page.html", str(program.pid), env=ENVIRONMENT
    )
    data = mprof.folder / "page.data.js"
    wait_for(lambda: data.exists() and version_of(data)["chart"])
    attach.send_signal(signal.SIGINT)
    _, stderr = attach.communicate(timeout=30)
    assert attach.returncode == 0, stderr
    program.communicate(timeout=30)
    (mprof.folder / "other.dat").unlink()
    assert_ordinary(mprof, mprof.folder / "page.html", "x.dat")


# ---- what is refused, before the program starts

TOUCH = ["touch", "started"]


def refused(mprof, *options, status):
    result = mprof("run", *options, *TOUCH, env=ENVIRONMENT)
    (line,) = result.stderr.splitlines()
    assert (result.returncode, result.stdout) == (status, ""), line
    assert not (mprof.folder / "started").exists()
    return line


def test_where_nobody_may_write(mprof):
    folder = mprof.folder / "closed"
    folder.mkdir()
    line = refused(mprof, "--live", "nowhere/page.html", status=1)
    assert line == "mprof: cannot write nowhere/page.html: No such file or directory"
    (mprof.folder / "page.html").mkdir()
    line = refused(mprof, "--live", "page.html", status=1)
    assert line == "mprof: cannot write page.html: Is a directory"
    line = refused(mprof, "--live", "x" * 246 + ".html", status=1)
    assert line.endswith(".html: File name too long")
    if os.geteuid() != 0:
        folder.chmod(0o500)
        line = refused(mprof, "--live", "closed/page.html", status=1)
        assert line == "mprof: cannot write closed/page.html: Permission denied"
    assert not mprof.dats() and not list(folder.iterdir())


def test_proc_cannot_be_written(mprof):
    line = refused(mprof, "--live", "/proc/page.html", status=1)
    assert line.startswith("mprof: cannot write /proc/page.html: ")


@pytest.mark.parametrize("name", ["page", "page.svg", ".html", "folder/", "", "page.html.gz"])
def test_what_is_no_page(mprof, name):
    line = refused(mprof, f"--live={name}", status=2)
    assert line == (
        "mprof run: --live needs the name of a page, which ends in .html, not: " + (name or "''")
    )
    assert not mprof.dats()


def test_a_pipe_is_no_page(mprof):
    os.mkfifo(mprof.folder / "page.html")
    line = refused(mprof, "--live", "page.html", status=2)
    assert line == "mprof run: --live needs a file, and page.html is none"


@pytest.mark.parametrize("output", ["page.html", "./page.html", "page.data.js", "./page.data.js"])
@pytest.mark.parametrize("exists", [False, True])
def test_the_profile_is_another_file(mprof, output, exists):
    old = "mprofLive(0);\n"
    if exists:
        (mprof.folder / output).write_text(old)
    line = refused(mprof, "-q", "-o", output, "--live", "page.html", status=2)
    assert line == (
        "mprof run: --live writes page.html and page.data.js, which cannot be the profile as well"
    )
    if exists:
        assert (mprof.folder / output).read_text() == old


def test_a_profile_that_cannot_be_read_again(mprof):
    line = refused(mprof, "-q", "-o", "/dev/null", "--live", "page.html", status=2)
    assert line == "mprof run: --live reads the profile while it grows, and /dev/null is no file"
    assert not list(mprof.folder.iterdir())


def test_files_of_others_are_left_alone(mprof):
    other = mprof.folder / "page.data.js"
    other.write_text("let mine = 1;\n")
    line = refused(mprof, "--live", "page.html", status=1)
    assert line == (
        "mprof run: --live writes page.data.js, and the file of that name is not one of its own"
    )
    assert other.read_text() == "let mine = 1;\n" and not mprof.dats()


def test_a_program_that_cannot_run_leaves_the_old_page(mprof):
    page = mprof.folder / "page.html"
    page.write_text("as it was")
    result = mprof("run", "--live", "page.html", "./nothing-here", env=ENVIRONMENT)
    assert result.returncode == 1 and "cannot run ./nothing-here" in result.stderr
    assert page.read_text() == "as it was" and list(mprof.folder.iterdir()) == [page]


def test_a_page_that_does_not_fit(mprof):
    """A line at the end, and a status; the profile is whole."""
    result = mprof(
        "run",
        "-q",
        "-o",
        "x.dat",
        "--live",
        "page.html",
        "true",
        env=ENVIRONMENT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)),
    )
    (line,) = result.stderr.splitlines()
    assert (result.returncode, line) == (1, "mprof: cannot write page.html: File too large")
    assert mprof.dat("x.dat").memory
    assert {path.name for path in mprof.folder.iterdir()} == {"x.dat", "page.data.js"}


def test_help_tells(mprof):
    for command in "run", "attach":
        assert "--live PAGE.html " in mprof(command, "--help").stdout
