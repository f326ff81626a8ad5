"""Tables of functions that run in other threads, and in children of the program."""

import pytest
from support import near
from test_tracers import FORMS, MAPPED, check_work, program

# ---- threads ----


@FORMS
def test_threads_of_every_kind(run, form, head):
    outcome = getattr(run, form)(
        program(
            head,
            """
    import threading, _thread, time
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(f, [5, 5, 5])) == [10] * 3
    done = []
    _thread.start_new_thread(lambda: done.append(f(5)), ())
    deadline = time.time() + 20
    while not done and time.time() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert done == [10]
    """,
        ),
        env=MAPPED,
    ).ok()
    if form == "m":
        check_work(outcome.table("f"), calls=4)
    else:
        assert [t.first.occurrences for t in outcome.tables] == [1] * 4


def test_a_thread_alive_when_profiling_starts(run):
    run.plain("""
    import threading
    from memory_profiler import LineProfiler
    go, done = threading.Event(), threading.Event()
    def f():
        x = 1
        return x
    p = LineProfiler()
    p.add_function(f)
    def work():
        go.wait()
        f()
        done.set()
    t = threading.Thread(target=work); t.start()
    with p:
        go.set(); done.wait(20)
        t.join()
    assert list(p.code_map[f.__code__].values())[0][2] == 1
    """).ok()


# ---- children ----

CHILDREN = """
    {head}
    import multiprocessing, sys
    @profile
    def square(x):
        y = x * x
        return y
    if __name__ == "__main__":
        context = multiprocessing.get_context("{method}")
        with context.Pool(2) as pool:
            assert pool.map(square, [1, 2, 3]) == [1, 4, 9]
        process = context.Process(target=square, args=(2,))
        process.start()
        process.join(50)
        assert process.exitcode == 0, process.exitcode
        print("SUM", square(3))
    """


@pytest.mark.parametrize(
    "head", ["", "from memory_profiler import profile"], ids=["bare", "imported"]
)
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_start_methods(run, method, head):
    outcome = run.m(CHILDREN.format(method=method, head=head)).ok()
    assert "SUM 9" in outcome.stdout
    assert "Error" not in outcome.stderr, outcome.stderr
    if head:  # each call prints a table of its own, in children too
        assert all(table.first.occurrences == 1 for table in outcome.tables)
    else:
        assert outcome.table("square").first.occurrences == 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_start_methods_of_a_module(run, method):
    run.write("pkg/__init__.py", "")
    run.write("pkg/work.py", CHILDREN.format(method=method, head=""))
    outcome = run.profiler("-m", "pkg.work").ok()
    assert "SUM 9" in outcome.stdout
    assert outcome.table("square").first.occurrences == 1


def test_a_child_does_not_write_into_the_parents_tables(run, tmp_path):
    run.m(CHILDREN.format(method="fork", head=""), options=["-o", "t.txt"]).ok()
    assert (tmp_path / "t.txt").read_text().count("Filename:") == 1


def test_a_fork_that_returns_through_the_script(run):
    outcome = run.m("""
    import os
    @profile
    def f():
        pid = os.fork()
        return pid
    pid = f()
    if pid == 0:
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    """).ok()
    assert outcome.table("f").at("return pid").occurrences == 1


def test_user_code_may_close_every_descriptor(run):
    outcome = run.m(
        """
    import os
    @profile
    def f():
        a = bytearray(4 << 20)
        os.closerange(3, 4096)
        b = bytearray(3 << 20)
        mine = [os.open(__file__, 0) for _ in range(500)]
        c = bytearray(2 << 20)
        texts = [os.read(fd, 1) for fd in mine]
        for fd in mine: os.fstat(fd)
        return len(texts)
    f()
    """,
        env=MAPPED,
    ).ok()
    table = outcome.table("f")
    assert table.at("a = ").increment == near(4)
    assert table.at("b = ").increment == near(3)
    assert table.at("c = ").increment == near(2)


@FORMS
def test_the_programs_own_hooks_for_new_threads_stay(run, form, head):
    getattr(run, form)(
        program(
            head,
            """
    import sys, threading
    seen = []
    def trace(frame, event, arg):
        seen.append(frame.f_code.co_name)
    threading.settrace(trace)
    threading.setprofile(trace)
    f(5)
    assert threading.gettrace() is trace and threading.getprofile() is trace
    t = threading.Thread(target=helper, args=(1,)); t.start(); t.join()
    assert "helper" in seen
    """,
        )
    ).ok()
