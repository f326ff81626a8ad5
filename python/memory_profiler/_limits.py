"""The limits of memory under which this process runs, as ``-v`` says them."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from ._memprof import memory_limits

NAMES = {"cgroup": "cgroup limit", "address_space": "RLIMIT_AS"}


def limits_text() -> str:
    """``cgroup limit 512 MiB; RLIMIT_AS none``: in the words of ``mprof run -v``."""
    return "; ".join(f"{NAMES[key]} {_size(limit)}" for key, limit in memory_limits().items())


def _size(limit: int | None) -> str:
    return "none" if limit is None else f"{limit / 2**20:.10g} MiB"
