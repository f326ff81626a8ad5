"""Programs that say on which line they are, in memory that outlives them.

Where a program of tests/python/programs.py has a statement, one of these says so just before, and
after what the statement called has come back.
"""

import ast
import re

START = """
import mmap
_file = open("diary", "r+b")
_diary = memoryview(mmap.mmap(_file.fileno(), 16)).cast("Q")
def at(line):
    _diary[0] = line
    sum(range(10000))  # most of the time is spent between what is said and the end of the line
"""

# Calls go on until somebody ends the process; what runs too long is ended by step().
DRIVER = """
def mem(n):
    step()
    return bytearray(n << 16)

def drive(function, depth):
    steps.done = 0
    try:
        result = function(depth)
        if hasattr(result, "__next__"):
            for x in result:  # it goes on where it said last that it was
                pass
        elif hasattr(result, "send"):
            while True:
                result.send(None)
    except (ValueError, Stop, RuntimeError, StopIteration):
        pass
    finally:
        at(0)
        kept.clear()

_diary[1] = 1
while True:
"""

COMPOUND = (
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.If,
    ast.With,
    ast.AsyncWith,
    ast.FunctionDef,
    ast.ClassDef,
)
FALLS_THROUGH = (ast.Expr, ast.Assign, ast.AugAssign)


def statements(source):
    """The statements in functions of a source by line: of several on one line the first."""
    found = {}
    for top in ast.parse(source).body:
        for node in ast.walk(top):
            if isinstance(node, ast.stmt) and node is not top:
                known = found.setdefault(node.lineno, node)
                found[node.lineno] = min(known, node, key=lambda it: it.col_offset)
    return [found[line] for line in sorted(found)]


def instrumented(source):
    """The source with at(@N@) for each statement; N is its number in the order of lines."""
    lines = source.split("\n")
    nodes = statements(source)
    for number, node in reversed(list(enumerate(nodes))):
        begin, end, indent = node.lineno - 1, node.end_lineno - 1, node.col_offset
        if isinstance(node, FALLS_THROUGH):
            lines[end] += f"; at(@{number}@)"
        if isinstance(node, COMPOUND):
            lines[begin:begin] = [" " * indent + f"at(@{number}@) # compound"]
        elif not isinstance(node, ast.Try):
            lines[begin] = lines[begin][:indent] + f"at(@{number}@); " + lines[begin][indent:]
    return lines, nodes


def number_lines(lines, nodes):
    """(lines with numbers, {number: lines on which the program may be then}).

    A header of a compound statement comes behind what announces it.
    """
    begins = {}
    for at, line in enumerate(lines, 1):
        found = re.match(r" *at\(@(\d+)@\)( # compound)?", line)
        if found:
            begins[found[1]] = at + bool(found[2])
    allowed = {0: set()}
    for number, node in enumerate(nodes):
        if str(number) not in begins:
            continue  # a try
        begin = begins[str(number)]
        if isinstance(node, COMPOUND):
            allowed[begin] = {begin - 1, begin}
        else:
            allowed[begin] = set(range(begin, begin + node.end_lineno - node.lineno + 1))
    return [re.sub(r"@(\d+)@", lambda it: str(begins[it[1]]), line) for line in lines], allowed


def program(start, source, calls):
    """(text, {what at() says last: lines that may run then})."""
    head = (start + START).split("\n")
    lines, nodes = instrumented(source)
    lines, allowed = number_lines(head + lines, nodes)
    driver = DRIVER.split("\n")[:-1] + [f"    drive({name}, {depth})" for name, depth in calls]
    return "\n".join(lines + driver) + "\n", allowed
