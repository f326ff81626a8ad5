"""Profiles for tests of charts, and ways to look at what is drawn."""

import math
import os
import pathlib
import re
import shutil

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "plot"
START = 1700000000.0
NEED_GNUPLOT = None if shutil.which("gnuplot") else "no gnuplot here"

# Pictures say dates in local time, and nothing of the machine's may decide what they are.
ENVIRONMENT = {
    **{
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "COLUMNS", "LINES", "NO_COLOR", "COLORTERM")
    },
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}


def moment(seconds):
    return f"{START + seconds:.4f}"


def run_line(words="rss", pid=4000):
    return f"RUN {pid} 0.100000 {words} {moment(0)}\n"


def mem(samples):
    return "".join(f"MEM {memory:.6f} {moment(time)}\n" for time, memory in samples)


def chld(pid, samples):
    return "".join(f"CHLD {pid} {memory:.6f} {moment(time)}\n" for time, memory in samples)


def func(name, begin, end, level=0, memory=(20, 30)):
    return f"FUNC {name} {memory[0]:.4f} {moment(begin)} {memory[1]:.4f} {moment(end)} {level}\n"


def wave(count=40, seconds=10.0, height=100.0, begin=0.0):
    return [
        (begin + seconds * i / (count - 1), height * (0.6 - 0.4 * math.cos(i / 6)))
        for i in range(count)
    ]


COMMAND = "CMDLINE python train.py --folds 3\n"
CALLS = (
    func("app.main", 0.5, 9.5)
    + func("app.load", 1, 3, 1)
    + func("app.parse", 1.2, 1.9, 2)
    + func(".create index", 3.5, 6, 1)
    + func("app.fit", 6.5, 9, 1)
)
CHILDREN = "".join(chld(4001 + i, wave(20, 5, 20 + 10 * i, 1 + i / 4)) for i in range(8))

# What each golden script shows: the profile, and the options it is drawn with.
SCENES = {
    "default": (COMMAND + mem(wave()), []),
    "functions": (COMMAND + mem(wave()) + CALLS, []),
    "flame": (COMMAND + mem(wave()) + CALLS, ["-f"]),
    "slope": (COMMAND + mem([(i, 20 + 3 * i) for i in range(20)]), ["-s"]),
    "window": (COMMAND + mem(wave()) + CALLS, ["-w", "2,7"]),
    "no_functions": (COMMAND + mem(wave()) + CALLS, ["-n", "-t", "a title of one's own"]),
    "children": (COMMAND + mem(wave()) + CHILDREN, []),
    "blocks": (
        COMMAND
        + mem(wave())
        + "".join(func(f".block {i}", i, i + 0.8 + i % 3, i % 2) for i in range(8)),
        [],
    ),
    "peak": (COMMAND + run_line() + mem(wave()) + f"PEAK 4000 180.5 {moment(6.03)}\n", []),
    "spikes": (
        COMMAND
        + run_line()
        + mem(wave())
        + "".join(
            f"SPIKE 4000 {memory + (90 if i == 20 else 1):.6f} {moment(time)}\n"
            for i, (time, memory) in enumerate(wave())
        ),
        [],
    ),
    "parts": (
        COMMAND
        + run_line()
        + "".join(
            f"MEM {memory:.6f} {moment(time)}\n"
            f"#PARTS/{int(memory * 0.7 * 2**20)}/{int(memory * 0.2 * 2**20)}"
            f"/{int(memory * 0.1 * 2**20)}/{i << 18} {memory:.6f} {moment(time)}\n"
            for i, (time, memory) in enumerate(wave())
        )
        + f"#LIMIT/cgroup/{160 << 20} 20.0 {moment(0)}\n"
        + f"#LIMIT/address/{1 << 40} 20.0 {moment(0)}\n",
        [],
    ),
    "open": (COMMAND + mem(wave()) + CALLS + f"BEGIN app.guilty 60.0000 {moment(9.6)} 0\n", []),
    "dense": (
        COMMAND + mem([(i / 100, 50 + i % 7 + (60 if i == 1500 else 0)) for i in range(4000)]),
        ["--size", "300x200"],
    ),
    "one_sample": (COMMAND + mem([(0, 12.5)]), []),
    "deep": (mem(wave()) + "".join(func("m.f", i / 10, 9 - i / 10, i) for i in range(20)), []),
}


def write_scene(folder, name):
    """The scene's profile in the folder; returns (its name, the options)."""
    text, options = SCENES[name]
    (folder / "scene.dat").write_text(text)
    return "scene.dat", options


def limited(mebibytes):
    """What a process does before it becomes a program: it limits its address space."""
    import resource

    limit = mebibytes << 20
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def texts_of_svg(svg):
    """The texts of a picture, in order."""
    import xml.etree.ElementTree

    root = xml.etree.ElementTree.fromstring(svg)
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def quoted(script):
    """All quoted literals of a script that are texts."""
    return re.findall(r'set label ("[^"]*")', script)
