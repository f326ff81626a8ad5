"""The figures of a campaign, from the folder in which campaign.sh keeps what its parts found.

    python campaign_figures.py FOLDER [FILE]

Prints the table; with FILE puts it between the two marks of that file, where the row of a part
that FOLDER has not stays as it is: rows say when they were made, and of which commit.
"""

import os
import re
import sys
import xml.etree.ElementTree as ElementTree

from figures import read_from, write_into

COMMAND = "campaign.sh --write"
PARTS = ["faults", "kills", "programs", "fuzz", "strangers"]


def junit_figures(path):
    """[(what, result)] of a pytest run: its counts, then what single tests measured."""
    cases = list(ElementTree.parse(path).iter("testcase"))
    bad = [
        case.get("name")
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    counts = f"{len(cases) - len(bad) - skipped} passed, {len(bad)} failed, {skipped} skipped"
    measured = [
        found.get("value")
        for case in cases
        for found in case.iter("property")
        if found.get("name") == "campaign"
    ]
    return [counts, *measured, *("failed: " + name for name in bad)]


def last_line(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return [lines[-1] if lines else "it said nothing"]


def rows_kept(path):
    """{part: its row} of the table that the file has."""
    rows = read_from(path, COMMAND).splitlines()
    return {part: row for row in rows for part in PARTS if row.startswith(f"| {part} |")}


def rows(folder, kept):
    for part in PARTS:
        state = os.path.join(folder, part + ".state")
        if not os.path.exists(state):
            yield kept.get(part, f"| {part} | | | not run |")
            continue
        with open(state) as file:
            status, seconds, date, version, commit = file.read().split()
        junit = os.path.join(folder, part + ".xml")
        found = (
            junit_figures(junit)
            if os.path.exists(junit)
            else last_line(os.path.join(folder, part + ".log"))
        )
        if status != "0":
            found.append(f"exit status {status}")
        where = f"{date}, {commit}, Python {version}"
        yield f"| {part} | {where} | {seconds} s | {'; '.join(found).replace('|', '/')} |"


def table(folder, kept):
    head = ["| part | when, which commit | took | found |", "|---|---|---|---|"]
    return "\n".join([*head, *rows(folder, kept)]) + "\n"


def main(folder, path=None):
    text = table(folder, rows_kept(path) if path else {})
    print(text, end="")
    if path is not None:
        write_into(path, COMMAND, text)
    return int(re.search(r"exit status|failed: ", text) is not None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
