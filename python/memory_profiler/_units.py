"""Units of memory."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

MIB = 1048576.0

# By their names in small letters, in bytes.
UNITS = {
    "b": 1,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
}


def size_of(text: str, unit: str) -> float | None:
    """Bytes of ``10 MiB``, ``500 KiB``, or of a plain number of ``unit``; None of other text."""
    import re

    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text, re.ASCII)
    if match is None:
        return None
    factor = UNITS.get(match[2].lower() or unit)
    size = float(match[1]) * (factor or 0)
    return None if factor is None or size == float("inf") else size
