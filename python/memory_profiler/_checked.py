"""What a program asks of ``profile``: what is wrong is said there, not when a table is due."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from operator import index

from ._memprof import backends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_DECIMALS = 20
MOST_MIB = 1 << 40  # more than any machine has
BACKENDS = [name for name, _ in backends]


def precision_of(value: Any) -> int:
    """A number of decimals. TypeError and ValueError where it is none."""
    try:
        precision = index(value)
    except TypeError:
        raise TypeError(f"profile: precision must be a whole number, not {value!r}") from None
    if not 0 <= precision <= MOST_DECIMALS:
        raise ValueError(f"profile: precision must be from 0 to {MOST_DECIMALS}, not {value!r}")
    return precision


def limit_of(value: Any) -> float:
    """A limit of memory in MiB. TypeError and ValueError where it is none."""
    try:
        limit: float = min(value, MOST_MIB)
    except TypeError:
        raise TypeError(f"LineProfiler: max_mem must be a number of MiB, not {value!r}") from None
    if limit != limit:
        raise ValueError(f"LineProfiler: max_mem must be a number of MiB, not {value!r}")
    return limit


def check_stream(stream: Any, who: str) -> None:
    """Nothing, or what can be written to; TypeError otherwise."""
    if stream is not None and not callable(getattr(stream, "write", None)):
        raise TypeError(f"{who}: stream must have a method write(), not be {stream!r}")


def unknown_backend(who: str, backend: object) -> str:
    return f"{who}: unknown backend {backend!r} (known: {' '.join(BACKENDS)})"


def check_backend(backend: Any) -> None:
    """A name of what is read, or "" for the usual one. TypeError and ValueError otherwise."""
    if not isinstance(backend, str):
        raise TypeError(f"profile: backend must be a name, not {backend!r}")
    if backend and backend not in BACKENDS:
        raise ValueError(unknown_backend("profile", backend))
