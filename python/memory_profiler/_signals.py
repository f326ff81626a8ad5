"""Signals by which somebody outside asks for the tables: SIGTERM, and that of ``--on-signal``."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import argparse
import json
import signal
import sys
from contextlib import suppress
from functools import partial

from ._memprof import ask_by_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._ending import Ending

CRASH = "it tells of a crash"
REFUSED = {
    "SIGKILL": "nobody can handle it",
    "SIGSTOP": "nobody can handle it",
    "SIGTERM": "the tables are printed before it ends the program, without an option",
    "SIGINT": "Python makes KeyboardInterrupt of it",
    "SIGCHLD": "every child that ends sends it",
    **dict.fromkeys(("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS"), CRASH),
    **dict.fromkeys(("SIGPIPE", "SIGXFSZ"), "every write that fails sends it"),
}

# What another process cannot make for this one, by the option that asks for it.
NEED_PYTHON = {
    "functions": "view of all functions",
    "pstats": "file of all functions",
    "allocations": "columns of allocations",
    "flame": "file of stacks that allocate",
    "heap": "count of objects",
}

# With the standard library and this package alone, whatever lies around where the program is now.
CODE = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from memory_profiler._beside import main; sys.exit(main(*sys.argv[1:]))"
)


def signal_number(text: str) -> int:
    """The number of a signal by its name; ArgumentTypeError for what cannot be used."""
    name = text if text.startswith("SIG") else "SIG" + text
    number = signal.Signals.__members__.get(name)
    if number is None:
        raise argparse.ArgumentTypeError(f"no signal is called {text!r}")
    # SIGIOT is SIGABRT, and so on.
    why = REFUSED.get(number.name) or REFUSED.get(name)
    if why is not None:
        raise argparse.ArgumentTypeError(f"not {text}: {why}")
    return int(number)


def _command(**request: Any) -> list[bytes]:
    """What prints the tables in the place of this process; empty where there is no Python."""
    if not sys.executable:
        return []
    parent = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    words = [sys.executable, "-I", "-S", "-c", CODE, parent, json.dumps(request)]
    return [os.fsencode(word) for word in words]


def listen(ending: Ending, number: int | None) -> None:
    """From now on SIGTERM ends the program with its tables; ``number`` has them printed. OSError
    where that one cannot."""
    options, children = ending.options, ending.children
    output = None if ending.path is None else os.fsencode(os.path.realpath(ending.path))
    at_the_end = {
        "json": options.json,
        "children": children and children.folder,
        "without": [what for option, what in NEED_PYTHON.items() if getattr(options, option)],
    }
    with suppress(OSError):  # without a timer SIGTERM is as without us
        finish = partial(ending.finish, by_signal=True)
        ask_by_signal(
            signal.SIGTERM, True, finish, _command(began=ending.began, end=at_the_end), output
        )
    if number is not None:
        command = _command(began=ending.began)
        ask_by_signal(number, False, ending.print_so_far, command, output)
