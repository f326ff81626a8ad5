"""What leads to an object: expressions against the objects, and sentences."""

import collections
import functools
import gc
import sys
import types

import pytest
from memory_profiler import heap, owners
from owners_support import Holder, Target, evaluated, module_of


class Slots:
    __slots__ = ("value", "__dict__")


class Asking:
    def __getattribute__(self, name):
        raise RuntimeError("nobody may ask")


class Guarded:
    @property
    def value(self):
        raise RuntimeError("nobody may ask")


class Lists(list):
    def __getitem__(self, at):
        raise RuntimeError("nobody may ask")


class Dicts(dict):
    def __getitem__(self, at):
        raise RuntimeError("nobody may ask")

    def values(self):
        raise RuntimeError("nobody may ask")


def slots_of(target):
    made = Slots()
    made.value = target
    return made


def slots_below_another(target):
    below = type("Below", (Slots,), {"__slots__": ("value",)})
    made = below()
    made.value = 1
    Slots.value.__set__(made, target)
    return made


def slots_below_a_property(target):
    made = type("Asked", (Slots,), {"value": Guarded.value})()
    Slots.value.__set__(made, target)
    return made


def asking_of(target):
    made = Asking()
    object.__setattr__(made, "value", target)
    return made


def guarded_of(target):
    made = Guarded()
    vars(made)["value"] = target
    return made


def asked_for_dict(target):
    made = Holder(0)
    vars(made)
    made.items = target
    return made


def closure_of(target):
    return lambda: target


def generator_of(target):
    def steps():
        kept = target
        yield 1
        yield kept

    generator = steps()
    next(generator)
    return generator


def awaited_of(target):
    @types.coroutine
    def pause():
        yield

    async def inner():
        kept = target
        await pause()
        return kept

    async def outer():
        await inner()

    waiting = outer()
    waiting.send(None)
    return waiting


def delegated_of(target):
    def steps():
        yield from generator_of(target)

    generator = steps()
    next(generator)
    return generator


def another_order(target):
    made = type("Made", (), {})
    first, second = made(), made()
    names = [letter * 200 for letter in "abc"]
    for name in names:
        setattr(first, name, 0)
    for name in reversed(names):
        setattr(second, name, target if name == names[0] else 0)
    vars(second)
    return second


def keyed_by_object(target):
    return {(1, 2): target, "x": 1}


class Refusing(type):
    def __getattribute__(self, name):
        raise SystemExit("nobody may ask")


def of_refusing(target):
    made = type.__call__(Refusing("Odd", (), {}))
    vars(made)["value"] = target
    return made


def of_refusing_class(target):
    made = Refusing("Odd", (), {"value": target})
    return [made]


class Comparing(type):
    __hash__ = type.__hash__

    def __eq__(self, other):
        raise SystemExit("nobody may ask")


def below_a_comparing(target):
    """An attribute, and a dict, below descriptors whose class may not be compared."""
    descriptor = Comparing("Odd", (), {"__get__": lambda *asked: 5, "__set__": lambda *asked: None})
    made = type("Made", (), {"value": descriptor(), "__getattribute__": descriptor()})()
    object.__getattribute__(made, "__dict__")["value"] = target
    return made


class Sets(set):
    def __iter__(self):
        return iter([1, 2, 3])


class function:
    def __get__(self, instance, owner=None):
        return 5


def bound_of(target):
    made = function()
    made.value = target
    return type("Made", (), {"x": made})


ZOO = {
    "of a metaclass that may not be asked": of_refusing,
    "class of a metaclass that may not be asked": of_refusing_class,
    "set that may not be asked": lambda target: Sets([target]),
    "letters that Python reads as others": lambda target: types.SimpleNamespace(
        **{"\ufb01": target}
    ),
    "what is called a function": bound_of,
    "list": lambda target: [0, target],
    "tuple": lambda target: ("a", target),
    "dict by text": lambda target: {"it's": target},
    "dict by number": lambda target: {-3: target},
    "dict by bytes": lambda target: {b"\xff": target},
    "dict by object": keyed_by_object,
    "dict by long text": lambda target: {"x" * 1000: target},
    "nested": lambda target: {"rows": [{"id": [target]}]},
    "set": lambda target: {1, 2, target},
    "frozenset": lambda target: frozenset([target, 5]),
    "deque": lambda target: collections.deque([1, target]),
    "default dict": lambda target: collections.defaultdict(list, {7: target}),
    "ordered dict": lambda target: collections.OrderedDict(k=target),
    "namedtuple": lambda target: collections.namedtuple("Pair", "a b")(1, target),
    "instance": lambda target: types.SimpleNamespace(value=target),
    "instance of Python": asked_for_dict,
    "instance without a dict": lambda target: setattr(made := Holder(0), "items", target) or made,
    "slots": slots_of,
    "one below descriptors that may not be compared": below_a_comparing,
    "slots below one of the same name": slots_below_another,
    "slots below a property": slots_below_a_property,
    "long names in another order": another_order,
    "what a coroutine awaits": awaited_of,
    "what a generator delegates to": delegated_of,
    "attribute that no name can be": lambda target: types.SimpleNamespace(**{"not a name": target}),
    "attribute called class": lambda target: types.SimpleNamespace(**{"class": target}),
    "one that may not be asked": asking_of,
    "one below a property": guarded_of,
    "list that may not be asked": lambda target: Lists([target]),
    "dict that may not be asked": lambda target: Dicts(a=target),
    "dict that may not be asked, by object": lambda target: Dicts({(1,): target}),
    "class": lambda target: type("Made", (), {"value": target}),
    "partial": lambda target: functools.partial(print, target),
    "closure": closure_of,
    "default of a function": lambda target: eval("lambda x=target: x", {"target": target}),
    "generator": generator_of,
    "cell": lambda target: types.CellType(target),
    "iterator": lambda target: iter([target]),
    "bound method": lambda target: types.MethodType(print, target),
    "mapping proxy": lambda target: types.MappingProxyType({"a": target}),
    "array of objects": lambda target: pytest.importorskip("numpy").array([target, None], object),
}


@pytest.mark.parametrize("kind", ZOO)
def test_an_expression_leads_to_the_object(kept, kind):
    target = Target()
    kept.holder = ZOO[kind](target)
    told = owners(target)
    if kind == "array of objects":
        assert told == "no expression leads to it: it is held inside of kept_here.holder"
        return
    assert told.startswith(
        ("kept_here.holder", "vars(", "list(", "gc.", "object.", "dict.", "list.")
    )
    assert evaluated(told, kept_here=kept) is target


@pytest.mark.parametrize("name", [("a",), "x" * 200])
def test_what_has_an_odd_key_among_modules(name):
    sys.modules[name] = target = [Target()]
    try:
        assert evaluated(owners(target)) is target
    finally:
        del sys.modules[name]


def test_the_dict_of_a_class(kept):
    kept.Made = type("Made", (), {})
    attributes = gc.get_referents(vars(kept.Made))[0]
    assert evaluated(owners(attributes), kept_here=kept) is attributes


def test_a_program_that_replaces_sys_modules(kept):
    kept.value = Target()
    before = sys.modules
    try:
        sys.modules = 5
        told = owners(kept.value)
        assert len(heap().owners(3)) >= 3
    finally:
        sys.modules = before
    assert evaluated(told, kept_here=kept) is kept.value


def test_a_local_is_told_by_a_sentence():
    def running():
        mine = {"a": [Target()]}
        return owners(mine["a"][0])

    told = running()
    name = running.__qualname__ if sys.version_info >= (3, 11) else "running"
    line = running.__code__.co_firstlineno + 2
    assert told == (
        f"the local mine of {name}() ({running.__code__.co_filename}:{line}) holds it: mine['a'][0]"
    )


def test_a_local_that_a_closure_shares():
    def running():
        mine = slots_of([Target()])
        return owners(mine.value[0]), lambda: mine

    assert running()[0].endswith(" holds it: mine.value[0]")


def test_modules_inside_of_packages_are_told_as_attributes_where_they_are(kept):
    import email.message

    assert owners(email.message.Message) == "email.message.Message"
    hidden = module_of("kept_here.not there")
    hidden.value = Target()
    try:
        told = owners(hidden.value)
    finally:
        del sys.modules["kept_here.not there"]
    assert told == "sys.modules['kept_here.not there'].value"


def test_a_key_of_a_dict_with_an_order_of_its_own(kept):
    """An expression that leads to it, or none: never one that leads to another key."""
    kept.holder = another_order(Target())
    name = next(name for name in vars(kept.holder) if name[0] == "c")
    told = owners(name)
    assert told.startswith("no expression leads to it") or evaluated(told, kept_here=kept) is name


@pytest.mark.parametrize("name", ["value", "not a name"])
def test_an_instance_that_says_what_its_dict_is(kept, name):
    kept.holder = type("Saying", (), {"__dict__": property(lambda self: {})})()
    object.__setattr__(kept.holder, name, target := Target())
    told = owners(target)
    if name == "value":
        assert told == "kept_here.holder.value"
    else:
        assert told == "no expression leads to it: it is held inside of kept_here.holder"


def test_slots_of_a_class_that_may_not_be_asked(kept):
    below = type.__call__(Refusing("Odd", (Slots,), {"value": 5}))
    Slots.value.__set__(below, target := Target())
    kept.holder = below
    assert owners(target) == "no expression leads to it: it is held inside of kept_here.holder"


def test_what_nothing_leads_to():
    told = owners(Target())
    assert told == "no name leads to it: held by C code"


def test_paths_of_a_type(kept):
    gc.collect()
    kept.some = [Target() for _ in range(5)]
    told = heap(Target).paths(3)
    assert len(told) == 3
    for expression in told:
        assert evaluated(expression, kept_here=kept) in kept.some
    assert len(heap(Target).paths()) == 5
    assert heap(Target).paths(0) == []
    kept.some = None
    assert heap(Target).paths() == []


def test_a_deep_way_is_cut_and_says_so(kept):
    target = Target()
    chain = [target]
    for _ in range(5000):
        chain = [chain]
    kept.chain = chain
    del chain
    told = owners(target)
    assert told.startswith("no expression leads to it: it is held inside of kept_here.chain[0][0]")
    assert told.endswith(" steps below")
