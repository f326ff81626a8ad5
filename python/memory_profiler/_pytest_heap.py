"""``@pytest.mark.memprof(heap=…, leak=…)``: what a test allocates, and what it leaves behind.

Exact and the same in any order of tests: blocks from before a test count nothing. A part of
``pytest_plugin``, which registers it.

PYTEST_DONT_REWRITE, as the package.
"""

import copy
import gc
import os
import pickle
import sys
import sysconfig
from contextlib import suppress

import pytest

from ._pytest_bounds import bounds_of
from ._units import MIB

PEAK = "memprof_heap_peak_mib"
LEFT = "memprof_left_mib"
_SHOWN_STACKS = 5
_SHOWN_FRAMES = 8
_LOOKED_AT = 100  # for those to show: pytest has some of its own
_CACHES = (
    "what caches keep counts too: functools.lru_cache, re, linecache, logging, imports; "
    "a first run of the test (warmup=0 leaves it out) has filled those that fill once"
)


def _amount(size):
    return f"{size / MIB:.1f} MiB" if size >= MIB / 10 else f"{size:.0f} bytes"


def _fail(text):
    return pytest.fail.Exception(f"memprof: {text}", pytrace=False)


_NOT_AS_EXPECTED = "[XPASS(strict)]"  # what pytest says of a test that was to fail, before us
_RUNNERS = "_pytest", "execnet", "xdist", "pytest_timeout"


class _Stack:
    """The frames of a stack by where they are from."""

    _STANDARD = sysconfig.get_path("stdlib") + os.sep
    _RUNNERS = "/_pytest/", "/pluggy/", "/memory_profiler/"
    # What calls tests and fixtures.
    _CALLERS = (
        "_pytest/python.py",
        "_pytest/fixtures.py",
        "_pytest/unittest.py",
        "unittest/case.py",
    )

    def __init__(self, frames):
        self.frames = frames  # the innermost first

    def _is_runner(self, filename):
        return any(folder in filename.replace("\\", "/") for folder in self._RUNNERS)

    def _is_standard(self, filename):
        inside = filename.startswith(self._STANDARD) and "site-packages" not in filename
        return inside or filename.startswith("<frozen")

    def end_of_test(self):
        """How many frames are the test's, or a fixture's; 0: it is none of theirs."""
        for at in range(len(self.frames) - 1, 0, -1):
            called, caller = self.frames[at - 1][0], self.frames[at][0].replace("\\", "/")
            if (
                caller.endswith(self._CALLERS)
                and not self._is_runner(called)
                and not self._is_standard(called)
            ):
                return at
        return 0

    def is_thread(self):
        """Whether a thread has run it that the test may have started: nothing of pytest's, nor of
        what runs it in processes or watches its time, is on it."""
        return (
            bool(self.frames)
            and self.frames[-1][0].endswith("threading.py")
            and not any(name in frame[0] for frame in self.frames for name in _RUNNERS)
        )

    def __str__(self):
        from ._allocation_blocks import AllocationStack

        shown = self.frames[: self.end_of_test() or len(self.frames)][:_SHOWN_FRAMES]
        return str(AllocationStack(0, 0, tuple(shown)))


def _owners(stacks):
    """Lines about the stacks with most bytes, of (frames, bytes, blocks)."""
    of_test = [stack for stack in stacks if _Stack(stack[0]).end_of_test()]
    ranked = sorted(of_test or stacks, key=lambda stack: -stack[1])[:_SHOWN_STACKS]
    return "".join(
        f"\n  {_amount(size):>12} in {blocks} block{'s' * (blocks != 1)}: {_Stack(frames)}"
        for frames, size, blocks in ranked
    )


def _begin():
    """A block of allocations that sees all of them."""
    from ._allocation_blocks import allocations

    block = allocations()
    try:
        block.start()
    except RuntimeError as error:
        raise _fail(f"heap= and leak= cannot be judged: {error}") from None
    if block.missing:
        block.stop()
        raise _fail(f"heap= and leak= cannot be judged: {', '.join(block.missing)} is not seen")
    return block


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    bound = bounds_of(item).heap
    if bound is None:
        yield
        return
    block = _begin()
    try:
        outcome = yield
    finally:
        block.stop()
    peak = block.peak_bytes
    item.user_properties.append((PEAK, round(peak / MIB, 3)))
    if peak > bound and outcome.excinfo is None:
        stacks = [(stack.frames, stack.bytes, stack.blocks) for stack in block.top(_LOOKED_AT)]
        outcome.force_exception(
            _fail(
                f"this test had {_amount(peak)} of its own at the heap's peak; "
                f"its bound is {_amount(bound)}{_owners(stacks)}"
            )
        )


# ---- leaks ----


def _run(item):
    """Setup, call and teardown of one item, as if another of the same place followed."""
    from _pytest.runner import runtestprotocol

    return runtestprotocol(item, nextitem=copy.copy(item), log=False)


# Blocks that a test has freed, and Python has kept for use again (freelists), would become pytest's
# own, and seem to be left. So they are given back after each phase of a measured run, before pytest
# goes on, and its reports are made anew after the end.
_measured_item = []


def _empty_freelists(item):
    if item in _measured_item:
        gc.collect()


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_setup(item):
    yield
    _empty_freelists(item)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_pyfunc_call(pyfuncitem):
    yield
    _empty_freelists(pyfuncitem)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_teardown(item):
    yield
    _empty_freelists(item)


def _packed(item):
    """Runs it; its reports as bytes."""
    hook = item.config.hook
    reports = [
        hook.pytest_report_to_serializable(config=item.config, report=report)
        for report in _run(item)
    ]
    return pickle.dumps(reports)


def _unpacked(item, packed):
    hook = item.config.hook
    return [
        hook.pytest_report_from_serializable(config=item.config, data=report)
        for report in pickle.loads(packed)
    ]


def _went_well(reports):
    return len(reports) == 3 and all(
        report.passed or str(report.longrepr).startswith(_NOT_AS_EXPECTED) for report in reports
    )


def _expected(item):
    """Why pytest expects the test to fail; None: it does not."""
    from _pytest.skipping import xfailed_key

    mark = item.stash.get(xfailed_key, None)
    if (
        mark is None
        or item.config.option.runxfail
        or (mark.raises and mark.raises is not Exception)
    ):
        return None
    return mark.reason


def _fail_report(item, report, why):
    expected = _expected(item)
    report.outcome = "failed" if expected is None else "skipped"
    if expected is not None:  # as pytest says of a test that fails as it should
        report.wasxfail = expected
    report.longrepr = why


def _judge(item, reports, block, bound):
    """The report of the call says what was left by the test and its fixtures."""
    left = [
        (frames, size, blocks)
        for frames, size, blocks in block._left()
        if _Stack(frames).end_of_test() or _Stack(frames).is_thread()
    ]
    size, blocks = sum(stack[1] for stack in left), sum(stack[2] for stack in left)
    figure = LEFT, round(size / MIB, 6)
    for report in reports:
        report.user_properties.append(figure)
    if size > bound:
        _fail_report(
            item,
            reports[1],
            f"memprof: this test left {_amount(size)} in {blocks} block{'s' * (blocks != 1)}; "
            f"its bound is {_amount(bound)}{_owners(left)}\n  ({_CACHES})",
        )


def _class_names():
    """Of all classes that there are, as tables name them; no metaclass is asked."""
    name, module = type.__dict__["__qualname__"], type.__dict__["__module__"]
    found, left = {id(object): object}, [object]
    while left:
        below = {id(each): each for each in type.__subclasses__(left.pop())}
        left += [each for key, each in below.items() if key not in found]
        found |= below
    for each in found.values():
        with suppress(AttributeError):
            yield f"{module.__get__(each)}.{name.__get__(each)}".removeprefix("builtins.")


class _Counted:
    """Objects of some types that a run leaves behind."""

    def __init__(self, types):
        from ._memprof import heap_remember

        self.types = types  # {name: how many may be left}
        self.remembered = heap_remember()
        self.left = {}  # {name in tables: how many}
        self.born = []
        self.is_exact = True

    def _of(self, name):
        """The name that was asked for which a type of this name is, or None."""
        return next((key for key in self.types if name == key or name.endswith("." + key)), None)

    def take(self):
        """The run has ended; while allocations are recorded yet."""
        from ._births import births_now
        from ._heap import new_objects

        found, self.is_exact = new_objects(self.remembered, "blocks")
        for row in found.types:
            key = self._of(row.name)
            if key is not None and row.objects > self.types[key]:
                self.left[row.name] = row.objects
        if self.left:
            born = births_now(sys.maxsize, None)
            self.born = [row for row in born if row.type in self.left and row.file is not None]

    def unknown(self):
        """A line for each name that no class has, as one that is mistyped."""
        from difflib import get_close_matches

        names = set(_class_names())
        for key in self.types:
            if not any(name == key or name.endswith("." + key) for name in names):
                last = {name.rpartition(".")[2] for name in names}
                close = get_close_matches(key.rpartition(".")[2], last, 1, 0.75)
                meant = f" (did you mean {close[0]}?)" if close else ""
                yield f"memprof: leak= counts {key!r}, and no class has that name{meant}"

    def complaint(self):
        """What fails the test, or nothing; with who keeps the first of them."""
        from ._owners import paths_to
        from ._visible import visible

        lines = []
        for name, objects in self.left.items():
            bound = self.types[self._of(name)]
            lines.append(
                f"memprof: this test left {objects:,} object{'s' * (objects != 1)} of "
                f"{visible(name)}; its bound is {bound:,}"
            )
            for path in paths_to(name, 3, self.remembered):
                is_sentence = path.startswith(("no ", "the ", "an "))
                lines.append(f"  {'' if is_sentence else 'kept alive by '}{visible(path)}")
            lines += [
                f"  {row.objects:,} born on {visible(row.file)}:{row.line}"
                for row in self.born[:_SHOWN_STACKS]
                if row.type == name
            ]
        if lines and not self.is_exact:
            lines.append("  (some may be old: not all that was freed could be seen)")
        return "\n".join(lines)


def _judge_types(item, reports, counted):
    unknown = "\n".join(counted.unknown())
    try:
        if unknown:
            item.warn(pytest.PytestWarning(unknown))
    except pytest.PytestWarning:  # which are errors where pytest is told so
        _fail_report(item, reports[1], unknown)
    complaint = counted.complaint()
    if complaint:
        _fail_report(item, reports[1], complaint)


def _measured(item, bounds):
    """The reports of a test with a bound of what it may leave."""
    properties = list(item.user_properties)
    if bounds.warmup:
        reports = _run(item)
        if not _went_well(reports):
            return reports
        item.user_properties[:] = properties
        item._report_sections.clear()
        del reports
    gc.collect()
    block = _begin()
    _measured_item.append(item)
    try:
        counted = _Counted(bounds.leaked_types) if bounds.leaked_types else None
        packed = _packed(item)
        gc.collect()
        if counted:
            counted.take()
    finally:
        block.stop()
        _measured_item.clear()
    reports = _unpacked(item, packed)
    if _went_well(reports) and counted:
        _judge_types(item, reports, counted)
    elif _went_well(reports):
        _judge(item, reports, block, bounds.leak)
    return reports


def _reports_of(item, when, function):
    """The reports of an exception that the function raises, if it does."""
    from _pytest.runner import CallInfo

    call = CallInfo.from_call(function, when=when)
    if call.excinfo is None:
        return []
    return [item.ihook.pytest_runtest_makereport(item=item, call=call)]


def _cannot_begin(item, error):
    def fail():
        raise error

    return _reports_of(item, "call", fail)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    try:
        bounds = bounds_of(item)
    except pytest.UsageError:
        return None  # told where the test runs
    if bounds.leak is None and bounds.leaked_types is None:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    try:
        reports = _measured(item, bounds)
    except pytest.fail.Exception as error:
        reports = _cannot_begin(item, error)
    # What the next test does not need ends here: the one before only seemed to have a next.
    reports += _reports_of(
        item, "teardown", lambda: item.session._setupstate.teardown_exact(nextitem)
    )
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
