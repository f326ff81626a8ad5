"""What else the scripts of scripts.py do with decorated functions: one snippet for each thing.

A snippet may use what START of scripts.py defines, and f0, f1, g0, c0 of programs.py. What it
prints for itself begins with OUT, and is the same in every run.
"""

from shapes_meddling import MEDDLING

DECORATING = {
    "class": """
        class Thing:
            size = 3
            @profile
            def method(self, n=1):
                block = mem(n)
                return [len(block)] * self.size
            @staticmethod
            @profile
            def static():
                return mem(2)
            @profile
            @classmethod
            def made(cls):
                return cls()
            @property
            @profile
            def half(self):
                return self.size / 2
        attempt(Thing().method); attempt(Thing.static); attempt(Thing.made)
        print("OUT", Thing().half)
        """,
    "decorated class": """
        @profile
        class Whole:
            def one(self): return mem(1)
            def two(self): return self.one()
        attempt(Whole().two)
        """,
    "machinery": """
        import abc, contextlib, enum, functools
        class Base(abc.ABC):
            __slots__ = ("block", "__dict__", "__weakref__")
            @profile
            def __init_subclass__(cls, **kw):
                print("OUT subclass", cls.__name__, kw)
            @profile
            def __set_name__(self, owner, name):
                print("OUT named", owner.__name__, name)
            @abc.abstractmethod
            @profile
            def must(self):
                return mem(1)
        class Derived(Base, size=1):
            @profile
            def must(self):
                return super().must()
            @functools.cached_property
            @profile
            def cached(self):
                return mem(2)
            part = functools.partialmethod(profile(lambda self, n: mem(n)), 2)
            @profile
            def __eq__(self, other):
                return True
            __hash__ = profile(lambda self: 1)
        class Holder:
            name = Derived()
        class Colour(enum.Enum):
            RED = 1
            @profile
            def shown(self):
                return self.name
        @functools.lru_cache(maxsize=None)
        @profile
        def known(n):
            return mem(n)
        @contextlib.contextmanager
        @profile
        def held(n):
            try:
                yield mem(n)
            finally:
                print("OUT left")
        @functools.singledispatch
        @profile
        def one(value):
            return "any"
        @one.register(int)
        @profile
        def _(value):
            return "int"
        with held(2):
            attempt(known, 1); attempt(known, 1)
        one_thing = Derived()
        attempt(one_thing.must); attempt(Colour.RED.shown)
        print("OUT", len(one_thing.part()))
        print("OUT", len(one_thing.cached), one(1), one(""), known.cache_info())
        print("OUT", len({one_thing, Derived()}))
        """,
    "closures": """
        def make(n):
            @profile
            def closure(m):
                return [n, mem(m)]
            return closure
        for closure in [make(n) for n in range(5)]:
            attempt(closure, 1)
        """,
    "twice": """
        @profile
        @profile
        def twice(n):
            return mem(n)
        again = profile(profile(twice))
        attempt(twice, 1); attempt(again, 1)
        late = profile(profile(lambda n: mem(n)))
        attempt(late, 1)
        """,
    "exec": """
        for n in range(3):
            names = {"profile": profile, "mem": mem}
            exec("@profile\\ndef made():\\n    return mem(1)\\n", names)
            attempt(names["made"])
        """,
    "code replaced": """
        @profile
        def before(n):
            return mem(n)
        before.__code__ = (lambda n: mem(n + 1)).__code__
        attempt(before, 1)
        before.__defaults__, before.note, before.__doc__ = (2,), "kept", "said"
        attempt(before)
        print("OUT", before.note, before.__doc__)
        """,
    "looked at": """
        import inspect, pickle
        print("OUT", inspect.signature(f0), pickle.loads(pickle.dumps(f0)) is f0, f0.__name__,
              f0.__qualname__, f0.__module__, inspect.isfunction(f1),
              inspect.isgeneratorfunction(g0),
              inspect.iscoroutinefunction(c0), inspect.getsource(f1).count("def f1"), callable(f0))
        @profile
        def caller():
            frame, names = sys._getframe(), []
            while frame.f_code.co_name != "<module>":
                names.append(frame.f_code.co_name)
                frame = frame.f_back
            return names
        print("OUT", caller(), through(caller))
        """,
}

LASTING = {
    "left midway": """
        @profile
        def numbers():
            try:
                yield mem(1)
                yield mem(2)
            finally:
                kept.append(mem(1))
        left = [numbers() for _ in range(3)]
        for one in left: next(one)
        """,
    "will not end": """
        @profile
        def stubborn():
            while True:
                try:
                    yield mem(1)
                except GeneratorExit:
                    pass
        one = stubborn()
        next(one)
        del one
        """,
    "cycle": """
        class Node:
            @profile
            def __init__(self):
                self.itself, self.block = self, mem(1)
            @profile
            def __del__(self):
                self.block = None
        for _ in range(3): Node()
        survivor = Node()
        """,
    "bad end": """
        class Bad:
            @profile
            def __del__(self):
                raise ValueError("in the end")
        Bad()
        bad = Bad()
        """,
    "weak": """
        import gc, weakref
        class Seen:
            pass
        @profile
        def gone(*args):
            step()
            print("OUT gone")
        one, two = Seen(), Seen()
        weakref.finalize(one, gone)
        weak = weakref.ref(two, gone)
        one = two = None
        finalized = Seen()
        weakref.finalize(finalized, gone)
        collected = profile(lambda phase, info: None)
        gc.callbacks.append(collected)
        gc.collect()
        """,
    "at exit": """
        import atexit
        @profile
        def late():
            print("OUT late")
            return mem(1)
        atexit.register(late)
        """,
    "raises at exit": """
        import atexit
        @profile
        def bad_end():
            raise ValueError("at exit")
        atexit.register(bad_end)
        """,
    "exit by a thread": """
        @profile
        def after():
            threading.main_thread().join()
            attempt(f1, 1)
            print("OUT after")
        threading.Thread(target=after).start()
        """,
    "daemon": """
        @profile
        def for_ever():
            begun.set()
            while True:
                block = [1] * 1000
        begun = threading.Event()
        threading.Thread(target=for_ever, daemon=True).start()
        begun.wait()
        """,
    "sleeping daemon": """
        @profile
        def asleep():
            begun_too.set()
            threading.Event().wait()
        begun_too = threading.Event()
        threading.Thread(target=asleep, daemon=True).start()
        begun_too.wait()
        """,
}

THREADS_AND_TASKS = {
    "threads": """
        threads = [threading.Thread(target=f0, args=(1,)) for _ in range(3)]
        hook, threading.excepthook = threading.excepthook, lambda args: None
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        threading.excepthook = hook
        """,
    "a thread raises": """
        @profile
        def raises():
            raise KeyError("thread")
        thread = threading.Thread(target=raises, name="raising")
        thread.start()
        thread.join()
        """,
    "passed around": """
        @profile
        def passed():
            for n in range(6):
                yield mem(1)
        shared_one = passed()
        for _ in range(3):
            thread = threading.Thread(target=next, args=(shared_one,))
            thread.start()
            thread.join()
        print("OUT", len(list(shared_one)))
        """,
    "pool": """
        from concurrent.futures import ThreadPoolExecutor
        @profile
        def part(n):
            return len([1] * n)
        with ThreadPoolExecutor(3) as pool:
            print("OUT", sum(pool.map(part, range(40))))
        """,
    "tasks": """
        import asyncio
        @profile
        async def task(n):
            await asyncio.sleep(0)
            return mem(n)
        async def run():
            return await asyncio.gather(*[task(n) for n in range(1, 4)])
        print("OUT", len(asyncio.run(run())))
        """,
    "cancelled": """
        import asyncio
        @profile
        async def waits():
            try:
                await asyncio.Event().wait()
            finally:
                kept.append(1)
        @profile
        async def counts():
            for n in range(3):
                await asyncio.sleep(0)
                yield n
        async def cancels():
            tasks = [asyncio.ensure_future(waits()) for _ in range(3)]
            await asyncio.sleep(0)
            tasks[0].cancel()
            async for n in counts():
                break
            try:
                await asyncio.wait_for(waits(), 0.001)
            except asyncio.TimeoutError:
                print("OUT late")
            return profile(lambda: 5)()
        print("OUT", asyncio.run(cancels()))
        """,
    "never awaited": """
        @profile
        async def forgotten():
            return 1
        forgotten()
        """,
}

PROCESSES = {
    "fork": """
        import os
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            attempt(f1, 1)
            sys.stdout.flush()
            os._exit(7)
        print("OUT child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    "fork to the end": """
        import os
        sys.stdout.flush()
        child = os.fork()
        if child:
            print("OUT child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        else:
            attempt(f0, 1)
        """,
    "fork in a function": """
        import os
        @profile
        def forks(n):
            block = mem(n)
            child = os.fork()
            if child == 0:
                block = mem(n + 1)
            return child
        sys.stdout.flush()
        child = forks(2)
        if child == 0:
            attempt(f1, 1)
            sys.exit(6)
        print("OUT child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    "fork in a thread": """
        import os
        @profile
        def forks_there():
            child = os.fork()
            if child == 0:
                f_there()
                os._exit(9)
            statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        f_there, statuses = profile(lambda: [1] * 1000), []
        thread = threading.Thread(target=forks_there)
        sys.stdout.flush()
        thread.start()
        thread.join()
        print("OUT child", statuses)
        """,
    "multiprocessing": """
        import multiprocessing
        @profile
        def work(n):
            return len(bytearray(n << 12))
        def child_of(method):
            context = multiprocessing.get_context(method)
            child = context.Process(target=work, args=(3,))
            child.start()
            child.join()
            return child.exitcode
        if __name__ == "__main__":
            sys.stdout.flush()
            print("OUT", child_of("fork"))
        """,
    "spawn": """
        import multiprocessing
        @profile
        def spawned(n):
            return len(bytearray(n << 12))
        if __name__ == "__main__":
            for method in ("spawn", "forkserver"):
                sys.stdout.flush()
                child = multiprocessing.get_context(method).Process(target=spawned, args=(3,))
                child.start()
                child.join()
                print("OUT", method, child.exitcode)
        """,
    "subprocess": """
        import subprocess
        @profile
        def starts(*args):
            return subprocess.run([sys.executable, *args]).returncode
        sys.stdout.flush()
        print("OUT", starts("-c", "import sys; print('OUT inside'); sys.exit(4)"))
        print("OUT", starts("nowhere.txt"))
        child = "from memory_profiler import profile\\nassert profile(lambda: 1)() == 1"
        print("OUT", starts("-c", child))
        """,
}

# Which modules are there already differs, so it comes last.
NOTHING_IS_FOUND_BEHIND = {"elsewhere"}

SHAPES = {**DECORATING, **LASTING, **THREADS_AND_TASKS, **PROCESSES, **MEDDLING}
