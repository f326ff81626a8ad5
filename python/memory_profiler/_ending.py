"""The end of ``python -m memory_profiler``: tables are printed, files are written."""

from __future__ import annotations

from ._own import builtins as __builtins__, os, time  # noqa: F401

import atexit
import sys
from contextlib import suppress
from errno import EBADF

from . import _files
from ._as_found import AsFound
from ._decorator import any_import_form
from ._limits import limits_text
from ._live import keep_beside, live, tell_head
from ._memprof import hold_signals, let_go_of_signals, program_is_over, quietly, settle_collector
from ._tables import any_table, heading_so_far
from ._visible import complain, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace as Options
    from collections.abc import Callable
    from typing import Any

    from ._heap_at_end import HeapAtEnd
    from ._ranking import Ranking
    from ._types import Json


SELDOM = 1e8  # seconds, where the time that has passed is no reason


def usable_stdout() -> Any:
    """What the program prints to; where nothing can be written to that, what it began with."""
    for name in ("stdout", "__stdout__"):
        with suppress(Exception):
            stream = getattr(sys, name)
            if callable(stream.write) and not getattr(stream, "closed", False):
                return stream
    return None


def _is_unread(stream: Any) -> bool:
    """Whether what the program wrote waits there, and the reader is gone."""
    try:
        stream.flush()
    except BrokenPipeError:
        return True
    except Exception:  # of the program: what is written next says so
        pass
    return False


class _Search:
    """Equals nothing, and notes whether it was compared with what is searched."""

    def __init__(self, searched: object) -> None:
        self.searched = searched
        self.found = False

    def __eq__(self, other: object) -> bool:
        self.found = self.found or other is self.searched
        return False


class Ending:
    """What happens when the program and its threads have ended, however they did."""

    def __init__(
        self, options: Options, path: str | None, profiler: Any, view: Any, children: Any
    ) -> None:
        self.options, self.path = options, path
        self.profiler, self.view, self.children = profiler, view, children
        self.selection: Any = None
        self.allocations: Any = getattr(profiler, "allocations", None)
        self.heap: HeapAtEnd | None = None
        if options.heap:
            from ._heap_at_end import HeapAtEnd

            self.heap = HeapAtEnd(options.heap == "peak")
            if self.allocations is not None:
                self.allocations.before_stop = self.heap.take_births
        self.ranking: Ranking | None = None
        self.pid = os.getpid()
        self.program = "the program"  # its name, for people
        self.is_recorded = "MPROF_OUTPUT" in os.environ
        self.began = time.monotonic()
        self.stop_saving: Callable[[], None] = lambda: None
        if options.json:
            self.save_runs()
        elif options.heap == "peak":
            self.call_when_memory_rises()
        self.register, self.unregister = atexit.register, atexit.unregister
        self.register(self)
        self.as_found = AsFound()

    def save_runs(self) -> None:
        from . import _saved
        from ._memprof import save_every

        self.saved = _saved
        keep_beside(self.options.json, self.profiler, "main", **self.where_children_are())
        # Once before the program begins: what saving needs is then no growth of its first line.
        self.save_what_is_there()
        save_every(_saved.SAVE_EVERY, self.save_what_is_there)
        self.stop_saving = lambda: save_every(_saved.SAVE_EVERY, None)

    def call_when_memory_rises(self) -> None:
        """Without runs to be saved every so often: the census of the peak alone."""
        from ._memprof import save_every

        assert self.heap is not None
        save_every(SELDOM, self.heap.look)
        self.stop_saving = lambda: save_every(SELDOM, None)

    def save_what_is_there(self) -> None:
        if os.getpid() != self.pid:
            return
        if self.heap is not None and self.heap.at_peak:
            self.heap.look()
        where = self.where_children_are()
        try:  # not suppress(), which fails itself where a program has replaced what is built in
            self.save_run([], False, **where)
            tell_head(self.profiler, "main", **where)
        except Exception:
            pass  # said at the end, if it is still so

    def where_children_are(self) -> Json:
        """What leads from a killed run to its children's tables."""
        return {"children_folder": self.children.folder} if self.children else {}

    def make_sure(self) -> None:
        """The program has run: what it has forgotten with atexit._clear() is registered again."""
        search = _Search(self)
        self.unregister(search)  # type: ignore[arg-type]  # it is compared, never called
        if not search.found:
            self.register(self)
        if self.allocations is not None:
            quietly(self.allocations.stop_with, self.register)

    def __call__(self) -> None:
        program_is_over()
        try:
            self.finish()
        finally:
            settle_collector()

    def before_exec(self) -> None:
        """Another program takes the place of this one: nothing runs at its exit."""
        if os.getpid() == self.pid:
            self()
        elif self.children is not None:
            from ._children import end_this

            end_this()

    def finish(self, by_signal: bool = False) -> None:
        if self.children is not None and os.getpid() != self.pid:
            return  # a forked child: its tables go to the parent
        if self.allocations is not None:
            self.allocations.stop()
        if self.heap is not None and os.getpid() == self.pid:
            self.heap.take()
        if self.view is not None:
            self.view.stop()  # what runs from here on is ours
        if self.ranking is not None:
            self.ranking.run_ended()
        hold_signals()
        try:
            self.print_and_write(finished=not by_signal)
        finally:
            let_go_of_signals()

    def print_and_write(self, finished: bool) -> None:
        complaints = self.selection.complaints() if self.selection else []
        complaints += self.allocations.complaints() if self.allocations else []
        complaints += self.heap.complaints() if self.heap else []
        self.stop_saving()
        with self.as_found:
            processes, of_children = self.processes_of_children()
            self.profiler.look_up()
        is_written = self.try_to_write_tables(processes)
        if os.getpid() == self.pid:
            self.rank_lines()
            with self.as_found:
                complaints += [*of_children, *self.write_files(processes, finished)]
                complaints += [line for line in [live.end()] if line]
            failed = self.profiler.reading_failed()
            complaints += [failed] if failed else []
            complaints += self.word_without_tables() if is_written else []
        for line in complaints:
            complain(line)

    def word_without_tables(self) -> list[str]:
        """What to do where only tables of functions were asked for, and there is none."""
        options = self.options
        asked = (options.lines, options.functions, options.pstats)
        is_asked = any(asked) or options.heap or options.flame
        if options.quiet or self.is_recorded or options.timestamp or is_asked or any_table():
            return []
        if options.all:
            return [
                "memory_profiler: no table: no function of the program's own files was called; "
                "--heap shows what lives, mprof run the memory over time"
            ]
        if options.prof_mod:
            is_named = self.selection and self.selection.any_matched()  # else a line says that
            called = "no function that -p names was called in this process"
            return [f"memory_profiler: no table: {called}"] * bool(is_named)
        n = self.profiler.n_decorated()
        if n == 0 and any_import_form():
            return ["memory_profiler: no table: nothing under @profile was called in this process"]
        if n > 0:
            which = "the function under @profile was not"
            if n > 1:
                which = f"none of the {n} functions under @profile was"
            return [f"memory_profiler: no table: {which} called in this process"]
        return [
            "memory_profiler: no table: no function is under @profile; --all takes all functions "
            "of the program, -p those of a module"
        ]

    def rank_lines(self) -> None:
        """Beside the tables; where it cannot be, nothing is lost."""
        if self.ranking is None:
            return
        with suppress(Exception):
            self.ranking.write_beside(usable_stdout(), self.path)

    def processes_of_children(self) -> tuple[list[Json], list[str]]:
        try:
            return self.children.processes() if self.children else ([], [])
        except Exception as error:  # the program may have taken the folder away
            return [], [f"memory_profiler: the tables of children cannot be read: {reason(error)}"]

    def try_to_write_tables(self, processes: list[Json]) -> bool:
        try:
            if self.path is None and _is_unread(usable_stdout()):
                return False  # Python's exit says that, and ends with a status of its own
            self.write_tables(processes)
            return True
        except BrokenPipeError:
            # The reader has seen enough. Nothing more can be written, also not by Python's exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        except Exception as error:  # whatever the program has put there
            complain(
                "memory_profiler: the tables could not be written to "
                f"{self.path or 'stdout'}: {reason(error)}"
            )
        return False

    def write_tables(self, processes: list[Json]) -> None:
        if self.path is None:
            stream = usable_stdout()
            if stream is None:
                return self.print_nowhere(processes)
            self.print_all(stream, processes)
            stream.flush()
        else:
            with self.as_found:
                file = self.open_file(self.path)
            with file:
                self.print_all(file, processes)

    def print_nowhere(self, processes: list[Json]) -> None:
        """Where stdout is closed: tables with streams of their own; an error if there are more."""
        from io import StringIO

        self.print_all(lost := StringIO(), processes)
        if lost.getvalue():
            raise OSError(EBADF, "it is closed")

    @staticmethod
    def open_file(path: str) -> Any:
        return _files.open_output(path, "a", encoding="utf-8", errors="surrogateescape")

    def print_so_far(self) -> None:
        """While the program goes on; other threads need its modules as they are."""
        stream = usable_stdout() if self.path is None else self.open_file(self.path)
        stream.write(heading_so_far(time.monotonic() - self.began))
        self.profiler.print_tables(stream, self.options.verbose)
        stream.flush()
        if self.path is not None:
            stream.close()

    def print_all(self, stream: Any, processes: list[Json]) -> None:
        self.profiler.print_tables(stream, self.options.verbose)
        if self.options.verbose:
            stream.write(f"({limits_text()})\n")
        allocations = self.allocations
        if allocations is not None and allocations.is_started and allocations.columns:
            stream.write(allocations.summary() + "\n")
        if self.heap is not None:
            stream.write(self.heap.text())
        if processes:
            from ._children import print_children

            own = allocations is not None and allocations.own
            print_children(processes, stream, own, allocations is None or allocations.columns)
        if self.options.functions and self.view.is_started:
            self.view.print(stream)

    def write_files(self, processes: list[Json], finished: bool) -> list[str]:
        """Write what was asked for; returns a line for each file that cannot be written."""
        complaints = []
        if self.options.pstats and self.view.is_started:
            complaints += try_to_write(self.options.pstats, self.view.write_pstats)
        if self.options.lprof and os.getpid() == self.pid:
            from ._lprof import write_lprof

            complaints += try_to_write(
                self.options.lprof, lambda path: write_lprof(path, self.profiler)
            )
        if self.options.flame and self.allocations.is_started and os.getpid() == self.pid:
            complaints += try_to_write(self.options.flame, self.write_flame)
            complaints += self.children_without_stacks()
        if self.options.json:
            complaints += try_to_write(
                self.options.json, lambda path: self.save_run(processes, finished, is_last=True)
            )
        return complaints

    def write_flame(self, path: str) -> None:
        from ._flame import write_run

        children = {"stacks": [], "missing": 0} if self.children is None else self.children.flames
        of = self.options.flame_of or "peak"
        write_run(path, of, self.program, self.allocations.summary(), children)

    def children_without_stacks(self) -> list[str]:
        from ._flame import complaints_of

        if self.children is None:
            return []
        return [f"memory_profiler: --flame: {line}" for line in complaints_of(self.children.flames)]

    def save_run(
        self, processes: list[Json], finished: bool, is_last: bool = False, **more: object
    ) -> None:
        """The run as JSON; a forked child has none of its own."""
        if os.getpid() != self.pid:
            return
        own = self.saved.process_of(self.profiler, "main", self.profiler.saved())
        if is_last and self.allocations is not None and self.allocations.is_started:
            own["heap"] = self.allocations.process_members()
        if is_last and self.heap is not None:
            own.update(self.heap.members())
        run = self.saved.run_of([own, *processes], finished)
        self.saved.write_run(self.options.json, {**run, **more}, is_last=is_last)


def try_to_write(path: str, write: Callable[[str], object]) -> list[str]:
    """write(path); returns [what went wrong, in a line]."""
    try:
        write(path)
        return []
    except OSError as error:
        return [f"memory_profiler: cannot write {path}: {reason(error)}"]
    except Exception as error:  # whatever it was: what is lost is said
        return [f"memory_profiler: cannot write {path}: {type(error).__name__}: {error}"]
