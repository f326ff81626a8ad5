"""Where a function ends in its source. inspect knows it as well, at the price of 1 MiB of modules,
which the program's own tracemalloc would see."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from token import COMMENT, DEDENT, INDENT, NAME, NEWLINE, NL, OP
from tokenize import TokenError, generate_tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenize import TokenInfo
    from typing import Any

__all__ = ["TokenError", "block_length"]


class _Block:
    """What is known of the function while its tokens come, one after the other."""

    def __init__(self) -> None:
        self.last = 1  # line that is known to be in it
        self.kind = ""  # def, class or lambda, once it was seen
        self.is_decorator = False
        self.column = -1  # of its body
        self.depth = 0
        self.has_head = False  # the head's line is over

    def is_over(self, token: TokenInfo) -> bool:
        kind, text = token.type, token.string
        if kind == NEWLINE:
            return self._line_ends(token)
        if kind == INDENT and self.kind:
            self.depth += 1
            self.column = max(self.column, token.end[1]) if self.depth == 1 else self.column
        elif kind == DEDENT and self.kind:
            self.depth -= 1
            return self.depth <= 0
        elif kind == COMMENT:
            if 0 <= self.column <= token.start[1]:
                self.last = token.start[0]
        elif self.has_head and self.depth == 0 and kind != NL:
            return True  # its body stood on the line of its head
        elif not self.kind and kind == NAME and text in ("def", "class", "lambda"):
            self.kind = text
        elif not self.kind and kind == OP and text == "@":
            self.is_decorator = True
        return False

    def _line_ends(self, token: TokenInfo) -> bool:
        self.last = token.start[0]
        if self.kind == "lambda" or not (self.kind or self.is_decorator):
            return True
        self.has_head = self.has_head or bool(self.kind)
        self.is_decorator = False
        return False


def block_length(lines: list[str]) -> int:
    """How many lines the function takes that begins on the first of them.

    Raises SyntaxError or TokenError where they are no Python, or end in its middle.
    """
    block, token = _Block(), None
    tokens = generate_tokens(iter(lines).__next__)
    try:
        for token in tokens:
            if block.is_over(token):
                break
    except IndentationError:
        pass  # what comes behind stands further left than anything before
    except SyntaxError as error:
        # The line of a lambda may be one of several in brackets that began before.
        if "unmatched" not in str(error.msg) or token is None:
            raise
        return token.start[0]
    finally:
        _close(tokens)
    return block.last


def _close(tokens: Any) -> None:
    """Here, where it may fail unseen: the program can have taken away what it stands on."""
    try:
        tokens.close()
    except Exception:
        pass
