"""``python -m memory_profiler [options] program [args...]``"""

# ruff: noqa: E402
from __future__ import annotations

from ._aside import step_aside, step_back

step_aside()  # isort: split

from ._own import builtins as __builtins__, os  # noqa: F401

import argparse
import sys

from . import _CMD_USAGE, __version__, _files, _run
from ._checked import BACKENDS, MOST_DECIMALS
from ._ending import Ending
from ._live import Held, live, tell_head
from ._memprof import print_without, run_program
from ._parser import Parser, decimals, mebibytes
from ._run import CannotRun, execute, kind_of
from ._signals import listen, signal_number
from ._visible import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace as Options
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from ._children import Children
    from ._functions import FunctionView
    from ._timestamps import TimeStamper

FUNCTION_KEYS = ("own", "cumulative", "calls", "peak", "name")

_memory_profiler_runs_here = True  # tells _child that this is no child


def make_parser() -> argparse.ArgumentParser:
    """The options, as argparse sees them; -m, -c and the program are split off before."""
    parser = Parser(
        prog="python -m memory_profiler",
        usage=_CMD_USAGE,
        description="Prints, for every function under @profile, how much memory each line added. "
        "Memory is RSS, what the kernel counts for the process: a line that uses freed memory "
        "again adds nothing. What objects take, used again or not: --backend tracemalloc.",
        epilog="The program is script.py (looked up here, then on $PATH), a folder (./app) or an "
        "archive (app.pyz) with a __main__.py, a module or a command of that name, -m module, or "
        "-c code; all that follows it belongs to it.",
    )
    option = parser.add_argument
    option("--version", action="store_true", help="print the version; with -v how memory is read")
    option("-v", "--verbose", action="store_true", help="say more")
    option("-q", "--quiet", action="store_true", help="say nothing on stderr but what went wrong")
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
        "--functions",
        nargs="?",
        const="cumulative",
        choices=FUNCTION_KEYS,
        metavar="KEY",
        help="also print a row for every function of the program, with its callers and callees, "
        "sorted by KEY (--functions=own): own, cumulative (default), calls, peak or name",
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


def print_version(verbose: bool) -> None:
    print(__version__)
    if not verbose:
        return
    from ._memprof import Profiler

    info = Profiler().info()
    gate = f"{info['gate_ns']:.0f} ns" if info["gate_ns"] else f"off: {info['gate_off']}"
    print(f"python {sys.version.split()[0]}, {sys.platform}")
    print(f"gate {gate}")
    resolution = info["resolution_bytes"]
    noise = f"batched by the kernel, {resolution} bytes at most" if resolution else "exact"
    print(f"rss is {noise}")


def trim_traceback(error: BaseException, is_module: bool) -> None:
    """Let the traceback that ends the program be the one it would have without us.

    What ``python -m`` adds above a module stays: it is what it adds above ours.
    """
    ours = globals(), vars(_run)
    first = last = error.__traceback__
    while first is not None and any(first.tb_frame.f_globals is names for names in ours):
        first, last = first.tb_next, first
    # Without memory the program's frames are not in it; other errors of ours alone are ours.
    is_programs = last is not None and last.tb_frame.f_code is execute.__code__
    if (first is not None or is_programs) and not isinstance(error, SystemExit):
        print_without(first, globals(), is_module)


def before_run(
    options: Options, profiler: Any, view: FunctionView | None, ending: Ending, module: str | None
) -> tuple[Callable[[], None], Callable[[CodeType, dict[str, Any]], None]]:
    """(before the program is looked up, just before it runs). Both raise CannotRun.

    ``module``: the program's name, where it is a module.
    """
    selection: Any = None
    if options.prof_mod or options.all:
        from ._selection import Selection

        package = module and module.partition(".")[0]
        selection = Selection(options.prof_mod, options.all, profiler.watch_code, package)
        ending.selection = selection

    def begin() -> None:
        """Looking up a module imports the packages it is in: they are the program's already."""
        if selection is not None:
            or_cannot_run(selection.start)

    def before(code: CodeType, names: dict[str, Any]) -> None:
        if options.lines:
            or_cannot_run(profiler.watch_top_level, code)
        if selection is not None:
            or_cannot_run(selection.program, code, names)
        if view is not None:
            or_cannot_run(view.start)

    return begin, before


def or_cannot_run(act: Callable[..., object], *args: Any) -> None:
    """act(*args); that no tool id is free becomes CannotRun."""
    try:
        act(*args)
    except RuntimeError as error:
        raise CannotRun(str(error)) from None


def make_view(options: Options) -> FunctionView | None:
    """The view of the whole program, or None. Raises CannotRun."""
    if not (options.functions or options.pstats is not None):
        return None
    from ._functions import FunctionView

    options.pstats = check_output(options.pstats)
    return FunctionView(options.backend, options.precision, options.functions)


def make_children(options: Options, profiler: Any) -> Children | None:
    """What brings the tables of children together, or None. Raises CannotRun."""
    if not options.multiprocess:
        return None
    from ._children import Children

    try:
        return Children(profiler, profiler.keywords)
    except OSError as error:
        raise CannotRun(
            f"memory_profiler: no folder for the tables of children: {error.strerror}"
        ) from None


def check_output(path: str | None) -> str | None:
    """The absolute name of the output file, after a try to open it. Raises CannotRun."""
    if path is None:
        return None
    if path == "":
        raise CannotRun("memory_profiler: cannot write '': the name of a file is needed")
    try:
        _files.check_output(path)
    except OSError as error:
        raise CannotRun(f"memory_profiler: cannot write {path}: {error.strerror}") from None
    return os.path.abspath(path)


def spare_the_program(options: Options, kind: str, program: str) -> None:
    """An output that would be written over the script it comes from. Raises CannotRun."""
    for path in (options.out_filename, options.json, options.pstats, options.lprof):
        try:
            is_program = (
                kind in ("script", "container") and path and os.path.samefile(path, program)
            )
        except OSError:
            continue
        if is_program:
            raise CannotRun(f"memory_profiler: cannot write {path}: it is the program")


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
    if options.timestamp and options.on_signal:
        parser.error("--timestamp records calls over time: no --on-signal with it")
    if options.peak and os.environ.get("MPROF_SPIKES") == "1":
        parser.error("--peak and mprof run --spikes both set back the kernel's mark: take one")


def make_profiler(options: Options, path: str | None) -> Any:
    from . import _memprof

    _memprof.set_exact(options.exact)
    try:
        if options.timestamp:
            return make_stamper(options, path)
        from ._script_profiler import ScriptProfiler

        return ScriptProfiler(
            options.precision,
            backend=options.backend,
            include_children=options.include_children,
            max_mem=options.max_mem,
            peak=options.peak,
            time=options.line_time or options.lprof is not None,
        )
    except (OSError, ValueError) as error:
        raise CannotRun(str(error)) from None


def make_stamper(options: Options, path: str | None) -> TimeStamper:
    """The profiler of --timestamp. Children that import memory_profiler find the same file."""
    from . import _timestamps

    stamper = _timestamps.TimeStamper(options.backend, options.include_children, path)
    if path is not None:
        os.environ["MPROF_OUTPUT"] = path
        os.environ["MPROF_BACKEND"] = options.backend
        if options.include_children:
            os.environ["MPROF_INCLUDE_CHILDREN"] = "1"
        _timestamps.run_with(stamper)
    return stamper


def listen_or_not(ending: Ending, options: Options) -> None:
    """SIGTERM and --on-signal. Raises CannotRun."""
    if not options.timestamp:
        tell_head(ending.profiler, "main", **ending.where_children_are())
    try:
        listen(ending, options.on_signal)
    except OSError as error:
        raise CannotRun(f"memory_profiler: --on-signal: {error.strerror}") from None


def load_what_is_needed(options: Options) -> None:
    """Import now what is used while the program runs: its tracers, its tracemalloc and --functions
    would see it being imported."""
    from . import _start_methods, _timestamps  # noqa: F401

    if options.timestamp:
        return  # the rest is for tables of lines
    import linecache, warnings  # noqa: E401, F401

    from ._source import end_of_block

    # Before Python 3.12 the tokenizer compiles its expressions when it is first asked.
    end_of_block(["def f():\n", "    pass\n"], 1, 2)
    if options.max_mem is not None:
        import pdb  # noqa: F401
    if options.lprof:
        from . import _lprof  # noqa: F401
    if options.json or options.multiprocess:
        live.load()


def main(argv: list[str]) -> int:
    parser = make_parser()
    ours, kind, program, args = split(parser, argv)
    options = parser.parse_args(ours)
    if options.version:
        print_version(options.verbose)
        return 0
    if not 0 <= options.precision <= MOST_DECIMALS:
        parser.error(f"argument --precision: must be from 0 to {MOST_DECIMALS}")
    check_conflicts(parser, options)
    if kind is None or program is None:
        print("A program to run must be provided. Use -h for help")
        return 1
    try:
        spare_the_program(options, kind, program)
        path = check_output(options.out_filename)
        options.json = check_output(options.json)
        options.lprof = check_output(options.lprof)
        load_what_is_needed(options)
        if not options.timestamp:
            live.start()
        profiler = make_profiler(options, path)
        view = make_view(options)
        children = make_children(options, profiler)
        from ._start_methods import follow_start_methods, follow_started_pythons

        follow_start_methods()
        if not options.timestamp:  # mprof's own variable says so
            follow_started_pythons()
        try:
            ending = Ending(options, path, profiler, view, children)
        except Held as held:
            raise CannotRun(f"memory_profiler: {held} is written by a run that goes on") from None
        if not (options.timestamp and path):  # there every call is written as it ends
            listen_or_not(ending, options)
        try:
            hooks = before_run(
                options, profiler, view, ending, program if kind == "module" else None
            )
            step_back()
            execute(kind, program, args, profiler, *hooks, run_program)
        finally:
            ending.make_sure()
    except CannotRun as error:
        complain(error)
        options.quiet = True  # why there is no table has been said
        return 1
    except BaseException as error:
        trim_traceback(error, kind in ("module", "container"))
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
