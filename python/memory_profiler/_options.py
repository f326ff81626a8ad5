"""The options of ``python -m memory_profiler``, and which word is the program."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import argparse

from . import _CMD_USAGE
from ._checked import BACKENDS, MOST_MIB
from ._parser import Parser, decimals, number_of
from ._run import kind_of
from ._signals import signal_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace as Options

DEFAULT_KEY = "cumulative"
MOST_SECONDS = 1e9
FUNCTION_KEYS = ("own", "cumulative", "calls", "peak", "name")


def mebibytes(text: str) -> float:
    """A limit of memory, in MiB; what is none is an error of the command line."""
    number = number_of(text)
    if number is None or not 0 <= number <= MOST_MIB:
        raise argparse.ArgumentTypeError(f"must be from 0 to {MOST_MIB} MiB, not {text!r}")
    return number


def flame_name(text: str) -> str:
    """A file whose name says what is to be written; else an error of the command line."""
    if not text.endswith((".html", ".txt", ".json")):
        raise argparse.ArgumentTypeError(f"must end in .html, .txt or .json: {text!r}")
    return text


def process_number(text: str) -> int:
    """The number of a process; what can be none is an error of the command line."""
    number = number_of(text, int)
    if number is None or not 0 < number < 1 << 31:
        raise argparse.ArgumentTypeError(f"must be the number of a process, not {text!r}")
    return int(number)


def seconds(text: str) -> float:
    """How long; what is no time is an error of the command line."""
    number = number_of(text)
    if number is None or not 0 <= number < MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, not {text!r}")
    return number


def function_key(text: str) -> str:
    """KEY, KEY,all or all of --functions, as KEY or KEY,all."""
    keys = text.split(",")
    others = [key for key in keys if key != "all"]
    if len(others) > 1 or len(keys) - len(others) > 1 or not {*others} <= {*FUNCTION_KEYS}:
        choices = ", ".join([*FUNCTION_KEYS, "all"])
        raise argparse.ArgumentTypeError(f"invalid choice: {text!r} (choose from {choices})")
    return ",".join([*(others or [DEFAULT_KEY]), *["all"] * (keys != others)])


def make_parser() -> argparse.ArgumentParser:
    """The options, as argparse sees them; -m, -c and the program are split off before."""
    parser = Parser(
        prog="python -m memory_profiler",
        usage=_CMD_USAGE,
        description="Prints, for every function under @profile, how much memory each line added. "
        "Memory is RSS, what the kernel counts for the process: a line that uses freed memory "
        "again adds nothing. What objects take, used again or not: --allocations, or --backend "
        "tracemalloc.",
        epilog="The program is script.py (looked up here, then on $PATH), a folder (./app) or an "
        "archive (app.pyz) with a __main__.py, a module or a command of that name, -m module, or "
        "-c code; all that follows it belongs to it.",
    )
    option = parser.add_argument
    option("--version", action="store_true", help="print the version; with -v how memory is read")
    option("-v", "--verbose", action="store_true", help="say more")
    option(
        "-q",
        "--quiet",
        action="store_true",
        help="say nothing on stderr but what went wrong; no ranking of lines, which runs with more "
        "than three functions have there or on the terminal",
    )
    option(
        "--pdb-mmem",
        dest="max_mem",
        metavar="MAXMEM",
        type=mebibytes,
        help="step into the debugger when memory exceeds MAXMEM (MiB)",
    )
    option("--precision", type=decimals, default=3, help="decimals of the numbers (default 3)")
    option("-o", dest="out_filename", metavar="FILE", help="append the tables to FILE")
    option(
        "-p",
        "--prof-mod",
        metavar="TARGET",
        action="append",
        default=[],
        help="profile functions without @profile: a module or a package, module:function or "
        "module:Class.method, either with wildcards, or a file; may be repeated",
    )
    option(
        "--all",
        action="store_true",
        help="profile every function in the program's own files: those below the script's folder, "
        "with -m below the package's, which are in no site-packages, virtual environment or "
        "installation of Python; -p FILE takes one file alone",
    )
    option(
        "--lines",
        action="store_true",
        help="also a table of the program's own lines, outside of all functions",
    )
    option(
        "--timestamp",
        action="store_true",
        help="record when decorated functions begin and end instead of lines (for mprof)",
    )
    option("--include-children", action="store_true", help="add the memory of child processes")
    option(
        "--backend",
        choices=BACKENDS,
        default="psutil",
        metavar="NAME",
        help="what is read: rss (psutil, posix), pss (psutil_pss), uss (psutil_uss), "
        "tracemalloc; default psutil",
    )
    option(
        "--peak",
        action="store_true",
        help="a column with the most memory above its start that was held while a line ran, "
        "transients included; sets back what the program itself reads as its peak (Linux)",
    )
    option(
        "--line-time",
        action="store_true",
        help="columns with the time of each line: in all, per hit, and its share",
    )
    option(
        "--allocations",
        nargs="?",
        const="inclusive",
        choices=("inclusive", "own"),
        metavar="own",
        help="columns with what lines have allocated, to the byte: in all, how often, of it alive "
        "at the heap's highest moment, and still alive at the end; with all that a line calls, or "
        "(--allocations=own) what it allocated itself",
    )
    option(
        "--flame",
        metavar="FILE",
        type=flame_name,
        help="write the stacks of all that the program allocates to FILE: .html a page with an "
        "icicle and a table, .txt collapsed stacks, .json for speedscope",
    )
    option(
        "--flame-of",
        choices=("peak", "left", "allocated"),
        metavar="VIEW",
        help="which bytes a .txt holds, and a page shows first: alive at the heap's peak "
        "(default), left at the end, or allocated in all",
    )
    option(
        "--heap",
        nargs="?",
        const="end",
        choices=("end", "peak"),
        metavar="peak",
        help="also print what lives on the heap when the program has ended: all objects of Python, "
        "how many of each type, and their bytes; --heap=peak: what lived when memory was high, of "
        "counts made whenever a reading was a tenth above the last one's",
    )
    option(
        "--functions",
        nargs="?",
        const=DEFAULT_KEY,
        type=function_key,
        metavar="KEY[,all]",
        help="also print a row for every function of the program, then those of libraries that it "
        "called, with all that ran inside of them, sorted by KEY (--functions=own): own, "
        "cumulative (default), calls, peak or name; with ,all every function of libraries, too; "
        "with -v callers and callees",
    )
    option(
        "--pstats",
        metavar="FILE",
        help="write what --functions counts to FILE for pstats.Stats, snakeviz, gprof2dot and "
        "others: bytes of memory in the place of seconds",
    )
    option(
        "--lprof",
        metavar="FILE",
        help="write the times of lines to FILE for python -m line_profiler and other viewers of "
        ".lprof files; with --line-time, which it implies",
    )
    option(
        "--json",
        metavar="FILE",
        help="save the run to FILE, also while it goes on: at once, whenever memory rose by a "
        "tenth, and every 10 s; see python -m memory_profiler.report and .diff",
    )
    option(
        "--multiprocess",
        action="store_true",
        help="add the tables of child processes: forked, started by multiprocessing, or Python "
        "programs that import profile; also of those that are killed",
    )
    option(
        "--on-signal",
        metavar="NAME",
        type=signal_number,
        help="print the tables so far, with a heading, whenever the program gets this signal "
        "(USR1 or SIGUSR1); it goes on",
    )
    option(
        "--exact",
        action="store_true",
        help="read memory at every event, also where it cannot have changed (slower)",
    )
    option(
        "--attach",
        metavar="PID",
        type=process_number,
        help="print the tables of a program that runs already, in the place of a program here: of "
        "the functions that -p names, or of all in its own files; Python 3.14 and later",
    )
    option(
        "--for",
        dest="seconds",
        metavar="SECONDS",
        type=seconds,
        help="how long --attach records (default: until Ctrl-C); with --heap, 0: what lives now is "
        "counted at once, and no function is recorded",
    )
    return parser


# 0.61 had these alone, so that shorter beginnings meant one of them: they go on doing so.
OLD_OPTIONS = (
    "--version",
    "--pdb-mmem",
    "--precision",
    "--timestamp",
    "--include-children",
    "--backend",
)


def expand_option(parser: argparse.ArgumentParser, arg: str) -> str:
    """An option of 0.61 in full, where ``arg`` is the beginning of one and no option itself."""
    name, equals, value = arg.partition("=")
    if len(name) < 3 or not name.startswith("--") or name in parser._option_string_actions:
        return arg
    old = [option for option in OLD_OPTIONS if option.startswith(name)]
    return old[0] + equals + value if len(old) == 1 else arg


def _takes_value(parser: argparse.ArgumentParser, arg: str) -> bool:
    """Whether the option ``arg`` is followed by a value of its own."""
    if "=" in arg or (not arg.startswith("--") and len(arg) > 2):
        return False
    actions = parser._option_string_actions
    matches = {
        id(a): a
        for name, a in actions.items()
        if name == arg or (arg.startswith("--") and name.startswith(arg))
    }
    return any(action.nargs is None for action in matches.values())


def split(
    parser: argparse.ArgumentParser, argv: list[str]
) -> tuple[list[str], str | None, str | None, list[str]]:
    """(our options, kind, program, its arguments); kind is None without a program."""
    i = 0
    argv = list(argv)
    while i < len(argv):
        arg = argv[i] = expand_option(parser, argv[i])
        kind = {"-m": "module", "-c": "command"}.get(arg[:2])
        if kind and not arg.startswith("--"):
            rest = ([arg[2:]] if len(arg) > 2 else []) + argv[i + 1 :]
            if not rest:
                parser.error(f"argument {arg}: expected one argument")
            return argv[:i], kind, rest[0], rest[1:]
        if arg == "--" and i + 1 < len(argv) and argv[i + 1][:2] in ("-m", "-c"):
            argv = argv[:i] + argv[i + 1 :]
            continue
        if arg == "--":
            rest = argv[i + 1 :]
            break
        if not arg.startswith("-") or arg == "-":
            rest = argv[i:]
            break
        i += 2 if _takes_value(parser, arg) else 1
    else:
        return argv, None, None, []
    if not rest:
        return argv[:i], None, None, []
    return argv[:i], kind_of(rest[0]), rest[0], rest[1:]


def check_conflicts(parser: argparse.ArgumentParser, options: Options) -> None:
    """Options that cannot go together: one line, and out."""
    if options.timestamp and (options.prof_mod or options.all or options.lines):
        parser.error("--timestamp records decorated functions: no -p, --all, --lines with it")
    if options.timestamp and (options.json or options.multiprocess):
        parser.error("--timestamp records calls over time: no --json, no --multiprocess with it")
    if options.timestamp and options.lprof is not None:
        parser.error("--timestamp records calls, not lines: no --lprof with it")
    if options.timestamp and (options.functions or options.pstats):
        parser.error("--timestamp records calls over time: no --functions, no --pstats with it")
    if options.timestamp and (options.peak or options.line_time):
        parser.error("--timestamp records calls, not lines: no --peak, no --line-time with it")
    if options.flame_of is not None and options.flame is None:
        parser.error("--flame-of says what --flame FILE is to show: it needs that")
    if options.timestamp and (options.allocations or options.flame):
        parser.error("--timestamp records calls, not lines: no --allocations, no --flame with it")
    if options.timestamp and options.heap:
        parser.error("--timestamp records calls over time: no --heap with it")
    if options.timestamp and options.on_signal:
        parser.error("--timestamp records calls over time: no --on-signal with it")
    if options.peak and os.environ.get("MPROF_SPIKES") == "1":
        parser.error("--peak and mprof run --spikes both set back the kernel's mark: take one")


# What goes with --attach, by the names of the values.
WITH_ATTACH = {
    *("attach", "seconds", "prof_mod", "all", "precision", "out_filename", "json", "backend"),
    *("line_time", "allocations", "heap", "quiet"),
}
RECORDED = {"prof_mod", "all", "line_time", "allocations"}  # of functions, over a time


def check_attach(parser: argparse.ArgumentParser, options: Options, program: str | None) -> None:
    """What --attach does not go with: one line, and out."""
    if options.attach is None:
        if options.seconds is not None:
            parser.error("--for says how long --attach PID records: it needs that")
        return
    if program is not None:
        parser.error(f"--attach is for a program that runs already: no {program} with it")
    for action in parser._actions:
        value = getattr(options, action.dest, action.default)
        if value != action.default and action.dest not in WITH_ATTACH:
            parser.error(f"--attach: no {action.option_strings[-1]} with it")
    if options.backend == "tracemalloc" or options.heap == "peak":
        which = "--heap=peak" if options.heap == "peak" else "--backend tracemalloc"
        parser.error(f"--attach: no {which} with it: that begins with the program")
    if options.seconds == 0:
        if not options.heap:
            parser.error("--for 0 records nothing: it is for --heap, which counts at once")
        for action in parser._actions:
            value = getattr(options, action.dest, action.default)
            if value != action.default and action.dest in RECORDED:
                parser.error(f"--for 0 records no function: no {action.option_strings[-1]} with it")
