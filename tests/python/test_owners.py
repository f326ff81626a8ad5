"""Who keeps what: owners() against taking the names away."""

import gc
import random
import sys
import threading

import pytest
from memory_profiler import heap, owners
from owners_support import Holder, Target


def rows_of(prefix, n=60):
    return {row.name: row for row in heap().owners(n) if row.name.startswith(prefix)}


# ---- what is retained


def random_names(module, seed):
    """Boxes of numbers that hold one another at random, under names that some of them share."""
    choice = random.Random(seed)
    boxes = [[float(i) for i in range(choice.randrange(500, 2500))] for _ in range(30)]
    for _ in range(choice.randrange(60)):
        choice.choice(boxes).append(choice.choice(boxes))
    module.name_of_its_own = [float(i) for i in range(30000)]
    for i in range(12):
        setattr(module, f"name{i}", choice.choice(boxes))
        if choice.random() < 0.3:
            setattr(module, f"again{i}", choice.choice(boxes))


@pytest.mark.parametrize("seed", range(30))
def test_what_goes_with_a_name_is_what_it_retained(kept, seed):
    random_names(kept, seed)
    gc.collect()
    for turn in range(3):
        rows = [row for row in rows_of("kept_here.name").values() if not row.is_shared]
        if turn and not rows:
            break
        row = random.Random(seed).choice(rows)
        before, floats = heap(list), heap(float)
        gc.collect()  # what Python has put aside is a block, too
        blocks = sys.getallocatedblocks()
        delattr(kept, row.name.partition(".")[2])
        gc.collect()
        freed = sys.getallocatedblocks()
        gone = before.objects - heap(list).objects + floats.objects - heap(float).objects
        assert abs(gone - row.objects) <= 0.01 * row.objects + 20
        size = before.bytes - heap(list).bytes + floats.bytes - heap(float).bytes
        assert abs(size - row.bytes) <= 0.01 * row.bytes + 2000
        assert abs(blocks - freed - row.objects) <= 0.01 * row.objects + 20


def test_what_two_names_hold_is_neithers(kept):
    kept.first = kept.second = [float(i) for i in range(20000)]
    rows = rows_of("kept_here.")
    found = rows.get("kept_here.first") or rows.get("kept_here.second")
    assert found.is_shared and found.objects == 20001
    assert len({"kept_here.first", "kept_here.second"} & rows.keys()) == 1
    assert ", and others" in heap().owners(60).table()
    del kept.second
    row = rows_of("kept_here.")["kept_here.first"]
    assert not row.is_shared and (row.objects, row.type) == (20001, "list")


def test_many_that_two_names_hold_have_a_row_together(kept):
    together = "held by several names together"
    before = sum(row.objects for row in heap().owners(20) if row.name == together)
    kept.by_number = {i: [i, [float(i)]] for i in range(20000)}
    kept.by_text = {f"number {i}": one for i, one in kept.by_number.items()}
    (row,) = [row for row in heap().owners(20) if row.name == together]
    assert 60000 <= row.objects - before < 60000 + 25000 and row.bytes >= 20000 * (72 + 24 + 72)


def test_a_module_that_is_being_run_is_not_held_by_c_code(kept):
    source = "rows = [float(i) for i in range(80000)]\nfound = ask()\n"
    vars(kept)["ask"] = lambda: heap().owners(60)
    exec(source, vars(kept))
    rows = {row.name: row for row in kept.found}
    assert rows["kept_here.rows"].objects == 80001
    assert rows["held by C code"].objects < 80001


def test_locals_of_one_name_are_one_row():
    def rec(n):
        mine = [float(i) for i in range(15000)]
        return rec(n - 1) if n else (len(mine), heap().owners(60))[1]

    (row,) = [row for row in rec(4) if row.name.endswith("rec() local mine")]
    assert row.objects == 5 * 15001


def test_attributes_of_instances_and_classes(kept):
    kept.app = Holder(30000)
    kept.Made = type("Made", (), {"cache": [float(i) for i in range(25000)]})
    rows = rows_of("kept_here.")
    assert rows["kept_here.app.items"].objects == 30001
    assert rows["kept_here.app"].objects - 30002 in (0, 1)  # its dict
    assert rows["kept_here.Made.cache"].objects == 25001
    assert rows["kept_here.Made"].bytes > rows["kept_here.Made.cache"].bytes


def test_locals_of_what_runs_here_and_in_other_threads():
    ready, done = threading.Event(), threading.Event()

    def waiting():
        kept_there = [float(i) for i in range(40000)]
        ready.set()
        done.wait()
        return kept_there

    def running():
        kept_by_me = [float(i) for i in range(35000)]
        found = {row.name: row for row in heap().owners(50)}
        return len(kept_by_me), found

    thread = threading.Thread(target=waiting)
    thread.start()
    ready.wait()
    try:
        _, found = running()
    finally:
        done.set()
        thread.join()
    where = "test_locals_of_what_runs_here_and_in_other_threads.<locals>."
    where = where if sys.version_info >= (3, 11) else ""
    assert found[f"{where}waiting() local kept_there"].objects == 40001
    assert found[f"{where}running() local kept_by_me"].objects == 35001


def test_garbage_and_what_c_code_holds_have_rows(kept):
    import ctypes

    gc.collect()
    gc.disable()
    try:
        cycle = [float(i) for i in range(30000)]
        cycle.append(cycle)
        del cycle
        held = [float(i) for i in range(50000)]
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))
        address = id(held)
        del held
        rows = {row.name: row for row in heap().owners(60)}
    finally:
        gc.enable()
    ctypes.pythonapi.Py_DecRef(ctypes.cast(address, ctypes.py_object))
    assert rows["garbage that no collection has seen"].objects >= 30001
    assert rows["held by C code"].objects >= 50001


@pytest.mark.skipif(sys.version_info[:2] != (3, 12), reason="interned texts are freed there")
def test_texts_that_are_never_freed_are_not_held_by_c_code(kept):
    def rows():
        found = {row.name: row.objects for row in heap().owners(10)}
        return found["never freed by Python"], found["held by C code"]

    before = rows()
    kept.texts = [sys.intern(f"a text that stays {i}") for i in range(5000)]
    after = rows()
    assert 5000 <= after[0] - before[0] < 5200
    assert abs(after[1] - before[1]) < 200


def test_all_that_is_owned_is_no_more_than_the_heap(kept):
    kept.rows = [{"id": i} for i in range(20000)]
    found, whole = heap().owners(10000), heap()
    for row in found:
        assert 0 <= row.bytes <= whole.bytes and 1 <= row.objects <= whole.objects
    assert found == sorted(found, key=lambda row: -row.bytes)
    assert len(heap().owners(3)) >= 3


# ---- nothing changes


def test_nothing_changes(kept):
    kept.app, kept.text = Holder(100), "a text of the program's own"
    target = kept.app.items[5]
    counts = sys.getrefcount(kept.app), sys.getrefcount(kept.text), sys.getrefcount(target)
    collections_before = [stats["collections"] for stats in gc.get_stats()]
    for _ in range(3):
        heap().owners(20)
        owners(target)
    assert counts == (
        sys.getrefcount(kept.app),
        sys.getrefcount(kept.text),
        sys.getrefcount(target),
    )
    if sys.version_info >= (3, 11):
        assert not any(isinstance(one, dict) for one in gc.get_referents(kept.app))
    assert [stats["collections"] for stats in gc.get_stats()][2] == collections_before[2]
    assert gc.isenabled()


def test_it_dies_when_it_is_deleted(kept):
    import weakref

    kept.one = Target()
    alive = weakref.ref(kept.one)
    heap().owners()
    owners(kept.one)
    heap(Target).paths()
    del kept.one
    assert alive() is None


def test_not_while_a_collection_runs():
    told = []

    def callback(phase, info):
        for ask in (heap, lambda: owners(told)):
            try:
                ask()
            except RuntimeError as error:
                told.append(str(error))

    gc.callbacks.append(callback)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(callback)
    assert len(told) == 4 and all("while a collection runs" in text for text in told)


def test_what_cannot_be_asked():
    with pytest.raises(ValueError, match=r"of the whole heap: heap\(\)\.owners\(\)"):
        (heap() - heap()).owners()
    with pytest.raises(ValueError, match="of the whole heap"):
        heap(int).owners()
    with pytest.raises(ValueError, match=r"heap\(kind\)\.paths\(\)"):
        heap().paths()
    for n in (-1, 1.5, "3", True):
        with pytest.raises(ValueError, match="takes how many"):
            heap().owners(n)


def test_hostile_names_are_made_visible(kept):
    setattr(kept, "a\x1b[31m\nb", [float(i) for i in range(90000)])
    table = heap().owners(30).table()
    assert "\x1b" not in table
    row = next(line for line in table.split("\n") if "90,001" in line)
    assert row.startswith("vars(kept_here)['a\\x1b[31m\\nb']")
