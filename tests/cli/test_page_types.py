"""The page of mprof plot in a real browser: the list of types."""

from test_page import browser, page, pytestmark

from plots import COMMAND, mem, moment, wave

__all__ = ["browser", "page", "pytestmark"]  # pytest finds them here

MIB = 2**20


def told(pid, second, **types):
    return "".join(
        f"#TYPE/{pid}/{name}/{objects}/{size} 50.0 {moment(second)}\n"
        for name, (objects, size) in types.items()
    )


SCENE = (
    COMMAND
    + f"#RUN/4000/rss/each/0.1 20.0 {moment(0)}\n"
    + mem(wave(200))
    + told(4000, 1, dict=(1000, 2 * MIB), str=(500, MIB), gone=(7, 700))
    + told(4000, 3, dict=(1500, 3 * MIB), str=(400, MIB // 2), Session=(1, 48))
    + told(4000, 8, dict=(1200, 4 * MIB), str=(400, MIB // 2), Session=(9000, 3 * MIB))
    + told(4007, 5, **{"a<b>%2Fc": (3, 333)})
)


def rows(browser):
    return browser.run("""
        return Array.from(document.querySelectorAll('#types tbody tr'),
                          row => Array.from(row.cells, cell => cell.textContent));""")


def press(browser, index):
    browser.run(f"document.querySelectorAll('#types th button')[{index}].click()")


def search(browser, text):
    browser.run(f"""
        const search = document.querySelector('#types input');
        search.value = '{text}';
        search.dispatchEvent(new Event('input'));""")


def test_the_list(page):
    browser = page(SCENE)
    assert rows(browser) == [
        ["dict", "1,200", "2.0 MiB", "4.0 MiB", "4.0 MiB", "+2.0 MiB", ""],
        ["Session", "9,000", "48 B", "3.0 MiB", "3.0 MiB", "+3.0 MiB", ""],
        ["str", "400", "512.0 KiB", "512.0 KiB", "1.0 MiB", "\u2212512.0 KiB", ""],
        ["gone", "\u2013", "700 B", "\u2013", "700 B", "\u2013", ""],
    ]
    assert browser.run("return document.querySelector('#types span').textContent") == "4 types"


def test_its_order(page):
    browser = page(SCENE)
    press(browser, 5)  # the most growth first; what is not known last, either way
    assert [row[0] for row in rows(browser)] == ["Session", "dict", "str", "gone"]
    press(browser, 5)
    assert [row[0] for row in rows(browser)] == ["str", "dict", "Session", "gone"]
    press(browser, 0)
    assert [row[0] for row in rows(browser)] == ["Session", "dict", "gone", "str"]


def test_search(page):
    browser = page(SCENE)
    search(browser, " SES")
    assert [row[0] for row in rows(browser)] == ["Session"]
    assert browser.run("return document.querySelector('#types span').textContent") == (
        "1 of 4 types"
    )


def test_lines_go_where_there_were_counts(page):
    browser = page(SCENE)
    drawn = browser.run(
        "return Array.from(document.querySelectorAll('#types path'), p => p.getAttribute('d'))"
    )
    assert drawn[0].count("M") == 1 and drawn[0].count("L") == 2  # dict: three counts
    assert drawn[1].count("L") == 1  # Session: not in the first
    assert drawn[3].count("L") == 0 and drawn[3].endswith("h0.1")  # gone: once


def test_each_process_has_its_own(page):
    browser = page(SCENE)
    names = "return Array.from(document.querySelectorAll('#types option'), o => o.textContent)"
    assert browser.run(names) == ["main process", "child 4007"]
    browser.run("""
        const choice = document.querySelector('#types select');
        choice.selectedIndex = 1;
        choice.dispatchEvent(new Event('change'));""")
    assert rows(browser) == [["a<b>/c", "3", "333 B", "333 B", "333 B", "0 B", ""]]


def test_a_window_has_its_part(page):
    browser = page(SCENE, "-w", "2,9")
    drawn = browser.run("return document.querySelector('#types path').getAttribute('d')")
    assert drawn.count("L") == 1


def test_without_types_there_is_no_list(page):
    browser = page(COMMAND + mem(wave(200)))
    assert browser.run("return document.getElementById('types').className") == "hidden"


def test_a_list_that_goes_on(browser, running, wait_for):
    """Versions of a live page are shown; what is searched for stays."""
    run = running("--types=0.1", "-T", "0.01", "-o", "x.dat")
    browser.open(run.page)
    wait_for(lambda: rows(browser), 60)
    search(browser, "wrapper_d")

    def points():
        drawn = browser.run("return document.querySelector('#types path').getAttribute('d')")
        return len([letter for letter in drawn if letter in "ML"])

    before = points()
    wait_for(lambda: points() >= before + 2, 60)
    assert [row[0] for row in rows(browser)] == ["wrapper_descriptor"]
    assert browser.run("return document.querySelectorAll('#types h2').length") == 1
    assert run.end()[0] == 0
