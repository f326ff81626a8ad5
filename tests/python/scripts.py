"""Hypothesis strategies that write whole scripts, as somebody would run them, from programs.py.

What a script prints for itself begins with OUT.
"""

import inspect
import sys
import textwrap

import law_worker
import programs
import shapes
from hypothesis import strategies as st

# 3.12 itself hangs or crashes at its end where a collection is due at each allocation.
OFTEN = f"import gc; gc.set_threshold({5 if sys.version_info[:2] == (3, 12) else 1})"
GC = st.sampled_from(
    [
        "",
        "",
        "import gc; gc.disable()",
        "import gc; gc.freeze()",
        "import gc; gc.collect(); gc.disable()",
        "import gc; gc.set_threshold(100)",
        OFTEN,
    ]
)

# Those of law_worker.py: what its programs await, a script's programs await.
AWAITABLES = "\n\n".join(
    map(
        inspect.getsource,
        (law_worker.Pause, law_worker.pause, law_worker.ticks, law_worker.AsyncManager),
    )
)
KEPT = inspect.getsource(law_worker.Kept)

START = (
    """
import functools, linecache, sys, threading, tokenize, warnings  # a warning shows its line

# Said of a thread that has just been joined, if the kernel still has it when the program forks.
warnings.filterwarnings("ignore", ".* is multi-threaded, use of fork", DeprecationWarning)

# A child that ends without flushing loses what it printed, unless a table of ours came behind it.
print = functools.partial(print, flush=True)

class Stop(BaseException):
    pass

"""
    + KEPT
    + """
class Steps(threading.local):
    done = 0

kept, steps = Kept(), Steps()

def step():
    steps.done += 1
    if steps.done > 150:
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

"""
    + AWAITABLES
    + """
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
"""
)

ENDINGS = st.sampled_from(
    [
        "",
        "",
        "",
        "raise ValueError('the end')",
        "sys.exit(3)",
        "sys.exit('said')",
        "1 / 0",
        "sys.exit(-1)",
        "sys.exit((1, 2))",
        "raise SystemExit(259)",
        "raise SystemExit",
        "import os; sys.stdout.flush(); os._exit(5)",
        "raise KeyboardInterrupt",
        "raise Stop",
        "f0 = f1 = g0 = None",
        "import gc; gc.collect()",
        "sys.stderr.write('last words\\n')",
        "import os; sys.stdout.flush(); os.kill(os.getpid(), 15)",
        "import os; sys.stdout.flush(); os.kill(os.getpid(), 9)",
        "exec('x = = 1')",
        "raise ValueError('after') from KeyError('before')",
        "assert profile(lambda: 0)(), 'nothing'",
        "import os; os.remove(sys.modules['__main__'].__file__)",
        "import os; sys.stdout.flush(); "
        "os.execv(sys.executable, [sys.executable, '-c', 'print(\"OUT again\")'])",
    ]
)

OPTIONS = st.lists(
    st.sampled_from(
        [
            ["--all"],
            ["-p", "__main__"],
            ["--functions"],
            ["--peak"],
            ["--line-time"],
            ["--exact"],
            ["--json", "run.json"],
            ["--json", "run.json"],
            ["--include-children"],
            ["--multiprocess"],
            ["-v"],
            ["--precision", "6"],
            ["--pstats", "calls"],
            ["-o", "tables"],
            ["--backend", "tracemalloc"],
            ["--backend", "pss"],
        ]
    ),
    max_size=4,
    unique_by=lambda words: words[0],
)
# What the interpreter itself is told: the developer's mode shows what is left open or unclosed.
FLAGS = st.sampled_from([[], [], [], ["-X", "dev"], ["-O"], ["-u"], ["-W", "error"]])


@st.composite
def scripts(draw):
    """{source, options, flags}: the source leaves ``profile`` to be had from somewhere."""
    source = [draw(GC), START, draw(programs.sources(coroutines=True))]
    for name, depth in draw(programs.CALLS):
        source.append(f"attempt({name}, {depth})")
    source.append("attempt(c0, 1)")
    chosen = draw(st.lists(st.sampled_from(sorted(shapes.SHAPES)), max_size=4, unique=True))
    if "daemon" in chosen:  # a fork beside a running thread may hang with every Python
        chosen = [shape for shape in chosen if shape not in shapes.PROCESSES]
    chosen.sort(key=lambda shape: shape in shapes.NOTHING_IS_FOUND_BEHIND)
    source += [textwrap.dedent(shapes.SHAPES[shape]) for shape in chosen]
    # Steps that finalizers take come sooner or later where collections are frequent.
    source.append("print('OUT')" if OFTEN in source else "print('OUT', steps.done)")
    source.append(draw(ENDINGS))
    options = draw(OPTIONS)
    if ["--include-children"] in options or any(words[0] == "--backend" for words in options):
        options = [words for words in options if words != ["--peak"]]  # it is of the rss alone
    if "never awaited" in chosen:  # its warning says what tracemalloc knows
        options = [words for words in options if words != ["--backend", "tracemalloc"]]
    return {
        "source": "\n".join(source) + "\n",
        "flags": draw(FLAGS),
        "options": [word for words in options for word in words],
    }
