"""mprof plot: its forms, its options, and what it says when something is wrong."""

import os
import pathlib
import re
import stat
import subprocess

import pytest

from plots import (
    COMMAND,
    ENVIRONMENT,
    GOLDEN,
    NEED_GNUPLOT,
    SCENES,
    mem,
    texts_of_svg,
    wave,
    write_scene,
)

GNUPLOT = pytest.mark.skipif(NEED_GNUPLOT is not None, reason=str(NEED_GNUPLOT))
ENDS = {"png": b"IEND\xaeB`\x82", "svg": b"</svg>\n", "pdf": b"%%EOF\n", "html": b"</html>\n"}


@pytest.fixture
def plot(mprof):
    def plot(*arguments, **options):
        options.setdefault("env", ENVIRONMENT)
        return mprof("plot", *arguments, **options)

    return plot


@pytest.fixture
def fake(tmp_path):
    """A gnuplot of the test's own; returns the environment in which it is the only one."""

    def fake(body):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "gnuplot"
        program.write_text("#!/bin/sh\n" + body)
        program.chmod(0o755)
        return {**ENVIRONMENT, "PATH": f"{folder}:{ENVIRONMENT['PATH']}"}

    return fake


def one_line(result, status=1):
    """The one line on stderr of a command that failed."""
    assert result.returncode == status, result
    (line,) = result.stderr.splitlines()
    assert line.startswith("mprof plot: ")
    return line


# ---- every kind of chart


@pytest.mark.parametrize("scene", SCENES)
def test_golden_script(plot, tmp_path, scene):
    """MEMPROF_WRITE_GOLDEN=1 writes them anew: look at the pictures before you commit that."""
    name, options = write_scene(tmp_path, scene)
    assert plot(*options, name, "-o", "out.gp").returncode == 0
    script = (tmp_path / "out.gp").read_text()
    golden = GOLDEN / f"{scene}.gp"
    if os.environ.get("MEMPROF_WRITE_GOLDEN"):
        golden.write_text(script)
    assert script == golden.read_text()


@GNUPLOT
@pytest.mark.parametrize("scene", SCENES)
def test_every_chart_can_be_drawn(plot, tmp_path, scene):
    name, options = write_scene(tmp_path, scene)
    result = plot(*options, name, "-o", "out.svg")
    assert (result.returncode, result.stderr) == (0, "")
    texts = texts_of_svg((tmp_path / "out.svg").read_text())
    assert any(text.startswith("memory (") for text in texts)
    assert not list(tmp_path.glob("out.svg.*"))


@GNUPLOT
def test_what_a_chart_says(plot, tmp_path):
    name, _ = write_scene(tmp_path, "functions")
    assert plot(name, "-o", "out.svg").returncode == 0
    texts = texts_of_svg((tmp_path / "out.svg").read_text())
    assert "python train.py --folds 3" in texts
    assert any(
        re.match(r"2023-11-14 22:13:20 .* 10\.0 s .* 40 samples .* peak 100 MiB at", text)
        for text in texts
    )
    for wanted in [
        "main process   100 MiB",
        "main  9.00 s",
        "load  2.00 s",
        "create index  2.50 s",
        "fit  2.50 s",
    ]:
        assert wanted in texts


@GNUPLOT
@pytest.mark.parametrize("suffix", ENDS)
def test_every_form_of_file_is_whole(plot, tmp_path, suffix):
    name, _ = write_scene(tmp_path, "functions")
    result = plot(name, "-o", f"out.{suffix}")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (tmp_path / f"out.{suffix}").read_bytes().rstrip().endswith(ENDS[suffix].rstrip())
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / f"out.{suffix}").stat().st_mode) == 0o666 & ~umask


def test_the_peak_is_that_of_mprof_peak(mprof, plot, tmp_path):
    for scene in ("peak", "spikes", "default", "children"):
        name, _ = write_scene(tmp_path, scene)
        peak = float(mprof("peak", name).stdout.split()[1])
        assert plot(name, "-o", "out.txt").returncode == 0
        shown = re.search(r"peak (\S+) MiB at", (tmp_path / "out.txt").read_text())[1]
        assert float(shown) == pytest.approx(peak, abs=0.5)


def test_several_profiles_begin_together(plot, tmp_path):
    (tmp_path / "a.dat").write_text(COMMAND + mem(wave()))
    (tmp_path / "b.dat").write_text(
        COMMAND + mem([(100 + time, memory / 2) for time, memory in wave()])
    )
    assert plot("a.dat", "b.dat", "-o", "out.gp").returncode == 0
    script = (tmp_path / "out.gp").read_text()
    assert '"2 profiles"' in script
    assert "a.dat   100 MiB" in script and "b.dat   50.0 MiB" in script
    assert "set xrange [0:10]" in script
    assert plot("a.dat", "b.dat", "-t", "both", "-o", "out.gp").returncode == 0
    assert '"both"' in (tmp_path / "out.gp").read_text()


# ---- which profile


def test_indices_names_and_standard_input(plot, tmp_path):
    for i, height in enumerate((10, 20, 30)):
        (tmp_path / f"mprofile_2026010100000{i}.dat").write_text(mem(wave(height=height)))

    def shown(*arguments, **options):
        result = plot(*arguments, "-o", "out.txt", **options)
        assert result.returncode == 0, result
        return re.search(r"peak (\d+)", (tmp_path / "out.txt").read_text())[1], result.stdout

    assert shown() == ("30", "Using last profile data.\n")
    assert shown("0") == ("10", "")
    assert shown("-1") == ("30", "")
    assert shown("-2") == ("20", "")
    assert shown("mprofile_20260101000000.dat") == ("10", "")
    assert shown("-", input=mem(wave(height=40))) == ("40", "")


def test_no_profile(plot):
    result = plot("-o", "out.png")
    assert result.returncode == 255
    assert result.stdout.startswith("No input file found. \nThis program looks for mprofile_*.dat")
    result = plot("nothing.dat", "-o", "out.png")
    assert (result.returncode, result.stdout) == (255, "Input file not found: nothing.dat\n")


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "x.dat is empty"),
        ("CMDLINE a\n", "x.dat holds nothing to draw"),
        ("nonsense\n\x00\xff", "x.dat holds nothing to draw"),
    ],
)
def test_nothing_to_draw(plot, tmp_path, text, words):
    (tmp_path / "x.dat").write_text(text, encoding="latin-1")
    assert words in one_line(plot("x.dat", "-o", "out.gp"))
    assert not (tmp_path / "out.gp").exists()


def test_damaged_lines_are_told(plot, tmp_path):
    (tmp_path / "x.dat").write_text(mem(wave()) + "MEM 12.5 17\nMEM nan 1\nMEM 1")
    result = plot("x.dat", "-o", "out.gp")
    assert result.returncode == 0
    assert result.stderr == "mprof plot: x.dat: skipped 2 damaged or truncated lines\n"
    assert "2 damaged lines skipped" in (tmp_path / "out.gp").read_text()


# ---- options


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["-w", "5"], "--window takes two numbers"),
        (["-w", ","], "--window takes two numbers"),
        (["-w", "a,b"], "--window takes two numbers"),
        (["-w", "7,2"], "--window must end after it begins"),
        (["-w", "nan,2"], "--window takes two numbers"),
        (["--size", "big"], "--size takes two numbers"),
        (["--size", "0x0"], "--size takes two numbers"),
        (["--size", "10x10"], "a picture is from 300x200 to 8000x8000 pixels, not 10x10"),
        (["--backend", "gif"], "unknown backend 'gif': one of qt wxt x11 dumb sixel block"),
        (["-o"], "-o needs an argument"),
        (["--nothing"], "unknown option: --nothing"),
    ],
)
def test_wrong_options(plot, tmp_path, arguments, words):
    name, _ = write_scene(tmp_path, "default")
    if "-o" not in arguments and "--backend" not in arguments:
        arguments = [*arguments, "-o", "out.png"]
    assert words in one_line(plot(name, *arguments), 2)
    assert not list(tmp_path.glob("out.*"))


def test_an_empty_window(plot, tmp_path):
    name, _ = write_scene(tmp_path, "default")
    assert "there is nothing in that window" in one_line(plot(name, "-w", "50,60", "-o", "out.gp"))


def test_help_has_every_option(plot):
    result = plot("--help")
    assert result.returncode == 0
    for option in (
        "--output",
        "--title",
        "--no-function-ts",
        "--window",
        "--flame",
        "--slope",
        "--backend",
        "--size",
    ):
        assert option in result.stdout


# ---- without -o


def test_a_display_opens_the_page(plot, tmp_path, fake):
    name, _ = write_scene(tmp_path, "default")
    environment = fake("exit 1\n")
    opener = tmp_path / "bin" / "xdg-open"
    opener.write_text(
        f'#!/bin/sh\ncp "$1" "{tmp_path}/opened.html"; echo "$1" >"{tmp_path}/name"\n'
    )
    opener.chmod(0o755)
    result = plot(name, env={**environment, "DISPLAY": ":9", "TMPDIR": str(tmp_path)})
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "opened.html").read_bytes().endswith(ENDS["html"])
    page = pathlib.Path((tmp_path / "name").read_text().strip())
    assert page.parent == tmp_path and page.suffix == ".html"
    opener.write_text("#!/bin/sh\nexit 3\n")
    line = one_line(
        plot(name, env={**environment, "WAYLAND_DISPLAY": "w", "TMPDIR": str(tmp_path)})
    )
    assert "open it in a browser" in line


@GNUPLOT
def test_backends_of_gnuplot_in_the_terminal(plot, tmp_path):
    name, _ = write_scene(tmp_path, "functions")
    result = plot(name, "--backend", "dumb")
    assert (result.returncode, result.stderr) == (0, "")
    assert "python train.py" in result.stdout


# ---- nothing half, nothing silent


def test_no_gnuplot(plot, tmp_path):
    name, _ = write_scene(tmp_path, "functions")
    bare = {**ENVIRONMENT, "PATH": str(tmp_path)}
    line = one_line(plot(name, "-o", "out.png", env=bare))
    assert "gnuplot is not installed" in line and "apt install gnuplot-nox" in line
    for suffix in ("gp", "txt", "html"):
        assert plot(name, "-o", f"out.{suffix}", env=bare).returncode == 0
        assert (tmp_path / f"out.{suffix}").stat().st_size > 500


def test_old_gnuplot(plot, tmp_path, fake):
    name, _ = write_scene(tmp_path, "default")
    line = one_line(plot(name, "-o", "out.png", env=fake("echo gnuplot 4.6 patchlevel 6\n")))
    assert "gnuplot 4.6 is too old: 5.0 is the oldest that will do" in line
    line = one_line(plot(name, "-o", "out.png", env=fake("echo hello\n")))
    assert "its --version is none" in line


VERSION = '[ "$1" = --version ] && { echo gnuplot 5.4 patchlevel 4; exit 0; }\n'


@pytest.mark.parametrize(
    "body, words",
    [
        ("kill -9 $$\n", "it was killed"),
        (
            "echo '         line 7: undefined variable: x' >&2; exit 1\n",
            "line 7: undefined variable: x",
        ),
        ("printf 'half a picture'\n", "gnuplot stopped before its end"),
        ("exit 0\n", "gnuplot stopped before its end"),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_gnuplot_that_fails(plot, tmp_path, fake, body, words, suffix):
    name, _ = write_scene(tmp_path, "default")
    target = tmp_path / f"out.{suffix}"
    target.write_text("what was there before")
    line = one_line(plot(name, "-o", target.name, env=fake(VERSION + body)))
    assert words in line and target.name in line
    assert target.read_text() == "what was there before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", target.name, "scene.dat"]


def test_gnuplot_gets_no_files_of_the_users_and_no_shell(plot, tmp_path, fake):
    name, _ = write_scene(tmp_path, "default")
    record = 'printf "%s|" "$@" >args; ls -l /proc/self/fd >fds; cat >script; printf "x IEND"\n'
    assert plot(name, "-o", "out;touch hacked.png", env=fake(VERSION + record)).returncode == 0
    assert (tmp_path / "args").read_text() == "-d|"
    assert "hacked" not in (tmp_path / "script").read_text()
    assert not (tmp_path / "hacked.png").exists()
    assert (tmp_path / "out;touch hacked.png").read_text() == "x IEND"


def fonts(folder, *directories):
    """An environment with the fonts of these folders alone."""
    configuration = folder / "fonts.conf"
    listed = "".join(f"<dir>{directory}</dir>" for directory in directories)
    configuration.write_text(
        f'<?xml version="1.0"?><fontconfig>{listed}<cachedir>{folder}/cache</cachedir></fontconfig>'
    )
    return {"FONTCONFIG_FILE": str(configuration)}


DEJAVU = pathlib.Path("/usr/share/fonts/truetype/dejavu")


@pytest.mark.skipif(not DEJAVU.exists(), reason="no DejaVu fonts here")
def test_characters_that_no_font_has(plot, tmp_path, fake):
    """They would be drawn as large black boxes."""
    (tmp_path / "x.dat").write_text(
        "CMDLINE caf\u00e9 \u6f22\U0001f389 \u16a0 end\n" + mem(wave()), encoding="utf-8"
    )
    environment = {**fake(VERSION + 'cat >script; printf "x IEND"\n'), **fonts(tmp_path, DEJAVU)}
    assert plot("x.dat", "-o", "out.png", env=environment).returncode == 0
    script = (tmp_path / "script").read_text(encoding="utf-8")
    assert '"caf\u00e9 \\0077\\0077 ' in script and "\u6f22" not in script
    assert plot("x.dat", "-o", "out.html", env=environment).returncode == 0
    assert "\u6f22" in (tmp_path / "out.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not DEJAVU.exists(), reason="no DejaVu fonts here")
def test_no_fonts(plot, tmp_path, fake):
    name, _ = write_scene(tmp_path, "default")
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {**fake(VERSION + "exit 1\n"), **fonts(tmp_path, empty)}
    assert "no fonts are installed" in one_line(plot(name, "-o", "out.png", env=environment))
    assert plot(name, "-o", "out.gp", env=environment).returncode == 0


def test_a_folder_that_cannot_be_written(plot, tmp_path):
    name, _ = write_scene(tmp_path, "default")
    assert "No such file or directory" in one_line(plot(name, "-o", "nowhere/out.gp"))
    (tmp_path / "folder.gp").mkdir()
    assert "Is a directory" in one_line(plot(name, "-o", "folder.gp"))


def limited(size):
    import resource

    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("suffix", ["gp", "html", "txt"])
def test_a_full_disk(plot, tmp_path, suffix):
    name, _ = write_scene(tmp_path, "functions")
    target = tmp_path / f"out.{suffix}"
    target.write_text("before")
    result = plot(name, "-o", target.name, preexec_fn=limited(700))
    assert "cannot write" in one_line(result)
    assert target.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 2


@GNUPLOT
def test_a_full_disk_while_gnuplot_draws(plot, tmp_path):
    name, _ = write_scene(tmp_path, "functions")
    result = plot(name, "-o", "out.png", preexec_fn=limited(20000))
    assert "out.png was not written" in one_line(result)
    assert [path.name for path in tmp_path.iterdir()] == ["scene.dat"]


def test_a_link_and_a_pipe_stay_what_they_are(plot, tmp_path):
    name, _ = write_scene(tmp_path, "default")
    (tmp_path / "there.gp").write_text("old")
    (tmp_path / "link.gp").symlink_to("there.gp")
    assert plot(name, "-o", "link.gp").returncode == 0
    assert (tmp_path / "link.gp").is_symlink()
    assert (tmp_path / "there.gp").read_text().startswith("# Made by mprof plot")
    os.mkfifo(tmp_path / "pipe.gp")
    reader = subprocess.Popen(["cat", tmp_path / "pipe.gp"], stdout=subprocess.PIPE, text=True)
    assert plot(name, "-o", "pipe.gp").returncode == 0
    assert reader.communicate(timeout=20)[0].startswith("# Made by mprof plot")
    assert stat.S_ISFIFO((tmp_path / "pipe.gp").stat().st_mode)


def test_who_wants_a_page_of_stacks_is_told_where(mprof):
    result = mprof("plot", "--flame", "x.html")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "mprof plot: x.html is no profile; --flame draws calls over time, on a page with -o x.html."
        " Stacks that allocate: python -m memory_profiler --flame x.html script.py\n"
    )
