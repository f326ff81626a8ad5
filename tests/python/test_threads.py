"""Every thread has its own account, and sees the whole process."""

from support import MAPPED_BLOCKS, TOLERANCE, environment, near

MAPPED = environment(**MAPPED_BLOCKS)


def test_threads_in_one_function_are_all_counted(run):
    table = (
        run.m(
            """
        import threading
        gate = threading.Barrier(3)
        @profile
        def work():
            block = bytearray(28 << 20)
            gate.wait()
            return len(block)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for t in threads: t.start()
        for t in threads: t.join()
        """,
            env=MAPPED,
        )
        .ok()
        .table("work")
    )
    assert table.first.occurrences == 3
    assert table.at("block = ").occurrences == 3
    assert table.at("gate.wait()").occurrences == 3
    # A line sees the whole process: each thread's line holds its own 28 MiB, and may hold what the
    # two others did meanwhile.
    assert 28 - TOLERANCE <= table.at("block = ").increment <= 3 * 84 + 3
    assert table.at("block = ").mem - table.first.mem <= 84 + 3


def test_a_thread_started_by_a_profiled_function_is_profiled(run):
    outcome = run.m(
        """
        import threading
        @profile
        def child():
            block = bytearray(12 << 20)
            return len(block)
        @profile
        def parent():
            t = threading.Thread(target=child)
            t.start()
            t.join()
        parent()
        """,
        env=MAPPED,
    ).ok()
    assert outcome.table("child").at("block = ").increment == near(12, TOLERANCE + 0.5)
    assert outcome.table("child").first.occurrences == 1
    assert outcome.table("parent").at("t.join()").occurrences == 1


def test_tables_wait_for_threads(run):
    table = (
        run.m("""
        import threading, time
        @profile
        def late():
            time.sleep(0.4)
            x = 1
            return x
        threading.Thread(target=late).start()
        """)
        .ok()
        .table("late")
    )
    assert table.at("return x").occurrences == 1


def test_a_line_sees_the_whole_process(run):
    table = (
        run.m(
            """
        import threading
        kept = []
        go, done = threading.Event(), threading.Event()
        def other():
            go.wait()
            kept.append(bytearray(9 << 20))
            done.set()
        t = threading.Thread(target=other); t.start()
        @profile
        def f():
            x = 1
            go.set(); done.wait()
            y = 1
        f()
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.at("go.set()").increment == near(9)


def test_growth_by_others_belongs_to_the_line_on_which_it_is_noticed(run):
    table = (
        run.m(
            """
        import threading
        stop = threading.Event()
        kept = []
        def other():
            for i in range(60):
                kept.append(bytearray(1 << 20))
            stop.set()
        @profile
        def f():
            t = threading.Thread(target=other)
            t.start()
            n = 0
            while not stop.is_set():
                n += 1
            t.join()
        f()
        """,
            env=MAPPED,
        )
        .ok()
        .table("f")
    )
    assert table.own == near(60, TOLERANCE + 0.5)
