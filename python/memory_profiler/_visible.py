"""Text that anybody may have written, for a terminal or a page."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

import re
import sys

# What moves a terminal's cursor, forges a line, or turns text around.
_UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e007f]"
)


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def visible(text: str) -> str:
    """The text of a file that anybody may have written, for a terminal or a page."""
    return _UNSEEN.sub(_escaped, text)


def reason(error: BaseException) -> str:
    """Why something failed, for a line: the system's words, else the error's own, else its type."""
    try:
        return str(
            getattr(error, "strerror", None) or str(error).rstrip(".") or type(error).__name__
        )
    except Exception:  # it is the program's own, as its __str__ is
        return type(error).__name__


def complain(message: object) -> None:
    """One line on stderr; what came from the command line cannot break it, or move the cursor.

    Where the program has put something there that cannot be written to: on the stderr it began
    with.
    """
    for name in ("stderr", "__stderr__"):
        try:
            getattr(sys, name).write(visible(str(message)) + "\n")
            return
        except Exception:
            continue
