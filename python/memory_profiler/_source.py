"""The source of a function as it was when it ran."""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

from ._memprof import shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType
    from typing import Any

# linecache is imported when it is needed: on Python before 3.13 it brings half of the time of an
# import of this package.

# Files older than this cannot have been edited since the program read them.
_STARTED = time.time()


def program_began(at: float | None) -> None:
    """When the program did that imports this package much later; None: that cannot be known."""
    global _STARTED
    _STARTED = at or 0.0


def is_as_it_was(code: CodeType) -> bool:
    """Whether the file of a code object surely is what it was when the program began."""
    filename = code.co_filename
    if filename in _kept or not os.path.isabs(filename):
        return False
    try:
        return os.path.isfile(filename) and os.stat(filename).st_mtime < _STARTED - 1
    except OSError:
        return False


# A table longer than this comes from an absurd line number, not from a function.
MOST_LINES = 1 << 22


# The script is compiled under its absolute name, as Python does it, and shown under the given one:
# absolute -> given.
_given: dict[str, str] = shared.setdefault("given_names", {})


def show_as(filename: str, given: str) -> None:
    """Let tables name a file as the user did."""
    _given[filename] = given


def given_name(filename: str) -> str | None:
    """The name under which the user gave a file to run; None for others."""
    return _given.get(filename)


def shown_name(filename: str) -> str:
    """The name under which tables show a file."""
    return _given.get(filename, filename)


def _source_file(code: CodeType) -> str:
    filename = code.co_filename
    return filename[:-1] if filename.endswith((".pyc", ".pyo")) else filename


def file_of(code: CodeType) -> str:
    """The name of the source file of a code object, for tables."""
    return shown_name(_source_file(code))


# File that was compiled here -> its lines.
_kept: dict[str, list[str]] = shared.setdefault("sources", {})


def keep(filename: str, lines: list[str]) -> None:
    """Let tables show what was compiled from a file, whatever becomes of that."""
    _kept[filename] = lines


def note_globals(code: CodeType, module_globals: dict[str, Any]) -> None:
    """The lines of code whose module has a loader of its own come from that."""
    try:
        import linecache

        linecache.lazycache(code.co_filename, module_globals)
    except Exception:  # no descriptor is left, or the program has put something in its place
        pass


# File edited lately -> (its lines, all code that they make).
_compiled: dict[str, tuple[list[str], set[CodeType]]] = {}


def _all_code(compiled: CodeType) -> set[CodeType]:
    """All code objects in what was compiled, as a set."""
    found, rest = set(), [compiled]
    while rest:
        code = rest.pop()
        found.add(code)
        rest += [constant for constant in code.co_consts if isinstance(constant, type(code))]
    return found


def _code_of(filename: str, lines: list[str]) -> set[CodeType]:
    """The code that a file's lines make, each file compiled once; none if they are no program."""
    known = _compiled.get(filename)
    if known is None or known[0] is not lines:
        try:
            code = _all_code(compile("".join(lines), filename, "exec", dont_inherit=True))
        except (SyntaxError, ValueError, RecursionError):
            code = set()
        known = _compiled[filename] = lines, code
    return known[1]


def _cache_of_lines() -> dict[str, Any]:
    try:
        import linecache

        return linecache.cache
    except Exception:
        return {}


def _is_true_source(lines: list[str], filename: str, code: CodeType) -> bool:
    """False where the file was edited after the program started and holds other code now."""
    try:
        if os.stat(filename).st_mtime < _STARTED - 1:
            return True
    except OSError:
        return True  # no file: a notebook cell, a zip archive, a deleted file in the cache
    entry = _cache_of_lines().get(filename)
    if entry is not None and len(entry) > 1 and entry[1] is None:
        return True  # put there by who compiled it
    return code in _code_of(filename, lines)


def _lines_of(filename: str, module_globals: dict[str, Any] | None) -> list[str]:
    """The lines of a file; its text alone where the program has broken what linecache needs."""
    try:
        import linecache

        linecache.checkcache(filename)
        return linecache.getlines(filename, module_globals)
    except Exception:
        pass
    try:
        with open(filename, encoding="utf-8") as file:
            return file.readlines()
    except (OSError, ValueError):
        return []  # no descriptor is left to read it, or it is no such text


def capture(code: CodeType, module_globals: dict[str, Any] | None = None) -> list[str]:
    """The lines of the file that a code object comes from; empty if they cannot be known."""
    filename = _source_file(code)
    if filename in _kept:
        lines = _kept[filename]
        return lines if code.co_firstlineno <= len(lines) else []
    lines = _lines_of(filename, module_globals)
    if not lines or code.co_firstlineno > len(lines):
        return []
    return lines if _is_true_source(lines, filename, code) else []


_knows_blocks: list[Any] = []  # the module, once a table was wanted: an import asks Python code


def _blocks() -> Any:
    if not _knows_blocks:
        from . import _block_end

        _knows_blocks.append(_block_end)
    return _knows_blocks[0]


def end_of_block(lines: list[str], first: int, last: int) -> int:
    """The last line of the function on lines ``first`` to at least ``last``; 0 for no Python."""
    blocks = _blocks()
    size = last - first + 50  # not all of a long file for each of its functions
    while True:
        part = lines[first - 1 : first - 1 + size]
        try:
            length: int = blocks.block_length(part)
        except (SyntaxError, blocks.TokenError):
            length = len(part)  # cut in the middle, or no Python
            if first - 1 + size >= len(lines):
                return 0
        if length < len(part) or first - 1 + size >= len(lines):
            return first - 1 + length
        size *= 4


def last_line(codes: Iterable[CodeType], default: int) -> int:
    """The last line that code has instructions of."""
    return max((line for c in codes for _, _, line in c.co_lines() if line), default=default)


def line_numbers(code: CodeType, codes: list[CodeType], lines: list[str]) -> range:
    """The lines that a table shows: the function's block, and every line of its code."""
    first = code.co_firstlineno
    last = last_line(codes, first)
    if lines:
        last = min(last, len(lines))
        try:
            last = max(last, end_of_block(lines, first, last))
        except Exception:  # no descriptor is left, or the program has broken what it needs
            pass
    return range(first, min(max(first, last), first + MOST_LINES - 1) + 1)
