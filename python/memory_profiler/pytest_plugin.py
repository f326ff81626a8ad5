"""``pytest --memprof-native``: by how much each test makes the process grow at its peak.

``--memprof`` means the same, where no other distribution has a plugin of that name.

Bounds of ``@pytest.mark.memprof(…)`` fail a test, with or without the option:

``heap="50 MiB"``
    the most that the test's own allocations had alive at once, exactly
``leak="1 MiB"`` or ``leak=0``
    what its own allocations, and its fixtures', left behind: of a second run of all of it;
    ``warmup=0`` is only one
``leak={"Session": 0}``
    likewise, how many objects of a type are left; said with who keeps them and where they were made
``rss="200 MiB"``, of old ``peak=``
    by how much the process grew

Works under xdist: the figures travel with the reports.

The peak is the kernel's high-water mark, which is set back when a measured test begins (Linux).
RSS is of the process: memory that earlier tests have freed, and the process has kept, is used again
without growth. The report says where that may have hidden something.

PYTEST_DONT_REWRITE, as the package.
"""

import sys

import pytest

from ._pytest_bounds import bounds_of
from ._units import MIB

_PROPERTY = "memprof_peak_growth_mib"
_ROOM = "memprof_heap_room_mib"
_HUNGRIEST = 10
_LEAST_ROOM = 1.0  # MiB
_HINT = (
    "memprof: peak= bounds RSS, and is called rss= now; heap= bounds what a test itself allocates"
)


def _has_namesake():
    """Whether another distribution brings a plugin called memprof, and maybe that option."""
    from importlib.metadata import entry_points

    return any(
        "memprof" in point.name.lower() and point.value != __name__
        for point in entry_points(group="pytest11")
    )


def pytest_addoption(parser, pluginmanager):
    names = ["--memprof-native"]
    if not _has_namesake():
        if pluginmanager.is_blocked("memprof"):  # -p no:memprof can mean nobody else
            return
        names.append("--memprof")
    parser.getgroup("memprof").addoption(
        *names,
        action="store_true",
        dest="memprof_native",
        help="report by how much each test makes the process grow at its peak (RSS); sets back "
        "what the process reads as its own peak (Linux)",
    )


def pytest_configure(config):
    if config.getoption("memprof_native", None) is None:
        config.pluginmanager.unregister(sys.modules[__name__])
        return
    config.addinivalue_line(
        "markers",
        'memprof(heap="50 MiB", leak="1 MiB", rss="200 MiB"): fail when what the test allocates, '
        "what it leaves, or the growth of the process is more than this",
    )
    from . import _pytest_heap

    config.pluginmanager.register(_pytest_heap, "memprof-heap")
    summary = _Summary(config)
    config.pluginmanager.register(summary, "memprof-summary")


def _heap_room():
    """MiB that malloc holds and nobody uses; 0 where it cannot be asked."""
    import ctypes

    class Info(ctypes.Structure):  # glibc's mallinfo2: all that is free is the ninth
        _fields_ = [(f"field_{i}", ctypes.c_size_t) for i in range(10)]

    try:
        ask = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):
        return 0.0
    ask.restype = Info
    return ask().field_8 / MIB


def _tell_room(item, room, growth, bound):
    """Where earlier tests left room in which more may have gone than is seen, or is allowed."""
    matters = bound is None or growth <= bound < growth + room
    if sys.platform == "linux" and room >= _LEAST_ROOM and matters:
        item.user_properties.append((_ROOM, round(room, 3)))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    bounds = bounds_of(item)
    bound = None if bounds.rss is None else bounds.rss / MIB
    if bounds.has_peak:
        item.config.pluginmanager.get_plugin("memprof-summary").has_peak = True
    if bound is None and not item.config.getoption("memprof_native"):
        yield
        return
    from . import _samplers
    from ._memprof import reset_peak
    from ._usage import memory_usage

    room = _heap_room()
    base = memory_usage()[0]
    reset_peak()  # so that it is this test's; where it cannot be, readings alone tell
    sampler = _samplers.NativeSampler("rss", 0.01, peak_only=True)
    try:
        _samplers.start(sampler)
        outcome = yield
    finally:
        _samplers.stop(sampler)
    peak = sampler.take()[0][0]
    growth = max(0.0, peak - base)
    item.user_properties.append((_PROPERTY, round(growth, 3)))
    _tell_room(item, room, growth, bound)
    if bound is not None and growth > bound and outcome.excinfo is None:
        outcome.force_exception(
            pytest.fail.Exception(
                f"memprof: the process grew by {growth:.1f} MiB at its peak in this test; "
                f"its bound is {bound:.1f} MiB",
                pytrace=False,
            )
        )


class _Summary:
    """What stands at the end of the run."""

    def __init__(self, config):
        self._config = config
        self._shows_growths = config.getoption("memprof_native")
        self.has_peak = False  # some marker has the older name of rss
        self._growths = {}
        self._rooms = {}

    def pytest_runtest_logreport(self, report):
        if report.when != "call":
            return
        figures = dict(entry for entry in report.user_properties if len(entry) == 2)
        if _PROPERTY in figures:
            self._growths[report.nodeid] = figures[_PROPERTY]
        if _ROOM in figures:
            self._rooms[report.nodeid] = figures[_ROOM]

    def pytest_sessionfinish(self):
        if hasattr(self._config, "workeroutput"):  # of xdist: its controller prints
            self._config.workeroutput["memprof_has_peak"] = self.has_peak

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        if getattr(node, "workeroutput", {}).get("memprof_has_peak"):
            self.has_peak = True

    def pytest_terminal_summary(self, terminalreporter):
        shown = dict(self._rooms)
        if self._shows_growths and self._growths:
            terminalreporter.section("memory: peak growth of the process in the hungriest tests")
            ranked = sorted(self._growths.items(), key=lambda item: -item[1])[:_HUNGRIEST]
            for nodeid, growth in ranked:
                terminalreporter.write_line(f"{growth:10.1f} MiB  {nodeid}")
            shown = {nodeid: self._rooms[nodeid] for nodeid, _ in ranked if nodeid in self._rooms}
        for nodeid, room in shown.items():
            terminalreporter.write_line(
                f"memprof: the heap had {room:.1f} MiB free when {nodeid} began: "
                "it may have used as much more than the process grew"
            )
        if self.has_peak:
            terminalreporter.write_line(_HINT)
