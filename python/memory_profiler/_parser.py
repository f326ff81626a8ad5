"""The parser of our command lines."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from argparse import ArgumentParser, ArgumentTypeError

from ._checked import MOST_DECIMALS
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def number_of(text: str, kind: Callable[[str], float] = float) -> float | None:
    """The number that a text is, without digits of other scripts; None: none."""
    try:
        return kind(text) if text.isascii() else None
    except ValueError:
        return None


def decimals(text: str) -> float:
    """A number of decimals; what is none is an error of the command line."""
    number = number_of(text, int)
    if number is None or not 0 <= number <= MOST_DECIMALS:
        raise ArgumentTypeError(f"must be a whole number from 0 to {MOST_DECIMALS}, not {text!r}")
    return number


class Parser(ArgumentParser):
    """Repeats arguments that are wrong, but sends nothing of them to the terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(visible(message + self._meant(message)))

    def _meant(self, message: str) -> str:
        """What to add where an option is unknown that looks like another one."""
        before, unknown, words = message.partition("unrecognized arguments: --")
        if before or not unknown:
            return ""
        from difflib import get_close_matches

        option = "--" + words.split()[0].partition("=")[0] if words.split() else ""
        close = get_close_matches(option, self._option_string_actions, 1, 0.75)
        return f" (did you mean {close[0]}?)" if close else ""
