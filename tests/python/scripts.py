"""Hypothesis strategies that write whole scripts, as somebody would run them, on top of programs.py.

What a script prints for itself begins with OUT.
"""
from hypothesis import strategies as st

import programs

GC = st.sampled_from(["", "", "import gc; gc.disable()", "import gc; gc.freeze()",
                      "import gc; gc.collect(); gc.disable()", "import gc; gc.set_threshold(1)"])

START = '''
import sys, threading

class Stop(BaseException):
    pass

steps, kept = 0, []

def step():
    global steps
    steps += 1
    if steps > 150:
        raise Stop

def mem(n):
    step()
    return bytearray(n << 12)

def through(f, *args):
    return f(*args)

class Manager:
    def __enter__(self):
        return mem(1)
    def __exit__(self, *exc):
        return False

class Pause:
    def __await__(self):
        yield

async def pause():
    await Pause()

async def ticks(n):
    for i in range(n):
        await Pause()
        yield i

class AsyncManager:
    async def __aenter__(self):
        await Pause()
    async def __aexit__(self, *exc):
        await Pause()

def attempt(call, *args):
    try:
        result = call(*args)
        if hasattr(result, "__next__"):
            result = [len(x) if isinstance(x, bytearray) else x is None for x in result]
        elif hasattr(result, "send"):
            try:
                while True:
                    result.send(None)
            except StopIteration:
                result = "finished"
        print("OUT", call.__name__, type(result).__name__)
    except (ValueError, Stop, RuntimeError) as error:
        print("OUT", call.__name__, repr(error))
'''

SHAPES = {
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
    "closures": """
        def make(n):
            @profile
            def closure(m):
                return [n, mem(m)]
            return closure
        for closure in [make(n) for n in range(5)]:
            attempt(closure, 1)
        """,
    "threads": """
        threads = [threading.Thread(target=f0, args=(1,)) for _ in range(3)]
        hook, threading.excepthook = threading.excepthook, lambda args: None
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        threading.excepthook = hook
        """,
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
    "at exit": """
        import atexit
        @profile
        def late():
            print("OUT late")
            return mem(1)
        atexit.register(late)
        """,
    "exec": """
        for n in range(3):
            names = {"profile": profile, "mem": mem}
            exec("@profile\\ndef made():\\n    return mem(1)\\n", names)
            attempt(names["made"])
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
    "tracer": """
        def tracer(frame, event, arg):
            return tracer
        sys.settrace(tracer)
        attempt(f1, 1)
        sys.settrace(None)
        """,
    "deep": """
        @profile
        def deep(n):
            return 0 if n == 0 else 1 + deep(n - 1)
        print("OUT", deep(150))
        try:
            deep(10 ** 6)
        except RecursionError:
            print("OUT too deep")
        """,
}

ENDINGS = st.sampled_from([
    "", "", "", "raise ValueError('the end')", "sys.exit(3)", "sys.exit('said')", "1 / 0",
    "import os; sys.stdout.flush(); os._exit(5)", "raise KeyboardInterrupt", "raise Stop",
    "f0 = f1 = g0 = None", "import gc; gc.collect()", "sys.stderr.write('last words\\n')",
])

OPTIONS = st.lists(st.sampled_from([
    ["--all"], ["-p", "__main__"], ["--functions"], ["--peak"], ["--line-time"], ["--exact"],
    ["--json", "run.json"], ["--include-children"], ["--multiprocess"], ["-v"], ["--precision", "6"],
    ["--pstats", "calls"],
]), max_size=3, unique_by=tuple).map(lambda chosen: [word for words in chosen for word in words])


@st.composite
def scripts(draw):
    """{source, options}: the source leaves ``profile`` to be had from somewhere."""
    from textwrap import dedent

    source = [draw(GC), START, draw(programs.sources(coroutines=True))]
    for name, depth in draw(programs.CALLS):
        source.append(f"attempt({name}, {depth})")
    source.append("attempt(c0, 1)")
    shapes = draw(st.lists(st.sampled_from(sorted(SHAPES)), max_size=3, unique=True))
    source += [dedent(SHAPES[shape]) for shape in shapes]
    source.append("print('OUT', steps)")
    source.append(draw(ENDINGS))
    options = draw(OPTIONS)
    if "--peak" in options and "--include-children" in options:
        options.remove("--peak")  # these two cannot go together
    return {"source": "\n".join(source) + "\n", "options": options}
