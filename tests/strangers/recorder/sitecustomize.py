"""In the interpreter that runs a suite of unittest: how each test ended goes to a file, as JSON.

Loaded by site before the program, with a profiler and without one; children do not see it.
"""

import os

_path = os.environ.pop("STRANGERS_RESULTS", None)


def _record(path):
    import atexit
    import json
    import unittest

    outcomes = {}

    def kept(name, outcome):
        method = getattr(unittest.TextTestResult, name)

        def add(self, test, *args):
            # A subtest or a test that runs again: the worst that was said of it stands.
            if outcomes.get(test.id()) in (None, "passed"):
                outcomes[test.id()] = outcome
            return method(self, test, *args)

        setattr(unittest.TextTestResult, name, add)

    for name, outcome in (
        ("addSuccess", "passed"),
        ("addError", "error"),
        ("addFailure", "failed"),
        ("addSkip", "skipped"),
        ("addExpectedFailure", "passed"),
        ("addUnexpectedSuccess", "failed"),
    ):
        kept(name, outcome)

    owner = os.getpid()

    def save():
        if os.getpid() == owner:
            with open(path, "w", encoding="utf-8", errors="replace") as file:
                json.dump(outcomes, file)

    atexit.register(save)


if _path is not None:
    _record(_path)
