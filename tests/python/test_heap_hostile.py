"""heap() beside classes that lie, things that are half made, and without memory."""

import pytest
from memory_profiler import heap


class Lies:
    asked = 0

    def __sizeof__(self):
        Lies.asked += 1
        return 10**9


class Borrows:
    """With the method of a type that is none of its bases: to call it would read elsewhere."""

    __sizeof__ = int.__sizeof__


class Raises(list):
    def __sizeof__(self):
        raise ValueError


@pytest.mark.parametrize("sizes", ["blocks", "getsizeof"])
def test_a_sizeof_of_python_is_not_called(sizes):
    made = [Lies(), Borrows(), Raises(range(100))]
    rows = {row.name.rpartition(".")[2]: row for row in heap(sizes=sizes).types}
    assert Lies.asked == 0
    assert len(made) == 3
    for name in ("Lies", "Borrows"):
        assert rows[name].is_partial
        assert 16 <= rows[name].bytes < 400
    # What a list has is read, and not asked for.
    assert rows["Raises"].is_partial == (sizes == "getsizeof")
    assert (rows["Raises"].bytes > 800) == (sizes == "blocks")
    assert not rows["dict"].is_partial
    assert not rows["list"].is_partial


def test_a_class_that_is_called_as_another_is_not_taken_for_it():
    for name in ("numpy.ndarray", "datetime.datetime", "datetime.timezone", "collections.deque"):
        made = [type(name, (), {"__slots__": ("a", "b", "c", "d", "e", "f", "g")})()]
        assert heap(type(made[0])).objects == 1


class Key(str):
    """Equal to others only after a question."""

    asked = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Key.asked += 1
        return str.__eq__(self, other)


def test_no_key_of_a_class_is_asked_whether_it_is_another():
    odd = type("Odd", (), {Key("__sizeof__"): None, Key("__module__"): "there", "x": 1})
    made = [odd(), odd()]
    asked = Key.asked
    assert heap(odd).objects == len(made)
    assert heap().objects > 1000
    assert Key.asked == asked


def test_chains_as_long_as_you_like():
    chain = None
    for _ in range(200_000):
        chain = (chain,)
    assert heap(tuple).objects >= 200_000
    while chain:
        (chain,) = chain


def test_half_made_things():
    """From code that runs while Python makes a tuple, a set, a dict, a class."""

    class Meta(type):
        def mro(cls):
            heap()
            return super().mro()

        def __new__(cls, name, bases, names):
            heap()
            return super().__new__(cls, name, bases, names)

    class Made(metaclass=Meta):
        heap()

        def __init_subclass__(cls):
            heap()

    class Again(Made):
        __slots__ = ("a",)

    def walking():
        for i in range(3):
            heap()
            yield i

    assert tuple(walking()) == (0, 1, 2)
    assert set(walking()) == frozenset(walking()) == {0, 1, 2}
    assert dict(zip(walking(), walking())) == {0: 0, 1: 1, 2: 2}
    assert sorted(walking(), key=lambda i: (heap(int), -i)[1]) == [2, 1, 0]
    assert heap(Again).objects == 0


def test_without_memory_it_says_so(run):
    run.plain("""
        import resource
        from memory_profiler import heap
        kept = [[i] for i in range(300_000)]
        heap()
        results = set()
        for more in range(0, 8 << 20, 256 << 10):
            with open("/proc/self/statm") as statm:
                room = int(statm.read().split()[0]) * resource.getpagesize() + more
            resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
            try:
                results.add(heap(list).objects >= len(kept))
            except MemoryError:
                results.add("MemoryError")
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        assert results == {True, "MemoryError"}, results
        """).ok()


def test_while_the_interpreter_ends(run):
    done = run.plain("""
        import atexit
        from memory_profiler import heap
        class Late:
            def __del__(self, heap=heap):
                try:
                    print(heap().objects > 100)
                except RuntimeError:  # the last collection runs
                    print(True)
        atexit.register(lambda: print(heap().objects > 100))
        late = Late()
        """).ok()
    assert done.stdout == "True\nTrue\n"
