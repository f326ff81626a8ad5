"""The line of `mprof run` that tells how it goes: in the last row of a terminal, and nowhere else."""

import os
import re
import signal
import sys

import pytest
from terminal import Terminal

LINE = re.compile(
    r"mprof: (?:\d+\.\d s|\d+:\d\d min) · (\d+\.?\d*) MiB now · peak (\d+\.?\d*) MiB · "
    r"(\d+) process(?:es)?(, one measured)?"
)
PLAIN = {**os.environ, "TERM": "xterm"}
PLAIN.pop("NO_COLOR", None)

# Goes on until the file `go` is there.
WAIT = "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.02)\n"


@pytest.fixture
def terminal(mprof):
    """Runs mprof in a terminal of its own."""
    started = []

    def start(*arguments, **options):
        options = {"env": PLAIN, **options}
        started.append(Terminal([mprof.binary, *arguments], mprof.folder, **options))
        return started[-1]

    yield start
    for each in started:
        each.close()


def python(source, *options):
    return ["run", *options, "-o", "x.dat", sys.executable, "-c", source]


def shown(screen):
    return LINE.fullmatch(screen.last_row)


def go_on(mprof):
    (mprof.folder / "go").touch()


def test_it_tells_how_it_goes_and_is_gone_at_the_end(mprof, terminal):
    run = terminal(*python("held = bytearray(200 << 20); del held\n" + WAIT))
    run.until(shown)
    now, peak, count, _ = shown(run.screen).groups()
    first = run.screen.last_row
    run.until(lambda screen: shown(screen) and screen.last_row != first)
    now, peak, count, _ = shown(run.screen).groups()
    assert float(now) < 100 < 200 < float(peak) and count == "1"
    go_on(mprof)
    assert run.end() == 0
    lines = run.screen.text
    assert lines[:2] == ["mprof: Sampling memory every 0.1s", "running new process"]
    assert len("".join(lines[2:]).splitlines()) == 1 and lines[2].startswith("mprof: peak ")
    # Whoever looks at the bytes finds the whole terminal given back.
    assert run.sent.rindex("\x1b[r") > run.sent.rindex(" MiB now")


def test_what_the_program_prints_stays_whole(mprof, terminal):
    """Also where the screen was full before, and in the middle of a line."""
    source = """
import os, sys, time
for i in range(60):
    print("line", i, flush=True)
sys.stdout.write("begun "); sys.stdout.flush()
while not os.path.exists("half"):
    time.sleep(0.02)
print("and ended", flush=True)
for i in range(60, 90):
    print("line", i, flush=True)
"""
    run = terminal(*python(source + WAIT))
    run.until(shown)
    assert run.screen.rows[-2] == "begun "
    (mprof.folder / "half").touch()
    run.until(lambda screen: any("line 89" in row for row in screen.rows) and shown(screen))
    go_on(mprof)
    assert run.end() == 0
    lines = [line for line in run.screen.text if not line.startswith(("mprof: ", "running"))]
    expected = [*(f"line {i}" for i in range(60)), "begun and ended"]
    expected += [f"line {i}" for i in range(60, 90)]
    assert lines[: len(expected)] == expected


@pytest.mark.parametrize("options, note", [([], ", one measured"), (["-C"], None), (["-M"], None)])
def test_processes(mprof, terminal, options, note):
    source = f"import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', {WAIT!r}])\n"
    run = terminal(*python(source + "child.wait()", *options))
    run.until(lambda screen: shown(screen) and shown(screen)[3] == "2")
    assert shown(run.screen)[4] == note
    go_on(mprof)
    assert run.end() == 0


def test_ctrl_c(terminal):
    run = terminal("run", "-E", "-o", "x.dat", "sh", "-c", "exec sleep 60")
    run.until(shown)
    run.type("\x03")
    assert run.end() == 128 + signal.SIGINT
    assert not any(LINE.search(line) for line in run.screen.text)
    assert "killed by signal 2 (SIGINT)" in "".join(run.screen.text)
    assert run.screen.bottom == 23


def test_attach(mprof, terminal):
    target = mprof.start("run", "-q", "-o", "y.dat", sys.executable, "-c", WAIT)
    run = terminal("attach", "-o", "x.dat", str(target.pid))
    run.until(shown)
    run.type("\x03")
    assert run.end() == 0
    assert not any(LINE.search(line) for line in run.screen.text)
    go_on(mprof)
    assert target.wait(timeout=30) == 0


def test_ctrl_z(mprof, terminal):
    """The shell gets the terminal as it was; afterwards the line is there again."""
    shell = f"set -m; '{mprof.binary}' run -o x.dat '{sys.executable}' -c \"$0\"; echo stopped; fg"
    run = Terminal(["bash", "-c", shell, WAIT], mprof.folder, env=PLAIN)
    try:
        run.until(shown)
        run.type("\x1a")
        run.until(lambda screen: any(line.endswith("stopped") for line in screen.text))  # "^Z", too
        run.until(shown)
        before = run.sent[: run.sent.index("stopped")]
        assert before.rindex("\x1b[r") > before.rindex(" MiB now")
        go_on(mprof)
        assert run.end() == 0
    finally:
        run.close()


def test_a_program_that_reads_keys_has_the_terminal(mprof, terminal):
    source = "import os, time, tty\ntime.sleep(1)\ntty.setcbreak(0)\n" + WAIT
    run = terminal(*python(source))
    run.until(shown)
    run.until(lambda screen: screen.last_row == "")
    assert run.screen.bottom == 23
    go_on(mprof)
    assert run.end() == 0


def quiet_run(terminal, *options, **more):
    run = terminal(*python("import time\ntime.sleep(1.2)", *options), **more)
    assert run.end() == 0
    return run.sent


@pytest.mark.parametrize(
    "variables",
    [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}],
    ids=["NO_COLOR", "dumb", "none"],
)
def test_plain_terminals_have_none(terminal, variables):
    assert "\x1b" not in quiet_run(terminal, env={**PLAIN, **variables})


def test_quiet(terminal):
    assert quiet_run(terminal, "-q") == ""


def test_no_terminal(mprof, terminal):
    sent = quiet_run(terminal, errors_to=str(mprof.folder / "errors"))
    assert sent == ""
    errors = (mprof.folder / "errors").read_text()
    assert "\x1b" not in errors and len(errors.splitlines()) == 3


def test_a_narrow_terminal_shows_what_fits(mprof, terminal):
    run = terminal(*python(WAIT), columns=30)
    run.until(lambda screen: screen.last_row)
    assert re.fullmatch(r"mprof: \d+\.\d s · [\d.]+ MiB now", run.screen.last_row)
    go_on(mprof)
    assert run.end() == 0


def test_a_stopped_terminal_does_not_stop_the_samples(mprof, terminal, wait_for):
    run = terminal(*python(WAIT))
    run.until(shown)
    run.type("\x13")  # Ctrl-S
    count = mprof.dat("x.dat").text.count("MEM ")
    wait_for(lambda: (mprof.folder / "x.dat").read_text().count("MEM ") > count + 10)
    run.type("\x11")
    go_on(mprof)
    assert run.end() == 0


# Prints a line for every file that is there, and ends with `go`.
COUNTS = """
import os, time
count = 0
while not os.path.exists("go"):
    if os.path.exists(f"more{count}"):
        for i in range(30):
            print("block", count, "line", i, flush=True)
        count += 1
    time.sleep(0.02)
"""


def printed(screen):
    return [line for line in screen.text if line.startswith("block")]


@pytest.mark.parametrize("options", [[], ["--top"]], ids=["line", "top"])
@pytest.mark.parametrize("sizes", [(20, 24), (23, 24), (30, 24), (18, 40)], ids=str)
def test_another_size_loses_no_line(mprof, terminal, options, sizes):
    run = terminal(*python(COUNTS, *options))
    for count, rows in enumerate(sizes):
        (mprof.folder / f"more{count}").touch()
        run.until(lambda screen, last=f"block {count} line 29": last in screen.text)
        height = rows // 2 if options else 1
        run.until(lambda screen: screen.bottom < screen.size[0] - 1)
        run.resize(rows)
        run.until(lambda screen, bottom=rows - height - 1: screen.bottom == bottom)
    go_on(mprof)
    assert run.end() == 0
    assert printed(run.screen) == [f"block {n} line {i}" for n in (0, 1) for i in range(30)]


@pytest.mark.parametrize("options", [[], ["--top"]], ids=["line", "top"])
def test_a_terminal_that_nobody_reads_stops_neither_samples_nor_signals(
    mprof, terminal, wait_for, options
):
    """The program fills it until it has to wait: its last line is whole when it is read again."""
    fill = "for i in range(20000):\n    os.write(1, b'%07d\\n' % i)\n"
    source = WAIT.replace("go", "fill") + fill + WAIT
    run = terminal(*python(source, *options, "-E", "-T", "0.01"))
    run.until(lambda screen: screen.bottom < 23)
    (mprof.folder / "fill").touch()

    def samples():
        return (mprof.folder / "x.dat").read_text().count("MEM ")

    count = samples()
    wait_for(lambda: samples() > count + 200)  # some frames, and nobody reads
    run.until(lambda screen: "0019999" in screen.text)
    before = run.sent.count("\x1b7")
    run.until(lambda screen: run.sent.count("\x1b7") > before)
    count = samples()
    wait_for(lambda: samples() > count + 100)
    os.kill(run.pid, signal.SIGTERM)
    wait_for(lambda: "#END" in (mprof.folder / "x.dat").read_text())
    assert run.end() == 128 + signal.SIGTERM
    lines = [line for line in run.screen.text if re.fullmatch(r"\d{7}", line)]
    assert lines == [f"{i:07d}" for i in range(20000)]


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGALRM])
def test_signals_that_end_mprof_itself(mprof, terminal, number):
    run = terminal(*python(WAIT, "--top"))
    run.until(lambda screen: screen.bottom < 23)
    os.kill(run.pid, number)
    run.until(lambda screen: screen.bottom == 23)
    assert not run.screen.text[2:]
    go_on(mprof)
    assert run.end() == 128 + number
