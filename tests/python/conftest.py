import contextlib

import pytest
from attached import running
from owners_support import kept  # noqa: F401
from started import Started
from support import MAPPED_BLOCKS, Runner, environment

MEASURING = """
import io, os, subprocess, sys, time, warnings
from memory_profiler import memory_usage
calls = []
def grow(n=0, result=7):
    calls.append(n)
    block = bytearray(n << 20)
    time.sleep(0.02)
    return result
"""


@pytest.fixture
def run(tmp_path):
    """A Runner in a fresh folder."""
    return Runner(tmp_path)


@pytest.fixture
def program(run):
    """Runs a program with memory_usage and a function grow(MiB) at hand; it must succeed."""
    env = environment(**MAPPED_BLOCKS)
    return lambda text, says=None, **kw: run.plain(MEASURING + text, env=env, **kw).ok(says)


@pytest.fixture
def start(run):
    """Starts profiled programs; each says "ready" first."""
    started = []

    def start(source, *options, **kw):
        started.append(Started(run, source, options, **kw))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


@pytest.fixture
def launch(run):
    """Launches programs for --attach, which run until the test has ended."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **kw: stack.enter_context(running(run, *args, **kw))
