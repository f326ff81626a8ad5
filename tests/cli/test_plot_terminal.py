"""mprof plot in a terminal: what fits into which window, and in which colours."""

import os
import pty
import re
import subprocess

import pytest

from plots import CALLS, CHILDREN, COMMAND, ENVIRONMENT, chld, func, mem, moment, wave, write_scene


@pytest.fixture
def plot(mprof, tmp_path):
    def plot(*arguments, **environment):
        result = mprof("plot", *arguments, env={**ENVIRONMENT, **environment})
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout

    return plot


def in_terminal(mprof, *arguments, columns=80, rows=30, **environment):
    """What mprof writes to a terminal of that size."""
    import fcntl
    import struct
    import termios

    control, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [mprof.binary, "plot", *arguments],
        cwd=mprof.folder,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**ENVIRONMENT, "TERM": "xterm", **environment},
    )
    os.close(terminal)
    text = b""
    while True:
        try:
            part = os.read(control, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(control)
    assert process.wait(timeout=20) == 0, text
    return text.decode().replace("\r\n", "\n")


PAINT = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_nothing_is_wider_than_the_terminal(mprof, tmp_path, columns):
    import unicodedata

    for scene in ("functions", "children", "open", "dense", "one_sample", "deep"):
        name, options = write_scene(tmp_path, scene)
        options = [option for option in options if scene != "dense"]
        text = PAINT.sub("", in_terminal(mprof, name, *options, columns=columns))
        for line in text.splitlines():
            width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
            assert width <= columns, line


def test_colours_of_the_terminal(mprof, tmp_path):
    name, _ = write_scene(tmp_path, "functions")
    assert re.search(r"\x1b\[3[1-7]m", in_terminal(mprof, name))
    assert "\x1b[38;5;" in in_terminal(mprof, name, TERM="xterm-256color")
    assert "\x1b[38;2;" in in_terminal(mprof, name, COLORTERM="truecolor")
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in in_terminal(mprof, name, **environment)


def test_a_terminal_without_utf8(mprof, tmp_path):
    (tmp_path / "x.dat").write_text("CMDLINE caf\u00e9 \u6f22\n" + mem(wave()), encoding="utf-8")
    text = in_terminal(mprof, "x.dat", LC_ALL="C", NO_COLOR="1")
    assert text.isascii()
    assert "caf? ?" in text and "#" in text


def test_the_curve_of_the_terminal(plot, tmp_path):
    """Blocks are as high as the samples say: a step from a quarter to all of the peak."""
    (tmp_path / "x.dat").write_text(mem([(i, 25 if i < 50 else 100) for i in range(100)]))
    plot("x.dat", "-o", "x.txt", "--size", "61x27")
    rows = [
        line.split("┤")[-1].split("│")[-1]
        for line in (tmp_path / "x.txt").read_text().splitlines()
        if "┤" in line or "│" in line
    ]
    assert len(rows) == 20
    left, right = ["".join(row[column] for row in rows) for column in (2, 45)]
    assert left.count("█") == 5 and left.strip() == "█" * 5
    assert right.count("█") == 20
    assert moment(0) not in left


# ---- what fits

SCENE = COMMAND + mem(wave(200)) + CHILDREN + CALLS
WINDOWS = [(80, 24), (40, 12), (200, 50), (60, 9), (100, 30)]
TINY = [(80, 8), (30, 6), (20, 5)]


def columns_of(line):
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def in_window(plot, columns, rows, *arguments):
    text = plot("x.dat", *arguments, COLUMNS=str(columns), LINES=str(rows))
    lines = text.splitlines()
    assert all(columns_of(line) <= columns for line in lines)
    return lines


@pytest.mark.parametrize("columns, rows", WINDOWS + TINY)
@pytest.mark.parametrize(
    "name", ["functions", "children", "open", "slope", "deep", "blocks", "all"]
)
def test_nothing_is_higher_than_the_window(plot, tmp_path, columns, rows, name):
    """Title, peak, curve, bars and children; the last row is the prompt's."""
    deep = "".join(func(f"m.f{i}", i / 10, 9 - i / 10, i) for i in range(12))
    options = write_scene(tmp_path, name)[1] if name != "all" else ["-s"]
    text = (tmp_path / "scene.dat").read_text() if name != "all" else SCENE + deep
    (tmp_path / "x.dat").write_text(text)
    lines = in_window(plot, columns, rows, *options)
    assert len(lines) <= rows - 1
    assert rows < 9 or any("peak 1" in line or "peak 7" in line for line in lines)
    curve = [line for line in lines if "\u2524" in line or "\u2502" in line]
    assert len(curve) >= min(rows - 4, max(3, rows // 3 - 4))
    assert any("\u2514" in line for line in lines)


def test_in_the_usual_window_all_of_a_run_is_there(plot, tmp_path):
    (tmp_path / "x.dat").write_text(SCENE)
    text = "\n".join(in_window(plot, 80, 24))
    for word in ("python train.py --folds 3", "peak 100 MiB", "[main", "[load", "[fit"):
        assert word in text
    for pid, peak in ((4008, 90), (4006, 70), (4003, 40)):
        assert f"child {pid}   {peak}.0 MiB" in text
    assert "2 more children   up to 30.0 MiB" in text


def test_what_has_no_room_is_counted(plot, tmp_path):
    (tmp_path / "x.dat").write_text(SCENE)
    lines = in_window(plot, 40, 12)
    assert lines[-1] == "8 children   up to 90.0 MiB"
    assert lines[-2].startswith(" +2 more  [main")
    lines = in_window(plot, 80, 19)
    shown = [line for line in lines if line.lstrip().startswith("child ")]
    assert 0 < len(shown) < 6
    assert lines[-1].startswith(f"{8 - len(shown)} more children   up to ")


def test_in_a_file_nothing_has_to_fit(plot, tmp_path):
    deep = "".join(func(f"m.f{i}", i / 10, 9 - i / 10, i) for i in range(12))
    (tmp_path / "x.dat").write_text(SCENE + deep)
    plot("x.dat", "-o", "x.txt")
    text = (tmp_path / "x.txt").read_text()
    assert " more  [" not in text and text.count("child 400") == 6
    assert sum(line.startswith("          ") and "[" in line for line in text.splitlines()) == 12
    assert plot("x.dat") == text


def test_a_child_has_one_row(plot, tmp_path):
    """Its legend stands where its curve leaves room: before it, behind it, else in a row above."""
    early, late = wave(20, 2, 30), wave(20, 2, 40, 7)
    (tmp_path / "x.dat").write_text(
        COMMAND
        + mem(wave(200))
        + chld(5001, early)
        + chld(5002, late)
        + chld(5003, wave(90, 10, 9))
    )
    lines = in_window(plot, 80, 24)
    at = next(i for i, line in enumerate(lines) if line.startswith("child 5002"))
    assert re.fullmatch(r"child 5002   40\.0 MiB +[\u2581-\u2588 ]+", lines[at])
    assert re.fullmatch(r" +[\u2581-\u2588]+ child 5001   30\.0 MiB", lines[at + 1])
    assert lines[at + 2] == "child 5003   9.00 MiB"
    assert re.fullmatch(r" +[\u2581-\u2588]+", lines[at + 3])


@pytest.mark.parametrize("peak", [3, 12.5, 99, 187, 1030, 1900, 40000])
@pytest.mark.parametrize("columns, rows", WINDOWS)
def test_ticks_are_round(plot, tmp_path, peak, columns, rows):
    """Each label of memory is a multiple of 1, 2 or 5 times a power of ten, and far rows are used."""
    (tmp_path / "x.dat").write_text(COMMAND + mem(wave(100, 61.7, peak)))
    lines = in_window(plot, columns, rows)
    curve = [line for line in lines if "\u2524" in line or "\u2502" in line]
    labels = [float(line.split("\u2524")[0]) for line in curve if "\u2524" in line]
    step = labels[-1]
    assert f"{step:e}"[0] in "125" and float(f"{step:.0e}") == step
    for i, label in enumerate(reversed(labels)):
        assert label == pytest.approx(step * (i + 1))
    places = [i for i, line in enumerate(reversed(curve)) if "\u2524" in line]
    assert all((place + 1) % (places[0] + 1) == 0 for place in places)
    unit = 1024 if peak >= 1536 else 1
    most = step * unit * len(curve) / (places[0] + 1)
    assert most - step * unit / (places[0] + 1) < peak <= most * (1 + 1e-6)


def ticks_of(lines):
    """[(column of the tick, its label, from which column on)] of the scale of time."""
    at = next(i for i, line in enumerate(lines) if "\u2514" in line)
    marks = [i for i, c in enumerate(lines[at]) if c == "\u252c"]
    labels = [(m[0], m.start()) for m in re.finditer(r"\S+(?: (?:s|min|h)\b)?", lines[at + 1])]
    assert len(marks) == len(labels)
    return [(mark, *label) for mark, label in zip(marks, labels)]


@pytest.mark.parametrize(
    "seconds, unit, round_steps",
    [
        (61.7, "s", {10.0, 20.0, 5.0}),
        (300, "min", {30.0, 60.0, 120.0}),
        (20000, "h", {1800.0, 3600.0, 7200.0, 1200.0}),
    ],
)
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_scale_of_time(plot, tmp_path, seconds, unit, round_steps, columns):
    (tmp_path / "x.dat").write_text(COMMAND + mem(wave(100, seconds)))
    ticks = ticks_of(in_window(plot, columns, 24))
    assert len(ticks) >= 3
    assert ticks[0][1].endswith(f" {unit}") and ticks[0][1][0] == "0"
    for mark, label, begin in ticks[1:]:
        assert begin <= mark <= begin + len(label)

    def value(label):
        parts = [float(part) for part in label.split()[0].split(":")]
        return parts[0] if len(parts) == 1 else parts[0] * 60 + parts[1]

    values = [value(label) * (60 if unit == "h" else 1) for _, label, _ in ticks]
    steps = {round(b - a, 6) for a, b in zip(values, values[1:])}
    assert len(steps) == 1 and (steps & round_steps or columns == 200)


def test_bars_show_words_or_nothing(plot, tmp_path, mprof):
    """Of a name that is cut stand three letters at the least; bars of one name are told apart."""
    calls = "".join(func("m.create_index", i, i + 0.3 + i / 14, 0) for i in range(9))
    (tmp_path / "x.dat").write_text(COMMAND + mem(wave(200)) + calls)
    (row,) = [line for line in in_window(plot, 80, 24) if "[" in line]
    assert "\u2026" in row and "[\u2500" in row
    assert all(len(cut) >= 3 for cut in re.findall(r"(\w*)\u2026", row))
    calls = "".join(func("m.fold", i, i + 1, 0) for i in range(9))
    (tmp_path / "x.dat").write_text(COMMAND + mem(wave(200)) + calls)
    row = in_terminal(mprof, "x.dat", COLORTERM="truecolor").splitlines()
    assert any(line.count("\u258ffold") == 8 for line in row)


def test_several_profiles_fit_as_well(plot, tmp_path):
    names = [f"p{i}.dat" for i in range(6)]
    for name in names:
        (tmp_path / name).write_text(COMMAND + mem(wave(100)))
    lines = plot(*names, COLUMNS="80", LINES="24").splitlines()
    assert len(lines) <= 23
    assert all(f"{name}   100 MiB" in lines for name in names)
    lines = plot(*names[:2], COLUMNS="80", LINES="24").splitlines()
    assert len(lines) <= 23 and sum("peak 100 MiB" in line for line in lines) == 2


# ---- layers and limits


def test_layers_and_limits(plot, tmp_path):
    name, _ = write_scene(tmp_path, "parts")
    lines = plot("--backend", "block", name, COLUMNS="100").splitlines()
    (limit,) = [line for line in lines if line.startswith("╌ ")]
    assert limit == "╌ cgroup limit 160 MiB"  # RLIMIT_AS, far away, has none
    dashes = [line for line in lines if "╌╌" in line]
    assert len(dashes) == 1 and "█" not in dashes[0]
    assert lines[-1] == (
        "at the end:  █ anonymous 14.7 MiB  █ file 4.19 MiB  █ shared 2.09 MiB  █ swap 9.75 MiB"
    )


@pytest.mark.parametrize("columns", ["20", "40", "60"])
def test_layers_in_narrow_windows(plot, tmp_path, columns):
    name, _ = write_scene(tmp_path, "parts")
    text = plot("--backend", "block", name, COLUMNS=columns, LC_ALL="C")
    assert all(len(line) <= int(columns) for line in text.splitlines())
    behind = text[text.index("at the end:") :]
    assert [word for word in re.findall(r"[a-z]{4,}", behind)] == [
        *("anonymous", "file", "shared", "swap")
    ]
    assert "- cgroup limit 16" in text


def test_a_small_window_drops_them_before_the_curve(mprof, tmp_path):
    name, _ = write_scene(tmp_path, "parts")
    for rows in range(6, 24):
        lines = in_terminal(mprof, name, rows=rows).splitlines()
        assert len(lines) < rows
