"""Hypothesis strategies that write programs: nested code, loops, generators, exceptions, recursion.

A program is a text of functions f0 and f1 (f1 calls f0) and a generator g0, all decorated by
@profile. Blocks come from mem(n), n half MiBs; step() ends a program that would run too long.
"""
from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c"])
SIZES = st.integers(1, 6)
COUNTS = st.integers(0, 3)


def indent(lines):
    return ["    " + line for line in lines]


@st.composite
def simple(draw):
    name, n, count = draw(NAMES), draw(SIZES), draw(COUNTS)
    return draw(st.sampled_from([
        [f"{name} = mem({n})"],
        [f"{name} = mem({n})"],
        [f"{name} = None"],
        [f"{name} = [{name}, mem({n})]"],
        ["x = 1"],
        ["pass"],
        [f"kept.append(mem({n}))"],
        ["kept.clear()"],
        [f"x = mem({n}); x = None"],
        [f"for x in range({count}): {name} = mem(2)"],
        [f"{name} = [mem(1) for x in range({count})]"],
        [f"{name} = [mem(1)", "     for x in range(3)", f"     if x != {count}]"],
        [f"{name} = {{x: mem(1) for x in range({count})}}"],
        [f"x = sum(len(mem(1)) for x in range({count}))"],
        [f"{name} = (lambda n: mem(n))({n})"],
        [f"{name} = through(lambda:", f"    mem({n}))"],
        [f"{name} = mem({n}) if {count} > 1 else \\", "    mem(1)"],
        ["with Manager() as m:", f"    {name} = mem({n})", "    m = None"],
        ["def inner(n):", "    block = mem(n)", "    return block", f"{name} = inner({n})"],
        ["def inner(n):", "    for i in range(n):", "        block = mem(1)", "        yield block",
         f"for x in inner({count}):", f"    {name} = x"],
        ["class K:", f"    block = mem({n})", "    size = 1", f"{name} = K.block", "K = None"],
        ["(a, b) = (b, a)"],
        ["x = (x is not a and", "     x is None)"],
    ]))


@st.composite
def call(draw, callees):
    """A call of another function, or of itself, one level less deep."""
    callee, name = draw(st.sampled_from(callees)), draw(NAMES)
    if callee == "g0":
        body = draw(st.sampled_from([
            ["for x in g0(d - 1):", f"    {name} = x"],
            ["for x in g0(d - 1):", "    break"],
            [f"{name} = next(g0(d - 1), None)"],
            [f"{name} = list(g0(d - 1))"],
        ]))
    else:
        body = draw(st.sampled_from([
            [f"{name} = {callee}(d - 1)"],
            [f"{name} = through({callee}, d - 1)"],
            ["try:", f"    {name} = {callee}(d - 1)", "except ValueError:", f"    {name} = mem(2)"],
            [f"{name} = [{callee}(d - 1) for x in range(2)]"],
        ]))
    return ["if d > 0:", *indent(body)]


@st.composite
def leave(draw, generator, in_loop):
    """A way out: return, raise, break, continue, or a yield."""
    condition = draw(st.sampled_from(["d == 1", "d == 0", "len(kept) > 1", "a is None"]))
    ways = ["raise ValueError(1)", "return a" if not generator else "return"]
    if in_loop:
        ways += ["break", "continue"]
    return [f"if {condition}:", "    " + draw(st.sampled_from(ways))]


@st.composite
def block(draw, callees, generator, in_loop, level):
    kinds = ["simple", "simple", "simple", "call", "leave"]
    if generator:
        kinds += ["yield", "yield"]
    if level > 0:
        kinds += ["for", "while", "try", "finally", "if", "with"]
    lines = []
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4)):
        def inner(in_loop=in_loop):
            return indent(draw(block(callees, generator, in_loop, level - 1)))

        i = f"i{level}"
        if kind == "simple":
            lines += draw(simple())
        elif kind == "call" and callees:
            lines += draw(call(callees))
        elif kind == "leave":
            lines += draw(leave(generator, in_loop))
        elif kind == "yield":
            lines += draw(st.sampled_from([["yield a"], ["x = yield"], ["yield mem(2)"]]))
        elif kind == "for":
            lines += [f"for {i} in range({draw(COUNTS)}):", *inner(True)]
            if draw(st.booleans()):
                lines += ["else:", *inner()]
        elif kind == "while":
            lines += [f"{i} = {draw(COUNTS)}", f"while {i}:", f"    {i} -= 1", *inner(True)]
        elif kind == "try":
            lines += ["try:", *inner(), "except ValueError as error:", "    error = None", *inner()]
        elif kind == "finally":
            lines += ["try:", *inner(), "finally:", *indent(draw(simple()))]
        elif kind == "if":
            lines += ["if len(kept) % 2:", *inner(), "else:", *inner()]
        elif kind == "with":
            lines += ["with Manager():", *inner()]
    return lines or ["pass"]


@st.composite
def function(draw, name, callees, generator=False):
    body = ["step()", "a = b = c = x = None"]
    if generator:
        body += ["yield a"]
    body += draw(block(callees, generator, False, 2))
    return ["@profile", f"def {name}(d):", *indent(body)]


@st.composite
def sources(draw):
    lines = draw(function("f0", ["f0", "f1", "g0"]))
    lines += draw(function("f1", ["f0", "f1"]))
    lines += draw(function("g0", ["f0", "g0"], generator=True))
    return "\n".join(lines) + "\n"


CALLS = st.lists(st.tuples(st.sampled_from(["f0", "f1", "g0"]), st.integers(0, 2)),
                 min_size=1, max_size=3)
SCHEDULES = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["next", "next", "next", "throw",
                                                                   "close", "drop"])),
                     min_size=3, max_size=12)


@st.composite
def cases(draw):
    return {"source": draw(sources()), "calls": draw(CALLS)}


@st.composite
def interleaved(draw):
    return {"source": draw(sources()), "schedule": draw(SCHEDULES)}


@st.composite
def threaded(draw):
    return {"source": draw(sources()), "threads": draw(st.lists(CALLS, min_size=2, max_size=4))}
