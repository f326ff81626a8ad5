"""Runs the native mprof as a child that gets the signals this process gets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RELAYED = [
    getattr(signal, name)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
]


def run(command: list[str]) -> int:
    """The exit status of `command`: 128 + the signal where one has ended it.

    The executable looks for the interpreter of a script beside itself; where it lies inside the
    package there is none, so it is told.
    """
    environment = dict(os.environ, MPROF_HOST_PYTHON=sys.executable or "")
    child = subprocess.Popen(command, env=environment, close_fds=False)
    saved = _relay(child)
    try:
        status = child.wait()
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


def _relay(child: subprocess.Popen[bytes]) -> dict[int, Any]:
    """Passes signals on; mprof tells those apart that its whole group has got.

    Handlers can be set in the main thread alone; elsewhere signals do what they did.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        number: signal.signal(number, lambda got, frame: child.send_signal(got))
        for number in _RELAYED
        if signal.getsignal(number) is not None
    }
