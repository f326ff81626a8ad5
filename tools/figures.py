"""Figures in a document, between two marks of it: the rest of the document is written by hand.

    python figures.py FILE COMMAND        the text comes from standard input

The marks are <!-- figures: COMMAND --> and <!-- end of figures -->, each alone on a line.
"""

import sys

END = "<!-- end of figures -->\n"


def split(path, command):
    """What stands before the figures, with their mark, the figures, and the rest."""
    begin = f"<!-- figures: {command} -->\n"
    with open(path, encoding="utf-8") as file:
        before, found, after = file.read().partition(begin)
    text, ended, after = after.partition(END)
    if not found or not ended:
        sys.exit(f"figures.py: {path} has no {(begin if not found else END).strip()}")
    return before + begin, text, END + after


def read_from(path, command):
    return split(path, command)[1]


def write_into(path, command, text):
    before, _, after = split(path, command)
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + text + after)


if __name__ == "__main__":
    write_into(*sys.argv[1:], sys.stdin.read())
