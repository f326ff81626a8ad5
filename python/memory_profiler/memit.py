"""``python -m memory_profiler.memit [-r N] [-s SETUP] STATEMENT``: memory in fresh processes."""

# ruff: noqa: E402
from __future__ import annotations

from ._aside import step_aside

if __name__ == "__main__":
    step_aside()  # isort: split

import argparse
import json
import os
import signal
import subprocess
import sys

from ._parser import Parser
from ._saved_command import say, status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, TracebackType
    from typing import Any

    from ._types import Json

FAILED = 1
MOST_RUNS = 1_000_000
# With -c the folder where the command was given is the first of sys.path, as with -m.
CHILD = """
import sys
first = [sys.path.pop(0)] if sys.path[:1] == [""] else []  # not for what we import
import linecache, tokenize  # needed later
from memory_profiler.memit import in_child
sys.path[:0] = first
in_child()
"""


def count(text: str) -> int:
    """A number of runs; ValueError for what is none."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_RUNS):
        raise argparse.ArgumentTypeError(f"must be from 1 to {MOST_RUNS}, not {text!r}")
    return int(text)


def make_parser() -> Parser:
    parser = Parser(
        prog="python -m memory_profiler.memit",
        usage="python -m memory_profiler.memit [-h] [-r N] [-s SETUP] [STATEMENT ...]",
        description="Measures the memory of a statement, each time in a process of its own: the "
        "peak while it ran, and by how much that was more than before.",
        epilog="The value of an expression is alive when memory is read last. Several statements "
        "are lines that follow each other. exit status: 0; 1 when a run failed; 2 when the command "
        "line is wrong",
    )
    parser.add_argument(
        "-r", "--repeat", type=count, default=5, metavar="N", help="how many runs (default 5)"
    )
    parser.add_argument(
        "-s",
        "--setup",
        action="append",
        default=[],
        metavar="SETUP",
        help="a statement that runs before, and is not measured; may be repeated",
    )
    parser.add_argument(
        "statement", nargs=argparse.REMAINDER, metavar="STATEMENT", help="what is measured"
    )
    return parser


# ---- in the process of a run


def compiled(source: str, name: str, mode: str = "exec") -> CodeType:
    import linecache

    lines = [line + "\n" for line in source.split("\n")]
    linecache.cache[name] = len(source), None, lines, name
    return compile(source, name, mode)


def statement_of(source: str) -> CodeType:
    """As an expression where it is one, so that its value lives until memory is read."""
    try:
        return compiled(source.strip(), "<statement>", "eval")
    except SyntaxError:
        pass  # what is wrong with it as an expression is of no interest
    return compiled(source, "<statement>")


def without_ours(first: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that is the statement's."""
    while first is not None and first.tb_frame.f_code.co_filename[0] != "<":
        first = first.tb_next
    return first


def measure(setup: str, statement: str) -> tuple[float, float]:
    """(MiB before, MiB at the peak) of one run in this process."""
    import gc

    from ._usage import memory_usage

    names = vars(sys.modules["__main__"])
    for name in [name for name in names if not name.startswith("__")]:
        del names[name]
    code = statement_of(statement)
    exec(compiled(setup, "<setup>"), names)
    memory_usage(int, max_usage=True)  # what a first measurement allocates
    gc.collect()
    before = memory_usage()[0]
    return before, memory_usage((eval, (code, names)), max_usage=True)


def in_child() -> None:
    """What the process of a run does: its result goes to the descriptor that it was given."""
    request = json.loads(sys.argv[1])
    sys.argv[:] = ["-c"]
    try:
        result = measure(request["setup"], request["statement"])
    except KeyboardInterrupt:
        os._exit(128 + signal.SIGINT)  # who waits for us says so
    except Exception as error:
        import traceback

        traceback.print_exception(type(error), error, without_ours(error.__traceback__))
        sys.exit(FAILED)
    os.write(request["to"], json.dumps(result).encode())


# ---- in the command


def run_once(request: Json) -> Any:
    """(MiB before, MiB at the peak), or the exit status of a process that failed."""
    reader, writer = os.pipe()
    with open(reader, "rb") as result:
        try:
            argument = json.dumps({**request, "to": writer})
            options = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
            done = subprocess.Popen(
                [sys.executable, *options, "-c", CHILD, argument], pass_fds=[writer]
            )
        finally:
            os.close(writer)
        try:
            text = result.read()
            status = done.wait()
        except BaseException:  # we are told to end: so is the statement
            done.kill()
            done.wait()
            raise
    return json.loads(text) if text else status


def spread(numbers: list[float]) -> str:
    """``3.50 MiB``, or the least and the most of several that differ."""
    least, most = f"{min(numbers):.2f}", f"{max(numbers):.2f}"
    return f"{most} MiB" if least == most else f"{least} to {most} MiB"


def report_failure(status: int) -> int:
    if status < 0:
        say("memit", f"the process of the run was killed by signal {-status}")
    elif status != FAILED:  # there a traceback says why
        say("memit", f"the statement ended the process of the run with exit status {status}")
    return FAILED


def memit(options: argparse.Namespace) -> int:
    request = {
        "setup": "\n".join(options.setup),
        "statement": "\n".join(options.statement) or "pass",
    }
    results: list[tuple[float, float]] = []
    for _ in range(options.repeat):
        result = run_once(request)
        if isinstance(result, int):
            return report_failure(result)
        results.append(result)
    peaks = [peak for _, peak in results]
    increments = [peak - before for before, peak in results]
    runs = f"{options.repeat} runs: " if options.repeat > 1 else ""
    print(f"{runs}peak memory: {spread(peaks)}, increment: {spread(increments)}", flush=True)
    return 0


def main(argv: list[str] | None = None) -> int:
    options = make_parser().parse_args(argv)
    if options.statement[:1] == ["--"]:
        del options.statement[0]
    try:
        return status_of("memit", lambda: memit(options))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)
    sys.exit(main())
