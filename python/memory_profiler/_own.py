"""What our functions stand on, whatever a program puts in its place (test suites do, and jokers).

A module of ours begins with ``from ._own import builtins as __builtins__``: its functions find
there what was built in when this package was imported, and open() itself. ``os`` and ``time`` are
copies in the same way; what these call themselves is beyond that, so their Python functions may
still fail.
"""

import _io
import builtins
import os
import time
from posix import environ as _variables
from types import SimpleNamespace

builtins = __builtins__ = {**vars(builtins), "open": _io.open}


def _copy(module):
    return SimpleNamespace(**vars(module))


os, time = _copy(os), _copy(time)
os.path = _copy(os.path)


def variable(name):
    """A variable of the environment, or None; os.environ itself asks functions of Python."""
    value = _variables.get(name.encode())
    return None if value is None else value.decode("utf-8", "surrogateescape")
