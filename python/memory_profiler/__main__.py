"""``python -m memory_profiler [options] program [args...]``"""

# ruff: noqa: E402
from __future__ import annotations

from ._aside import step_aside, step_back

step_aside()  # isort: split

from ._own import builtins as __builtins__, os, variable  # noqa: F401

import sys

from . import __version__, _files, _run
from ._ending import Ending
from ._limits import limits_text
from ._live import Held, live, tell_head
from ._memprof import print_without, run_program
from ._options import check_attach, check_conflicts, make_parser, split
from ._run import CannotRun, NoPython, execute
from ._short_names import ShortNames
from ._signals import listen
from ._visible import complain, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace as Options
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from ._children import Children
    from ._functions import FunctionView
    from ._timestamps import TimeStamper

FILES = "json", "pstats", "lprof", "flame"  # options that name one

_memory_profiler_runs_here = True  # tells _child that this is no child
_flags = sys.flags  # the program may put anything there


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
    print(limits_text())


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
            or_cannot_run(view.start, code, names)
        if options.flame:
            _files.make_empty(options.flame)  # what lies there is another run's
        if ending.allocations is not None:
            or_cannot_run(ending.allocations.start)
        if ending.heap is not None:
            ending.heap.start()
        if variable("MPROF_TYPES") is not None:
            from ._type_watch import start

            start()
        if variable("MPROF_HEAP") is not None:
            from ._heap_watch import start as start_heap_watch

            start_heap_watch()

    return begin, before


def or_cannot_run(act: Callable[..., object], *args: Any) -> None:
    """act(*args); that no tool id is free becomes CannotRun."""
    try:
        act(*args)
    except RuntimeError as error:
        raise CannotRun(str(error)) from None


def make_view(options: Options, names: ShortNames) -> FunctionView | None:
    """The view of the whole program, or None. Raises CannotRun."""
    if not (options.functions or options.pstats is not None):
        return None
    from ._functions import FunctionView

    return FunctionView(
        options.backend,
        options.precision,
        options.functions,
        names,
        is_saved=options.pstats is not None,
        verbose=options.verbose,
    )


def make_children(options: Options, profiler: Any) -> Children | None:
    """What brings the tables of children together, or None. Raises CannotRun."""
    if not options.multiprocess:
        return None
    from ._children import Children

    try:
        return Children(profiler, profiler.keywords)
    except OSError as error:
        raise CannotRun(
            f"memory_profiler: no folder for the tables of children: {reason(error)}"
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
        raise CannotRun(f"memory_profiler: cannot write {path}: {reason(error)}") from None
    return os.path.abspath(path)


def spare_the_program(options: Options, kind: str, program: str) -> None:
    """An output that would be written over the script it comes from. Raises CannotRun."""
    outputs = options.out_filename, options.json, options.pstats, options.lprof, options.flame
    for path in outputs:
        try:
            is_program = (
                kind in ("script", "container") and path and os.path.samefile(path, program)
            )
        except OSError:
            continue
        if is_program:
            raise CannotRun(f"memory_profiler: cannot write {path}: it is the program")


def each_has_a_file(options: Options, path: str | None) -> None:
    """Two outputs in one file: of one nothing would be left. Raises CannotRun."""
    found: dict[str, str] = {}
    outputs = {"-o": path, **{f"--{name}": getattr(options, name) for name in FILES}}
    for option, name in outputs.items():
        if name is None or (os.path.exists(name) and not os.path.isfile(name)):
            continue
        other = found.setdefault(os.path.realpath(name), option)
        if other != option:
            raise CannotRun(f"memory_profiler: {other} and {option} name the same file: {name}")


def attach_to(options: Options) -> int:
    """--attach; the exit status. Ctrl-C before and after the recording ends us in silence."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from ._attach import attach

    try:
        options.out_filename = check_output(options.out_filename)
        options.json = check_output(options.json)
        each_has_a_file(options, options.out_filename)
    except CannotRun as error:
        complain(error)
        return 1
    return attach(options)


def make_profiler(options: Options, path: str | None) -> Any:
    from . import _memprof

    _memprof.set_exact(options.exact)
    try:
        if options.timestamp:
            return make_stamper(options, path)
        from ._script_profiler import ScriptProfiler

        profiler = ScriptProfiler(
            options.precision,
            backend=options.backend,
            include_children=options.include_children,
            max_mem=options.max_mem,
            peak=options.peak,
            time=options.line_time or options.lprof is not None,
        )
        if options.allocations or options.flame:
            from ._allocations import Allocations

            profiler.allocations = Allocations(
                options.allocations == "own", options.flame is not None, bool(options.allocations)
            )
        return profiler
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
        raise CannotRun(f"memory_profiler: --on-signal: {reason(error)}") from None


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
    if options.flame:
        from . import _flame  # noqa: F401
    if options.json or options.multiprocess:
        live.load()


def main(argv: list[str]) -> int:
    parser = make_parser()
    ours, kind, program, args = split(parser, argv)
    options = parser.parse_args(ours)
    if options.version:
        print_version(options.verbose)
        return 0
    check_conflicts(parser, options)
    check_attach(parser, options, program)
    if options.attach is not None:
        return attach_to(options)
    if kind is None or program is None:
        print("A program to run must be provided. Use -h for help")
        return 1
    try:
        spare_the_program(options, kind, program)
        path = check_output(options.out_filename)
        options.json = check_output(options.json)
        options.lprof = check_output(options.lprof)
        options.flame = check_output(options.flame)
        options.pstats = check_output(options.pstats)
        each_has_a_file(options, path)
        load_what_is_needed(options)
        if not options.timestamp:
            live.start()
        profiler = make_profiler(options, path)
        names = ShortNames()
        view = make_view(options, names)
        children = make_children(options, profiler)
        from ._before_exec import before_exec
        from ._start_methods import follow_start_methods
        from ._started_pythons import follow_started_pythons

        follow_start_methods()
        if not options.timestamp:  # mprof's own variable says so
            follow_started_pythons()
        try:
            ending = Ending(options, path, profiler, view, children)
        except Held as held:
            raise CannotRun(f"memory_profiler: {held} is written by a run that goes on") from None
        before_exec(ending.before_exec)
        if not (options.timestamp or options.quiet):
            from ._ranking import Ranking

            ending.ranking = Ranking(profiler, names, children is None)
        if not (options.timestamp and path):  # there every call is written as it ends
            listen_or_not(ending, options)
        try:
            ending.program = os.path.basename(program) if kind != "command" else "-c"
            hooks = before_run(
                options, profiler, view, ending, program if kind == "module" else None
            )
            step_back()
            execute(kind, program, args, profiler, *hooks, run_program)
        finally:
            ending.make_sure()
    except CannotRun as error:
        for line in str(error).split("\n") if isinstance(error, NoPython) else [error]:
            complain(line)
        options.quiet = True  # why there is no table has been said
        return 1
    except BaseException as error:
        trim_traceback(error, kind in ("module", "container"))
        raise
    return 0


if __name__ == "__main__":
    _status = main(sys.argv[1:])
    if _status or not _flags.interactive:  # after -i comes the prompt, without a traceback
        sys.exit(_status)
