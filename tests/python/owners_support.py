"""A module that tests of owners fill, and what leads to what is in it."""

import gc
import sys
import types

import pytest

NAMES = {name: module for name, module in list(sys.modules.items()) if name.isidentifier()}


def module_of(name="kept_here"):
    """A module of the program's that a test fills; it is known by name while the test runs."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    return module


@pytest.fixture
def kept():
    module = module_of()
    yield module
    del sys.modules[module.__name__]


def evaluated(expression, **names):
    """What an expression leads to, in a namespace with sys, gc and modules by name."""
    return eval(expression, {**NAMES, "sys": sys, "gc": gc, **names})


class Holder:
    def __init__(self, n):
        self.items = [float(i) for i in range(n)]


class Target:
    """What is looked for; it can be in a set, and be what a method is bound to."""
