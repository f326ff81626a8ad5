"""What the program uses itself is left alone: hooks, tracers, descriptors, what it imports."""

import marshal
import os
import subprocess
import sys
import time

import pytest
from memory_profiler import _files
from support import environment, near

EVERY_WAY = {
    "decorated": [],
    "-p": ["-p", "colorsys"],
    "--all": ["--all"],
    "--functions": ["--functions"],
    "columns": ["--all", "--peak", "--line-time"],
}


NAMED_NOTHING = {"-p": "^memory_profiler: -p colorsys named no function of this run\n$"}


@pytest.mark.parametrize("way", EVERY_WAY)
def test_the_programs_hooks_are_the_interpreters_own(run, way):
    run.m(
        """
        import sys, threading
        assert sys.excepthook is sys.__excepthook__
        assert sys.unraisablehook is sys.__unraisablehook__
        assert threading.excepthook is threading.__excepthook__
        assert sys.gettrace() is None and sys.getprofile() is None or "--functions" in %r
        """
        % (EVERY_WAY[way],),
        options=EVERY_WAY[way],
    ).ok(NAMED_NOTHING.get(way))


@pytest.mark.parametrize(
    "ending, status",
    [
        ("1 / 0", 1),
        ("raise KeyboardInterrupt", -2),
        ("raise SystemExit(7)", 7),
        ("raise SystemExit('said')", 1),
        ("raise BaseException('x')", 1),
    ],
)
def test_an_exception_ends_the_program_as_python_would(run, ending, status):
    source = f"def f():\n    {ending}\nf()\n"
    ours, plain = run.m(source), run.plain(source)
    assert (ours.returncode, plain.returncode) == (status, status)
    # The same but for the path that the command was given.
    assert ours.stderr.splitlines()[-1:] == plain.stderr.splitlines()[-1:]
    assert len(ours.stderr.splitlines()) == len(plain.stderr.splitlines())
    assert "memory_profiler" not in ours.stderr


def test_an_excepthook_of_the_program_gets_the_programs_traceback(run):
    outcome = run.m("""
        import sys, traceback
        def hook(kind, error, trace):
            print([frame.name for frame in traceback.extract_tb(trace)])
            print(sys.excepthook is hook)
        sys.excepthook = hook
        def f():
            raise ValueError("x")
        f()
        """)
    assert (outcome.returncode, outcome.stderr) == (1, "")
    assert outcome.stdout.splitlines()[:2] == ["['<module>', 'f']", "True"]


@pytest.mark.parametrize("way", EVERY_WAY)
def test_tracers_of_the_program_see_no_frame_of_ours(run, way):
    outcome = run.m(
        """
        import sys
        seen = []
        def trace(frame, event, arg):
            if "memory_profiler" in frame.f_code.co_filename:
                seen.append((frame.f_code.co_name, event))
            return trace
        @profile
        def f():
            return 1
        sys.settrace(trace)
        import multiprocessing.util
        import colorsys
        f()
        colorsys.rgb_to_hsv(1, 2, 3)
        sys.settrace(None)
        sys.setprofile(trace)
        import multiprocessing.pool
        f()
        sys.setprofile(None)
        print(seen)
        """,
        options=EVERY_WAY[way],
    ).ok()
    assert outcome.stdout.splitlines()[0] == "[]"


@pytest.mark.parametrize("way", EVERY_WAY)
def test_what_we_import_is_there_before_the_program(run, way):
    outcome = run.m(
        """
        import sys, tracemalloc
        before = set(sys.modules)
        tracemalloc.start(10)
        @profile
        def f():
            return 1
        f()
        ours = [stat for stat in tracemalloc.take_snapshot().traces
                if any("importlib" in frame.filename for frame in stat.traceback)]
        print(sorted(set(sys.modules) - before), len(ours))
        """,
        options=EVERY_WAY[way],
    ).ok(NAMED_NOTHING.get(way))
    assert outcome.stdout.splitlines()[0] == "[] 0"


def test_a_decorator_with_no_descriptor_left(run):
    source = """
        import os, resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        try:
            while True:
                os.open("/dev/null", os.O_RDONLY)
        except OSError:
            pass
        @profile
        def f():
            return [1] * 1000000
        f()
        """
    assert run.m(source).ok().table("f").own == near(7.6)
    table = run.plain("        from memory_profiler import profile\n" + source).ok().tables[0]
    assert table.own == near(7.6)


def test_packages_that_are_imported_to_find_the_program(run):
    """python -m pkg imports pkg before pkg.__main__: that is the program already."""
    run.write("pkg/__init__.py", "@profile\ndef f():\n    return [1] * 1000\nf()\n")
    run.write("pkg/__main__.py", "print('ran')\n")
    outcome = run.profiler("-m", "pkg").ok()
    assert outcome.stdout.startswith("ran\n") and outcome.table("f").first.occurrences == 1
    run.write("tool/__init__.py", "def g():\n    return [1] * 1000\ng()\n")
    run.write("tool/__main__.py", "from tool import g\ng()\n")
    outcome = run.profiler("-p", "tool", "-m", "tool").ok()
    assert outcome.table("g").first.occurrences == 2


# ---- what others allocate while the profiler works is theirs ----

SLOW_STREAM = """
    import threading, time
    {imports}
    class Slow:
        def write(self, text):
            time.sleep(0.01)
    go, kept = threading.Event(), []
    def other():
        go.wait()
        kept.append(bytearray(100 << 20))
    thread = threading.Thread(target=other)
    thread.start()
    @profile(stream=Slow())
    def first():
        go.set()
        return 1
    first()
    thread.join()
    @profile
    def second():
        return 1
    second()
    """


def test_growth_while_a_table_is_printed_is_the_programs(run):
    table = (
        run.plain(SLOW_STREAM.format(imports="from memory_profiler import profile"))
        .ok()
        .table("second")
    )
    assert 100 < table.first.mem < 200 and table.own == near(0)


def test_a_backend_that_is_opened_while_a_table_is_printed(run):
    table = (
        run.plain("""
        from memory_profiler import profile
        class Stream:
            def write(self, text):
                @profile(backend="uss", stream=open("/dev/null", "w"))
                def inner():
                    return 1
                inner()
        @profile(stream=Stream())
        def first():
            return 1
        first()
        @profile(backend="uss")
        def second():
            return 1
        second()
        """)
        .ok()
        .table("second")
    )
    assert 0 < table.first.mem < 200 and table.own == near(0)


def test_a_new_thread_has_its_first_function(run):
    outcome = run.m(
        """
        import threading
        class Work(threading.Thread):
            def run(self):
                self.inner()
            def inner(self):
                pass
        for _ in range(3):
            thread = Work()
            thread.start()
            thread.join()
        """,
        options=["--pstats", "calls"],
    ).ok()
    stats = marshal.loads((run.folder / "calls").read_bytes())
    functions = {
        key[2].rpartition(".")[2]: value
        for key, value in stats.items()
        if key[0].endswith("script.py")
    }
    assert outcome.stderr == ""
    assert functions["run"][1] == functions["inner"][1] == 3
    (caller,) = functions["inner"][4]
    assert caller[2].endswith("run")


def test_calls_that_outlive_those_of_another_thread_are_recorded(run):
    """The thread that was profiled first ends while others are inside a call."""
    run.m(
        """
        import threading
        @profile
        def inner(n):
            return n
        @profile
        def outer(n, begun, go_on):
            begun.set()
            go_on.wait()
            return inner(n)
        first, rest = threading.Event(), threading.Event()
        def start(n, go_on):
            begun = threading.Event()
            thread = threading.Thread(target=outer, args=(n, begun, go_on))
            thread.start()
            begun.wait()
            return thread
        threads = [start(0, first)] + [start(n, rest) for n in range(1, 4)]
        first.set()
        threads[0].join()
        rest.set()
        for thread in threads:
            thread.join()
        """,
        options=["--timestamp", "-o", "out.dat"],
    ).ok()
    lines = [line.split() for line in (run.folder / "out.dat").read_text().splitlines()]
    calls = sorted((line[1], line[-1]) for line in lines if line[0] == "FUNC")
    assert calls == [("__main__.inner", "1")] * 4 + [("__main__.outer", "0")] * 4


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs sys.monitoring")
@pytest.mark.parametrize("options", [["-p", "colorsys"], ["--functions"], ["--all", "--functions"]])
def test_one_tool_id_serves_everything(run, options):
    outcome = run.m(
        """
        import sys, colorsys
        @profile
        def f():
            return colorsys.rgb_to_hsv(1, 2, 3)
        f()
        print([sys.monitoring.get_tool(tool) for tool in range(6)].count("memory_profiler"))
        """,
        options=options,
    ).ok()
    assert outcome.stdout.splitlines()[0] == "1"


def test_what_decorating_needs_is_no_call_of_the_program(run):
    run.m(
        """
        @profile
        def f():
            # a comment that the tokenizer sees
            return 1
        f()
        """,
        options=["--pstats", "calls"],
    ).ok()
    names = {
        key[0].rpartition("/")[2] for key in marshal.loads((run.folder / "calls").read_bytes())
    }
    assert not names & {"inspect.py", "tokenize.py", "linecache.py", "re.py", "_parser.py"}


def test_a_link_of_another_user_is_not_written_through(run):
    folder = run.folder / "everybodys"
    folder.mkdir()
    folder.chmod(0o1777)
    victim = run.folder / "victim"
    victim.write_text("mine")
    (folder / "out").symlink_to(victim)
    if os.geteuid() != 0:
        pytest.skip("only root can make the link somebody else's")
    os.lchown(folder / "out", 12345, 12345)
    for option in ("-o", "--json", "--pstats"):
        outcome = run.m("print('ran')\n", options=[option, str(folder / "out")])
        assert outcome.returncode == 1 and outcome.stdout == ""
        assert outcome.one_line_error() == (
            f"memory_profiler: cannot write {folder / 'out'}: it is another user's link"
        )
    assert victim.read_text() == "mine"


NO_PROC = [
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-c",
    'umount -l /proc; exec "$@"',
    "sh",
]


@pytest.mark.skipif(
    subprocess.run([*NO_PROC, "true"], capture_output=True).returncode != 0,
    reason="no mount namespace can be made here",
)
def test_a_program_goes_on_where_memory_cannot_be_read(run):
    run.write(
        "script.py",
        """
        from memory_profiler import memory_usage, profile
        @profile
        def f():
            return 7
        @profile
        def g():
            return f() + 1
        print(g())
        try:
            memory_usage(-1)
        except OSError as error:
            print(error)
        """,
    )
    done = subprocess.run(
        [*NO_PROC, sys.executable, "script.py"],
        cwd=run.folder,
        encoding="utf-8",
        env=environment(),
        capture_output=True,
        timeout=60,
    )
    words = "memory_profiler: memory cannot be read: /proc is not mounted"
    assert (done.returncode, done.stdout) == (0, f"8\n{words}\n")
    assert done.stderr == f"{words}; functions are not profiled\n"
    done = subprocess.run(
        [*NO_PROC, sys.executable, "-m", "memory_profiler", "-q", "script.py"],
        cwd=run.folder,
        encoding="utf-8",
        env=environment(),
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", words + "\n")


@pytest.mark.parametrize("option", ["-o", "--json"])
def test_a_pipe_as_output_is_written_to_once(run, option):
    os.mkfifo(run.folder / "pipe")
    reader = subprocess.Popen(
        ["cat", "pipe"], cwd=run.folder, stdout=subprocess.PIPE, encoding="utf-8"
    )
    run.m("@profile\ndef f():\n    return 1\nf()\n", options=[option, "pipe"]).ok()
    text, _ = reader.communicate(timeout=60)
    assert "script.py" in text and "return 1" in text


PROGRAM = "import sys\n@profile\ndef f():\n    return 1\nf()\nsys.exit(7)\n"


@pytest.mark.parametrize(
    "option, words",
    [
        ("-o", "the tables could not be written to"),
        ("--json", "cannot write"),
        ("--pstats", "cannot write"),
    ],
)
def test_a_pipe_that_nobody_reads_is_a_line_after_a_while(run, option, words):
    pipe = run.folder / "pipe"
    os.mkfifo(pipe)
    before = time.monotonic()
    outcome = run.m(PROGRAM, options=[option, "pipe"])
    assert _files.PATIENCE <= time.monotonic() - before
    assert outcome.returncode == 7
    assert outcome.one_line_error() == (
        f"memory_profiler: {words} {pipe}: nobody is at the other end of the pipe"
    )


@pytest.mark.parametrize("option", ["-o", "--json", "--pstats"])
def test_a_pipe_waits_for_its_reader(run, option):
    os.mkfifo(run.folder / "pipe")
    reader = subprocess.Popen(
        "sleep 2; exec cat pipe", shell=True, cwd=run.folder, stdout=subprocess.PIPE
    )
    outcome = run.m(PROGRAM, options=[option, "pipe"])
    assert (outcome.returncode, outcome.stderr) == (7, "")
    assert b"script.py" in reader.communicate(timeout=60)[0]
