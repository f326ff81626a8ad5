"""Marks of functions and blocks in time: what ``mprof`` draws under its curve."""

import time
from contextlib import contextmanager

from ._memprof import Profiler  # noqa: F401  (the native module must load first)


@contextmanager
def block(name):
    yield


class TimeStamper:
    pass
