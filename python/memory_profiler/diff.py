"""``python -m memory_profiler.diff A B``: what grew from one saved run to another."""

import argparse
import re
import sys
from difflib import SequenceMatcher

from ._saved_runs import MIB, BadRun, Source, functions_of, read_run, visible

UNITS = {"": 1 << 20, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
         "kb": 10**3, "mb": 10**6, "gb": 10**9}


def size(text):
    """Bytes of ``10 MiB``, ``500 KiB`` or plain MiB; a ValueError else."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if match is None or match[2].lower() not in UNITS:
        raise argparse.ArgumentTypeError(f"no size: '{text}' (such as '10 MiB' or '500 KiB')")
    return float(match[1]) * UNITS[match[2].lower()]


def make_parser():
    parser = argparse.ArgumentParser(
        prog="python -m memory_profiler.diff",
        description="Compares two runs that python -m memory_profiler --json FILE saved. Lines are "
        "matched through edits of the source, functions through a change of their name.",
        epilog="exit status: 0; 1 when a function grew by more than --fail-over; 2 when a file holds "
        "no run",
    )
    parser.add_argument("before", metavar="A", help="the run before; - is standard input")
    parser.add_argument("after", metavar="B", help="the run after")
    parser.add_argument("--fail-over", type=size, metavar="SIZE",
                        help='exit with 1 when a function grew by more, such as "10 MiB"')
    parser.add_argument("--least", type=size, default=0.05 * MIB, metavar="SIZE",
                        help='lines that changed by less are not shown (default "0.05 MiB")')
    return parser


def growth(function):
    """What the calls of a function added, in bytes: without the memory at the first entry."""
    return function["ledger"]["increments_bytes"] - function["ledger"]["entry_bytes"]


def line_growths(function):
    """line -> bytes; the first row without the memory at the first entry."""
    growths = {line["line"]: line["increment_bytes"] for line in function["lines"]}
    first = function["lines"][0]["line"]
    growths[first] -= function["ledger"]["entry_bytes"]
    return growths


def pair_lines(before, after):
    """[(line before or None, line after or None)] of two versions of a function, in order."""
    first, second = before["first_line"], after["first_line"]
    if not before["source"] or not after["source"]:
        numbers = sorted({*line_growths(before), *line_growths(after)})
        return [(number, number) for number in numbers]
    pairs = []
    is_long = max(len(before["source"]), len(after["source"])) > 5000  # exact is quadratic at worst
    matcher = SequenceMatcher(None, before["source"], after["source"], autojunk=is_long)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal" or (kind == "replace" and b - a == d - c):
            pairs += [(first + a + i, second + c + i) for i in range(b - a)]
        else:
            pairs += [(first + i, None) for i in range(a, b)]
            pairs += [(None, second + i) for i in range(c, d)]
    return pairs


def _place(function):
    return function["filename"], function["name"]


def _name(function):
    return function["name"]


def _body(function):
    """The source without the function's own name; None where it is not known."""
    name = re.escape(function["name"].rpartition(".")[2])
    return re.sub(rf"\b{name}\b", "", "".join(function["source"])) or None


def _group(functions, key):
    groups = {}
    for function in functions:
        groups.setdefault(key(function), []).append(function)
    return groups


def pair_functions(before, after):
    """[(before or None, after or None)], in the order of ``after``.

    Functions are the same by file and name; else by name alone, then by the rest of their source,
    where that is clear: one is left of it on either side.
    """
    found = {}  # id of one after -> the one before
    left, right = list(before), list(after)
    for key in (_place, _name, _body):
        known = _group(left, key)
        for value, functions in _group(right, key).items():
            candidates = known.get(value, [])
            if key is _place:
                pairs = list(zip(candidates, functions))
            elif value is not None and len(candidates) == len(functions) == 1:
                pairs = [(candidates[0], functions[0])]
            else:
                pairs = []
            found.update((id(new), old) for old, new in pairs)
        taken = {id(old) for old in found.values()}
        left = [function for function in left if id(function) not in taken]
        right = [function for function in right if id(function) not in found]
    return [(found.get(id(new)), new) for new in after] + [(old, None) for old in left]


def name_of(before, after):
    """The name of a pair, and the one it had before."""
    name = (after or before)["name"]
    if before and after and before["name"] != name:
        return f"{name} (was {before['name']})"
    return name


def mebibytes(number):
    return "" if number is None else f"{number / MIB:+.3f}"


def print_pair(before, after, least, out):
    """The lines of a function that changed; returns by how many bytes its growth changed."""
    old = line_growths(before) if before else {}
    new = line_growths(after) if after else {}
    change = (growth(after) if after else 0) - (growth(before) if before else 0)
    known = after or before
    pairs = (pair_lines(before, after) if before and after
             else [(None, number) for number in new] + [(number, None) for number in old])
    rows = []
    for one, other in pairs:
        a, b = old.get(one), new.get(other)
        difference = (b or 0) - (a or 0)
        if abs(difference) >= least and difference:
            text = (Source(after).text(other) if other is not None and after
                    else Source(before).text(one))
            rows.append((one, other, a, b, difference, text))
    note = "" if before and after else "   (new)" if after else "   (gone)"
    if not rows and not note:
        return change
    name = visible(f"{known['filename']}: {name_of(before, after)}")
    out.write(f"{name}   {mebibytes(change)} MiB{note}\n")
    out.write("  Line A  Line B            A            B       Change   Line Contents\n")
    for one, other, a, b, difference, text in rows:
        out.write(f"  {one or '':>6}  {other or '':>6} {mebibytes(a):>12} {mebibytes(b):>12} "
                  f"{mebibytes(difference):>12}   {text}\n")
    out.write("\n")
    return change


def main(argv=None):
    options = make_parser().parse_args(argv)
    try:
        before, after = (functions_of([read_run(path)]) for path in (options.before, options.after))
    except BadRun as error:
        print(f"memory_profiler.diff: {visible(str(error))}", file=sys.stderr)
        return 2
    worst, total = None, 0
    for pair in pair_functions(before, after):
        change = print_pair(*pair, options.least, sys.stdout)
        total += change
        if worst is None or change > worst[0]:
            worst = change, (pair[1] or pair[0])["name"]
    print(f"In all {mebibytes(total)} MiB")
    sys.stdout.flush()
    if options.fail_over is not None and worst is not None and worst[0] > options.fail_over:
        print(f"memory_profiler.diff: {visible(worst[1])} grew by {worst[0] / MIB:.3f} MiB more than before, over "
              f"the bound of {options.fail_over / MIB:.3f} MiB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
