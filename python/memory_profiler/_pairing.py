"""Which functions and lines of two runs are the same, through edits, new names and moves."""

from __future__ import annotations

import os
import re
from collections import Counter
from difflib import SequenceMatcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from ._types import Json

    _KeyOf = Callable[[Json], Any]
    _Opcode = tuple[str, int, int, int, int]  # as SequenceMatcher has them

ALIKE = 0.75  # of their lines two functions share that are one function, renamed and edited
LEAST_SHARED = 3  # lines; fewer say nothing
MOST_COMPARED = 40_000  # pairs of functions
MOST_STEPS = 5_000_000  # of an exact match of lines, which is cubic at worst
MOST_PAIRS = 4_000_000  # of lines, for a match by lines that stand there once


# ---- functions


def _place_and_source(function: Json) -> tuple[Any, ...]:
    return function["filename"], function["name"], tuple(function["source"])


def _place(function: Json) -> tuple[Any, ...]:
    return function["filename"], function["name"]


def _name_and_source(function: Json) -> tuple[Any, ...]:
    return function["name"], tuple(function["source"])


def _nameless(function: Json) -> str:
    """The source without the function's own name."""
    name = re.escape(function["name"].rpartition(".")[2])
    return re.sub(rf"\b{name}\b", "", "".join(function["source"]))


def _nameless_source(function: Json) -> str | None:
    return _nameless(function) or None


def _file_and_name(function: Json) -> tuple[Any, ...]:
    """The same file in another folder: two checkouts, two machines."""
    return os.path.basename(function["filename"]), function["name"]


def _name(function: Json) -> Any:
    return function["name"]


# What makes two functions the same, the surest first. Where several have the first two, they are
# the same in their order; the others hold where one is left on either side.
KEYS = (_place_and_source, _place, _name_and_source, _nameless_source, _file_and_name, _name)


def _group(functions: list[Json], key: _KeyOf) -> dict[Any, list[Json]]:
    groups: dict[Any, list[Json]] = {}
    for function in functions:
        groups.setdefault(key(function), []).append(function)
    return groups


def _same_by(key: _KeyOf, left: list[Json], right: list[Json]) -> list[tuple[Json, Json]]:
    """[(one of left, one of right)] that have the same key, where that is clear."""
    known = _group(left, key)
    found: list[tuple[Json, Json]] = []
    for value, functions in _group(right, key).items():
        candidates = known.get(value, [])
        is_clear = key in KEYS[:2] or len(candidates) == len(functions) == 1
        if value is not None and is_clear:
            found += zip(candidates, functions)
    return found


def _lines_of(function: Json) -> Counter[str]:
    return Counter(line for line in map(str.strip, _nameless(function).splitlines()) if line)


def _are_alike(one: Counter[str], other: Counter[str]) -> bool:
    shared = (one & other).total()
    return shared >= LEAST_SHARED and 2 * shared >= ALIKE * (one.total() + other.total())


def _alike(left: list[Json], right: list[Json]) -> list[tuple[Json, Json]]:
    """[(one of left, one of right)] that share most of their lines, and with no other."""
    if not left or len(left) * len(right) > MOST_COMPARED:
        return []
    old, new = [[_lines_of(function) for function in functions] for functions in (left, right)]
    found = [
        (i, j) for i, one in enumerate(old) for j, other in enumerate(new) if _are_alike(one, other)
    ]
    times = Counter(i for i, _ in found), Counter(j for _, j in found)
    return [(left[i], right[j]) for i, j in found if times[0][i] == times[1][j] == 1]


def pair_functions(
    before: Iterable[Json], after: list[Json]
) -> list[tuple[Json | None, Json | None]]:
    """[(before or None, after or None)], in the order of ``after``."""
    found: dict[int, Json] = {}  # id of one after -> the one before
    left, right = list(before), list(after)
    for match in [*(lambda a, b, key=key: _same_by(key, a, b) for key in KEYS), _alike]:
        found.update((id(new), old) for old, new in match(left, right))
        taken = {id(old) for old in found.values()}
        left = [function for function in left if id(function) not in taken]
        right = [function for function in right if id(function) not in found]
    return [(found.get(id(new)), new) for new in after] + [(old, None) for old in left]


# ---- lines


def _matching(before: list[str], after: list[str]) -> Sequence[_Opcode]:
    """What SequenceMatcher says of two lists of lines, in a time that is bounded."""
    counts = Counter(before), Counter(after)
    repeats = sum(times * counts[1][line] for line, times in counts[0].items())
    if repeats * min(len(before), len(after)) <= MOST_STEPS:
        return SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    if len(before) * len(after) <= MOST_PAIRS:
        repeated = counts[1]
        matcher = SequenceMatcher(lambda line: repeated[line] > 1, before, after, autojunk=False)
        return matcher.get_opcodes()
    return _common_ends(before, after)


def _common_ends(before: list[str], after: list[str]) -> list[_Opcode]:
    least = min(len(before), len(after))
    head = next((i for i in range(least) if before[i] != after[i]), least)
    tail = next((i for i in range(least - head) if before[-1 - i] != after[-1 - i]), least - head)
    ends = len(before) - tail, len(after) - tail
    return [
        ("equal", 0, head, 0, head),
        ("replace", head, ends[0], head, ends[1]),
        ("equal", ends[0], len(before), ends[1], len(after)),
    ]


def pair_lines(
    before: Json, after: Json, measured_before: Iterable[int], measured_after: Iterable[int]
) -> list[tuple[int | None, int | None]]:
    """[(line before or None, line after or None)] of two versions of a function, in order.

    ``measured``: the numbers of the lines that must be there, which the source may not have.
    """
    if not before["source"] or not after["source"]:
        return [(number, number) for number in sorted({*measured_before, *measured_after})]
    first, second = before["first_line"], after["first_line"]
    texts = [[line.strip() for line in function["source"]] for function in (before, after)]
    pairs = []
    for kind, a, b, c, d in _matching(*texts):
        if kind == "equal" or (kind == "replace" and b - a == d - c):
            pairs += [(first + a + i, second + c + i) for i in range(b - a)]
        else:
            pairs += [(first + i, None) for i in range(a, b)]
            pairs += [(None, second + i) for i in range(c, d)]
    known = {one for one, _ in pairs}, {other for _, other in pairs}
    return [
        *pairs,
        *((number, None) for number in sorted({*measured_before} - known[0])),
        *((None, number) for number in sorted({*measured_after} - known[1])),
    ]
