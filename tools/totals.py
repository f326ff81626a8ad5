"""Adds up JUnit files of ctest and pytest: prints `N passed, N failed, N skipped` as one line.

A ctest case is a program of several cmocka tests: those are counted one by one, from its output.
The exit status is 1 when something failed or nothing ran at all.
"""

import os
import re
import sys
import xml.etree.ElementTree as ElementTree


def cmocka_counts(case):
    """(passed, failed, skipped) that a cmocka program wrote, or None where it is no such one."""
    output = case.findtext("system-out") or ""
    found = [
        re.findall(rf"\[ +{word} +\] .*?(\d+) test", output)
        for word in ("PASSED", "FAILED", "SKIPPED")
    ]
    if not found[0] and not found[1]:
        return None
    return tuple(sum(map(int, numbers)) for numbers in found)


def case_counts(case):
    bad = case.find("failure") is not None or case.find("error") is not None
    bad = bad or case.get("status") == "fail"
    counts = cmocka_counts(case)
    if counts is not None and bad == (counts[1] > 0):
        return counts
    if bad:
        return (0, 1, 0)
    return (0, 0, 1) if case.find("skipped") is not None else (1, 0, 0)


def main(paths):
    totals = [0, 0, 0]
    for path in filter(os.path.exists, paths):
        for case in ElementTree.parse(path).iter("testcase"):
            totals = [total + count for total, count in zip(totals, case_counts(case))]
    print("{} passed, {} failed, {} skipped".format(*totals))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
