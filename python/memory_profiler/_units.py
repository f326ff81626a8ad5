"""Units of memory."""

from ._own import builtins as __builtins__  # noqa: F401

MIB = 1048576.0

# By their names in small letters, in bytes.
UNITS = {"b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
         "kb": 10**3, "mb": 10**6, "gb": 10**9}


def size_of(text, unit):
    """Bytes of ``10 MiB``, ``500 KiB``, or of a plain number of ``unit``; None of other text."""
    import re

    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    factor = None if match is None else UNITS.get(match[2].lower() or unit)
    return None if factor is None else float(match[1]) * factor
