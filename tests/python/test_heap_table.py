"""What heap() gives: rows, differences, tables."""

import gc
import json

import pytest
from memory_profiler import heap

N = 3000


class Plain:
    def __init__(self, i):
        self.number = i + 1000
        self.text = f"n{i}"


class Slots:
    __slots__ = ("number",)


@pytest.fixture(autouse=True)
def no_collections():
    """Garbage of others would leave in the midst of a test."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_growth():
    before = heap()
    made = [Plain(i) for i in range(N)]
    grown = heap() - before
    rows = {row.name: row for row in grown.types}
    assert rows[f"{__name__}.Plain"].objects == N
    assert rows[f"{__name__}.Plain"].bytes >= 48 * N
    assert grown.bytes == sum(row.bytes for row in grown.types)
    after = heap()
    del made
    shrunk = heap() - after
    rows = {row.name: row for row in shrunk.types}
    assert rows[f"{__name__}.Plain"].objects == -N
    assert shrunk.types[-1].bytes == min(row.bytes for row in shrunk.types) < 0
    assert shrunk.bytes < 0


def test_growth_of_one_type():
    before = heap(Plain)
    made = [Plain(i) for i in range(7)]
    (row,) = (heap(Plain) - before).types
    assert (row.name, row.objects) == (f"{__name__}.Plain", len(made))
    assert (heap(Slots) - heap(Slots)).types == []


def test_wrong_arguments():
    with pytest.raises(TypeError, match="heap\\(\\) takes a type, not int"):
        heap(7)
    with pytest.raises(ValueError, match="sizes must be one of blocks, getsizeof, not 'pages'"):
        heap(sizes="pages")
    with pytest.raises(ValueError, match="all types in blocks and one of all types in getsizeof"):
        heap() - heap(sizes="getsizeof")
    with pytest.raises(ValueError, match="int in blocks"):
        heap(int) - heap()
    with pytest.raises(TypeError):
        heap() - 1


def test_the_table():
    shown = heap()
    lines = str(shown).split("\n")
    types = shown.types
    assert lines[0].startswith(f"Heap: {shown.objects:,} objects, ")
    assert lines[0].endswith(f" {len(types)} types")
    assert lines[1].split() == ["Type", "Objects", "Size", "%", "Cumulative", "%"]
    assert lines[2].split()[:2] == [types[0].name, f"{types[0].objects:,}"]
    assert lines[22].startswith(f"and {len(types) - 20} more types: ")
    assert [row.bytes for row in types] == sorted((row.bytes for row in types), reverse=True)
    whole = shown.table().split("\n")
    assert len(whole) >= len(types) + 2
    assert whole[len(types) + 1].split()[-1] == "100.0"
    assert shown.table(0).split("\n")[2].startswith(f"and {len(types)} more types: ")
    assert str(heap(Slots)).split("\n")[2].split() == [
        f"{__name__}.Slots",
        "0",
        "0",
        "B",
        *["0.0"] * 2,
    ]
    assert (heap(Slots) - heap(Slots)).table() == "Heap growth: +0 objects, +0 B, 0 types"


def test_the_table_of_a_growth():
    before = heap(Plain)
    made = [Plain(i) for i in range(2)]
    assert len(made) == 2
    lines = (heap(Plain) - before).table().split("\n")
    assert lines[0].startswith("Heap growth: +2 objects, +")
    assert lines[1].split() == ["Type", "Objects", "Size"]
    assert lines[2].split()[:2] == [f"{__name__}.Plain", "+2"]


def test_json_and_a_page():
    shown = heap()
    saved = json.loads(shown.to_json())
    assert saved["objects"] == shown.objects == sum(row["objects"] for row in saved["types"])
    assert saved["bytes"] == shown.bytes == sum(row["bytes"] for row in saved["types"])
    assert (saved["sizes"], saved["is_growth"]) == ("blocks", False)
    evil = type("<b>evil</b>\n\x1b[2J", (), {})
    made = [evil() for _ in range(10)]
    page = heap(evil)._repr_html_()
    assert "&lt;b&gt;evil&lt;/b&gt;\\x0a\\x1b[2J" in page
    assert "\x1b" not in page
    assert "\x1b" not in heap(evil).table()
    assert len(heap(evil).table().split("\n")) == 3
    assert len(made) == 10


def test_classes_of_one_name_are_one_row():
    made = [type("Twice", (), {"__module__": "there"})() for _ in range(2)]
    assert len(made) == 2
    rows = [row for row in heap().types if row.name == "there.Twice"]
    assert [row.objects for row in rows] == [2]
