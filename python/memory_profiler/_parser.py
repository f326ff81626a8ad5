"""The parser of our command lines."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from argparse import ArgumentParser

from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Parser(ArgumentParser):
    """Repeats arguments that are wrong, but sends nothing of them to the terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(visible(message))
