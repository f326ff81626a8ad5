"""How tables are printed: colours, broken streams; and the errors, a line each."""

import subprocess
import sys

import pytest
from support import (
    ANSI,
    MAPPED_BLOCKS,
    TIMEOUT,
    environment,
    mask,
    on_a_terminal,
    parse_tables,
    python,
)

MAPPED = environment(**MAPPED_BLOCKS)
SMALL = "@profile\ndef f():\n    return 1\nf()\n"


# ---- colours ----

COLOURED = """
    @profile
    def f():
        block = bytearray(64 << 20)
        return len(block)
    f()
    """


def test_a_pipe_gets_plain_text(run):
    assert "\x1b" not in run.m(COLOURED, env=environment(TERM="xterm-256color")).ok().stdout


def test_force_colours_a_pipe_and_changes_nothing_else(run):
    plain = run.m(COLOURED).ok().stdout
    outcome = run.m(COLOURED, env=environment(CLICOLOR_FORCE="1", TERM="xterm")).ok()
    assert "\x1b" in outcome.stdout
    lines = [line for line in outcome.stdout.split("\n") if "\x1b" in line]
    assert any("block = " in line for line in lines), "the increment that matters"
    assert not any("return len" in line for line in lines)
    assert mask(ANSI.sub("", outcome.stdout)) == mask(plain)


def test_no_color_wins_over_force(run):
    env = environment(CLICOLOR_FORCE="1", NO_COLOR="1", TERM="xterm")
    assert "\x1b" not in run.m(COLOURED, env=env).ok().stdout


def test_a_terminal(run):
    run.write("script.py", COLOURED)
    args = ("-m", "memory_profiler", "script.py")
    shown = on_a_terminal(run.folder, environment(TERM="xterm"), *args)
    plain = run.profiler("script.py").ok().stdout
    assert mask(ANSI.sub("", shown)) == mask(plain)
    for extra in ({"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}):
        shown = on_a_terminal(run.folder, environment(**extra), *args)
        assert "\x1b" not in shown
        assert mask(shown) == mask(plain)


def test_a_file_is_never_coloured_from_a_terminal(run):
    run.write("script.py", COLOURED)
    on_a_terminal(
        run.folder, environment(TERM="xterm"), "-m", "memory_profiler", "-o", "t.txt", "script.py"
    )
    text = (run.folder / "t.txt").read_text()
    assert "\x1b" not in text and len(parse_tables(text)) == 1


# ---- streams that break ----

BREAKS = """
    from memory_profiler import profile
    class Broken:
        def write(self, text):
            raise OSError("full")
        def flush(self):
            raise OSError("full")
    @profile(stream=Broken())
    def f(fail):
        if fail:
            raise KeyError("its own")
        return "result"
    @profile(stream=Broken())
    def g():
        yield 1
    print(f(False), list(g()))
    try:
        f(True)
    except KeyError as error:
        print("raised", error, error.__context__)
    """


def test_a_broken_stream_never_replaces_the_result(run):
    outcome = run.plain(BREAKS).ok(
        r"^memory_profiler: the stream of @profile over f\(\) cannot be written to \(full\)[^\n]*\n"
        r"memory_profiler: the stream of @profile over g\(\) cannot be written to \(full\)[^\n]*\n$"
    )
    assert len(outcome.tables) == 3
    assert "\nresult [1]\n" in outcome.stdout
    assert outcome.stdout.endswith("\nraised 'its own' None\n")


def test_a_closed_stdout_never_replaces_the_result(run):
    outcome = run.plain("""
        import os, sys
        from memory_profiler import profile
        @profile
        def f():
            return 5
        sys.stdout = open(os.devnull)  # not writable
        assert f() == 5
        sys.stdout.close()
        assert f() == 5
        sys.stdout = None
        assert f() == 5
        """).ok(says="a table could not be printed: UnsupportedOperation: not writable")
    assert outcome.stdout == ""


def test_a_closed_pipe_ends_without_a_traceback(run):
    run.write("script.py", "@profile\ndef f():\n" + "    x = 1\n" * 5000 + "f()\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "memory_profiler", "script.py"],
        cwd=run.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    stderr = process.stderr.read()
    process.wait(TIMEOUT)
    assert "Traceback" not in stderr and len(stderr.splitlines()) <= 1, stderr


# ---- errors, one clear line each ----


def test_a_syntax_error(run):
    """As Python says it."""
    for source in (
        "x = 1\ndef f(:\n    pass\n",
        "if 1:\n\tx = (1,\n",
        "x = 1\n  y = 2\n",
        "x = 'a\n",
    ):
        outcome, plain = run.m(source), run.plain(source)
        assert (outcome.returncode, outcome.stdout) == (1, "")
        assert outcome.stderr == plain.stderr and 'script.py", line ' in plain.stderr
    assert run.profiler("-c", "x = = 1").stderr == python("-c", "x = = 1", cwd=run.folder).stderr


def test_a_syntax_error_sends_nothing_to_the_terminal(run):
    stderr = run.m("x = '\x1b[31m' = 1\n").stderr
    assert "\\x1b[31m" in stderr and "\x1b" not in stderr and "SyntaxError: " in stderr


def test_a_syntax_error_of_a_module(run):
    run.write("package/__init__.py", "")
    run.write("package/__main__.py", "def f(:\n")
    run.write("traceback.py", "raise SystemExit('imported by the profiler')\n")
    done = run.profiler("-m", "package")
    assert done.returncode == 1 and done.stderr.splitlines()[1:3] == ["    def f(:", "          ^"]


def test_null_bytes_in_the_script(run):
    outcome = run.m(b"x = 1\x00\n")
    assert outcome.returncode == 1
    assert "script.py" in outcome.one_line_error()


def test_a_script_that_is_not_in_its_encoding(run):
    outcome = run.m(b"x = '\xff\xfe'\n")
    assert outcome.returncode == 1
    lines = outcome.stderr.splitlines()
    assert 'script.py", line 1' in lines[0] and lines[-1].startswith("SyntaxError: ")


def test_a_folder_named_like_a_script(run, tmp_path):
    (tmp_path / "folder.py").mkdir()
    outcome = run.profiler("folder.py")
    assert outcome.returncode == 1
    assert "folder.py" in outcome.one_line_error()


# Root may read anything: a child that gave up the two capabilities may not.
WITHOUT_CAPABILITIES = """
import ctypes, os, sys
if os.geteuid() == 0:
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_an_unreadable_script(run, tmp_path):
    run.write("script.py", SMALL).chmod(0)
    outcome = python("-c", WITHOUT_CAPABILITIES, "-m", "memory_profiler", "script.py", cwd=tmp_path)
    assert outcome.returncode == 1
    line = outcome.one_line_error()
    assert "script.py" in line and "ermission" in line


@pytest.mark.parametrize(
    "target, word", [("no/such/folder/t.txt", "no/such/folder/t.txt"), (".", "directory")]
)
def test_an_output_that_cannot_be_opened(run, target, word):
    outcome = run.m(SMALL, options=["-o", target])
    assert word in outcome.one_line_error()
    assert outcome.returncode != 0


def test_an_output_without_permission(run, tmp_path):
    run.write("script.py", SMALL)
    run.write("t.txt", "").chmod(0o400)
    outcome = python(
        "-c",
        WITHOUT_CAPABILITIES,
        "-m",
        "memory_profiler",
        "-o",
        "t.txt",
        "script.py",
        cwd=tmp_path,
    )
    assert outcome.returncode == 1
    assert "t.txt" in outcome.one_line_error()


def test_a_full_disk(run):
    outcome = run.m(SMALL, options=["-o", "/dev/full"])
    assert outcome.returncode == 0
    assert "Traceback" not in outcome.stderr
    assert "/dev/full" in outcome.one_line_error()


DECORATES = """
    {head}
    what = {what}
    try:
        g = profile(what)
    except TypeError as error:
        print("ERROR", error)
    else:
        assert g is what
    """


@pytest.mark.parametrize("form", ["m", "plain"])
@pytest.mark.parametrize("what", ["len", "3", "'text'", "[].append"])
def test_profile_on_what_has_no_lines(run, form, what):
    outcome = getattr(run, form)(
        DECORATES.format(head="from memory_profiler import profile", what=what)
    ).ok(
        says="^$"
        if what in ("3", "'text'")
        else "^memory_profiler: .* has no Python code: not profiled\n$"
    )
    told = [line for line in (outcome.stdout + outcome.stderr).split("\n") if line]
    assert len(told) == 1, f"one line that says so: {told}"
    assert "Traceback" not in outcome.stderr
    if what in ("3", "'text'"):
        assert told[0].startswith("ERROR"), "there is nothing to call"


@pytest.mark.parametrize("what", ["len", "[].append"])
def test_a_builtin_that_is_kept_still_works(run, what):
    outcome = run.plain(f"""
        from memory_profiler import profile
        try:
            g = profile({what})
        except TypeError as error:
            print("ERROR", error)
        else:
            g([1, 2])
        """).ok(says="^memory_profiler: .* has no Python code: not profiled\n$")
    assert "Traceback" not in outcome.stderr


NO_PROC = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"']


def test_without_proc(run, tmp_path):
    run.write("script.py", "print('ran')\n" + SMALL)
    probe = subprocess.run([*NO_PROC, "true"], stderr=subprocess.PIPE, timeout=TIMEOUT)
    if probe.returncode != 0:
        pytest.skip("this machine does not let us hide /proc")
    done = subprocess.run(
        [*NO_PROC, sys.executable, "-m", "memory_profiler", "script.py"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT,
    )
    lines = [line for line in done.stderr.split("\n") if line]
    assert "Traceback" not in done.stderr
    assert len(lines) == 1 and "/proc" in lines[0]


def test_two_errors_are_not_one(run):
    """The checks above would pass on anything if one_line_error() could not fail."""
    with pytest.raises(AssertionError):
        run.m(SMALL + "raise ValueError\n").one_line_error()
