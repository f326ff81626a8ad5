from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from os import PathLike
from types import CodeType, TracebackType
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, overload

_T = TypeVar("_T")
_Measurement = tuple[float, float, int]

class _Writer(Protocol):
    def write(self, text: str, /) -> object: ...

class _HasPid(Protocol):
    pid: int

_Call = (
    Callable[[], Any]
    | tuple[Callable[..., Any]]
    | tuple[Callable[..., Any], tuple[Any, ...] | list[Any]]
    | tuple[Callable[..., Any], tuple[Any, ...] | list[Any], dict[str, Any]]
)

__version__: str
_CMD_USAGE: str
has_tracemalloc: bool

class _Asked:
    def __call__(self, func: _T) -> _T: ...
    def __enter__(self) -> _Asked: ...
    def __exit__(self, *exception: object) -> None: ...

class _Profile:
    @overload
    def __call__(
        self,
        func: _T,
        stream: _Writer | None = ...,
        precision: int = ...,
        backend: str = ...,
        *,
        peak: bool = ...,
        time: bool = ...,
        allocations: bool | Literal["own"] = ...,
        heap: bool = ...,
    ) -> _T: ...
    @overload
    def __call__(
        self,
        func: None = ...,
        stream: _Writer | None = ...,
        precision: int = ...,
        backend: str = ...,
        *,
        peak: bool = ...,
        time: bool = ...,
        allocations: bool | Literal["own"] = ...,
        heap: bool = ...,
    ) -> _Asked: ...
    def timestamp(self, name: str = ...) -> AbstractContextManager[Any]: ...

profile: _Profile

class BillRow(NamedTuple):
    name: str
    bytes: int

class Bill:
    rss: int
    swap: int
    rows: list[BillRow]
    given_out: int
    objects: int | None
    why_not: str
    def to_json(self) -> dict[str, Any]: ...

def bill() -> Bill: ...

class AllocationStack(NamedTuple):
    bytes: int
    blocks: int
    frames: tuple[tuple[str, int, str], ...]

class allocations:
    missing: list[str]
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def __enter__(self) -> allocations: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    @property
    def allocated_bytes(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def peak_bytes(self) -> int: ...
    @property
    def left_bytes(self) -> int: ...
    def flame(
        self, path: str | PathLike[str], of: Literal["peak", "left", "allocated"] = ...
    ) -> None: ...
    def top(
        self, n: int = ..., by: Literal["peak", "left", "allocated"] = ...
    ) -> list[AllocationStack]: ...

class CodeMap(dict[CodeType, dict[int, _Measurement]]):
    _toplevel: list[Any]
    def __init__(self, include_children: bool = ..., backend: str = ...) -> None: ...
    def add(self, code: CodeType, toplevel_code: CodeType | None = ...) -> None: ...
    def trace(self, code: CodeType, lineno: int, prev_lineno: int | None) -> None: ...
    def items(self) -> Iterator[tuple[str, Iterator[tuple[int, _Measurement | None]]]]: ...  # type: ignore[override]

class LineProfiler:
    code_map: CodeMap
    enable_count: int
    include_children: bool
    backend: str
    max_mem: float | None
    def __init__(
        self,
        *,
        include_children: bool = ...,
        backend: str = ...,
        max_mem: float | None = ...,
        peak: bool = ...,
        time: bool = ...,
    ) -> None: ...
    @overload
    def __call__(self, func: _T, precision: int = ...) -> _T: ...
    @overload
    def __call__(self, func: None = ..., precision: int = ...) -> Callable[[_T], _T]: ...
    def add_function(self, func: Callable[..., Any]) -> None: ...
    def wrap_function(self, func: _T) -> _T: ...
    def run(self, cmd: str) -> LineProfiler: ...
    def runctx(self, cmd: str, globals: dict[str, Any], locals: dict[str, Any]) -> LineProfiler: ...
    def runcall(self, func: Callable[..., _T], *args: Any, **kw: Any) -> _T: ...
    def enable(self) -> None: ...
    def disable(self) -> None: ...
    def enable_by_count(self) -> None: ...
    def disable_by_count(self) -> None: ...
    def __enter__(self) -> LineProfiler: ...
    def __exit__(self, *exception: object) -> None: ...

class TimeStamper:
    def __init__(
        self, backend: str = ..., include_children: bool = ..., path: str | None = ...
    ) -> None: ...
    @overload
    def __call__(
        self,
        func: _T,
        precision: int | None = ...,
        stream: _Writer | None = ...,
        backend: str | None = ...,
        *,
        peak: bool = ...,
        time: bool = ...,
        allocations: bool | Literal["own"] = ...,
        heap: bool = ...,
    ) -> _T: ...
    @overload
    def __call__(
        self,
        func: None = ...,
        precision: int | None = ...,
        stream: _Writer | None = ...,
        backend: str | None = ...,
        *,
        peak: bool = ...,
        time: bool = ...,
        allocations: bool | Literal["own"] = ...,
        heap: bool = ...,
    ) -> _Asked: ...
    @property
    def functions(self) -> dict[Any, list[list[tuple[float, float]]]]: ...
    def add_function(self, function: Callable[..., Any]) -> None: ...
    def timestamp(self, name: str = ...) -> AbstractContextManager[Any]: ...
    def show_results(self, stream: _Writer | None = ...) -> None: ...

class LogFile:
    def __init__(self, name: str | None = ..., reportIncrementFlag: bool = ...) -> None: ...
    def write(self, msg: str, level: int = ...) -> None: ...
    def flush(self) -> None: ...

class MemitResult:
    mem_usage: list[float]
    baseline: float
    repeat: int
    timeout: float | None
    interval: float
    include_children: bool
    allocated: allocations | None
    def __init__(
        self,
        mem_usage: list[float],
        baseline: float,
        repeat: int,
        timeout: float | None,
        interval: float,
        include_children: bool,
        allocated: allocations | None = ...,
    ) -> None: ...

class HeapType:
    name: str
    objects: int
    bytes: int
    is_partial: bool
    def __init__(self, name: str, objects: int, size: int, is_partial: bool = ...) -> None: ...

class Heap:
    @property
    def types(self) -> list[HeapType]: ...
    @property
    def objects(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def sizes(self) -> str: ...
    def __sub__(self, before: Heap) -> Heap: ...
    def owners(self, n: int = ...) -> Owners: ...
    def paths(self, n: int = ...) -> list[str]: ...
    def born(self, n: int = ...) -> Births: ...
    def table(self, rows: int | None = ..., title: str | None = ...) -> str: ...
    def to_json(self) -> str: ...

def heap(kind: type | None = ..., /, *, sizes: Literal["blocks", "getsizeof"] = ...) -> Heap: ...

class NewOnHeap(Heap):
    def __enter__(self) -> NewOnHeap: ...
    def __exit__(self, kind: object, error: object, traceback: object) -> None: ...

def heap_growth(*, sizes: Literal["blocks", "getsizeof"] = ...) -> NewOnHeap: ...

class Owner:
    name: str
    bytes: int
    objects: int
    type: str
    is_shared: bool
    def __init__(self, name: str, size: int, objects: int, kind: str, is_shared: bool) -> None: ...

class Owners(list[Owner]):
    def table(self) -> str: ...
    def rows(self) -> list[dict[str, object]]: ...

def owners(obj: object, /) -> str: ...

class Birth:
    type: str
    file: str | None
    line: int | None
    where: str
    objects: int
    bytes: int
    def __init__(self, kind: str, file: str | None, line: int, objects: int, size: int) -> None: ...

class Births(list[Birth]):
    def table(self) -> str: ...

class HeapySet:
    @property
    def count(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def bytype(self) -> HeapySet: ...
    @property
    def sp(self) -> list[str]: ...
    @property
    def byrcs(self) -> Owners: ...
    @property
    def more(self) -> HeapySet: ...
    @property
    def all(self) -> HeapySet: ...
    def __len__(self) -> int: ...
    def __getitem__(self, at: int | slice) -> HeapySet: ...

class Heapy:
    def heap(self) -> HeapySet: ...
    def setrelheap(self) -> None: ...
    def setref(self) -> None: ...

def hpy(*, sizes: Literal["blocks", "getsizeof"] = ...) -> Heapy: ...

MemoryProfilerMagics: Any

def show_results(
    prof: LineProfiler | TimeStamper, stream: _Writer | None = ..., precision: int = ...
) -> None: ...
def choose_backend(new_backend: str | None = ...) -> str: ...
def load_ipython_extension(ip: Any) -> None: ...
def exec_with_profiler(
    filename: str, profiler: Any, backend: str, passed_args: list[str] | tuple[str, ...] = ...
) -> None: ...
def run_module_with_profiler(
    module: str, profiler: Any, backend: str, passed_args: list[str] | tuple[str, ...] = ...
) -> None: ...
def _func_exec(stmt: str, ns: dict[str, Any]) -> None: ...
def _get_child_memory(
    process: int | _HasPid, meminfo_attr: str | None = ..., memory_metric: int | str = ...
) -> Iterator[tuple[int, float]]: ...
@overload
def _get_memory(
    pid: int,
    backend: str,
    timestamps: Literal[False] = ...,
    include_children: bool = ...,
    filename: str | None = ...,
) -> float: ...
@overload
def _get_memory(
    pid: int,
    backend: str,
    timestamps: Literal[True],
    include_children: bool = ...,
    filename: str | None = ...,
) -> tuple[float, float]: ...
@overload
def memory_usage(
    proc: int | str | _HasPid | _Call = ...,
    interval: float = ...,
    timeout: float | None = ...,
    *,
    include_children: bool = ...,
    backend: str | None = ...,
    max_iterations: int | None = ...,
) -> list[float]: ...
@overload
def memory_usage(
    proc: int | str | _HasPid | _Call = ...,
    interval: float = ...,
    timeout: float | None = ...,
    *,
    include_children: bool = ...,
    timestamps: Literal[True],
    backend: str | None = ...,
    max_iterations: int | None = ...,
) -> list[tuple[float, float]]: ...
@overload
def memory_usage(
    proc: int | str | _HasPid | _Call = ...,
    interval: float = ...,
    timeout: float | None = ...,
    *,
    include_children: bool = ...,
    multiprocess: bool = ...,
    max_usage: Literal[True],
    backend: str | None = ...,
    max_iterations: int | None = ...,
) -> float: ...
@overload
def memory_usage(
    proc: int | str | _HasPid | _Call = ...,
    interval: float = ...,
    timeout: float | None = ...,
    *,
    include_children: bool = ...,
    retval: Literal[True],
    backend: str | None = ...,
    max_iterations: int | None = ...,
) -> tuple[list[float], Any]: ...
@overload
def memory_usage(
    proc: int | str | _HasPid | _Call = ...,
    interval: float = ...,
    timeout: float | None = ...,
    *,
    include_children: bool = ...,
    multiprocess: bool = ...,
    max_usage: Literal[True],
    retval: Literal[True],
    backend: str | None = ...,
    max_iterations: int | None = ...,
) -> tuple[float, Any]: ...
@overload
def memory_usage(
    proc: int | str | _HasPid | _Call = ...,
    interval: float = ...,
    timeout: float | None = ...,
    timestamps: bool = ...,
    include_children: bool = ...,
    multiprocess: bool = ...,
    max_usage: bool = ...,
    retval: bool = ...,
    stream: _Writer | None = ...,
    backend: str | None = ...,
    max_iterations: int | None = ...,
) -> Any: ...
