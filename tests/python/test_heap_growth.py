"""heap_growth(): what is new on the heap, also where old objects left their addresses."""

import gc
import sys

import pytest
from memory_profiler import heap, heap_growth

N = 5000


class Plain:
    def __init__(self, i):
        self.number = i + 1000


@pytest.fixture(autouse=True)
def no_collections():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def objects(grown, name):
    return {row.name: row.objects for row in grown.types}.get(name, 0)


def test_nothing_is_new():
    with heap_growth() as grown:
        pass
    assert grown.objects == (sys.version_info < (3, 11))  # a frame of ours


def test_what_is_made_and_left():
    with heap_growth() as grown:
        made = [Plain(i) for i in range(N)]
        for i in range(N):
            Plain(i)
    assert objects(grown, f"{__name__}.Plain") == len(made)
    assert f"{__name__}.Plain" in str(grown)
    assert str(grown).startswith("New on the heap: +")


def test_addresses_that_are_used_again():
    old = [Plain(i) for i in range(N)]
    addresses = set(map(id, old))
    del old[1::2]
    with heap_growth() as grown:
        old.clear()
        made = [Plain(i) for i in range(N)]
    assert len(addresses.intersection(map(id, made))) > 100
    assert objects(grown, f"{__name__}.Plain") == N


@pytest.mark.parametrize(
    ("name", "make", "aside"),
    [
        ("int", lambda i: i + 10**6, 100 if sys.version_info >= (3, 14) else 0),
        ("bytes", lambda i: b"%d" % (i + 300), 0),
        ("float", lambda i: i + 0.5, 100),
        ("dict", lambda i: {i: i}, 80),
        ("list", lambda i: [i], 80),
        ("tuple", lambda i: (i,), 2000),
    ],
)
def test_only_what_was_put_aside_is_taken_for_old(name, make, aside):
    old = [make(i) for i in range(N)]
    with heap_growth() as grown:
        old.clear()
        made = [make(i) for i in range(N)]
    assert N - aside <= objects(grown, name) <= N + 20
    assert len(made) == N


def test_an_object_that_grows_stays_the_one_it_was():
    old = [[] for _ in range(100)], bytearray(10)
    with heap_growth() as grown:
        for one in old[0]:
            one.extend(range(1000))
        old[1].extend(bytes(10**6))
    assert objects(grown, "list") == objects(grown, "bytearray") == 0


def test_one_within_another():
    with heap_growth() as outer:
        first = [Plain(i) for i in range(10)]
        with heap_growth() as inner:
            second = [Plain(i) for i in range(20)]
        third = [Plain(i) for i in range(30)]
    assert objects(inner, f"{__name__}.Plain") == len(second)
    assert objects(outer, f"{__name__}.Plain") == len(first) + len(second) + len(third)


def test_it_keeps_nothing_and_the_hook_stays_quiet():
    import weakref

    made = Plain(1)
    gone = weakref.ref(made)
    with heap_growth() as grown:
        del made
        assert gone() is None
    assert objects(grown, f"{__name__}.Plain") == 0
    before = heap(Plain).objects
    [Plain(i) for i in range(N)]
    assert heap(Plain).objects == before


def test_an_exception_goes_on():
    with pytest.raises(ZeroDivisionError), heap_growth() as grown:
        made = [Plain(i) for i in range(3)]
        raise ZeroDivisionError
    assert objects(grown, f"{__name__}.Plain") == len(made)


def test_wrong_use():
    with pytest.raises(ValueError, match="sizes must be one of"):
        heap_growth(sizes="pages")
    with pytest.raises(RuntimeError, match=r"heap_growth\(\) has not begun"):
        heap_growth().__exit__(None, None, None)


def test_in_getsizeof():
    with heap_growth(sizes="getsizeof") as grown:
        made = [bytearray(100) for _ in range(10)]
    rows = {row.name: row for row in grown.types}
    assert rows["bytearray"].bytes == sum(map(sys.getsizeof, made))


def test_where_the_allocator_of_before_is_put_back_it_says_so(run):
    """tracemalloc does that when it stops, where it was started first."""
    done = run.plain("""
        import tracemalloc
        from memory_profiler import heap_growth
        tracemalloc.start()
        with heap_growth() as grown:
            tracemalloc.stop()
        print(str(grown).splitlines()[-1])
        with heap_growth() as grown:
            kept = [bytes(i) for i in range(100)]
        print(str(grown).splitlines()[-1])
        """).ok()
    first, second = done.stdout.splitlines()
    assert first == "Some are missing: not all that was freed could be seen"
    assert not second.startswith("Some are missing")


def test_beside_the_log_of_allocations(run):
    done = run.m(
        """
        from memory_profiler import heap_growth
        class Plain:
            pass
        old = [Plain() for _ in range(1000)]
        with heap_growth() as grown:
            old.clear()
            made = [Plain() for _ in range(1000)]
        print([row.objects for row in grown.types if row.name == "__main__.Plain"])
        """,
        options=["--allocations"],
    ).ok()
    assert "[1000]" in done.stdout
