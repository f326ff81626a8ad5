"""A decorated function in a class, over a wrapper, and seen by help(): as one that is not."""

import pytest

# Says of a call what it was bound to, as wrapt's decorators do.
WRAPPER = """
class Wrapper:
    def __init__(self, wrapped, instance=None, owner=None):
        self.__wrapped__, self.instance, self.owner = wrapped, instance, owner
        self.__doc__ = wrapped.__doc__
    def __get__(self, instance, owner):
        return Wrapper(self.__wrapped__.__get__(instance, owner), instance, owner)
    def __call__(self, *args):
        return type(self.instance).__name__, self.owner is not None, self.__wrapped__(*args)
log = Wrapper
"""

WRAPT = """
import wrapt
@wrapt.decorator
def log(wrapped, instance, args, kwargs):
    return getattr(instance, "__name__", type(instance).__name__), wrapped(*args, **kwargs)
"""

METHODS = """
import functools, sys
class C:
    @profile
    @log
    def over(self, n): return n
    @log
    @profile
    def under(self, n): return n
    @profile
    @log
    @classmethod
    def of_class(cls, n): return cls.__name__, n
    @profile
    @log
    @staticmethod
    def of_none(n): return n
    @profile
    @functools.lru_cache
    def cached(self, n): return n
    partial = profile(functools.partial(lambda *args: args, 1))
    class Callable:
        def __call__(self, *args): return args
    instance = profile(Callable())
c = C()
print(c.over(1), C.over(c, 1), C.__dict__["over"].__get__(c, C)(1))
print(c.under(2), C.under(c, 2))
print(c.of_class(3), C.of_class(3), c.of_none(4), C.of_none(4))
print(c.cached(5), C.cached(c, 5), c.cached.__wrapped__(c, 5))
if sys.version_info < (3, 13):  # which warns of it
    print(c.partial(6))
print(C.partial(6), c.instance(7), C.instance(7))
print(c.over.__doc__, C.over.__doc__)
function = profile(log(lambda n: n))
print(function(8))
"""

IMPLICIT = """
class A:
    @profile
    def __class_getitem__(cls, key): return cls.__name__, key
    @profile
    def __init_subclass__(cls, **keywords): cls.keywords = keywords
    @profile
    def __new__(cls, *args): return object.__new__(cls)
def local():
    class B(A, x=1):
        @profile
        def __class_getitem__(cls, key): return "B", cls.__name__, key
        @profile
        def __init_subclass__(cls): super().__init_subclass__(y=2)
    class C(B): pass
    return B, C
B, C = local()
print(A[3], B[4], C[5], B.keywords, C.keywords, type(B()).__name__)
@profile
class D:
    def __class_getitem__(cls, key): return cls.__name__, key
    def __init_subclass__(cls, **keywords): cls.keywords = keywords
class E(D, z=3): pass
print(D[1], E[2], E.keywords)
print(B.__class_getitem__.__func__.__name__, B.__init_subclass__.__self__.__name__)
"""

HELP = """
import inspect, pydoc
@profile
def f(a: int, b=3):
    "The doc of f."
@profile
def without_doc(): pass
class C:
    "The doc of C."
    @profile
    def m(self, n): "The doc of m."
    @profile
    @staticmethod
    def s(n): "The doc of s."
    @profile
    @property
    def p(self): "The doc of p."
class Child(C):
    @profile
    def m(self, n): pass
for thing in (f, without_doc, C, C.m, C().m, C.s, C.p, Child.m):
    help(thing)
    print(inspect.getdoc(thing), object.__getattribute__(thing, "__doc__"))
print(inspect.signature(f), inspect.isfunction(f), inspect.isroutine(f), pydoc.describe(f))
f.__doc__ = "changed"
print(f.__doc__, inspect.getdoc(f))
"""


@pytest.mark.parametrize("form", ["m", "import"])
@pytest.mark.parametrize(
    "source, tables",
    [(WRAPPER + METHODS, 8), (WRAPT + METHODS, 8), (IMPLICIT, 7), (HELP, 0)],
    ids=["wrapper", "wrapt", "implicit", "help"],
)
def test_as_without_us(run, source, tables, form):
    if source.startswith(WRAPT):
        pytest.importorskip("wrapt")
    plain = run.plain("profile = lambda target: target\n" + source).ok().stdout
    if form == "m":
        done = run.m(source).ok()
    else:
        # Tables come with the calls: into a file of their own.
        quiet = "import functools, io, memory_profiler\n"
        quiet += "profile = functools.partial(memory_profiler.profile, stream=io.StringIO())\n"
        done = run.plain(quiet + source).ok()
    assert done.stdout[: len(plain)] == plain
    assert len(done.tables) == (tables if form == "m" else 0)
