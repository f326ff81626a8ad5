"""The page of mprof run --live in a real browser: what it shows while the program runs, and after."""

import functools
import http.server
import re
import sys
import threading
import time

import pytest
from browser import MISSING
from live_pages import ODD_NAMES, data_of

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


@pytest.fixture
def quiet(browser):
    """Nothing is complained of, and nothing is asked for but the page and the file beside it."""
    browser.console()
    browser.requests()
    yield browser
    assert browser.console() == []
    for url in browser.requests():
        assert re.match(
            r"(file:///|http://127\.0\.0\.1:).*(\.html|\.HTML|\.data\.js\?\d+)$|data:", url
        ), url
    browser.do("url", {"url": "about:blank"})


def state(browser):
    return browser.run(
        "const l = document.getElementById('live'); return [l.className, l.innerText]"
    )


def end_of_axis(browser):
    return browser.run("return +document.querySelector('svg').dataset.end")


def curves(browser):
    return browser.run("return document.querySelectorAll('path.curve').length")


def test_twelve_versions_and_the_end(quiet, running, wait_for):
    run = running("-T", "0.01", "-o", "x.dat")
    quiet.open(run.page)
    ends, states = set(), []

    def look():
        shown = state(quiet)[0]
        if not states or states[-1] != shown:
            states.append(shown)
        if curves(quiet):
            ends.add(end_of_axis(quiet))
        return len(ends) >= 12

    wait_for(look, 60)
    assert states[-1] == "live" and set(states) <= {"waiting", "live"}
    assert quiet.run("return document.querySelector('h1').textContent").endswith(
        "sys.stdin.read()'"
    )
    assert run.end()[0] == 0
    wait_for(lambda: state(quiet) == ["ended", "ended"])
    assert end_of_axis(quiet) == data_of(run.page)["time"][1]
    assert " samples" in quiet.run("return document.querySelector('p').textContent")
    quiet.open(run.page)
    assert quiet.run("return document.getElementById('live')") is None
    assert end_of_axis(quiet) == data_of(run.page)["time"][1] and curves(quiet) == 1


def test_a_killed_run_is_silent_and_stays(quiet, running, wait_for):
    run = running("-o", "x.dat")
    quiet.open(run.page)
    wait_for(lambda: state(quiet)[0] == "live")
    run.process.kill()
    wait_for(lambda: state(quiet)[0] == "silent")
    assert re.match(r"silent since \d+:\d\d:\d\d", state(quiet)[1]) and curves(quiet) == 1
    quiet.open(run.page)
    wait_for(lambda: state(quiet)[0] == "silent")
    assert curves(quiet) == 1


def test_the_next_run_takes_over_an_open_page(quiet, mprof, running, wait_for):
    first = running("-o", "x.dat")
    quiet.open(first.page)
    wait_for(lambda: state(quiet)[0] == "live")
    first.process.kill()
    first.process.wait()
    wait_for(lambda: state(quiet)[0] == "silent")
    second = running("-q", "-o", "y.dat", program=["cat"])
    wait_for(lambda: state(quiet)[0] == "live")
    assert quiet.run("return document.querySelector('h1').textContent") == "cat"
    assert second.end() == (0, [])


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_in_the_browser(quiet, mprof, running, wait_for, name):
    (mprof.folder / "folder").mkdir()
    run = running("-o", "x.dat", page=name)
    quiet.open(run.page)
    wait_for(lambda: state(quiet)[0] == "live" and curves(quiet) == 1)
    assert run.end()[0] == 0
    wait_for(lambda: state(quiet)[0] == "ended")


def test_what_was_chosen_stays(quiet, running, wait_for):
    """A zoom, a series that was taken away, how the list is sorted, and who has the focus."""
    program = (
        "import os, sys, time\n"
        "with open(os.environ['MPROF_OUTPUT'], 'a') as out:\n"
        "    now = time.time()\n"
        "    for i in range(20):\n"
        "        out.write(f'CHLD 7 {5 + i:.6f} {now + i / 10:.4f}\\n')\n"
        "    for name in 'm.b', 'm.a':\n"
        "        out.write(f'FUNC {name} 1.0 {now:.4f} 2.0 {now + 1:.4f} 0\\n')\n"
        "    out.write(f'BEGIN m.c 1.0 {now:.4f} 0\\n')\n"
        "sys.stdin.read()\n"
    )
    run = running("-o", "x.dat", program=[sys.executable, "-c", program])
    quiet.open(run.page)
    wait_for(lambda: curves(quiet) == 2)
    quiet.run("document.querySelector('#calls th button').click()")
    quiet.run("document.querySelector('#legend button').click()")
    quiet.run("document.querySelector('svg').focus()")
    quiet.keys("++")
    quiet.run("document.querySelector('#legend button').focus()")
    zoom = "const s = document.querySelector('svg').dataset; return [s.begin, s.end]"
    chosen = quiet.run(zoom)
    facts = "return document.querySelector('p').textContent"
    before = quiet.run(facts)
    wait_for(lambda: quiet.run(facts) != before)
    before = quiet.run(facts)
    wait_for(lambda: quiet.run(facts) != before)
    assert quiet.run(zoom) == chosen and curves(quiet) == 1
    names = "return Array.from(document.querySelectorAll('#calls tbody tr'), r => [r.cells[0].innerText, r.cells[2].innerText])"
    assert quiet.run(names) == [["m.a", "1.00 s"], ["m.b", "1.00 s"], ["m.c", "still running"]]
    assert quiet.run("return document.activeElement === document.querySelector('#legend button')")
    assert run.end()[0] == 0
    wait_for(lambda: state(quiet)[0] == "ended")
    assert quiet.run(names)[2] == ["m.c", "never ended"]


def test_a_page_whose_data_is_gone_says_so(browser, running, wait_for):
    """One that did not ask in time: a timer of a page that nobody sees may come once a minute."""
    run = running("-o", "x.dat")
    browser.open(run.page)
    wait_for(lambda: state(browser)[0] == "live")
    run.process.kill()
    run.process.wait()
    time.sleep(0.1)
    run.data.unlink()
    wait_for(lambda: "the data beside this page is gone" in state(browser)[1])
    assert state(browser)[0] == "silent" and state(browser)[1].endswith("reload")
    assert curves(browser) == 1
    browser.do("url", {"url": "about:blank"})
    browser.console()


def test_behind_a_web_server(quiet, mprof, running, wait_for):
    """Of the user's own, who shows the folder."""
    run = running("-o", "x.dat")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=mprof.folder)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        quiet.do("url", {"url": f"http://127.0.0.1:{server.server_port}/page.html"})
        wait_for(lambda: state(quiet)[0] == "live" and curves(quiet) == 1)
        assert run.end()[0] == 0
        wait_for(lambda: state(quiet)[0] == "ended")
    finally:
        server.shutdown()
        server.server_close()
