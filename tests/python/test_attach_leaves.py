"""--attach: the program goes on as if nothing had been."""

import os
import socket
import threading

from attached import WORKS, can_attach, on_linux
from started import wait_until


@can_attach
@on_linux
def test_nothing_is_left(launch):
    program = launch(WORKS)
    before = program.tell()
    for options in [], ["--allocations", "--heap"], ["--line-time"], ["--backend", "pss"]:
        program.attach(*options).ok()
        assert program.tell() == before
        assert program.files_of_ours() == []
    program.end()


@can_attach
@on_linux
def test_a_program_that_has_the_package_itself(launch):
    """Its own tables go on, and what it has imported stays."""
    program = launch(
        WORKS.replace("def work", "@profile\ndef work")
        .replace("import select", "from memory_profiler import profile\nimport io, select")
        .replace("@profile", "@profile(stream=io.StringIO())")
    )
    before = program.tell()
    assert program.attach().ok().table("work").first.occurrences > 1
    assert program.tell() == before
    program.end()


@can_attach
def test_another_package_of_that_name_is_left_alone(run, launch):
    run.write("lib/memory_profiler/__init__.py", "")
    program = launch("import sys; sys.path.insert(0, 'lib'); import memory_profiler\n" + WORKS)
    outcome = program.attach()
    assert outcome.returncode == 1
    assert "has imported another one" in outcome.one_line_error()
    program.end()


@can_attach
@on_linux
def test_a_server_of_threads_under_load(launch):
    """Requests go on while it is attached to again and again, and none is lost."""
    program = launch(
        """
        import asyncio, sys, threading
        from concurrent.futures import ThreadPoolExecutor
        from tell_of_me import tells

        pool = ThreadPoolExecutor(4)
        list(pool.map(lambda _, all=threading.Barrier(4): all.wait(), range(4)))

        def crunch(n):
            return sum(len(bytes(100)) for i in range(n))

        class Server:
            async def answer(self, reader, writer):
                while line := await reader.readline():
                    total = await asyncio.get_running_loop().run_in_executor(pool, crunch, int(line))
                    if line == b"1\\n":
                        tells()
                    writer.write(self.format(total))
                    await writer.drain()
                writer.close()

            def format(self, total):
                return b"%d\\n" % total

        async def main():
            server = await asyncio.start_unix_server(Server().answer, "socket")
            print("ready", flush=True)
            ended = asyncio.Event()
            asyncio.get_running_loop().add_reader(0, ended.set)
            await ended.wait()

        asyncio.run(main())
        """
    )
    with Load(program) as load:
        load.wait_for(200)
        before = load.tell()
        for _ in range(8):
            served = load.served
            outcome = program.attach().ok()
            for function in "crunch", "answer", "format":
                assert outcome.table(function).at("def ").text
            assert load.served > served
        load.wait_for(200)
        assert load.tell() == before
        assert not load.errors
    program.end()


class Load:
    """Clients of the server, in threads of this process."""

    def __init__(self, program):
        self.program = program
        self.served, self.errors, self.is_over = 0, [], False
        self.threads = [threading.Thread(target=self.ask, args=(n,)) for n in (50, 51, 52)]

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.connect(os.path.relpath(self.program.folder / "socket"))
        return client, client.makefile("rw")

    def ask(self, n):
        client, stream = self.connect()
        while not self.is_over:
            stream.write(f"{n}\n")
            stream.flush()
            if stream.readline() != f"{n * 100}\n":
                self.errors.append(n)
            self.served += 1
        client.close()

    def wait_for(self, n):
        end = self.served + n
        wait_until(lambda: self.served >= end)

    def tell(self):
        """What the server says of itself."""
        _, stream = self.control

        def ask():
            stream.write("1\n")
            stream.flush()
            assert stream.readline() == "100\n"

        return self.program.tell(ask)

    def __enter__(self):
        self.control = self.connect()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        self.control[0].close()


@can_attach
@on_linux
def test_a_forked_child_lets_go_by_itself(launch):
    program = launch(
        """
        import os, sys, time
        from tell_of_me import waits_for_input
        def work():
            return [str(i) for i in range(10)]
        print("ready", flush=True)
        waits_for_input()
        if os.fork() == 0:
            end = time.monotonic() + 30
            while sys.monitoring.get_tool(3) or sys.monitoring.get_tool(4):
                work()
                if time.monotonic() > end:
                    os._exit(1)
            sys.exit("_memory_profiler_attached" in sys.modules)
        print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
        waits_for_input(line=False)
        """
    )
    attaching = program.begin_attaching()
    program.goes_on()
    program.says("0")
    attaching.end().ok("no table|^$")
    program.end()


@can_attach
def test_no_code_of_objects_is_run(launch):
    program = launch(
        """
class Touchy:
    def __getattr__(self, name):
        raise RuntimeError(name)
    def __repr__(self):
        print("repr was called", flush=True)
        return ""
    __str__ = __format__ = __hash__ = __eq__ = __bool__ = __len__ = __repr__
    __class__ = property(lambda self: 1 / 0)
touchy = Touchy()
"""
        + WORKS
    )
    assert program.attach("-p", "script.py").ok().table("work")
    assert program.attach().ok().table("work")
    program.end()
