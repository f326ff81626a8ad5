"""The page of mprof plot, in a real browser: what it shows, how it zooms, and what it never does."""

import base64
import hashlib
import re
import subprocess

import pytest
from browser import MISSING, Browser

from plots import CALLS, CHILDREN, COMMAND, ENVIRONMENT, START, chld, func, mem, moment, wave

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

SCENE = COMMAND + mem(wave(200)) + CHILDREN + CALLS + f"BEGIN app.guilty 60.0000 {moment(9.6)} 0\n"
WIDTH, HEIGHT = 1280, 900


@pytest.fixture(scope="module")
def browser():
    browser = Browser(width=WIDTH, height=HEIGHT)
    yield browser
    browser.close()


@pytest.fixture
def page(mprof, browser):
    """Writes a profile, draws it and opens the page; what the browser had to complain is checked."""

    def page(text=SCENE, *options, name="page.html"):
        (mprof.folder / "x.dat").write_bytes(text.encode("utf-8", "surrogateescape"))
        result = mprof("plot", "x.dat", "-o", name, *options, env=ENVIRONMENT)
        assert (result.returncode, result.stderr) == (0, "")
        browser.open(mprof.folder / name)
        return browser

    browser.console()
    browser.requests()
    yield page
    assert browser.console() == []
    assert [url for url in browser.requests() if not url.startswith(("file://", "data:"))] == []


def place_of(browser, seconds):
    """Where a moment stands in the window: (x, y of the middle of the curve)."""
    left, top, wide, begin, end, view = browser.run("""
        const svg = document.querySelector('svg'), box = svg.getBoundingClientRect();
        return [box.left, box.top, box.width, +svg.dataset.begin, +svg.dataset.end,
                svg.viewBox.baseVal.width];""")
    inside = 64 + (seconds - begin) / (end - begin) * (view - 64 - 14)
    return left + inside * wide / view, top + 200


def hover(browser, seconds):
    """The lines of the box that appears under the pointer."""
    x, y = place_of(browser, seconds)
    browser.mouse(("move", x, y))
    return browser.run(
        "return Array.from(document.querySelectorAll('#tip div'), d => d.textContent)"
    )


def window(browser):
    return browser.run(
        "const s = document.querySelector('svg'); return [+s.dataset.begin, +s.dataset.end]"
    )


def nearest(samples, seconds):
    return min(samples, key=lambda sample: abs(sample[0] - seconds))[1]


def shown_memory(mebibytes):
    size = abs(mebibytes)
    return f"{mebibytes:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f} MiB"


def test_hover_shows_what_the_profile_holds(page):
    browser = page()
    for seconds in (0.0, 1.31, 2.5, 4.87, 6.66, 9.97):
        lines = hover(browser, seconds)
        at = float(re.match(r"t = ([\d.]+) s", lines[0])[1])
        assert at == pytest.approx(seconds, abs=0.02)
        values = dict(
            re.match(r"(.+?)  (\S+ MiB)$", line).groups()
            for line in lines[1:]
            if re.match(r"(main process|child \d+)  ", line)
        )
        assert values["main process"] in {
            shown_memory(memory) for time, memory in wave(200) if abs(time - at) <= 0.06
        }
        for i in range(8):
            samples = wave(20, 5, 20 + 10 * i, 1 + i / 4)
            name = f"child {4001 + i}"
            if samples[0][0] + 0.03 < at < samples[-1][0] - 0.03:
                near = {shown_memory(memory) for time, memory in samples if abs(time - at) <= 0.2}
                assert values[name] in near
            elif at < samples[0][0] - 0.03 or at > samples[-1][0] + 0.03:
                assert name not in values


def test_hover_shows_no_value_that_was_not_measured(page):
    """A window cuts the line between two samples: its ends are drawn, but nobody measured them."""
    coarse = "".join(mem([(seconds, 10.0 + 20 * seconds)]) for seconds in range(0, 7))
    browser = page(coarse, "-w", "1.6,4.4")
    for seconds, measured in ((1.62, 50.0), (2.2, 50.0), (3.1, 70.0), (4.38, 90.0)):
        assert hover(browser, seconds)[1].endswith(shown_memory(measured)), seconds
    browser = page(coarse, "-w", "2.2,2.8")
    assert len(hover(browser, 2.5)) == 1


def test_hover_shows_the_call_stack(page):
    lines = hover(page(), 1.5)
    stack = lines[lines.index("call stack") + 1 :]
    assert [line.strip() for line in stack] == [
        "app.main  9.00 s  +10.0 MiB",
        "app.load  2.00 s  +10.0 MiB",
        "app.parse  700 ms  +10.0 MiB",
    ]
    assert any("app.guilty  never ended" in line for line in hover(page(), 9.8))


def test_wheel_zooms_at_the_pointer(page):
    browser = page()
    x, y = place_of(browser, 2.5)
    browser.wheel(x, y, -300)
    begin, end = window(browser)
    assert end - begin == pytest.approx(10 / 2.718281828, rel=0.01)
    assert place_of(browser, 2.5)[0] == pytest.approx(x, abs=2)
    browser.wheel(x, y, 3000)
    browser.wheel(x, y, 3000)
    assert window(browser) == [0, 10]


def test_drag_zooms_and_a_double_click_shows_all(page):
    browser = page()
    (x0, y), (x1, _) = place_of(browser, 3), place_of(browser, 6)
    browser.mouse(("move", x0, y), ("down",), ("move", (x0 + x1) / 2, y), ("move", x1, y), ("up",))
    assert window(browser) == [pytest.approx(3, abs=0.02), pytest.approx(6, abs=0.02)]
    assert hover(browser, 4.5)[0].startswith("t = 4.5")
    browser.mouse(("move", x0, y), ("down",), ("up",), ("down",), ("up",))
    assert window(browser) == [0, 10]


def test_keys(page):
    browser = page()
    browser.run("document.querySelector('svg').focus()")
    browser.mouse(("move", 5, 5))
    browser.keys("++")
    begin, end = window(browser)
    assert end - begin == pytest.approx(4.9, rel=0.01)
    browser.keys("\ue014")  # right arrow
    said = browser.run("return document.getElementById('said').textContent")
    assert re.match(r"t = 5\.\d+ s, main process  \S+ MiB", said)
    browser.keys("0")
    assert window(browser) == [0, 10]
    browser.keys("+\ue00c")  # Esc
    assert window(browser) == [0, 10]
    browser.run("document.getElementById('in').click()")
    assert window(browser) == [pytest.approx(1.5), pytest.approx(8.5)]
    browser.run("document.getElementById('all').click()")
    assert window(browser) == [0, 10]


def test_the_list_highlights_its_calls(page):
    browser = page()
    rows = browser.run(
        "return Array.from(document.querySelectorAll('#calls tbody tr'), r => "
        "Array.from(r.cells, c => c.textContent))"
    )
    assert [row[0] for row in rows] == [
        "app.main",
        "create index",
        "app.fit",
        "app.load",
        "app.parse",
        "app.guilty",
    ]
    assert rows[0] == ["app.main", "1", "9.00 s", "9.00 s", "+10.0 MiB"]
    assert rows[-1] == ["app.guilty", "1", "never ended", "", ""]
    browser.run("document.querySelectorAll('#calls tbody tr')[2].focus()")
    bars = browser.run(
        "return Array.from(document.querySelectorAll('rect.span'), "
        "r => r.classList.contains('dim'))"
    )
    assert bars.count(False) == 1 and len(bars) == 6
    browser.run("document.activeElement.blur()")
    assert browser.run("return document.querySelectorAll('rect.dim').length") == 0
    browser.run("document.querySelector('#calls th button').click()")
    names = browser.run(
        "return Array.from(document.querySelectorAll('#calls tbody tr'), "
        "r => r.cells[0].textContent)"
    )
    assert names == sorted(names)


def test_the_legend_takes_series_away(page):
    browser = page()
    labels = browser.run(
        "return Array.from(document.querySelectorAll('#legend button'), b => b.textContent)"
    )
    assert (
        labels[0] == "main process   100 MiB" and labels[-1] == "2 more children   up to 30.0 MiB"
    )
    curves = "return document.querySelectorAll('path.curve').length"
    assert browser.run(curves) == 9
    browser.run("document.querySelector('#legend button').click()")
    assert browser.run(curves) == 8
    assert not any(line.startswith("main process") for line in hover(browser, 5))
    browser.run(
        "const all = document.querySelectorAll('#legend button'); all[all.length - 1].click()"
    )
    assert browser.run(curves) == 6


def test_dark_and_light(page, wait_for):
    browser = page()
    ground = "return getComputedStyle(document.body).backgroundColor"
    swatch = "return document.querySelector('#legend i').style.background"
    browser.emulate(prefers_color_scheme="dark")
    wait_for(lambda: browser.run(ground) == "rgb(23, 24, 28)")
    wait_for(lambda: browser.run(swatch) == "rgb(90, 169, 240)")
    browser.emulate(prefers_color_scheme="light")
    wait_for(lambda: browser.run(ground) == "rgb(255, 255, 255)")
    wait_for(lambda: browser.run(swatch) == "rgb(11, 83, 148)")


def test_the_policy_allows_just_these_scripts(page, mprof):
    page()
    text = (mprof.folder / "page.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for name, element in (("script", "<script>"), ("style", "<style>")):
        (content,) = re.findall(f"{element}(.*?)</{name}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\u2028\u2029\u202e\u2066",
    "]]>",
    "'\"`${}\\",
    "<!--",
    "&lt;b&gt;",
    "\x1b[31m",
    "漢字🎉",
]


def test_hostile_names_stay_text(page):
    text = (
        "CMDLINE "
        + " ".join(HOSTILE)
        + "\n"
        + mem(wave())
        + "".join(
            func("m." + name.replace(" ", "_"), i, i + 0.9, 0) + func("." + name, i, i + 0.9, 1)
            for i, name in enumerate(HOSTILE)
        )
    )
    browser = page(text, name="a <b> & 'c' #1 %20.html")
    assert browser.run("return window.hacked === undefined && document.images.length === 0")
    assert browser.run("return document.scripts.length") == 2
    title = browser.run("return document.querySelector('h1').textContent")
    assert title.startswith("</script><script>window.hacked = 1</script> <img src=x onerror=")
    names = browser.run(
        "return Array.from(document.querySelectorAll('#calls tbody td:first-child'), c => c.textContent)"
    )
    assert HOSTILE[0] in names and "]]\u203a" in names and "\u00b7[31m" in names
    assert not any(character in "".join(names) for character in "\u2028\u202e\u2066\x1b")


def test_a_million_samples_are_a_small_page(page, mprof):
    lines = [
        f"MEM {100 + i % 50 + (400 if i == 777777 else 0):.6f} {START + i / 100:.4f}\n"
        for i in range(1000000)
    ]
    browser = page("CMDLINE long\n" + "".join(lines))
    assert (mprof.folder / "page.html").stat().st_size < 300_000
    assert re.search(
        r"band = min … max within 4\.00 s",
        browser.run("return document.querySelector('p').textContent"),
    )
    (line,) = [line for line in hover(browser, 5000) if line.startswith("main process")]
    assert re.match(r"main process  12\d MiB \(100 MiB … 149 MiB\)", line)
    assert (
        browser.run("return document.querySelector('text.peak').textContent")
        == "peak 527 MiB at 2:09 h"
    )  # the one sample that is far above the others


def test_two_thousand_calls_and_a_narrow_window(page):
    calls = "".join(func(f"m.f{i % 300}", i / 200, i / 200 + 0.004, i % 3) for i in range(2000))
    browser = page(COMMAND + mem(wave()) + calls)
    assert browser.run("return document.querySelectorAll('#calls tbody tr').length") == 300
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
    assert 100 < browser.run("return document.querySelectorAll('rect.span').length") <= 2000


@pytest.mark.parametrize(
    "options, texts",
    [(["-f"], ["main  9.00 s"]), (["-s"], ["slope"]), (["-w", "2,7"], ["load"]), (["-n"], [])],
)
def test_options_of_the_chart(page, options, texts):
    browser = page(SCENE, *options)
    shown = browser.run(
        "return Array.from(document.querySelectorAll('svg text'), t => t.textContent)"
    )
    for text in texts:
        assert any(one.startswith(text) for one in shown), shown
    if "-n" in options:
        assert browser.run("return document.querySelectorAll('rect.span').length") == 0
    if "-w" in options:
        assert window(browser) == [2, 7]


def test_several_profiles(mprof, page, browser):
    (mprof.folder / "y.dat").write_text(COMMAND + mem(wave(50, 8, 60)) + chld(9, wave(9, 3, 20)))
    (mprof.folder / "x.dat").write_text(SCENE)
    assert mprof("plot", "x.dat", "y.dat", "-o", "two.html", env=ENVIRONMENT).returncode == 0
    browser.open(mprof.folder / "two.html")
    lines = hover(browser, 4)
    assert any(line.startswith("x.dat  ") for line in lines)
    assert any(line.startswith("y.dat  ") for line in lines)
    assert "call stack" not in lines


def test_several_dense_profiles_explain_their_bands(mprof, browser):
    for name in "x.dat", "y.dat":
        (mprof.folder / name).write_text(COMMAND + mem(wave(30000)))
    assert mprof("plot", "x.dat", "y.dat", "-o", "two.html", env=ENVIRONMENT).returncode == 0
    browser.open(mprof.folder / "two.html")
    facts = browser.run("return document.querySelector('p').textContent")
    assert re.search(
        r"y\.dat: peak 100 MiB +· +band = min … max within 4\.0 ms, line = mean", facts
    )


def test_without_scripts_it_says_what_it_needs(mprof):
    (mprof.folder / "x.dat").write_text(SCENE)
    assert mprof("plot", "x.dat", "-o", "x.html", env=ENVIRONMENT).returncode == 0
    assert (
        "<noscript><p>This chart is drawn by the script in this file"
        in (mprof.folder / "x.html").read_text()
    )
    assert (
        subprocess.run(
            ["grep", "-c", "https\\?://", "x.html"],
            cwd=mprof.folder,
            capture_output=True,
            text=True,
        ).stdout
        == "1\n"
    )  # the name of SVG


# ---- what fits into which window

WORDY = (
    "CMDLINE python3 train.py --first-option=value --second-option=value --third-option=value\n"
    + mem(wave(200))
    + func(".loading the training data set", 0.5, 3)
    + func(".fit", 3, 3.4)
    + func(".evaluate the model on held out data", 3.5, 9)
    + func("package.module.Class.a_very_long_method_name_indeed", 1, 8, 1)
    + "".join(func(f"m.step_{i}", i, i + 0.5, 2) for i in range(9))
)
BLOCKS = COMMAND + mem(wave()) + "".join(func(f".block {i}", i, i + 0.8 + i % 3) for i in range(8))


@pytest.fixture(params=[320, 400, 800, 1200])
def window_of(request, browser):
    browser.resize(request.param)
    yield request.param
    browser.size_again()


TEXTS = """
    const box = (e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
    return Array.from(document.querySelectorAll('svg text'), (text) => {
        const of = text.dataset.of, kind = text.classList.contains('tag') ? 'band' : 'span';
        return [text.textContent, box(text),
                of === undefined ? null : box(document.querySelector(`rect[data-${kind}="${of}"]`))];
    });"""


@pytest.mark.parametrize("text", [SCENE, WORDY, BLOCKS], ids=["scene", "wordy", "blocks"])
@pytest.mark.parametrize("options", [[], ["-f"], ["-w", "2.9,7"]])
def test_texts_stay_in_their_room(page, window_of, text, options):
    """Names within their bar or band, all within the chart, none over another."""
    browser = page(text, *options)
    texts = browser.run(TEXTS)
    left, top, right, bottom = browser.run(
        "const r = document.querySelector('svg').getBoundingClientRect();"
        "return [r.left, r.top, r.right, r.bottom]"
    )
    assert any(room for _, _, room in texts)
    for shown, box, room in texts:
        assert left <= box[0] and box[2] <= right + 0.5 and top <= box[1] and box[3] <= bottom, (
            shown
        )
        if room:
            assert room[0] <= box[0] and box[2] <= room[2], (shown, box, room)
        cut = re.fullmatch(r"(.*)\u2026", shown)
        assert not cut or "  " in shown or len(cut[1]) >= 3, shown
    for i, (one, a, _) in enumerate(texts):
        for other, b, _ in texts[:i]:
            apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] + 4 or b[3] <= a[1] + 4
            assert apart, (one, other)
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")


LINES = """
    return Array.from(document.querySelectorAll(arguments[0]), (element) => {
        const lines = [];
        let bottom = -1;
        const walk = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        while (walk.nextNode())
            for (let i = 0; i < walk.currentNode.length; i++) {
                const range = document.createRange();
                range.setStart(walk.currentNode, i);
                range.setEnd(walk.currentNode, i + 1);
                const box = range.getBoundingClientRect();
                if (!lines.length || box.top > bottom - 3) lines.push('');
                bottom = box.bottom;
                lines[lines.length - 1] += walk.currentNode.data[i];
            }
        return lines;
    });"""


def test_words_are_not_broken(page, window_of):
    browser = page(WORDY)
    (title,) = browser.run(LINES, "h1")
    assert " ".join(line.strip() for line in title) == WORDY.splitlines()[0].removeprefix(
        "CMDLINE "
    )
    assert all(word in WORDY.split() for line in title for word in line.split())
    (facts,) = browser.run(LINES, "p")
    assert any("peak 100 MiB at 6.63 s" in line for line in facts)
    for lines in browser.run(LINES, "#calls td:first-child"):
        assert all(re.search(r"[._ ]$", line) for line in lines[:-1]), lines
    for lines in browser.run(LINES, "#calls td:not(:first-child)"):
        assert len(lines) == 1


def test_a_long_command_leaves_room_for_the_chart(page, browser):
    browser.resize(400)
    page("CMDLINE python3 " + "--an-option=value " * 300 + "\n" + mem(wave()))
    top = browser.run("return document.querySelector('svg').getBoundingClientRect().top")
    browser.size_again()
    assert top < 300


def test_narrow_ticks(page, browser):
    browser.resize(400)
    page(SCENE)
    texts = [shown for shown, _, _ in browser.run(TEXTS)]
    browser.size_again()
    assert "MiB" in texts and "memory (MiB)" not in texts
    assert {"0", "5", "10"} <= set(texts)


def test_what_a_finger_shows_stays(page):
    browser = page()
    x, y = place_of(browser, 5)
    browser.cdp(
        "Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": int(x), "y": int(y)}]
    )
    browser.cdp("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert browser.run("return document.getElementById('tip').className") == ""
    assert browser.run("return document.querySelector('#tip .head').textContent").startswith(
        "t = 5"
    )
    assert browser.run(
        "return getComputedStyle(document.querySelector('svg')).touchAction"
    ).startswith("pan-y")


def test_the_list_says_how_it_is_sorted(page):
    browser = page()
    sorted_by = "return Array.from(document.querySelectorAll('#calls th'), t => t.getAttribute('aria-sort'))"
    assert browser.run(sorted_by) == [None, None, "descending", None, None]
    browser.run("document.querySelector('#calls th button').click()")
    assert browser.run(sorted_by) == ["ascending", None, None, None, None]


def test_print_is_light_and_has_no_buttons(page, browser):
    page()
    browser.emulate("print", prefers_color_scheme="dark")
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    keys = browser.run("return getComputedStyle(document.getElementById('keys')).display")
    browser.emulate()
    assert (ground, keys) == ("rgb(255, 255, 255)", "none")
