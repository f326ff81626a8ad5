"""The page of mprof plot in a real browser: what memory is made of, and limits."""

import re

from test_page import browser, hover, page, place_of, pytestmark

from plots import SCENES

__all__ = ["browser", "page", "pytestmark"]  # pytest finds them here


def test_layers_and_limits(page, mprof):
    browser = page(SCENES["parts"][0])
    drawn = browser.run(
        "return Array.from(document.querySelectorAll('path.layer'), p => p.getAttribute('fill'))"
    )
    assert drawn == ["#b4a7d6", "#f6b26b", "#93c47d", "#6fa8dc"]  # the highest first
    assert browser.run("return document.querySelectorAll('path.limit').length") == 1
    assert browser.run("return document.querySelector('text.limited').textContent") == (
        "cgroup limit 160 MiB"
    )
    legend = browser.run(
        "return Array.from(document.querySelectorAll('#legend .layer'), e => e.textContent)"
    )
    assert [text.split()[0] for text in legend] == ["swap", "shared", "file", "anonymous"]
    lines = hover(browser, 4.87)
    assert [line.split("  ")[0] for line in lines[1:]] == [
        *("main process", "swap", "shared", "file", "anonymous")
    ]
    assert lines[-1] == "anonymous  70.0 MiB"
    x, y = place_of(browser, 4.87)
    browser.wheel(x, y, -300)
    browser.wheel(x, y, -300)
    assert browser.run("return document.querySelectorAll('path.layer').length") == 4


def test_layers_of_two_runs_do_not_meet(page):
    text = SCENES["parts"][0]
    later = re.sub(r" (17000000\d\d)\.", lambda m: f" {int(m[1]) + 30}.", text)
    browser = page(text + later)
    path = browser.run("return document.querySelector('path.layer').getAttribute('d')")
    points = [tuple(map(float, point.split())) for point in re.findall(r"[\d.]+ [\d.]+", path)]
    ground = max(y for _, y in points)
    # Down to zero where the first ends, and up from it where the second begins; then the way back.
    assert len([y for _, y in points if y == ground]) == 4
