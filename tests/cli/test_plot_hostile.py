"""Charts of hostile names: nothing runs, nothing is written elsewhere, and the text that comes out
is the text that went in."""

import os
import pathlib
import subprocess
import tempfile
import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from plots import ENVIRONMENT, NEED_GNUPLOT, mem, moment, texts_of_svg, wave

pytestmark = pytest.mark.skipif(NEED_GNUPLOT is not None, reason=str(NEED_GNUPLOT))

# What gnuplot, shells, SVG and terminals act upon.
NASTY = [
    '"; system("touch hacked"); "',
    "`touch hacked`",
    "$(touch hacked)",
    "'\nsystem('x')\n'",
    "\\n\\042",
    "{/=99 big}",
    "@m ^_ & ~",
    "%s%n%d",
    "EOD",
    "# comment",
    "</text><script>",
    "]]>",
    "\\",
    '"',
    "''",
    "!touch hacked",
    "| touch hacked",
    "$series0",
    "\u202eevil",
    "\x1b]0;x\x07",
    "\x7f\x80",
    "𝔘𝔫𝔦",
    "漢字",
    "🎉",
    "e\u0301",
    "-1",
    "",
    " ",
]
NAMES = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=30),
    st.binary(max_size=20).map(lambda data: data.decode("utf-8", "surrogateescape")),
)


def as_bytes(text):
    return text.encode("utf-8", "surrogateescape")


def one_line(text):
    """What may stand in a line of a profile."""
    return text.replace("\n", " ").replace("\r", " ").replace("\0", " ")


def is_harmless(text):
    return not any(
        unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")
        and character not in "\u200c"
        for character in text
    )


def shown(text):
    """What a chart shows of a text: see plots/plot_text.h. None where that is not simply the text."""
    try:
        as_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if is_harmless(text) and "]]>" not in text and text.isprintable() else None


def draw(mprof, folder, data, *arguments):
    (folder / "x.dat").write_bytes(data)
    result = subprocess.run(
        [mprof.binary, "plot", "x.dat", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        timeout=60,
    )
    assert result.returncode == 0, result
    assert b"\x1b" not in result.stderr


@settings(
    max_examples=int(os.environ.get("MEMPROF_FUZZ_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(title=NAMES, function=NAMES, label=NAMES)
@example(title="100%7 '0' #1", function="f'2", label="#0")  # escapes with a digit behind them
def test_text_out_is_text_in(mprof, title, function, label):
    title, function, label = map(one_line, (title, function, label))
    data = (
        b"CMDLINE "
        + as_bytes(title)
        + b"\n"
        + mem(wave()).encode()
        + b"FUNC m."
        + as_bytes(function)
        + f" 1.0 {moment(0)} 2.0 {moment(9)} 0\n".encode()
        + b"FUNC ."
        + as_bytes(label)
        + f" 1.0 {moment(1)} 2.0 {moment(8)} 1\n".encode()
    )
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        draw(mprof, folder, data, "-o", "x.svg")
        assert sorted(path.name for path in folder.iterdir()) == ["x.dat", "x.svg"]
        svg = (folder / "x.svg").read_text(encoding="utf-8")
        texts = texts_of_svg(svg)  # well-formed, or this fails
        assert "<script" not in svg.lower() and "<foreignobject" not in svg.lower()
        for wanted in (shown(title), shown(label)):
            if wanted is not None and wanted.strip() and len(wanted) < 30:
                assert any(text.strip().startswith(wanted.strip()) for text in texts), (
                    wanted,
                    texts,
                )
        draw(mprof, folder, data, "-o", "x.txt")
        text = (folder / "x.txt").read_text(encoding="utf-8")
        assert "\x1b" not in text and is_harmless(text.replace("\n", ""))


@settings(
    max_examples=int(os.environ.get("MEMPROF_FUZZ_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.builds(
                lambda keyword, rest: f"{keyword} {rest}".encode("utf-8", "surrogateescape"),
                st.sampled_from(
                    ["MEM", "CHLD", "FUNC", "BEGIN", "PEAK", "SPIKE", "RUN", "CMDLINE"]
                    + ["#PEAK/1", "#RUN/1/rss/each/0.1", "#BEGIN/0/f", "#STEP/1", "#END/1/exit/0"]
                ),
                st.text(max_size=40),
            ),
            st.builds(
                lambda memory, time: f"MEM {memory:f} {time:f}".encode(),
                st.floats(allow_nan=False, allow_infinity=False, min_value=-1e17, max_value=1e17),
                st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12),
            ),
            st.builds(
                lambda begin, end, level: f"FUNC m.f 1.0 {begin:f} 2.0 {end:f} {level}".encode(),
                st.floats(0, 1e10),
                st.floats(0, 1e10),
                st.integers(-5, 10**6),
            ),
        ),
        max_size=30,
    )
)
def test_any_file_gives_a_chart_or_one_line(mprof, lines):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "x.dat").write_bytes(b"\n".join(lines))
        for suffix in ("gp", "html", "txt"):
            result = subprocess.run(
                [mprof.binary, "plot", "x.dat", "-s", "-o", f"x.{suffix}"],
                cwd=folder,
                env=ENVIRONMENT,
                capture_output=True,
                timeout=60,
            )
            said = result.stderr.decode().splitlines()
            if result.returncode == 0:
                assert (folder / f"x.{suffix}").stat().st_size > 0
                assert len(said) <= 1
            else:
                assert result.returncode == 1 and 1 <= len(said) <= 2
                assert all(line.startswith("mprof plot: ") for line in said)
        if (folder / "x.gp").exists():
            drawn = subprocess.run(
                ["gnuplot", "-d", "x.gp"], cwd=folder, capture_output=True, timeout=60
            )
            assert drawn.returncode == 0, drawn.stderr
            assert drawn.stdout.endswith(b"IEND\xaeB`\x82")
