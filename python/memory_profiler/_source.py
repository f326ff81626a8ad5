"""The source of a function as it was when it ran."""

import os
import time

# linecache is imported when it is needed: on Python before 3.13 it brings half of the time of an
# import of this package.

# Files older than this cannot have been edited since the program read them.
_STARTED = time.time()


# A table longer than this comes from an absurd line number, not from a function.
MOST_LINES = 1 << 22


def file_of(code):
    """The name of the source file of a code object."""
    filename = code.co_filename
    return filename[:-1] if filename.endswith((".pyc", ".pyo")) else filename


def _holds(compiled, code):
    """Whether the very code object can be found in what was compiled."""
    return compiled == code or any(
        _holds(constant, code) for constant in compiled.co_consts if isinstance(constant, type(code))
    )


def _is_true_source(lines, filename, code):
    """False where the file was edited after the program started and holds other code now."""
    try:
        if os.stat(filename).st_mtime < _STARTED - 1:
            return True
    except OSError:
        return True  # no file: a notebook cell, a zip archive, a deleted file in the cache
    import linecache

    entry = linecache.cache.get(filename)
    if entry is not None and len(entry) > 1 and entry[1] is None:
        return True  # put there by who compiled it
    try:
        return _holds(compile("".join(lines), code.co_filename, "exec", dont_inherit=True), code)
    except (SyntaxError, ValueError):
        return False


def capture(code, module_globals=None):
    """The lines of the file that a code object comes from; empty if they cannot be known."""
    import linecache

    filename = file_of(code)
    linecache.checkcache(filename)
    lines = linecache.getlines(filename, module_globals)
    if not lines or code.co_firstlineno > len(lines):
        return []
    return lines if _is_true_source(lines, filename, code) else []


def line_numbers(code, codes, lines):
    """The lines that a table shows: the function's block, and every line of its code."""
    first = code.co_firstlineno
    last = max((line for c in codes for _, _, line in c.co_lines() if line), default=first)
    if lines:
        last = min(last, len(lines))
        import inspect  # heavy: only when a table is wanted
        from tokenize import TokenError

        try:
            last = max(last, first - 1 + len(inspect.getblock(lines[first - 1 :])))
        except (SyntaxError, TokenError):
            pass  # text that is no Python: the lines of the code alone
    return range(first, min(max(first, last), first + MOST_LINES - 1) + 1)
