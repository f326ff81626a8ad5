"""SIGTERM ends a program with its tables."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest
from started import RUNNING
from support import MAPPED_BLOCKS, TIMEOUT, environment, near, parse_tables

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no timer that sends a signal")

PYTHON_CODE = """
import atexit
atexit.register(print, "no atexit")
@profile
def f():
    try:
        block = bytearray(5 << 20)
        print("ready", flush=True)
        print("in the buffer")
        for i in range(10**10):
            block[0] = 1
            if i == 2:
                open("looping", "w").close()
    finally:
        print("no finally", flush=True)
f()
"""


def end_in_python(start, *options):
    """Ends the program above, in its Python code: on a machine with much to do it takes patience."""
    for _ in range(5):
        program = start(PYTHON_CODE, *options)
        outcome = program.wait_for("looping").end()
        if outcome.stderr == "":
            return outcome
        for name in ("looping", "tables"):
            (program.folder / name).unlink(missing_ok=True)
    raise AssertionError("its main thread comes to nothing")


def test_tables_first_and_then_the_end_it_would_have_had(start):
    outcome = end_in_python(start)
    assert outcome.stdout.startswith("in the buffer\nFilename: script.py\n")
    assert "no atexit\n" not in outcome.stdout and "\nno finally\n" not in outcome.stdout
    table = outcome.table("f")
    assert table.at("block = ").increment == near(5)
    assert table.at("block[0]").occurrences > 1


def test_everything_that_the_normal_end_writes(start, run):
    options = ["--json", "run.json", "--functions", "--pstats", "f.pstats", "-v", "-o", "tables"]
    end_in_python(start, *options)
    text = (run.folder / "tables").read_text()
    assert len(parse_tables(re.sub(r"\(readings .*\)\n", "", text))) == 1
    assert "Functions by cumulative: " in text and "(f)\n" in text
    assert (run.folder / "f.pstats").stat().st_size > 0
    saved = json.loads((run.folder / "run.json").read_text())
    assert saved["finished"] is False
    (function,) = saved["processes"][0]["functions"]
    assert function["ledger"]["increments_bytes"] == (
        function["ledger"]["entry_bytes"]
        + function["ledger"]["segments_bytes"]
        + function["ledger"].get("in_flight_bytes", 0)
    )
    assert not (run.folder / "run.json.live").exists()


def test_the_instruction_that_sends_it_is_the_last(run):
    outcome = run.m("""
        import os, signal
        @profile
        def f():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            os.kill(os.getpid(), signal.SIGTERM)
            print("not reached", flush=True)
        f()
        """)
    assert outcome.returncode == -signal.SIGTERM and outcome.stderr == ""
    assert "\nnot reached\n" not in "\n" + outcome.stdout
    assert outcome.table("f").at("os.kill").occurrences == 1
    assert not outcome.table("f").at("not reached").ran


IN_C = """
import queue, select, socket, subprocess, threading, time
left, right = socket.socketpair()
@profile
def work():
    end = time.monotonic() + 60
    while time.monotonic() < end:
        bytes(100)
@profile
def f():
    block = bytearray(5 << 20)
    thread = threading.Thread(target=work, daemon=True)
    {before}
    print("ready", flush=True)
    {waits}
f()
"""


@pytest.mark.parametrize(
    "waits",
    [
        "time.sleep(60)",
        "threading.Event().wait()",
        "threading.Event().wait(60)",
        "subprocess.run(['sleep', '3'])",
        "select.select([left], [], [])",
        "left.recv(1)",
        "queue.Queue().get()",
    ],
)
def test_while_the_main_thread_waits_in_c(start, record_property, waits):
    program = start(IN_C.format(before="pass", waits=waits)).wait_for_sleep()
    # A lock that is waited for with a limit lets the interpreter in: nothing is said then.
    outcome = program.end()
    assert outcome.table("f").at("block = ").increment == near(5)
    assert outcome.table("f").at("print").occurrences == 1
    record_property("seconds", round(program.took, 2))


def test_where_it_was_is_said(start):
    source = IN_C.format(before="pass", waits="time.sleep(60)")
    number = source.split("\n").index("    time.sleep(60)")
    outcome = start(source).wait_for_sleep().end(says=RUNNING)
    assert outcome.stderr.endswith(f":{number}\n")  # the first line is empty, and not written


def test_in_one_long_call_that_holds_the_lock(start, record_property):
    program = start(IN_C.format(before="pass", waits="sum(range(10**10))"))
    time.sleep(0.3)  # whether it has begun cannot be seen, and both are right
    outcome = program.end()
    assert outcome.table("f").at("block = ").increment == near(5)
    record_property("seconds", round(program.took, 2))


def test_while_another_thread_runs_profiled_lines(start):
    program = start(IN_C.format(before="thread.start()", waits="thread.join()"))
    time.sleep(0.3)
    outcome = program.end(says=r"(memory_profiler: killed while in .*script\.py:\d+\n)?")
    assert outcome.table("f").at("block = ").increment == near(5)
    assert outcome.table("work").at("bytes(100)").occurrences > 1


@pytest.mark.parametrize("edited", [False, True])
def test_selected_functions_show_their_source(start, run, edited):
    """That stands in the file alone until then; an edited one is not what ran."""
    change = "open(__file__, 'a').write('# more\\n')" if edited else "pass"
    source = IN_C.format(before=change, waits="time.sleep(60)").replace("@profile\n", "")
    outcome = start(source, "--all").wait_for_sleep().end(says=RUNNING)
    (table,) = parse_tables(outcome.stdout)
    texts = [row.text for row in table.rows]
    if edited:
        assert set(texts) == {""}
    else:
        assert texts[0] == "def f():" and texts[-1] == "    time.sleep(60)"


def test_files_are_written_beside_it_too(start, run):
    program = start(
        IN_C.format(before="pass", waits="time.sleep(60)"), "--json", "run.json", "-o", "tables"
    )
    (run.folder / "tables").write_text("what was there\n")
    outcome = program.wait_for_sleep().end(says=RUNNING)
    assert outcome.stdout == ""
    text = (run.folder / "tables").read_text()
    assert text.startswith("what was there\nFilename: script.py\n")
    assert not (run.folder / "run.json.live").exists()
    saved = json.loads((run.folder / "run.json").read_text())
    assert saved["finished"] is False and saved["processes"][0]["pid"] == program.pid
    again = run.plain("import memory_profiler.report as r; r.main(['run.json'])")
    assert "Filename" + again.stdout.partition("Filename")[2] == text.partition("\n")[2]


def test_whatever_lies_where_the_program_is(start, run):
    """Modules of the program's folder have names of the standard library, or ours."""
    for name in ("json", "memory_profiler", "typing", "enum"):
        run.write(f"elsewhere/{name}.py", "raise SystemExit('not mine')")
    source = "import os; os.chdir('elsewhere')\n" + IN_C.format(
        before="pass", waits="time.sleep(60)"
    )
    outcome = start(source).wait_for_sleep().end(says=RUNNING)
    outcome.table("f")


def test_children_of_a_program_that_waits(start):
    program = start(
        """
        import os, time
        @profile
        def in_child():
            block = bytearray(3 << 20)
        @profile
        def f():
            pid = os.fork()
            if pid == 0:
                in_child()
                raise SystemExit
            os.waitpid(pid, 0)
            print("ready", flush=True)
            time.sleep(60)
        f()
        """,
        "--multiprocess",
    )
    outcome = program.wait_for_sleep().end(says=RUNNING)
    assert "Child process" in outcome.stdout
    assert outcome.table("in_child").at("block = ").increment == near(3)


# ---- what the program, its parent and its children see


def test_a_handler_of_the_program_rules(run):
    outcome = run.m("""
        import os, signal, time
        def handler(number, frame):
            print("mine", flush=True)
        before = signal.signal(signal.SIGTERM, handler)
        assert before is signal.SIG_DFL
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.8)
        @profile
        def f():
            return 1
        f()
        """).ok()
    assert outcome.stdout.startswith("mine\nFilename") and len(outcome.tables) == 1


def test_one_that_is_ignored_stays_so(run):
    run.write("script.py", "import os, time\nos.kill(os.getpid(), 15)\ntime.sleep(0.8)\nprint(1)\n")
    done = subprocess.run(
        ["sh", "-c", 'trap "" TERM; exec "$0" -m memory_profiler -q script.py', sys.executable],
        cwd=run.folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_children_have_what_they_would_have(run):
    outcome = run.m("""
        import os, signal, subprocess, sys
        def caught():
            status = open("/proc/self/status").read()
            mask = int(status.partition("SigCgt:")[2].split()[0], 16)
            return bool(mask >> (signal.SIGTERM - 1) & 1)
        @profile
        def f():
            pid = os.fork()
            if pid == 0:
                os._exit(caught())
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert caught() and f() == 0
        program = "print(open('/proc/self/status').read().partition('SigCgt:')[2].split()[0])"
        mask = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE).stdout
        assert int(mask, 16) >> 14 & 1 == 0
        pid = os.fork()
        if pid == 0:
            while True:
                pass
        os.kill(pid, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -15
        """).ok()
    assert len(outcome.tables) == 1


def test_children_of_a_pool_are_terminated(run):
    outcome = run.m("""
        import multiprocessing, time
        @profile
        def sleep(n):
            time.sleep(n)
            return n
        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(3) as pool:
                assert pool.map(sleep, [0.01] * 3) == [0.01] * 3
                pool.map_async(sleep, [60] * 3)
                time.sleep(0.2)
            begin = time.monotonic()
            pool.join()
            assert time.monotonic() - begin < 20
            print("joined")
        """).ok()
    assert outcome.stdout == "joined\n"


def test_no_system_call_is_disturbed_and_no_wakeup_is_written(run):
    """Nobody asks: nothing is there but a disposition."""
    run.m("""
        import os, signal, threading
        r, w = os.pipe()
        os.set_blocking(w, False)
        os.set_blocking(r, False)
        signal.set_wakeup_fd(w)
        assert threading.active_count() == 1 and len(os.listdir("/proc/self/task")) == 1
        assert signal.sigpending() == set()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        try:
            print(os.read(r, 10))
        except BlockingIOError:
            pass
        """).ok()


# ---- when it comes


def test_twice_at_once(start):
    program = start(PYTHON_CODE).wait_for("looping")
    program.process.send_signal(signal.SIGTERM)
    outcome = program.end()
    assert len(outcome.tables) == 1


def test_while_it_is_printed_beside(start):
    program = start(IN_C.format(before="pass", waits="time.sleep(60)")).wait_for_sleep()
    program.process.send_signal(signal.SIGTERM)
    time.sleep(0.65)
    outcome = program.end(says=RUNNING)
    assert len(outcome.tables) == 1


SLOW_STREAM = """
import sys, time
class Slow:
    def __init__(self, stream):
        self.stream, self.begun = stream, False
    def write(self, text):
        if "Filename" in text and not self.begun:
            self.begun = True
            print("ready", file=self.stream, flush=True)
            time.sleep(1.5)
        return self.stream.write(text)
    def flush(self):
        self.stream.flush()
sys.stdout = Slow(sys.stdout)
@profile
def f():
    return 1
f()
"""


def test_while_tables_are_printed_at_the_end(start):
    outcome = start(SLOW_STREAM).end()
    assert len(outcome.tables) == 1 and outcome.table("f").at("return 1").occurrences == 1


def test_in_another_thread_while_the_main_one_blocks_it(start):
    outcome = start("""
        import signal, threading, time
        thread = threading.Thread(target=time.sleep, args=(60,), daemon=True)
        thread.start()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        @profile
        def f():
            for i in range(10**10):
                bytes(100)
                if i == 2:
                    print("ready", flush=True)
        f()
        """).end()
    assert outcome.table("f").at("bytes(100)").occurrences >= 1


def test_in_an_import(start, run):
    run.write(
        "slow.py",
        """
        @profile
        def f():
            for i in range(10**10):
                bytes(100)
                if i == 2:
                    print("ready", flush=True)
        f()
        """,
    )
    outcome = start("import slow\n").end()
    assert outcome.table("f").at("bytes(100)").occurrences >= 1


def test_in_a_session_of_its_own(start):
    program = start("import os\nos.setsid()\n" + PYTHON_CODE, start_new_session=False)
    outcome = program.wait_for("looping").end()
    assert outcome.table("f").at("block[0]").occurrences > 1


def test_a_server_under_timeout(run):
    """timeout(1) sends it to the process, and once more to the whole group."""
    run.write(
        "srv.py",
        """
        import http.server, threading, urllib.request
        kept = []
        class Handler(http.server.BaseHTTPRequestHandler):
            @profile
            def do_GET(self):
                kept.append(bytearray(2 << 20))
                self.send_response(200)
                self.end_headers()
            def log_message(self, *args):
                pass
        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        def ask():
            for _ in range(3):
                urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/").read()
        threading.Thread(target=ask).start()
        server.serve_forever()
        """,
    )
    done = subprocess.run(
        ["timeout", "3", sys.executable, "-m", "memory_profiler", "srv.py"],
        cwd=run.folder,
        env=environment(**MAPPED_BLOCKS),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert (done.returncode, done.stderr) == (124, "")
    (table,) = parse_tables(done.stdout)
    assert table.at("kept.append").occurrences == 3
    assert table.at("kept.append").increment == near(6)


def test_a_reader_who_takes_nothing_does_not_keep_it_for_ever(start):
    """Tables that are larger than the pipe, and nobody reads."""
    source = "".join(f"@profile\ndef f{n}():\n    return {n}\nf{n}()\n" for n in range(500))
    program = start(source + "print('ready', flush=True)\nwhile True: pass\n")
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(timeout=TIMEOUT) == -signal.SIGTERM
    assert "could not be printed within 15 s" in program.process.stderr.read()


def test_what_another_process_cannot_make_is_said(run):
    """The main thread is in C: the tables come from a process of their own."""
    outcome = run.m(
        """
        import os, subprocess
        @profile
        def f():
            return bytes(1 << 20)
        f()
        subprocess.Popen(["sh", "-c", f"sleep 0.5; kill {os.getpid()}"])
        sum(range(10**11))
        """,
        options=["--allocations", "--flame", "f.txt", "--heap", "--functions"],
    )
    assert outcome.returncode == -signal.SIGTERM
    assert outcome.table("f").at("bytes(").occurrences == 1
    assert outcome.stderr.splitlines() == [
        f"memory_profiler: no {what}: it was killed in C code"
        for what in (
            "view of all functions",
            "columns of allocations",
            "file of stacks that allocate",
            "count of objects",
        )
    ]
    assert not (run.folder / "f.txt").exists()
