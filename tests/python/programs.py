"""Hypothesis strategies that write programs: nested code, loops, generators, exceptions, recursion.

A program is a text of functions f0 and f1, a generator g0 and a coroutine c0, all decorated by
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
    return draw(
        st.sampled_from(
            [
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
                [
                    "def inner(n):",
                    "    for i in range(n):",
                    "        block = mem(1)",
                    "        yield block",
                    f"for x in inner({count}):",
                    f"    {name} = x",
                ],
                [
                    "class K:",
                    f"    block = mem({n})",
                    "    size = 1",
                    f"{name} = K.block",
                    "K = None",
                ],
                ["(a, b) = (b, a)"],
                ["x = (x is not a and", "     x is None)"],
            ]
        )
    )


@st.composite
def call(draw, callees, kind):
    """A call of another function, or of itself, one level less deep."""
    callee, name = draw(st.sampled_from(callees)), draw(NAMES)
    if callee == "c0":
        body = draw(
            st.sampled_from(
                [
                    [f"{name} = await c0(d - 1)"],
                    ["try:", f"    {name} = await c0(d - 1)", "finally:", f"    {name} = mem(2)"],
                ]
            )
        )
    elif callee == "g0" and kind == "generator" and draw(st.booleans()):
        body = [f"{name} = yield from g0(d - 1)"]
    elif callee == "g0":
        body = draw(
            st.sampled_from(
                [
                    ["for x in g0(d - 1):", f"    {name} = x"],
                    ["for x in g0(d - 1):", "    break"],
                    [f"{name} = next(g0(d - 1), None)"],
                    [f"{name} = list(g0(d - 1))"],
                ]
            )
        )
    else:
        body = draw(
            st.sampled_from(
                [
                    [f"{name} = {callee}(d - 1)"],
                    [f"{name} = through({callee}, d - 1)"],
                    [
                        "try:",
                        f"    {name} = {callee}(d - 1)",
                        "except ValueError:",
                        f"    {name} = mem(2)",
                    ],
                    [f"{name} = [{callee}(d - 1) for x in range(2)]"],
                ]
            )
        )
    return ["if d > 0:", *indent(body)]


@st.composite
def leave(draw, kind, in_loop):
    """A way out: return, raise, break, continue, or a yield."""
    condition = draw(st.sampled_from(["d == 1", "d == 0", "len(kept) > 1", "a is None"]))
    ways = ["raise ValueError(1)", "return a"]
    if in_loop:
        ways += ["break", "continue"]
    return [f"if {condition}:", "    " + draw(st.sampled_from(ways))]


@st.composite
def block(draw, callees, kind, in_loop, level):
    kinds = ["simple", "simple", "simple", "call", "leave"]
    if kind != "function":
        kinds += [kind, kind]
    if level > 0:
        kinds += ["for", "while", "try", "finally", "if", "with"]
    lines = []
    for what in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4)):

        def inner(in_loop=in_loop):
            return indent(draw(block(callees, kind, in_loop, level - 1)))

        i = f"i{level}"
        if what == "simple":
            lines += draw(simple())
        elif what == "call" and callees:
            lines += draw(call(callees, kind))
        elif what == "leave":
            lines += draw(leave(kind, in_loop))
        elif what == "generator":
            lines += draw(st.sampled_from([["yield a"], ["x = yield"], ["yield mem(2)"]]))
        elif what == "coroutine":
            lines += draw(
                st.sampled_from(
                    [
                        ["await pause()"],
                        ["x = await pause()"],
                        ["a = [await pause(), mem(2)]"],
                        ["async with AsyncManager():", "    b = mem(1)", "    await pause()"],
                        ["async for x in ticks(2):", "    b = mem(2)"],
                        ["b = [mem(1) async for x in ticks(2)]"],
                    ]
                )
            )
        elif what == "for":
            lines += [f"for {i} in range({draw(COUNTS)}):", *inner(True)]
            if draw(st.booleans()):
                lines += ["else:", *inner()]
        elif what == "while":
            lines += [f"{i} = {draw(COUNTS)}", f"while {i}:", f"    {i} -= 1", *inner(True)]
        elif what == "try":
            lines += ["try:", *inner(), "except ValueError as error:", "    error = None", *inner()]
        elif what == "finally":
            lines += ["try:", *inner(), "finally:", *indent(draw(simple()))]
        elif what == "if":
            lines += ["if len(kept) % 2:", *inner(), "else:", *inner()]
        elif what == "with":
            lines += ["with Manager():", *inner()]
    return lines or ["pass"]


@st.composite
def function(draw, name, callees, kind="function"):
    body = ["step()", "a = b = c = x = None"]
    body += {"function": [], "generator": ["yield a"], "coroutine": ["await pause()"]}[kind]
    body += draw(block(callees, kind, False, 2))
    start = "async def" if kind == "coroutine" else "def"
    return ["@profile", f"{start} {name}(d):", *indent(body)]


@st.composite
def sources(draw, coroutines=False):
    lines = draw(function("f0", ["f0", "f1", "g0"]))
    lines += draw(function("f1", ["f0", "f1"]))
    lines += draw(function("g0", ["f0", "g0"], "generator"))
    if coroutines:
        lines += draw(function("c0", ["f0", "g0", "c0"], "coroutine"))
    return "\n".join(lines) + "\n"


CALLS = st.lists(
    st.tuples(st.sampled_from(["f0", "f1", "g0"]), st.integers(0, 2)), min_size=1, max_size=3
)
# Instances 0 to 2 are of the generator, 3 to 5 of the coroutine.
SCHEDULES = st.lists(
    st.tuples(
        st.integers(0, 5), st.sampled_from(["next", "next", "next", "throw", "close", "drop"])
    ),
    min_size=3,
    max_size=16,
)


@st.composite
def cases(draw):
    return {"source": draw(sources()), "calls": draw(CALLS)}


@st.composite
def interleaved(draw):
    return {"source": draw(sources(coroutines=True)), "schedule": draw(SCHEDULES)}


@st.composite
def threaded(draw):
    return {"source": draw(sources()), "threads": draw(st.lists(CALLS, min_size=2, max_size=4))}
