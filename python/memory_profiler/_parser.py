"""The parser of our command lines."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from argparse import ArgumentParser, ArgumentTypeError

from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


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


MOST_MIB = 1 << 40  # more than any machine has


def mebibytes(text: str) -> float:
    """A limit of memory, in MiB; ValueError for what is none."""
    if not text.isascii():
        raise ValueError  # digits of other scripts
    number = float(text)
    if not 0 <= number <= MOST_MIB:
        raise ArgumentTypeError(f"must be from 0 to {MOST_MIB} MiB, not {text!r}")
    return number


def decimals(text: str) -> int:
    """A number of decimals; ValueError for what is none."""
    if not text.isascii():
        raise ValueError  # digits of other scripts
    return int(text)
