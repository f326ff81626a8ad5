"""Several runs in one file: between them nothing was measured, and nothing is drawn."""

import json
import re

import pytest

from plots import ENVIRONMENT, chld, limited, mem, moment

FIRST = [(i / 10, 50 + i % 3) for i in range(20)]
SECOND = [(600 + i / 10, 80 + i % 3) for i in range(20)]


def runs(*samples, keyword="CMDLINE", child=False):
    """Each with its heads, as `mprof run` and memory_profiler write them."""
    text = ""
    for number, points in enumerate(samples):
        text += f"CMDLINE python part{number}.py\n"
        if keyword == "RUN":
            text += f"#RUN/{4000 + number}/rss/each/0.1 1.0 {moment(points[0][0])}\n"
        text += mem(points)
        if child:
            text += chld(5000 + number, points[3:9])
    return text


@pytest.fixture
def plot(mprof):
    def plot(text, name, *options):
        (mprof.folder / "x.dat").write_text(text)
        done = mprof("plot", "x.dat", "-o", name, *options, env=ENVIRONMENT)
        assert (done.returncode, done.stderr) == (0, "")
        return (mprof.folder / name).read_text()

    return plot


def pieces(script, block="series0"):
    """The pieces of a line in a gnuplot script: lists of (time, memory)."""
    (body,) = re.findall(rf"^\${block} << EOD\n(.*?)^EOD$", script, re.M | re.S)
    return [
        [tuple(map(float, row.split()[:2])) for row in piece.splitlines()]
        for piece in body.split("\n\n")
    ]


@pytest.mark.parametrize("keyword", ["CMDLINE", "RUN"])
def test_the_line_is_lifted_between_runs(plot, keyword):
    first, second = pieces(plot(runs(FIRST, SECOND, keyword=keyword), "x.gp"))
    assert (first[0], first[-1]) == (FIRST[0], FIRST[-1])
    assert (second[0], second[-1]) == (SECOND[0], SECOND[-1])


def test_three_runs_and_their_children(plot):
    third = [(1200 + time, memory) for time, memory in FIRST]
    script = plot(runs(FIRST, SECOND, third, keyword="RUN", child=True), "x.gp")
    blocks = re.findall(r"^\$(series\d+) <<", script, re.M)
    assert sorted(len(pieces(script, block)) for block in blocks) == [1, 1, 1, 3]


def test_one_run_is_one_piece(plot):
    assert len(pieces(plot(runs(FIRST, keyword="RUN"), "x.gp"))) == 1
    # Long pauses of one run are its own: it was there.
    assert len(pieces(plot("CMDLINE x\n" + mem(FIRST + SECOND), "x.gp"))) == 1


@pytest.mark.parametrize(
    "window, ends",
    [
        ("1,300", [(1, 1.9)]),  # no line leaves for the run behind
        ("300,601", [(600, 601)]),  # none comes from the run before
        ("1,601", [(1, 1.9), (600, 601)]),
    ],
)
def test_a_window_that_begins_or_ends_between_runs(plot, window, ends):
    found = pieces(plot(runs(FIRST, SECOND), "x.gp", "-w", window))
    assert [(piece[0][0], piece[-1][0]) for piece in found] == ends


def test_long_recordings(plot):
    """Where samples are drawn as columns, each is of one run."""
    long = [(i / 1000, 50 + i % 7) for i in range(60_000)]
    later = [(200 + time, memory + 30) for time, memory in long]
    script = plot(runs(long, later), "x.gp")
    first, second = pieces(script, "dense0")
    assert 59 < first[-1][0] < 61 and 199 < second[0][0] < 201
    page = data_of(plot(runs(long, later), "x.html"))
    (series,) = page["series"]
    assert series["lifts"] == [len(series["columns"]) // 8]


def data_of(page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text)


def test_the_page(plot):
    (series,) = data_of(plot(runs(FIRST, SECOND), "x.html"))["series"]
    (row,) = series["lifts"]
    assert series["points"][2 * row - 2 : 2 * row + 2] == [*FIRST[-1], *SECOND[0]]
    (whole,) = data_of(plot(runs(FIRST), "x.html"))["series"]
    assert "lifts" not in whole


def test_the_terminal(plot):
    """Columns between the runs are empty."""
    rows = [line for line in plot(runs(FIRST, SECOND), "x.txt").splitlines() if "█" in line]
    assert rows
    for row in rows:
        assert row[20:80].strip(" ┤│┈·") == "", row


def many_runs(count):
    """Each is of a process of its own, and has a child."""
    return "".join(
        f"#RUN/{2 * n}/rss/each/0.1 1.0 {moment(n)}\n"
        + mem([(n, 5)])
        + f"#PEAK/{2 * n} {6 + n}.5 {moment(n + 0.1)}\n"
        + chld(2 * n + 1, [(n + 0.2, 7 + n)])
        for n in range(1, count + 1)
    )


def test_more_runs_take_as_much_more_time(mprof):
    """Where each process is looked for among all runs, this takes minutes."""
    count = 300_000
    (mprof.folder / "x.dat").write_text(many_runs(count))
    done = mprof("peak", "x.dat")
    assert (done.returncode, done.stderr) == (0, "")
    first, *children = done.stdout.splitlines()
    assert first == f"x.dat\t{count + 6}.500 MiB"
    assert children[0] == "  Child 3\t\t\t8.000 MiB"
    assert children[count - 1] == f"  Child {2 * count + 1}\t\t\t{count + 7}.000 MiB"
    assert len(children) <= count + 1  # and the sum


def test_more_runs_take_as_much_more_memory(mprof):
    """Where each line of a chart has room for an end at each run, this takes gigabytes."""
    (mprof.folder / "x.dat").write_text(many_runs(30_000))
    done = mprof("plot", "x.dat", "-o", "x.txt", env=ENVIRONMENT, preexec_fn=limited(256))
    assert (done.returncode, done.stderr) == (0, "")
    assert "29994 more children" in (mprof.folder / "x.txt").read_text()
