"""How `mprof run` says that the program ended, and what of it peak, list and plot show later."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import textwrap

import pytest
from terminal import Terminal

linux = pytest.mark.skipif(sys.platform == "darwin", reason="there are no control groups on macOS")
FACT = re.compile(r"^#(END|OOM)(/\S+) (\d+\.\d{6}) (\d+\.\d{4,6})$")


def facts(dat):
    """(keyword, details) of the lines about the end, each as it must be."""
    found = [line for line in dat.text.splitlines() if line.startswith(("#END", "#OOM"))]
    assert all(FACT.match(line) for line in found), found
    return [(m[1], m[2][1:].split("/")) for m in map(FACT.match, found)]


def ending_of(mprof, name="x.dat"):
    """What END says: "exit/1"."""
    ((pid, *how),) = [details for keyword, details in facts(mprof.dat(name)) if keyword == "END"]
    assert int(pid) == mprof.dat(name).pid
    return "/".join(how)


def said(result):
    """How it ended: the last line has it in short, a line before it where there is more to say."""
    *before, last = result.stderr.splitlines()
    found = re.match(r"mprof: peak .* at \d+\.\d s(?: · (.*?))? · real .* · next: mprof plot", last)
    assert found, last
    lines = [line for line in before if line.startswith("mprof: ")]
    assert lines[0].startswith("mprof: Sampling memory every ")
    more = [line for line in lines[1:] if " not counted: " not in line]
    if not more:
        return found[1]
    (line,) = more
    line = line.removeprefix("mprof: ")
    assert line.startswith(found[1] or "") and line != found[1]
    return line


def test_a_good_end_changes_nothing(mprof):
    result = mprof("run", "-o", "x.dat", "true")
    assert result.returncode == 0
    *notices, line = result.stderr.splitlines()
    assert notices == ["mprof: Sampling memory every 0.1s", "running new process"]
    assert line.startswith("mprof: peak ") and line.endswith("next: mprof plot x.dat")
    assert ending_of(mprof) == "exit/0"
    assert mprof("peak", "x.dat").stderr == ""


ENDS = [
    ("exit 1", "exit status 1", "exit/1", 1),
    ("kill -9 $$", "killed by signal 9 (SIGKILL)", "signal/9", 137),
    # The shell's child was killed; of that the shell tells by a number, as any program may end.
    (
        "sh -c 'kill -9 $$'; exit $?",
        "exit status 137 (a shell would mean SIGKILL: 128 + 9)",
        "exit/137",
        137,
    ),
    ("exit 200", "exit status 200", "exit/200", 200),
]


@pytest.mark.parametrize("command, text, fact, status", ENDS, ids=[end[2] for end in ENDS])
def test_a_bad_end(mprof, command, text, fact, status):
    result = mprof("run", "-E", "-o", "x.dat", "sh", "-c", command)
    assert result.returncode == status
    assert said(result) == text
    assert ending_of(mprof) == fact
    # Without -E the status of mprof says that it has done its work.
    assert mprof("run", "-o", "y.dat", "sh", "-c", command).returncode == 0


def test_a_crash(mprof):
    result = mprof("run", "-E", "-o", "x.dat", "sh", "-c", "kill -SEGV $$")
    assert result.returncode == 128 + signal.SIGSEGV
    assert said(result) == f"killed by signal {signal.SIGSEGV} (SIGSEGV)"
    assert ending_of(mprof) == f"signal/{signal.SIGSEGV}"


def test_quiet(mprof):
    result = mprof("run", "-q", "-E", "-o", "x.dat", "sh", "-c", "exit 5")
    assert (result.returncode, result.stdout, result.stderr) == (5, "", "")
    assert ending_of(mprof) == "exit/5"


def test_an_interrupt_of_mprof(mprof, wait_for):
    """Ctrl-C: the program gets it, ends by it, and that is said."""
    command = ["sh", "-c", "touch ready; exec sleep 60"]
    process = mprof.start("run", "-E", "-o", "x.dat", *command)
    wait_for((mprof.folder / "ready").exists)
    os.kill(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGINT
    assert " · killed by signal 2 (SIGINT) · real " in error.splitlines()[-1]
    assert ending_of(mprof) == "signal/2"


# Ends when the calls it is in have been announced in the profile, and not after some time.
IN_CALLS = """
import os, signal, time
def announced(name):
    text = open(os.environ["MPROF_OUTPUT"], encoding="utf-8").read()
    return f"/{name} " in text.replace("\u00a0", " ")
@profile
def done():
    pass
@profile
def train():
    done()
    with profile.timestamp("my block"):
        while not announced("__main__.train") or not announced(".my block"):
            time.sleep(0.01)
        END
train()
"""


@pytest.fixture
def python_run(mprof, tmp_path):
    """Runs a script under `mprof run` with this Python."""

    def start(text, *options):
        (tmp_path / "script.py").write_text(textwrap.dedent(text))
        environment = dict(os.environ, MPROF_PYTHON=sys.executable)
        return mprof("run", *options, "-E", "-o", "x.dat", "script.py", env=environment)

    return start


def begun(dat, name):
    """When it began: seconds from the start of the recording."""
    (moment,) = [
        float(line[-1]) for line in dat.of("BEGIN") if line[1].replace("\u00a0", " ") == name
    ]
    return moment - float(dat.of("RUN")[0][-1])


@linux
@pytest.mark.parametrize(
    "end, text",
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9 (SIGKILL)"),
        ("os._exit(3)", "exit status 3"),
    ],
)
def test_calls_that_were_open(mprof, python_run, end, text):
    result = python_run(IN_CALLS.replace("END", end))
    ending, *calls = said(result).split(" · ")
    assert ending == text
    found = [re.fullmatch(r"in (.*) since (\d+\.\d) s", call) for call in calls]
    assert [call[1] for call in found] == ["'my block'", "train()"]
    for call, name in zip(found, [".my block", "__main__.train"]):
        assert float(call[2]) == pytest.approx(begun(mprof.dat("x.dat"), name), abs=0.051)


@linux
def test_calls_that_an_exception_has_left_are_not_open(mprof, python_run):
    result = python_run(IN_CALLS.replace("END", "raise SystemExit(4)"))
    assert said(result) == "exit status 4"


@linux
def test_many_open_calls_are_counted(mprof, python_run):
    result = python_run("""
        import os, time
        @profile
        def deep(n):
            if n > 0:
                return deep(n - 1)
            while open(os.environ["MPROF_OUTPUT"]).read().count("/__main__.deep ") < 6:
                time.sleep(0.01)
            os._exit(1)
        deep(5)
        """)
    _, *calls = said(result).split(" · ")
    assert [call.split(" since ")[0] for call in calls] == ["in deep()"] * 3 + ["and 3 more"]


@linux
def test_a_name_with_controls_is_shown_not_sent(mprof, python_run):
    result = python_run(IN_CALLS.replace("my block", r"\x1b[31m").replace("END", "os._exit(1)"))
    assert "in '\\x1b[31m' since" in said(result)


def test_a_killed_program_has_all_its_samples(mprof):
    """What the last line counts is in the file, and the end stands last."""
    command = ["sh", "-c", "sleep 0.3; kill -9 $$"]
    result = mprof("run", "-T", "0.01", "-o", "x.dat", *command)
    (counted,) = re.findall(r" · (\d+) samples", result.stderr)
    dat = mprof.dat("x.dat")
    assert len(dat.memory) == int(counted) >= 2
    assert dat.text.splitlines()[-1].startswith(f"#END/{dat.pid}/signal/9 ")
    memory, moment = map(float, dat.text.splitlines()[-1].split(" ")[1:])
    assert memory == dat.memory[-1] and moment >= dat.moments[-1]


def on_a_terminal(mprof, *arguments, **options):
    """What the command prints on a terminal."""
    terminal = Terminal([mprof.binary, *arguments], mprof.folder, **{"columns": 150, **options})
    try:
        assert terminal.end() == 0
        return terminal.sent.replace("\r\n", "\n").splitlines()
    finally:
        terminal.close()


def test_what_others_show(mprof):
    assert mprof("run", "-q", "true").returncode == 0
    assert mprof("run", "-q", "sh", "-c", "sleep 0.2; kill -9 $$").returncode == 0
    good, killed = [path.name for path in mprof.dats()]
    text = "killed by signal 9 (SIGKILL)"

    result = mprof("peak", killed)
    assert re.fullmatch(rf"{killed}\t\d+\.\d\d\d MiB\n", result.stdout)
    assert result.stderr == f"mprof peak: {killed}: {text}\n"
    assert result.returncode == 0

    # Others read these lines: what is behind them is for people.
    lines = mprof("list").stdout.splitlines()
    assert all(re.fullmatch(r"\d mprofile_\d{14}\.dat \S{8} \S{10}", line) for line in lines)
    shown = on_a_terminal(mprof, "list")
    assert mprof("list", "-v").stdout.splitlines() == shown
    first, second = [line.removeprefix(begin) for line, begin in zip(shown, lines)]
    facts = r" +(\d[\d.]* (?:|m|µ)s) +(\d+\.?\d* MiB)"
    assert re.fullmatch(facts + r"  true", first)
    found = re.fullmatch(facts + rf"  {re.escape(text)}  sh -c 'sleep 0.2; kill -9 \$\$'", second)
    assert 200 <= float(found[1].removesuffix(" ms")) < 5000
    assert float(found[2].removesuffix(" MiB")) == pytest.approx(
        float(mprof("peak", killed).stdout.split()[1]), abs=0.006
    )

    assert mprof("plot", "-o", "x.gp", killed).returncode == 0
    assert text in (mprof.folder / "x.gp").read_text()
    assert mprof("plot", "-o", "both.gp", good, killed).returncode == 0
    assert f", {text}" in (mprof.folder / "both.gp").read_text()
    assert mprof("plot", "-o", "good.gp", good).returncode == 0
    assert "killed" not in (mprof.folder / "good.gp").read_text()


def test_an_end_in_the_moment_of_the_first_sample(mprof):
    """It takes a busy machine to see it: `true` ends while mprof reads it. The column is not left empty."""
    (mprof.folder / "mprofile_20260101000000.dat").write_text(
        "CMDLINE true\nRUN 9 0.100000 rss process 1795356600.0000\n"
        "MEM 1.000000 1795356600.0000\n#END/9/exit/0 1.0 1795356600.0000\n"
    )
    (line,) = on_a_terminal(mprof, "list")
    assert line.endswith("      0 µs  1.00 MiB  true")


def test_the_end_of_a_long_profile_is_found(mprof):
    """Of a recording larger than what list reads, the end is what counts."""
    name = "mprofile_20260101000000.dat"
    run = "RUN 9 0.100000 rss process 1795356600.0000\n"
    samples = "".join(f"MEM 1.000000 {1795356600 + i}.0000\n" for i in range(20000))
    (mprof.folder / name).write_text(
        f"{run}#END/9/exit/1 1.0 1795356600.0000\n{run}{samples}#END/9/exit/2 1.0 1795376600.0000\n"
    )
    (line,) = on_a_terminal(mprof, "list")
    assert line.endswith("    5:33 h  1.00 MiB  exit status 2")


def test_an_older_reader_passes_over(mprof):
    """memory_profiler 0.61 cuts each line at its first blank and skips words it does not know."""
    mprof("run", "-q", "-o", "x.dat", "sh", "-c", "exit 1")
    known = []
    for line in (mprof.folder / "x.dat").read_text().splitlines(keepends=True):
        field, value = line.split(" ", 1)
        if field == "MEM":
            known.append([float(number) for number in value.split(" ")])
    assert known and len(known) == len(mprof.dat("x.dat").memory)


# ---- kills for memory ----

LIMIT = 256 << 20
GREEDY = f"held = bytearray({4 * LIMIT})"


def mount_of_groups():
    """(folder, version) of the hierarchy that counts memory, or None."""
    found = {}
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, behind = line.partition(" - ")
        kind, _, options = behind.split(" ", 2)
        if kind == "cgroup" and "memory" in options.split(","):
            found[1] = pathlib.Path(before.split(" ")[4])
        elif kind == "cgroup2":
            found[2] = pathlib.Path(before.split(" ")[4])
    return (found[1], 1) if 1 in found else (found[2], 2) if 2 in found else None


def limit_group(folder, version):
    """Sets the limit; a program that would be swapped out is not killed."""
    limits = {
        1: ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"],
        2: ["memory.max", "memory.swap.max"],
    }[version]
    if not (folder / limits[0]).exists():
        pytest.skip("no memory is counted in a new control group here")
    (folder / limits[0]).write_text(str(LIMIT))
    if (folder / limits[1]).exists():
        (folder / limits[1]).write_text(str(LIMIT) if version == 1 else "0")


@pytest.fixture
def group(wait_for):
    """A control group with a limit for memory."""
    if sys.platform == "darwin":
        pytest.skip("there are no control groups on macOS")
    mount = mount_of_groups()
    if mount is None:
        pytest.skip("no control groups are mounted")
    folder = mount[0] / f"memprof-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")

    def is_removed():
        try:
            folder.rmdir()
        except OSError:  # what was killed is not gone yet
            return False
        return True

    try:
        limit_group(folder, mount[1])
        yield folder
    finally:
        wait_for(is_removed)


def inside(group, *command):
    """The command in the group: this very process goes there before it runs it."""
    return ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(group), *command]


BY_KERNEL = "killed by signal 9 (SIGKILL), by the kernel, for memory (limit 256 MiB)"
ONE_OTHER = "the kernel killed 1 process of its control group for memory (limit 256 MiB)"


def test_the_program_moves_and_is_killed_for_memory(mprof, group):
    result = mprof("run", "-E", "-o", "x.dat", *inside(group, sys.executable, "-c", WAITING))
    assert result.returncode == 137
    assert said(result) == BY_KERNEL
    assert ("OOM", ["1", str(LIMIT)]) in facts(mprof.dat("x.dat"))
    assert ending_of(mprof) == "signal/9"
    assert mprof("peak", "x.dat").stderr == f"mprof peak: x.dat: {BY_KERNEL}\n"


# Once mprof has looked where it is: it looks every second at least, with a sample of each 0.1 s.
WAITING = f"""
import os, time
samples = lambda: open(os.environ["MPROF_OUTPUT"]).read().count("MEM ")
enough = samples() + 13
while samples() < enough:
    time.sleep(0.01)
{GREEDY}
"""


def test_mprof_and_the_program_in_one_group(mprof, group):
    """Of the two the kernel takes the larger one; a call that is open is told."""
    (mprof.folder / "script.py").write_text(IN_CALLS.replace("END", GREEDY))
    command = [mprof.binary, "run", "-E", "-o", "x.dat", "script.py"]
    result = subprocess.run(
        inside(group, *command),
        cwd=mprof.folder,
        env=dict(os.environ, MPROF_PYTHON=sys.executable),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 137
    ending, *calls = said(result).split(" · ")
    assert ending == BY_KERNEL
    assert [call.split(" since ")[0] for call in calls] == ["in 'my block'", "in train()"]


@pytest.mark.parametrize(
    "status, text", [(0, ONE_OTHER), (3, f"exit status 3; {ONE_OTHER}")], ids=[0, 3]
)
def test_a_child_of_the_program_is_killed_for_memory(mprof, group, status, text):
    """That is no end of the program, which ends as it likes."""
    command = f"'{sys.executable}' -c '{WAITING}'; exit {status}"
    result = mprof("run", "-E", "-o", "x.dat", *inside(group, "sh", "-c", command))
    assert result.returncode == status
    assert said(result) == text
    assert ("OOM", ["1", str(LIMIT)]) in facts(mprof.dat("x.dat"))


@linux
def test_the_program_is_as_likely_to_be_killed_as_without_mprof(mprof):
    """mprof asks to be spared, for itself alone."""
    path = "/proc/self/oom_score_adj"
    ours = pathlib.Path(path).read_text()
    source = f"import time; time.sleep(0.2); print(open('{path}').read(), end='')"
    result = mprof("run", "-q", "-E", "-o", "x.dat", sys.executable, "-c", source)
    assert (result.returncode, result.stdout, result.stderr) == (0, ours, "")


def test_an_attached_process_is_killed_for_memory(mprof, group, wait_for):
    """How it ended is known to its parent alone; that there was a kill is not."""
    source = "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.01)\n" + GREEDY
    greedy = subprocess.Popen(inside(group, sys.executable, "-c", source), cwd=mprof.folder)
    try:
        process = mprof.start("attach", "-o", "x.dat", str(greedy.pid))
        profile = mprof.folder / "x.dat"
        # With its second sample mprof has looked at the group as well.
        wait_for(lambda: profile.exists() and profile.read_text().count("MEM ") >= 3)
        (mprof.folder / "go").touch()
        assert greedy.wait(timeout=60) == -signal.SIGKILL
    finally:
        greedy.kill()
        greedy.wait()
    _, error = process.communicate(timeout=30)
    assert process.returncode == 0
    assert error.splitlines()[2] == f"mprof: {ONE_OTHER}"
    assert [keyword for keyword, _ in facts(mprof.dat("x.dat"))] == ["OOM"]


def test_a_kill_that_was_not_for_memory(mprof, group):
    """Nothing is guessed: near its limit or not, the count has not risen."""
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    result = mprof("run", "-E", "-o", "x.dat", *inside(group, sys.executable, "-c", kill))
    assert said(result) == "killed by signal 9 (SIGKILL)"
    assert [keyword for keyword, _ in facts(mprof.dat("x.dat"))] == ["END"]
