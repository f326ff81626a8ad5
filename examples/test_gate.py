"""Bounds of memory in tests: `pytest --memprof examples/test_gate.py`.

The last test is expected to fail: what it leaves behind is more than it may.
"""

import pytest

cache = {}


def parse(count):
    return [f"row {number}".split() for number in range(count)]


def remember(count):
    cache.update((f"key {len(cache)} {number}", bytes(100)) for number in range(count))


@pytest.mark.memprof(heap="5 MiB")
def test_parsing_needs_little():
    assert len(parse(10_000)) == 10_000


@pytest.mark.memprof(leak="10 KiB")
def test_parsing_leaves_nothing():
    parse(10_000)


@pytest.mark.xfail(strict=True, reason="the cache has no bound")
@pytest.mark.memprof(leak="10 KiB")
def test_remembering_leaves_nothing():
    remember(1_000)
