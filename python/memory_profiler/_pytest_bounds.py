"""What ``@pytest.mark.memprof(…)`` says.

PYTEST_DONT_REWRITE, as the package.
"""

from typing import NamedTuple

import pytest

from ._units import size_of


class Bounds(NamedTuple):
    """What the marker of a test says: bytes, or None."""

    rss: object = None
    heap: object = None
    leak: object = None
    leaked_types: object = None  # how many objects of which types may be left, where that is asked
    warmup: bool = True
    has_peak: bool = False  # rss by its older name


def _bytes(size):
    """Bytes of a text such as ``200 MiB``, or of a number of them."""
    found = size_of(str(size), "b")
    if found is None:
        raise pytest.UsageError(f"memprof: a size such as '200 MiB' is needed, not {size!r}")
    return found


def _types(leak):
    """Names of types and how many objects of each: ``{"Session": 0}``."""
    for name, most in leak.items():
        if not isinstance(name, str) or not name:
            raise pytest.UsageError(f"memprof: leak= takes names of types, not {name!r}")
        if not isinstance(most, int) or isinstance(most, bool) or most < 0:
            raise pytest.UsageError(
                f"memprof: leak= takes how many objects of {name!r} may be left, not {most!r}"
            )
    if not leak:
        raise pytest.UsageError('memprof: leak= takes types such as {"Session": 0}')
    return leak


def bounds_of(item):
    """The Bounds of a test. UsageError where its marker is none."""
    marker = item.get_closest_marker("memprof")
    if marker is None:
        return Bounds()
    asked = dict(marker.kwargs)
    warmup = asked.pop("warmup", 1)
    if (
        marker.args
        or not asked
        or not set(asked) <= {"peak", "rss", "heap", "leak"}
        or {"peak", "rss"} <= set(asked)
        or warmup not in (0, 1)
    ):
        raise pytest.UsageError(
            'memprof: the marker is memprof(heap="50 MiB", leak="1 MiB", rss="200 MiB"), or some '
            'of these; leak={"Session": 0} counts objects; with leak= also warmup=0'
        )
    leaked_types = None
    if isinstance(asked.get("leak"), dict):
        leaked_types = _types(asked.pop("leak"))
    sizes = {name: _bytes(size) for name, size in asked.items()}
    has_peak = "peak" in sizes
    return Bounds(
        sizes.get("rss", sizes.get("peak")),
        sizes.get("heap"),
        sizes.get("leak"),
        leaked_types,
        bool(warmup),
        has_peak,
    )
