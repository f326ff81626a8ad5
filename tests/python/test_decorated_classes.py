"""Decorated classes, and what decorators of methods make."""

import pytest
from support import MAPPED_BLOCKS, environment, near

MAPPED = environment(**MAPPED_BLOCKS)


@pytest.mark.parametrize("form", ["m", "plain"])
def test_a_decorated_class_stays_a_class(run, form):
    outcome = getattr(run, form)(
        """
        from memory_profiler import profile
        @profile
        class C:
            size = 5
            def method(self):
                return bytearray(self.size << 20)
            @staticmethod
            def static():
                return bytearray(3 << 20)
        assert isinstance(C, type) and C.__name__ == "C" and isinstance(C(), C)
        kept = C().method(), C.static()
        """,
        env=MAPPED,
    ).ok()
    assert outcome.stderr == ""
    assert len(outcome.tables) == 2
    assert outcome.table("method").at("return bytearray").increment == near(5)
    assert outcome.table("static").at("return bytearray").increment == near(3)


def test_the_functions_in_the_body_of_a_class_are_profiled(run):
    outcome = run.m("""
        @profile
        class C:
            def one(self):
                return 1
            @classmethod
            def two(cls):
                return 2
            @property
            def three(self):
                return 3
            class Inner:
                def four(self):
                    return 4
            borrowed = len
        assert C.__mro__ == (C, object) and C.borrowed is len
        class D(C):
            pass
        assert D().one() + D.two() + D().three == 6
        """).ok()
    assert sorted(t.at("def ").text.split()[1] for t in outcome.tables) == [
        "one(self):",
        "three(self):",
        "two(cls):",
    ]


def test_generated_methods_are_not_in_the_body(run):
    outcome = run.m("""
        import dataclasses, enum, typing
        @profile
        class N(typing.NamedTuple):
            a: int
            def one(self):
                return self.a
        @profile
        class E(enum.Enum):
            A = 1
            def two(self):
                return self.value
        @profile
        @dataclasses.dataclass
        class D:
            x: int = 1
            def three(self):
                return self.x
        N(1).one(); repr(N(1)); N._make([1]); E(1).two(); D().three(); repr(D()); D() == D()
        """).ok()
    assert [t.at("def ").text.split()[1] for t in outcome.tables] == [
        "one(self):",
        "two(self):",
        "three(self):",
    ]


FORMS = """
    from memory_profiler import profile
    class C:
        @profile
        @classmethod
        def over_classmethod(cls):
            return bytearray(3 << 20)
        @classmethod
        @profile
        def under_classmethod(cls):
            return bytearray(4 << 20)
        @profile
        @staticmethod
        def over_staticmethod():
            return bytearray(5 << 20)
        @staticmethod
        @profile
        def under_staticmethod():
            return bytearray(6 << 20)
        @profile
        @property
        def over_property(self):
            return bytearray(7 << 20)
        @property
        @profile
        def under_property(self):
            return bytearray(8 << 20)
    kept = [C.over_classmethod(), C.under_classmethod(), C.over_staticmethod(),
            C.under_staticmethod(), C().over_property, C().under_property]
    assert [len(k) >> 20 for k in kept] == [3, 4, 5, 6, 7, 8]
    assert isinstance(C.__dict__["over_classmethod"], classmethod)
    assert isinstance(C.__dict__["over_staticmethod"], staticmethod)
    assert isinstance(C.__dict__["over_property"], property)
    """
FORM_NAMES = [
    "over_classmethod",
    "under_classmethod",
    "over_staticmethod",
    "under_staticmethod",
    "over_property",
    "under_property",
]


@pytest.mark.parametrize("form", ["m", "plain"])
def test_descriptors(run, form):
    outcome = getattr(run, form)(FORMS, env=MAPPED).ok()
    assert outcome.stderr == ""
    assert len(outcome.tables) == 6
    for size, name in enumerate(FORM_NAMES, start=3):
        table = outcome.table(name)
        assert table.at("return bytearray").increment == near(size), name


def test_property_setters_and_deleters(run):
    outcome = run.m(
        """
        class C:
            @property
            def x(self):
                return 1
            @x.setter
            @profile
            def x(self, value):
                self.block = bytearray(value << 20)
            y = profile(property(lambda self: 1, lambda self, v: None))
        c = C()
        c.x = 5
        c.y = c.x
        """,
        env=MAPPED,
    ).ok()
    setters = [t for t in outcome.tables if any("self.block" in row.text for row in t.rows)]
    assert len(setters) == 1
    assert setters[0].at("self.block").increment == near(5)


@pytest.mark.parametrize("form", ["imported", "-m"])
def test_methods_that_a_class_makes_its_own(run, form):
    source = """
        class Base:
            @profile
            def __new__(cls, n):
                return super().__new__(cls)
            @profile
            def __init_subclass__(cls, **kw):
                print("OUT", cls.__name__, kw)
            @profile
            def __class_getitem__(cls, item):
                return cls, item
        class Derived(Base, x=1):
            pass
        print("OUT", Derived[3] == (Derived, 3), type(Derived(1)).__name__)
        """
    outcome = (
        run.m(source)
        if form == "-m"
        else run.plain("        from memory_profiler import profile\n" + source.lstrip("\n"))
    )
    lines = [line for line in outcome.ok().stdout.splitlines() if line.startswith("OUT")]
    assert lines == ["OUT Derived {'x': 1}", "OUT True Derived"]


DISPATCHES = """
import functools
{head}
{over}
class Shape:
    {inside}
    @functools.singledispatchmethod
    def show(self, x):
        return "any"
    @show.register
    def for_int(self, x: int):
        return "int"
    @show.register(str)
    @staticmethod
    def for_str(x):
        return "str"
    show.register(list, len)
    {inside}
    @functools.cached_property
    def kept(self):
        return [1]
one = Shape()
print(one.show(2.0), one.show(1), one.show("s"), one.show(3), one.kept, one.kept)
print(type(vars(Shape)["show"]).__name__, type(vars(Shape)["kept"]).__name__)
"""


@pytest.mark.parametrize("where", ["over the class", "inside"])
@pytest.mark.parametrize(
    "form, head", [("m", ""), ("plain", "from memory_profiler import profile")]
)
def test_what_functools_makes_of_methods_is_profiled(run, form, head, where):
    over, inside = ("@profile", "") if where == "over the class" else ("", "@profile")
    outcome = getattr(run, form)(DISPATCHES.format(head=head, over=over, inside=inside)).ok()
    assert "any int str int [1] [1]\nsingledispatchmethod cached_property\n" in outcome.stdout
    calls = {}
    for table in outcome.tables:
        name = table.at("def ").text.split()[1].partition("(")[0]
        calls[name] = calls.get(name, 0) + table.first.occurrences
    assert calls == {"show": 1, "for_int": 2, "for_str": 1, "kept": 1}


@pytest.mark.parametrize("form", ["m", "plain"])
def test_functions_registered_with_a_dispatcher_are_profiled(run, form):
    outcome = getattr(run, form)("""
        import functools
        from memory_profiler import profile
        def early(x):
            return "early"
        @functools.singledispatch
        def show(x):
            return "any"
        show.register(float, early)
        show = profile(show)
        @show.register
        def for_int(x: int):
            return "int"
        @show.register(str)
        def for_str(x):
            return "str"
        show.register(list, len)
        assert [show(x) for x in ((), 2.0, 1, "s", [1])] == ["any", "early", "int", "str", 1]
        for wrong in (3, "no type"):
            try:
                show.register(wrong)
            except TypeError:
                print("TypeError")
        """).ok()
    assert outcome.stdout.count("TypeError\n") == 2
    names = sorted(t.at("def ").text.split()[1].partition("(")[0] for t in outcome.tables)
    assert names == ["early", "for_int", "for_str", "show"]


@pytest.mark.parametrize("form", ["m", "plain"])
def test_what_runs_no_code_is_refused_in_one_clear_line(run, form):
    outcome = getattr(run, form)("""
        from memory_profiler import profile
        for wrong in (object(), 3, "text"):
            try:
                profile(wrong)
            except TypeError as error:
                print(error)
        """).ok()
    lines = outcome.stdout.splitlines()
    assert len(lines) == 3
    for line, end in zip(lines, ("<object object at 0x", "3", "'text'")):
        assert line.startswith(
            "@profile needs a function, a method, a property, a class, or what else calls Python "
            f"code, not {end}"
        )
