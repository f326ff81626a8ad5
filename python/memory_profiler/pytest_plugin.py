"""``pytest --memprof-native``: by how much each test makes the process grow at its peak.

``--memprof`` means the same, where no other distribution has a plugin of that name.

``@pytest.mark.memprof(peak="200 MiB")`` fails a test that grows by more, with or without the
option. Works under xdist: the figures travel with the reports.

PYTEST_DONT_REWRITE, as the package.
"""

import sys

import pytest

from ._units import MIB, size_of

_PROPERTY = "memprof_peak_growth_mib"
_HUNGRIEST = 10


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
        help="report how much memory each test needs at its peak",
    )


def pytest_configure(config):
    if config.getoption("memprof_native", None) is None:
        config.pluginmanager.unregister(sys.modules[__name__])
        return
    config.addinivalue_line(
        "markers", 'memprof(peak="200 MiB"): fail the test when its memory grows by more than this'
    )
    if config.getoption("memprof_native"):
        config.pluginmanager.register(_Summary(), "memprof-summary")


def _mebibytes(size):
    """MiB of a text such as ``200 MiB``, or of a number of bytes."""
    found = size_of(str(size), "b")
    if found is None:
        raise pytest.UsageError(f"memprof: a size such as '200 MiB' is needed, not {size!r}")
    return found / MIB


def _bound(item):
    marker = item.get_closest_marker("memprof")
    if marker is None:
        return None
    if marker.args or set(marker.kwargs) != {"peak"}:
        raise pytest.UsageError('memprof: the marker is memprof(peak="200 MiB")')
    return _mebibytes(marker.kwargs["peak"])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    bound = _bound(item)
    if bound is None and not item.config.getoption("memprof_native"):
        yield
        return
    from . import _samplers
    from ._usage import memory_usage

    base = memory_usage()[0]
    sampler = _samplers.NativeSampler("rss", 0.01, peak_only=True)
    try:
        _samplers.start(sampler)
        outcome = yield
    finally:
        _samplers.stop(sampler)
    peak = sampler.take()[0][0]
    growth = max(0.0, peak - base)
    item.user_properties.append((_PROPERTY, round(growth, 3)))
    if bound is not None and growth > bound and outcome.excinfo is None:
        outcome.force_exception(
            pytest.fail.Exception(
                f"memprof: the test grew by {growth:.1f} MiB at its peak; "
                f"its bound is {bound:.1f} MiB",
                pytrace=False,
            )
        )


class _Summary:
    """What stands at the end of the run."""

    def __init__(self):
        self._growths = {}

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            for name, value in report.user_properties:
                if name == _PROPERTY:
                    self._growths[report.nodeid] = value

    def pytest_terminal_summary(self, terminalreporter):
        if not self._growths:
            return
        terminalreporter.section("memory: peak growth of the hungriest tests")
        ranked = sorted(self._growths.items(), key=lambda item: -item[1])
        for nodeid, growth in ranked[:_HUNGRIEST]:
            terminalreporter.write_line(f"{growth:10.1f} MiB  {nodeid}")
