"""The measuring core, written in C (memprof/ext): shapes and units of what it takes and gives.

Memory is in bytes where it is counted (int) and in MiB (2**20 bytes) where it is read or shown
(float). Names that begin with an underscore stand here alone: types of what has no class.

(It is longer than 500 lines because a module has one file of stubs, however many files of C it is
made of.)
"""

from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import ModuleSpec
from os import PathLike
from types import CodeType, FrameType, TracebackType
from typing import Any, NewType, Protocol, TypedDict, TypeVar, final

_T = TypeVar("_T")
_R = TypeVar("_R")

# (line, increment in bytes, largest memory in bytes, occurrences, peak in bytes or None,
# time in nanoseconds or None)
_Row = tuple[int, int, int, int, int | None, int | None]
# Of allocations: (bytes, number, bytes at the peak, blocks then, bytes left, blocks left)
_HeapSums = tuple[int, int, int, int, int, int]
# (file, line, qualified name)
_Key = tuple[str, int, str]
# (who calls, None for nobody that is counted; calls, primitive calls, own bytes, cumulative bytes)
_Caller = tuple[_Key | None, int, int, int, int]
# (MiB, epoch seconds, ((pid, MiB) of each child, ...))
_Reading = tuple[float, float, tuple[tuple[int, float], ...]]
# (file, qualified name, co_linetable, co_firstlineno, offset of the instruction, line or 0)
_Place = tuple[str, str, bytes, int, int, int]
# (bytes, seconds, whether a reading found them or the kernel did since the one before, places from
# the innermost on: none is outside of all that is watched; bytes that the kernel saw, where that is
# clearly more and nothing else told so)
_Highest = tuple[int, float, bool, list[_Place], int | None]
# (which, line, growth, largest memory, occurrences, peak), in bytes
_Ranked = tuple[int, int, int, int, int, int]
_Ranking = NewType("_Ranking", object)  # of lines, for Profiler.rank() and ranked()
_Table = NewType("_Table", object)  # of one call, for table_facts() and table_row()
_Remembered = NewType("_Remembered", object)  # the blocks of objects, for heap_new()
_Sampler = NewType("_Sampler", object)  # a thread, for usage_*()
_SideThread = NewType("_SideThread", object)  # likewise, for side_pause() and side_resume()

class _Info(TypedDict):
    gate_ns: float  # events closer than this are skipped, nanoseconds; 0: the gate is off
    gate_off: str | None  # why not
    reads: int  # events at which memory was read
    skipped: int  # events at which it cannot have changed
    surprises: int  # of these, how many an audit found to be wrong
    error: int  # errno of the last reading that failed, 0 where none did
    resolution_bytes: int  # 0: exact
    mark_resolution_bytes: int  # of peaks
    ns_per_tick: float  # 0: nobody measures time

class _Ledger(TypedDict):
    """In bytes; increments_bytes == entry_bytes + segments_bytes."""

    first_line: int
    entry_bytes: int  # the memory at the first entry
    segments_bytes: int  # what grew between the readings
    outermost_bytes: int  # of these, in calls that no other function of the profilers had made
    tool_bytes: int  # what grew meanwhile by what the profiler did itself
    increments_bytes: int  # the sum of all rows

class _HasSpec(Protocol):
    def __call__(self, waiter: ImportWaiter, /) -> ModuleSpec | None: ...

version: str
backends: tuple[tuple[str, str], ...]  # (name, the kind that it means: rss, pss, uss, tracemalloc)
call_header: str  # above the rows of format_call()
shared: dict[str, Any]  # outlives this package in sys.modules: one for all its imports

# ---- lines

@final
class Profiler:
    """Counts the lines of watched functions. OSError, ValueError: memory cannot be read so."""

    def __new__(
        cls,
        backend: str = ...,
        include_children: bool = ...,
        per_call: bool = ...,  # finished(owner, table) gets the table of each outermost call
        always_on: bool = ...,  # counts without enable()
        finished: Callable[[Any, _Table], object] | None = ...,
        limit: int = ...,  # bytes: over_limit(bytes now) is called once, 0: never
        over_limit: Callable[[int], object] | None = ...,
        time: bool = ...,
        peak: bool = ...,
    ) -> Profiler: ...
    @property
    def enabled(self) -> int:
        """How many times enable() is in force."""

    def watch(self, codes: Sequence[CodeType], owner: object = ..., /) -> Any:
        """Count a function: its code, then those nested in it. Its index; with per_call owner."""

    def watch_also(self, index: int, codes: Sequence[CodeType], /) -> None:
        """Count more code in the table of a watched function."""

    def describe(self, index: int, text: bytes, /) -> None:
        """What a table is called, for who reads it after a crash."""

    def claim(self, function: object, request: object, /) -> None:
        """With per_call: calls of this function object are printed, finished() gets the request.
        Of watched code for which nothing was claimed every call is, and it gets the owner."""

    def owner(self, code: CodeType, /) -> Any:
        """The owner that watch() was given for this code, or None."""

    def used(self) -> list[int]:
        """The indices of the functions that ran."""

    def decorate(self, target: _T, function: object, /) -> _T:
        """What stands in for a target: itself, or (3.10, 3.11) a callable with its attributes."""

    def see_calls(self) -> None:
        """See calls of watched code also where nothing stands in for it."""

    def keep_to(self, code: CodeType, /) -> None:
        """Count the innermost frame alone that runs a code now, and code written in it."""

    def enable(self) -> None:
        """Count from now on; nests."""

    def disable(self) -> None:
        """Undo one enable()."""

    def rows(self, index: int, /) -> list[_Row]:
        """The lines of a function that ran, in order."""

    def ledger(self, index: int, /) -> _Ledger:
        """Proof that no growth was lost."""

    def note_highest(self) -> None:
        """Note from now on where what this profiler reads is highest; once in a process."""

    def highest(self) -> _Highest | None:
        """What was noted."""

    def rank(self, index: int, ranking: _Ranking, which: int, /) -> None:
        """Put the lines of a function into a ranking, which calls it so."""

    def restart(self) -> None:
        """Forget what was measured; calls that run count from now on."""

    def costs(self) -> tuple[float, float]:
        """Nanoseconds that an event takes just now: one that reads, and one that is not read."""

    def info(self) -> _Info: ...

def set_exact(flag: bool, /) -> None:
    """Read at every event: affects profilers made from now on."""

def save_every(seconds: float, callback: Callable[[], object] | None, /) -> None:
    """Call callback() so often while memory is read; None: no more. ValueError: no such time."""

def flush_at_exit(register: Callable[[Callable[[], object]], object], /) -> None:
    """Hand over the tables of generators that never end when the interpreter does."""

def format_row(
    line: int,
    measurement: tuple[float, float, int] | None,  # increment MiB, memory MiB, occurrences
    text: str,
    precision: int,  # decimals
    growth: float = ...,  # MiB, a hundredth of which is painted; -1: nothing is
    peak: float | None = ...,  # MiB
    time: tuple[float, float, float] | None = ...,  # microseconds, per hit, percent
    # MiB allocated, allocations, MiB at the peak, MiB left; (): not known of this line
    heap: tuple[float, int, float, float] | tuple[()] | None = ...,
    /,
) -> str: ...
def new_ranking(by_peak: bool, /) -> _Ranking:
    """Without lines yet; by_peak: by the most that was held above a line's start."""

def ranked(ranking: _Ranking, /) -> tuple[list[_Ranked], list[_Ranked]]:
    """The lines that grew most and those that peaked, ten at most, the highest first."""

def ranking_header(peak: bool = ..., /) -> str: ...
def format_ranked(
    increment: float,  # MiB
    memory: float,  # MiB
    occurrences: int,
    peak: float | None,  # MiB
    text: str,
    precision: int,  # decimals
    growth: float = ...,  # as format_row() has it
    /,
) -> str: ...
def format_peak(whose: str, mebibytes: float, seconds: float, precision: int, /) -> str:
    """What is said of a peak before its place."""

def table_header(peak: bool = ..., time: bool = ..., heap: bool = ..., /) -> str: ...
def table_facts(table: _Table, /) -> tuple[bool, bool, float]:
    """(whether it has peaks, whether it has times, seconds of all its lines)"""

def table_row(
    table: _Table,
    line: int,
    text: str | None,
    precision: int,
    colour: bool,
    heap: tuple[float, int, float, float] | None = None,
    /,
) -> str | None:
    """One row with its source text, and what it has allocated; None for a line that never ran and
    has no text."""

# ---- calls

@final
class CallView:
    """Counts calls of all Python functions, except of those in files that begin with hidden."""

    def __new__(
        cls,
        backend: str = ...,
        hidden: str = ...,  # functions of files whose name begins so are not counted
        own: tuple[str, ...] = ...,  # what the names of the program's own files begin with
        others: tuple[str, ...] = ...,  # and what is in those of others
        all: bool = ...,  # for functions(False)
        folded: bool = ...,  # for functions(True)
    ) -> CallView: ...
    def start(self) -> None:
        """Count from now on. RuntimeError where another tool has what is needed."""

    def stop(self) -> None:
        """Count no more; calls that run now end here."""

    def functions(
        self, folded: bool = ..., /
    ) -> list[tuple[_Key, int, int, int, int, int, bool, list[_Caller]]]:
        """(key, calls, primitive calls, own, cumulative and peak bytes, whether it is a library's,
        callers) of each; folded: the insides of libraries are those of what was called."""

    def outermost(self) -> int:
        """Bytes that the outermost calls grew: the sum of all own increments."""

def format_call(
    calls: int,
    primitive: int,
    own: float,  # MiB, as the next two
    cumulative: float,
    peak: float | None,
    precision: int,
    name: str,
    all: float = ...,  # MiB that functions grew, whose share is painted; -1: nothing is
    /,
) -> str: ...

# ---- calls and blocks over time

@final
class SpanRecorder:
    """Appends FUNC and BEGIN lines to a profile, or to a file of its own. OSError for no file."""

    def __new__(
        cls,
        path: str | bytes | PathLike[str] | None = ...,
        backend: str = ...,
        include_children: bool = ...,
    ) -> SpanRecorder: ...
    def watch(self, code: CodeType, name: str, /) -> None:
        """Record every call of a code object as name."""

    def decorate(self, target: _T, function: object, /) -> _T:
        """As Profiler.decorate()."""

    def begin(self, key: object, name: str, /) -> None:
        """A block begins; both live until end(key)."""

    def end(self, key: object, /) -> None:
        """The block ends, and is written."""

    def read(self) -> bytes:
        """The lines recorded without a path."""

    def before_fork(self) -> None:
        """Ends the thread, so that fork is safe."""

    def after_fork(self, in_child: bool, /) -> None: ...

def read_profile(
    path: str | bytes | PathLike[str], /
) -> tuple[
    list[float],  # MiB
    list[float],  # epoch seconds
    dict[str, list[list[float]]],  # function -> [start, end, MiB, MiB, level]
    dict[str, list[tuple[float, float]]],  # pid -> (MiB, epoch seconds)
    str | None,  # the command line
]: ...

# ---- memory over time; OSError where a process cannot be read

def usage_start(
    backend: str,
    interval: float,  # seconds
    timeout: float,  # seconds; 0: none
    include_children: bool,
    each_child: bool,
    peak_only: bool,
    /,
) -> _Sampler: ...
def usage_pause(sampler: _Sampler, /) -> None:
    """Before a fork: joins the thread."""

def usage_resume(sampler: _Sampler, /) -> None:
    """After a fork, in the parent."""

def usage_abandon(sampler: _Sampler, /) -> None:
    """After a fork, in the child."""

def usage_take(sampler: _Sampler, /) -> list[_Reading]:
    """What was read since the last call."""

def usage_stop(sampler: _Sampler, /) -> int:
    """Takes the last reading; how many there were."""

def read_memory(pid: int, backend: str, /) -> float:
    """MiB"""

def read_children(pid: int, backend: str, /) -> list[tuple[int, float]]:
    """(pid, MiB) of each descendant"""

def read_peak(pid: int, /) -> float:
    """The kernel's high-water mark in MiB."""

def reset_peak() -> bool:
    """Sets it back to what is resident now; False where it cannot be, or others need it."""

def rest_readers() -> None: ...  # what reads memory is closed until the next reading
def thread_count() -> int:
    """Threads that the kernel counts, or -errno."""

def tracing_begin(user: int, /) -> None:
    """Starts tracemalloc, unless it runs; a user is a number of its own."""

def tracing_end(user: int, /) -> None:
    """Stops it with the last user, if it was started here."""

# ---- beside a program

@final
class ImportWaiter:
    """A finder for sys.meta_path that gives found(waiter) as the spec of one module."""

    def __new__(cls, name: str, found: _HasSpec, /) -> ImportWaiter: ...
    def find_spec(
        self, name: str, path: Sequence[str] | None = ..., target: Any = ...
    ) -> ModuleSpec | None: ...

@final
class Wrapped:
    """Calls function(*before(args)), then after(args)."""

    def __new__(
        cls,
        function: Callable[..., Any],
        before: Callable[[tuple[Any, ...]], Iterable[Any]] | None = ...,
        after: Callable[[tuple[Any, ...]], object] | None = ...,
    ) -> Wrapped: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __getattribute__(self, name: str, /) -> Any: ...
    def __repr__(self) -> str: ...

def on_modules(callback: Callable[[CodeType, Any], object] | None, /) -> None:
    """Call callback(code, name) when the code of a module begins to run; None: no more."""

def quietly(function: Callable[[_T], _R], argument: _T, /) -> _R:
    """function(argument), of which the program's tracers see nothing."""

def call_when_left(frame: FrameType, function: Callable[[], object], /) -> None:
    """function() in the main thread when that has left the instruction at which the frame is."""

def live_start() -> None:
    """Keep tables that are made from now on where they can be found after a crash."""

def live_move(path: str, /) -> None:
    """Keep them in a file of this name, which must not be there."""

def live_head(text: bytes, /) -> None:
    """What is to be said of the process."""

def live_end() -> tuple[int, int, bool]:
    """Remove the file: (records without room, errno of that, whether it was cut short)."""

def live_is_held(path: str, /) -> bool | None:
    """Whether the process that wrote such a file still does; None: it is no such file."""

def live_read(
    content: bytes, /
) -> tuple[
    bytes | None,
    int,
    list[tuple[bytes | None, list[tuple[int, ...]], _Ledger]],
    list[tuple[int, int, int]],
    tuple[int, int, bool],
]:
    """(head, pid, functions: (name, rows, ledger), running: (thread, function, line), as of
    live_end())."""

def ask_by_signal(
    number: int,
    ends: bool,  # the process, once it is answered
    callback: Callable[[], object],
    command: list[bytes],  # run with the name of a black box where callback() cannot be called
    output: bytes | None,  # what the command appends to
    /,
) -> bool:
    """Call callback() when the signal comes. False: it would not end the process. OSError."""

def hold_signals() -> None:
    """The tables are printed now: who asks by a signal waits for that."""

def let_go_of_signals() -> None:
    """They are printed: a signal that ends the process, and that has come, does so."""

def print_without(first: TracebackType | None, ours: dict[str, Any], keep_head: bool, /) -> None:
    """The exception that ends the program is printed with a traceback that begins at first, or with
    none; with keep_head also with what stands above the frames of the globals ours."""

def run_program(code: CodeType, names: dict[str, Any], /) -> None:
    """exec(), with all of the recursion limit, and memory kept back for the program's end."""

def program_is_over() -> None:
    """What run_program() kept back is free."""

def settle_collector() -> None:
    """The program has ended: on 3.12 no collection by count any more."""

def heap_start(
    ours: str, launcher: str, max_stacks: int = ..., parts_threads: bool = ..., /
) -> list[str]:
    """Record who allocates, from now on; what cannot be seen comes back, in words.

    With parts_threads stacks of threads are apart. What code of files below the folder ``ours``
    allocates, or of the launcher's file, is not.
    """

def heap_stop() -> list[str]:
    """Record no more; the log can be read until a new start. What was not seen to the end comes
    back, in words; nothing where nothing was recorded."""

def heap_unhook() -> None:
    """After heap_stop(): allocators are what they were, but where somebody has wrapped them."""

def heap_census(
    as_getsizeof: bool,  # bytes as sys.getsizeof() has them; else of blocks
    is_pymalloc: bool,  # blocks up to 512 bytes are pymalloc's
    only: type | None = ...,  # its row alone
    /,
) -> tuple[list[str], list[int], list[int], list[bool]]:
    """Names of types, how many objects there are of each, their bytes, and whether these are of
    the objects' own blocks alone. RuntimeError while a collection runs."""

# (kind of its root, place of a frame, (kind, key, type) of each step, steps that are left out, name
# of the object's type)
_Way = tuple[int, tuple[str, str, int] | None, list[tuple[str, object, type]], int, str]

def heap_owners(
    n: int,
    is_pymalloc: bool,
    ours: str,  # a folder whose frames are not told
    /,
) -> tuple[
    list[tuple[_Way, int, int, bool]],
    tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]],
]:
    """The n that keep the most alive: (way, bytes, objects, whether one name alone holds it); and
    objects and bytes of what C code holds, what is never freed, what is garbage, what several
    names of modules hold. RuntimeError as of
    heap_census()."""

def heap_paths(
    object: object,
    is_type: bool,
    most: int,
    is_pymalloc: bool,
    ours: str,
    remembered: _Remembered | None,
    /,
) -> list[_Way]:
    """The way to the object, or to so many of that type, which is one or its name in tables, that
    were not there at heap_remember(); empty where it is not on the heap."""

def heap_births(
    is_pymalloc: bool, only: type | None = ..., /
) -> list[tuple[str, str | None, int, int, int]]:
    """While allocations are recorded: (type, file, line, objects, bytes) of what lives. File None:
    line 0 was there before the recording, 1 of threads without Python, 2 of Python without a
    frame. RuntimeError where nothing is recorded, and as of heap_census()."""

def types_start(path: str, seconds: float, is_pymalloc: bool, /) -> _SideThread:
    """Append the hungriest types to a profile now, and every so often from now on. RuntimeError on
    free-threaded Python, and in an interpreter that is not the main one."""

def types_stop(thread: _SideThread, /) -> None:
    """A last census, if one is due."""

def heap_watch(folder: str | bytes, answer: Callable[[int], object], /) -> _SideThread:
    """Call answer(pid) for each request ask.PID in the folder, which is taken.PID then.
    RuntimeError on free-threaded Python, and in an interpreter that is not the main one."""

def side_pause(thread: _SideThread, /) -> None:
    """End the thread, for a fork or for good."""

def side_resume(thread: _SideThread, in_child: bool, /) -> None:
    """Go on after the last of all pauses; in a forked child, for itself."""

def heap_remember() -> _Remembered:
    """All objects there are; none is kept alive. RuntimeError as of heap_census(), and in an
    interpreter that is not the main one."""

def heap_new(
    remembered: _Remembered, as_getsizeof: bool, is_pymalloc: bool, /
) -> tuple[tuple[list[str], list[int], list[int], list[bool]], bool]:
    """As heap_census(), of the objects that were not there; whether all frees were seen."""

def heap_whole() -> object:
    """After heap_start(): a span of all that is recorded until the next start."""

def heap_span_begin() -> object | None:
    """Count anew from now on, beside all else; None while nothing is recorded."""

def heap_span_end(span: object, /) -> None:
    """It can be read until blocks of it are freed."""

def heap_rows(span: object | None = None, /) -> list[tuple[str | None, int, _HeapSums, _HeapSums]]:
    """(file, line, inclusive, own) of each line on a stack that allocated, in a span or in all."""

def memory_limits() -> dict[str, int | None]: ...
def resident_parts() -> dict[str, int | None]:
    """Bytes of this process by what they are for; None where it cannot be asked."""

def heap_stacks(
    most: int, by: int, span: object | None = None, /
) -> list[tuple[list[_Key], _HeapSums]]:
    """The stacks that have most bytes, by 0: at the peak, 1: left, 2: allocated."""

def heap_read(
    most: int, span: object | None = None, /
) -> tuple[Any, Any, Any, Any, Any, tuple[list[str], list[tuple[int, str]], bytes]]:
    """heap_totals(), heap_stacks() by each of the three, heap_rows(), heap_flame() of one
    moment."""

def heap_flame(span: object | None = None, /) -> tuple[list[str], list[tuple[int, str]], bytes]:
    """(files, functions, nodes) of the stacks of a span, or of all, for flame_write(). Behind the
    functions come numbers of threads, where these are apart."""

def flame_write(
    fd: int,
    form: str,
    view: int,
    title: str,
    subtitle: str,
    processes: Sequence[tuple[str, list[str], list[tuple[int, str]], bytes]],
    /,
) -> None:
    """Writes stacks to a descriptor, as "html", "txt" (of one view) or "json". OSError."""

def heap_totals(
    span: object | None = None, /
) -> tuple[_HeapSums, _Key | None, int, int, int, int, int]:
    """(sums of all stacks, whose allocation was the peak, blocks freed unseen, blocks not followed,
    stacks, look-ups beyond their number, resident bytes of the log)."""
