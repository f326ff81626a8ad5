"""hpy(): the book's snippet with one import changed, in heapy's columns."""

import re
import sys
import types

import memory_profiler
import pytest
from memory_profiler import hpy
from support import python

ROW = r" *(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) (.+)"
SNIPPET = """
from memory_profiler import hpy
hp = hpy()
hp.setrelheap()
class Session:
    pass
kept = [Session() for i in range(3000)]
texts = [str(i) * 9 for i in range(2000)]
h = hp.heap()
print(h)
"""


def rows_of(text):
    """[(index, count, %, size, %, cumulative, %, kind)], after a look at what stands above."""
    heading, heads, *lines = text.splitlines()
    found = re.fullmatch(
        r"Partition of a set of (\d+) objects?\. Total size = (\d+) bytes\.", heading
    )
    assert found, heading
    assert heads.startswith(" Index  Count   %     Size   % Cumulative  % ")
    rows = [re.fullmatch(ROW, line).groups() for line in lines if line[0] != "<"]
    return int(found[1]), int(found[2]), [(*map(int, row[:-1]), row[-1]) for row in rows]


def test_the_snippet(run):
    run.write("script.py", SNIPPET)
    done = python("script.py", cwd=run.folder).ok()
    assert done.stderr == ""
    count, size, rows = rows_of(done.stdout)
    kinds = {row[-1]: row for row in rows}
    assert kinds["__main__.Session"][1] == 3000 and kinds["str"][1] in range(2000, 2050)
    assert 5000 < count < 5200 and size > 3000 * 48
    cumulative = 0
    for index, row in enumerate(rows):
        cumulative += row[3]
        assert row[0] == index and row[5] == cumulative
        assert (row[2], row[4]) == (round(row[1] * 100 / count), round(row[3] * 100 / size))
    assert "more rows" in done.stdout or len(rows) <= 10


def test_what_is_gone_and_what_was_there_are_not_in_it(run):
    run.write(
        "script.py",
        """
from memory_profiler import hpy
class Session:
    pass
old = [Session() for i in range(100)]
hp = hpy()
assert " __main__.Session" in str(hp.heap().all)
hp.setref()
assert "Session" not in str(hp.heap().all)
del old
new = [Session() for i in range(70)]
grown = hp.heap()
again = [Session() for i in range(5)]
counts = [{h[i].kind: h[i].count for i in range(len(h))} for h in (grown, hp.heap())]
assert [count["__main__.Session"] for count in counts] == [70, 75], counts
hp.setrelheap()
assert "Session" not in str(hp.heap().all)
""",
    )
    assert python("script.py", cwd=run.folder).ok().stderr == ""


def test_parts_of_it():
    h = hpy().heap()
    assert len(h) > 20 and h.count > 10_000
    assert h.size == sum(h[i].size for i in range(len(h)))
    assert h[0].kind == rows_of(str(h))[2][0][-1] and h[0].size >= h[1].size
    first = str(h[0]).splitlines()
    assert len(first) == 3 and re.fullmatch(ROW, first[2]).groups()[2] == "100"
    assert len(h[0:3]) == 3 and h[0:3].count == sum(h[i].count for i in range(3))
    assert h[-1].count == h[len(h) - 1].count
    with pytest.raises(IndexError):
        h[len(h)]
    assert str(h).splitlines()[-1] == f"<{len(h) - 10} more rows. Type e.g. '_.more' to view.>"
    more = str(h.more).splitlines()
    assert more[0].startswith(" Index  Count ") and more[1].split()[0] == "10" and len(more) == 12
    assert str(h.more.more).splitlines()[1].split()[0] == "20"
    assert str(h[0].more) == "" and str(h[0:0]) == (
        "Partition of a set of 0 objects. Total size = 0 bytes."
    )
    assert len(str(h.all).splitlines()) == len(h) + 2
    assert str(h).splitlines()[1].endswith(" Kind (class / dict of class)")
    assert str(h.bytype).splitlines()[1].endswith("  % Type")


def test_sizes():
    blocks, theirs = (
        {h[i].kind: h[i].size / h[i].count for i in range(len(h))}
        for h in (hpy().heap(), hpy(sizes="getsizeof").heap())
    )
    assert theirs["float"] == 24 and blocks["float"] >= 24
    with pytest.raises(ValueError, match="sizes must be one of blocks, getsizeof"):
        hpy(sizes="all")


def test_what_is_not_there_says_so_in_a_line():
    hp = hpy()
    for name in "iso", "heapu", "Id", "monitor", "pb", "x\x1b\n":
        with pytest.raises(AttributeError) as error:
            getattr(hp, name)
        assert "it has heap(), setrelheap() and setref()" in str(error.value)
        assert str(error.value).isprintable()
    for name in "bysize", "byid", "rp", "theone", "stat":
        with pytest.raises(AttributeError, match=f"has no '{name}'; it has count, size, kind, "):
            getattr(hp.heap(), name)
    with pytest.raises(TypeError):
        hp.heap() - hp.heap()
    assert "\n" not in repr(hp)


class Kept:
    pass


def test_ways_and_owners():
    module = types.ModuleType("kept_for_heapy")
    sys.modules["kept_for_heapy"] = module
    try:
        module.rows = [Kept() for _ in range(2)]
        h = hpy().heap()
        (at,) = (i for i in range(len(h)) if h[i].kind == f"{__name__}.Kept")
        told = h[at].sp
        assert sorted(told) == ["kept_for_heapy.rows[0]", "kept_for_heapy.rows[1]"]
        assert str(told).splitlines()[1] == f" 1: {told[1]}"
        with pytest.raises(ValueError, match="of one type"):
            _ = h.sp
        assert len(h.byrcs) == 10 and str(h.byrcs).startswith("Kept alive by")
    finally:
        del sys.modules["kept_for_heapy"]


def test_names_of_types_are_hostile_text():
    kept = type("a\n\x1b[2J", (), {})()
    text = str(hpy().heap().all)
    assert kept is not None and "\x1b" not in text and "a\\x0a\\x1b[2J" in text


def test_it_is_loaded_when_it_is_asked_for(tmp_path):
    done = python(
        "-c",
        "import sys, memory_profiler\nassert 'memory_profiler._hpy' not in sys.modules\n"
        "from memory_profiler import hpy\nassert 'memory_profiler._hpy' in sys.modules",
        cwd=tmp_path,
    ).ok()
    assert done.stderr == ""
    assert "hpy" in memory_profiler.__all__


GUPPY = """
import gc, re
from guppy import hpy as theirs
from memory_profiler import hpy as ours
kept = [str(i) * 9 for i in range(5000)], [{"a": i} for i in range(700)], [1.5 * i for i in range(9)]
texts = []
heapy = theirs(), ours(sizes="getsizeof")
heapy[0].heap()
gc.collect()
for hp in heapy:
    h = hp.heap()
    texts.append([str(h), str(h.bytype), str(h.more), str(h[0]), str(h[0].more), str(h[0:3])])
def shape(text):  # names are ours or theirs, digits what there is; columns stay where they are
    text = re.sub(r"(?m)^((?: *\\d+){7} ).*", r"\\1", text)
    return re.sub(r" *\\d+", lambda found: "#" * len(found[0]), re.sub(r"\\b[0-9]+(?= [mobo])", "9", text))
for one, other in zip(*texts):
    assert shape(one) == shape(other), (one, other)
"""


def test_the_columns_are_guppys(tmp_path):
    pytest.importorskip("guppy")
    assert python("-c", GUPPY, cwd=tmp_path).ok().stderr == ""
