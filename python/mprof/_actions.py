"""The commands of mprof as functions, as memory_profiler 0.61 had them.

Each takes its arguments from ``sys.argv[1:]``: what stands there behind the name of the command.
"""

from __future__ import annotations

import os
import sys

from . import _run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ACTIONS = ("run", "attach", "rm", "clean", "list", "plot", "peak", "mark", "top")
_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_bin", "mprof")

# Letters and names of the options of run that take a value.
_LETTERS_WITH_VALUE = "Tto"
_NAMES_WITH_VALUE = ("--interval", "--timeout", "--output", "--backend")


def act(*arguments: str) -> None:
    """Runs the native mprof; SystemExit with its exit status where that is not 0."""
    status = _run.run([_PROGRAM, *arguments])
    if status != 0:
        raise SystemExit(status)


def _in_letters(option: str) -> tuple[bool, bool]:
    """Of -qE: whether it holds E, and whether its value is the next argument."""
    for at, letter in enumerate(option[1:], 1):
        if letter == "E":
            return True, False
        if letter in _LETTERS_WITH_VALUE:
            return False, at == len(option) - 1
    return False, False


def _in_name(option: str) -> tuple[bool, bool]:
    """Of --name[=value], which may be shortened."""
    wants = len(option) > 3 and "--exit-code".startswith(option)
    return wants, any(name.startswith(option) for name in _NAMES_WITH_VALUE)


def _wants_exit_code(arguments: list[str]) -> bool:
    """Whether -E stands among the options of run, which end at the program."""
    rest = iter(arguments)
    for option in rest:
        if not option.startswith("-") or option in ("-", "--"):
            return False
        wants, skips = (_in_name if option.startswith("--") else _in_letters)(option)
        if wants:
            return True
        if skips:
            next(rest, None)
    return False


def run_action() -> None:
    """Ends by SystemExit where mprof fails, and with --exit-code always: that is the program's."""
    arguments = sys.argv[1:]
    act("run", *arguments)
    if _wants_exit_code(arguments):
        raise SystemExit(0)


def attach_action() -> None:
    act("attach", *sys.argv[1:])


def list_action() -> None:
    act("list", *sys.argv[1:])


def rm_action() -> None:
    act("rm", *sys.argv[1:])


def clean_action() -> None:
    act("clean", *sys.argv[1:])


def plot_action() -> None:
    act("plot", *sys.argv[1:])


def peak_action() -> None:
    act("peak", *sys.argv[1:])


def get_action() -> str:
    """Takes the name of the command out of ``sys.argv``; else the usage, SystemExit(1)."""
    if len(sys.argv) < 2 or sys.argv[1] not in _ACTIONS:
        act()
        raise SystemExit(1)
    return sys.argv.pop(1)


def _endings(name: str) -> list[str]:
    """c, b.c, a.b.c"""
    parts = name.split(".")
    return [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]


def function_labels(dotted_function_names: Iterable[str]) -> dict[str, str]:
    """For each dotted name the shortest of its endings that no other name has."""
    names = list(dict.fromkeys(dotted_function_names))
    owners: dict[str, int] = {}
    for name in names:
        for ending in _endings(name):
            owners[ending] = owners.get(ending, 0) + 1
    return {
        name: next((ending for ending in _endings(name) if owners[ending] == 1), name)
        for name in names
    }
