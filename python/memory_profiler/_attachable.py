"""``--attach PID``: whether a process can be attached to, and why it says nothing."""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import re
import sys

from ._memprof import read_memory

FLOOR = 3, 14
ENOUGH = 1 << 20  # bytes, to read what it is handed
SCOPE = "/proc/sys/kernel/yama/ptrace_scope"


class Refused(Exception):
    """It cannot be; the message is one line for the user."""


def _lines_of(path: str) -> list[str]:
    """Of a file of the kernel's; none where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []


def is_there(pid: int) -> bool:
    """Whether a process runs."""
    try:
        read_memory(pid, "rss")
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _owner_of(pid: int) -> int | None:
    """The user that a process acts for, where that is told."""
    for line in _lines_of(f"/proc/{pid}/status"):
        if line.startswith("Uid:"):
            return int(line.split()[2])
    return None


def _versions_of(pid: int) -> set[tuple[int, int]]:
    """The versions of Python that a process has in memory, by the names of its files."""
    names = "\n".join(_lines_of(f"/proc/{pid}/maps"))
    found = re.findall(
        r"/(?:lib)?python(\d)\.(\d+)[a-z]*(?:\.so[.\d]*)?(?: \(deleted\))?$", names, re.M
    )
    return {(int(major), int(minor)) for major, minor in found}


def start_of(pid: int) -> float | None:
    """When a process began, in seconds since the epoch, where that is told."""
    try:
        ticks = int(_lines_of(f"/proc/{pid}/stat")[0].rpartition(")")[2].split()[19])
        up = time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")
    except (IndexError, ValueError, OSError, AttributeError):
        return None


def check(pid: int) -> None:
    """Raises Refused where it is clear that a process cannot be attached to."""
    if sys.version_info < FLOOR or not hasattr(sys, "remote_exec"):
        raise Refused(
            "--attach needs Python 3.14 or later, here and in the program; "
            f"this is {sys.version.split()[0]}"
        )
    if pid == os.getpid():
        raise Refused(f"{pid} is this process itself")
    if not is_there(pid):
        raise Refused(f"there is no process {pid}")
    if _owner_of(pid) not in (None, os.geteuid()):
        raise Refused(f"process {pid} is another user's: attach as that user")
    versions = _versions_of(pid)
    if versions and sys.version_info[:2] not in versions:
        raise Refused(_other_version(pid, max(versions)))


def _other_version(pid: int, version: tuple[int, int]) -> str:
    text = ".".join(map(str, version))
    if version < FLOOR:
        return f"process {pid} runs Python {text}: --attach needs 3.14 or later in the program, too"
    here = ".".join(map(str, sys.version_info[:2]))
    return f"process {pid} runs Python {text}, this is {here}: attach with a Python {text}"


def why_not(pid: int, error: Exception) -> str:
    """What sys.remote_exec() says, for the user."""
    text = str(error)
    if isinstance(error, PermissionError):
        scope = _lines_of(SCOPE)
        if scope and scope != ["0"]:
            return (
                f"process {pid} may not be attached to: kernel.yama.ptrace_scope is {scope[0]} "
                "(as root it may, or with sysctl kernel.yama.ptrace_scope=0)"
            )
        return (
            f"process {pid} may not be attached to: the system forbids it (as in containers "
            "without the capability SYS_PTRACE)"
        )
    if "not enabled" in text:
        return (
            f"process {pid} does not let itself be attached to: it runs with "
            "PYTHON_DISABLE_REMOTE_DEBUG or -X disable-remote-debug, or a Python built without it"
        )
    other = re.search(r"to a Python (\d+)\.(\d+) process", text)
    if other:
        return _other_version(pid, (int(other[1]), int(other[2])))
    if "PyRuntime" in text:
        return f"process {pid} runs no Python 3.14 or later"
    return f"process {pid} cannot be attached to: {text}"


# ---- a process that says nothing


def _is_stopped(pid: int) -> bool:
    stat = "".join(_lines_of(f"/proc/{pid}/stat"))
    return stat.rpartition(")")[2].split()[:1] in (["T"], ["t"])


def _limit_of(pid: int, what: str) -> int | None:
    """What the kernel allows a process of something; None where that has no end, or is not told."""
    limits = "\n".join(_lines_of(f"/proc/{pid}/limits"))
    most = re.search(rf"^Max {what} +(\d+) ", limits, re.M)
    return int(most[1]) if most else None


def has_descriptor_left(pid: int) -> bool:
    """Whether a process can open a file; also where that is not told."""
    most = _limit_of(pid, "open files")
    if most is None:
        return True
    try:
        return sum(int(fd) < most for fd in os.listdir(f"/proc/{pid}/fd")) < most
    except OSError:
        return True


def _has_memory_left(pid: int) -> bool:
    """Whether a process may have more of it; also where that is not told."""
    most = _limit_of(pid, "address space")
    pages = "".join(_lines_of(f"/proc/{pid}/statm")).split()[:1]
    if most is None or not pages:
        return True
    return int(pages[0]) * os.sysconf("SC_PAGE_SIZE") + ENOUGH < most


def why_silent(pid: int) -> str:
    """Why a process does not run what it is handed, as far as that is seen from here."""
    if _is_stopped(pid):
        return "it is stopped"
    if not has_descriptor_left(pid):
        return "it has no descriptor left to read what it is handed"
    if not _has_memory_left(pid):
        return "it has no memory left to read what it is handed (RLIMIT_AS)"
    return (
        "its main thread may be in C code, or wait there, or be kept from reading what it is "
        "handed (by a limit, an audit hook, seccomp)"
    )
