"""Whether a suite ends under the profiler as it ends without: test by test, and as a whole."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass
class Run:
    """How a suite ended: its exit status (negative: a signal; None: out of time), and each test."""

    status: int | None
    outcomes: dict = field(default_factory=dict)  # test id -> passed, failed, error, skipped


@dataclass(frozen=True)
class Difference:
    """One test, or "" for the suite as a whole, that ended in another way."""

    test: str
    plain: str
    profiled: str

    def __str__(self):
        return f"{self.test or '(the suite)'}: {self.plain} plain, {self.profiled} profiled"


def said_of(status):
    if status is None:
        return "out of time"
    return f"killed by signal {-status}" if status < 0 else f"status {status}"


def unsteady(plains):
    """The tests that did not end alike in all of these plain runs."""
    tests = {test for plain in plains for test in plain.outcomes}
    return {test for test in tests if len({plain.outcomes.get(test) for plain in plains}) > 1}


def differences(plain, profiled):
    """What is different, in order."""
    found = []
    for test in sorted({*plain.outcomes, *profiled.outcomes}):
        one, other = (run.outcomes.get(test, "missing") for run in (plain, profiled))
        if one != other:
            found.append(Difference(test, one, other))
    # Where tests differ the status follows; a signal and a lack of time never do.
    died = profiled.status is None or profiled.status < 0
    if plain.status != profiled.status and (died or not found):
        found.append(Difference("", said_of(plain.status), said_of(profiled.status)))
    return found


@dataclass(frozen=True)
class Expectation:
    """A line of differs.txt: tests that end differently by nature, and why."""

    suite: str
    test: str  # a pattern for the end of a test's id, or "" for the suite as a whole
    modes: frozenset
    why: str

    def covers(self, suite, mode, difference):
        return (
            suite == self.suite
            and (mode in self.modes or "every" in self.modes)
            and fnmatchcase(difference.test, "*" + self.test if self.test else "")
        )


def parse_expectations(text, version=""):
    """Lines of ``suite[@version] test modes why``, of any Python or of this one.

    A test of '-' is the suite as a whole. ValueError names the line.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(None, 3)
        if len(parts) < 4:
            raise ValueError(f"line {number}: suite, test, modes and a reason are needed")
        suite, test, modes, why = parts
        suite, _, only = suite.partition("@")
        if only not in ("", version):
            continue
        found.append(
            Expectation(suite, "" if test == "-" else test, frozenset(modes.split(",")), why)
        )
    return found


def judge(suite, mode, found, expectations, flaky=()):
    """(unexpected differences, expectations that were met)."""
    met, unexpected = set(), []
    for difference in found:
        if difference.test in flaky:
            continue
        known = [one for one in expectations if one.covers(suite, mode, difference)]
        met.update(known)
        if not known:
            unexpected.append(difference)
    return unexpected, met
