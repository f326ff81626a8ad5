"""mprof plot: which form a chart gets by the name after -o, and where there is nothing to draw on."""

import re

import pytest

from plots import ENVIRONMENT, NEED_GNUPLOT, write_scene

GNUPLOT = pytest.mark.skipif(NEED_GNUPLOT is not None, reason=str(NEED_GNUPLOT))
# What files of each form begin and end with.
PNG = (b"\x89PNG", b"IEND\xaeB`\x82")
JPEG = (b"\xff\xd8\xff", b"\xff\xd9")
POSTSCRIPT = (b"%!PS-Adobe", b"%%EOF")
REFUSED = (
    "a chart must end in .png .svg .pdf .jpg .eps .ps .html .gp or .txt, a trace in .json, metrics "
    "in .prom, not: "
)


@pytest.fixture
def plot(mprof, tmp_path):
    name, _ = write_scene(tmp_path, "functions")

    def plot(*arguments, **options):
        options.setdefault("env", ENVIRONMENT)
        return mprof("plot", name, *arguments, **options)

    return plot


@GNUPLOT
@pytest.mark.parametrize(
    "given, written, ends",
    [
        ("memory_uvicorn", "memory_uvicorn.png", PNG),
        ("v1.2/chart", "v1.2/chart.png", PNG),
        (".hidden", ".hidden.png", PNG),
        ("folder", "folder.png", PNG),
        ("a.PNG", "a.PNG", PNG),
        ("a.Svg", "a.Svg", (b"<?xml", b"</svg>")),
        ("a.HTML", "a.HTML", (b"<!DOCTYPE html>", b"</html>")),
        ("x.jpg", "x.jpg", JPEG),
        ("x.JPEG", "x.JPEG", JPEG),
        ("x.eps", "x.eps", POSTSCRIPT),
        ("x.ps", "x.ps", POSTSCRIPT),
    ],
)
def test_the_name_says_the_form(plot, tmp_path, given, written, ends):
    (tmp_path / "v1.2").mkdir()
    (tmp_path / "folder").mkdir()
    before = set(tmp_path.rglob("*"))
    result = plot("-o", given)
    assert (result.returncode, result.stderr) == (0, "")
    picture = (tmp_path / written).read_bytes().strip()
    assert picture.startswith(ends[0]) and picture.endswith(ends[1])
    assert set(tmp_path.rglob("*")) - before == {tmp_path / written}


@pytest.mark.parametrize("given", ["x.gif", "v1.2", "x.png.", "..", "x.tar.gz"])
def test_other_suffixes_are_refused_with_what_there_is(plot, tmp_path, given):
    before = set(tmp_path.rglob("*"))
    result = plot("-o", given)
    assert (result.returncode, result.stderr) == (2, f"mprof plot: {REFUSED}{given}\n")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("given, shown", [("", "''"), ("folder/", "folder/")])
def test_a_file_must_have_a_name(plot, given, shown):
    result = plot("-o", given)
    assert result.returncode == 2
    assert result.stderr == f"mprof plot: -o needs the name of a file, not: {shown}\n"


def bounding_box(path):
    return [int(n) for n in re.search(rb"%%BoundingBox: (.*)", path.read_bytes())[1].split()]


@GNUPLOT
def test_postscript_fits_on_a_sheet(plot, tmp_path):
    """In points: 72 are an inch. A4 is 595 wide, letter paper 612."""
    for name in ("x.eps", "x.ps"):
        assert plot("-o", name).returncode == 0
    left, bottom, right, top = bounding_box(tmp_path / "x.eps")
    assert (left, bottom) == (0, 0) and 1049 <= right <= 1050 and top == 570  # 1400x760 at 96 dpi
    left, bottom, right, top = bounding_box(tmp_path / "x.ps")
    assert (left, bottom) == (0, 0) and 539 <= right <= 540
    assert abs(top / right - 760 / 1400) < 0.01


@GNUPLOT
def test_what_is_no_file_gets_the_picture_itself(plot, tmp_path):
    result = plot("-o", "/dev/null")
    assert (result.returncode, result.stderr) == (0, "")
    assert not (tmp_path / "null.png").exists()


@pytest.mark.parametrize("bare", [True, False])
def test_without_display_and_terminal_the_chart_is_text(plot, tmp_path, bare):
    """In the logs of a job: a pipe, with no gnuplot either."""
    result = plot(env={**ENVIRONMENT, "PATH": str(tmp_path)} if bare else ENVIRONMENT)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("python train.py --folds 3")
    assert "peak 100 MiB" in lines[1]
    assert 20 < len(lines) < 40 and max(map(len, lines)) <= 100
    assert "\x1b" not in result.stdout
    assert plot("-o", "chart.txt").returncode == 0
    assert (tmp_path / "chart.txt").read_text() == result.stdout
