"""Sizes in tables of the heap, and what may be asked of one."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from sys import getallocatedblocks

SIZES = ("blocks", "getsizeof")


def size_text(size: int, is_growth: bool = False) -> str:
    """``28 B``, ``1.2 KiB``, ``+30.4 MiB``."""
    sign = "+" if is_growth else ""
    if abs(size) < 1024:
        return f"{size:{sign},} B"
    value: float = size
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if abs(value) < 1023.95:
            break
    return f"{value:{sign},.1f} {unit}"


def is_pymalloc() -> bool:
    """Whether small blocks are pymalloc's (PYTHONMALLOC=malloc: they are malloc()'s)."""
    return getallocatedblocks() > 0


def checked(sizes: str) -> str:
    if sizes not in SIZES:
        raise ValueError(f"sizes must be one of {', '.join(SIZES)}, not {sizes!r}")
    return sizes


def counted(n: int, what: str) -> int:
    """How many rows are asked for."""
    if not isinstance(n, int) or isinstance(n, bool) or n < 0:
        raise ValueError(f"{what}() takes how many, not {n!r}")
    return n
