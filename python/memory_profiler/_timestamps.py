"""Functions and blocks in time: what ``mprof`` draws under its curve."""

from __future__ import annotations

from ._own import builtins as __builtins__, os, variable  # noqa: F401

import sys
from weakref import WeakSet

from ._memprof import SpanRecorder, shared
from ._profiler import is_off, start_backend
from ._targets import decorate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._types import Writer


def _follow_forks() -> WeakSet[SpanRecorder]:
    """The set of all recorders, told of every fork; made once for all imports of this module."""
    recorders: WeakSet[SpanRecorder] = WeakSet()

    def before() -> None:
        for recorder in recorders:
            recorder.before_fork()

    def after(in_child: bool) -> None:
        for recorder in recorders:
            recorder.after_fork(in_child)

    os.register_at_fork(
        before=before, after_in_parent=lambda: after(False), after_in_child=lambda: after(True)
    )
    return recorders


if "recorders" not in shared:
    shared["recorders"] = _follow_forks()
_recorders = shared["recorders"]


# Bytes of a name that a profile's line has room for.
_LONGEST = 1000


def _as_name(value: object) -> str:
    """Any label as text that C and UTF-8 can hold: it must never end the program."""
    try:
        text = str(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    encoded = str.encode(text, "utf-8", "backslashreplace").replace(b"\0", b"\\0")
    if len(encoded) > _LONGEST:
        encoded = encoded[: _LONGEST - 3] + "…".encode()
    return encoded.decode("utf-8", "ignore")  # a letter that was cut in two


class _Block:
    """``with stamper.timestamp("label"):``"""

    __slots__ = ("_recorder", "_name")

    def __init__(self, recorder: SpanRecorder | None, name: object) -> None:
        self._recorder = recorder
        # As a function of no module is called: .label
        self._name = _as_name("." + _as_name(name))

    def __enter__(self) -> _Block:
        if self._recorder is not None:
            self._recorder.begin(self, self._name)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._recorder is not None:
            self._recorder.end(self)


class Asked(_Block):
    """What ``profile(…)`` gives where nothing prints tables: a decorator, or a nameless block,
    which is recorded where there is a recorder."""

    __slots__ = ("_decorate",)

    def __init__(self, decorate: Callable[[Any], Any], recorder: SpanRecorder | None) -> None:
        super().__init__(recorder, "<block>")
        self._decorate = decorate

    def __call__(self, func: Any) -> Any:
        return self._decorate(func)


def _dotted_name(function: Any) -> str:
    module = getattr(function, "__module__", None) or ""
    return _as_name(f"{_as_name(module)}.{function.__qualname__}")


class TimeStamper:
    """Records when decorated functions and labelled blocks begin and end, and the memory then.

    Decorate with it, or use ``timestamp(name)`` as a context manager. The lines (``FUNC name MiB
    epoch MiB epoch level``) are appended to ``path`` as each ends; without a path they are kept
    for ``show_results()``.
    """

    def __init__(
        self,
        backend: str | None = "psutil",
        include_children: bool = False,
        path: str | None = None,
    ) -> None:
        self.backend = backend or "psutil"
        self.include_children = include_children
        start_backend(self.backend)
        self._recorder = SpanRecorder(path, self.backend, bool(include_children))
        self._functions: dict[str, Any] = {}  # name -> function, or what stands for a block
        self._has_path = path is not None
        _recorders.add(self._recorder)

    def __call__(
        self,
        func: Any = None,
        precision: int | None = None,
        stream: Any = None,
        backend: str | None = None,
        *,
        peak: bool = False,
        time: bool = False,
        allocations: bool | str = False,
        heap: bool = False,
    ) -> Any:
        """Record every call of ``func``; what is asked of tables is for those."""
        if func is None:
            return Asked(self, None if is_off() else self._recorder)
        if is_off():
            return func
        return decorate(func, self.add_function, self._recorder.decorate)

    def _know(self, function: Any) -> str:
        """The name of a function in the lines; whoever keeps these keeps the functions, too."""
        name = _dotted_name(function)
        if not self._has_path:
            self._functions[name] = function
        return name

    @property
    def functions(self) -> dict[Any, list[list[tuple[float, float]]]]:
        """function -> [[(MiB, epoch) at its begin, (MiB, epoch) at its end], ...] of what was kept.

        A block stands there as a function with its label as name, in the module "".
        """
        calls: dict[Any, list[list[tuple[float, float]]]] = {}
        for function in self._functions.values():
            calls[function] = []
        text = "" if self._has_path else self._recorder.read().decode("utf-8", "replace")
        for line in text.splitlines():
            keyword, name, *numbers = line.split(" ")
            if keyword == "FUNC":
                memory, start, memory_end, end = map(float, numbers[:4])
                calls.setdefault(self._named(name), []).append([(memory, start), (memory_end, end)])
        return calls

    def _named(self, name: str) -> Any:
        if name not in self._functions:

            def block() -> None:
                pass

            module, _, label = name.rpartition(".") if name[0] != "." else ("", "", name[1:])
            block.__module__ = module
            block.__name__ = block.__qualname__ = label.replace("\xa0", " ")
            self._functions[name] = block
        return self._functions[name]

    def add_function(self, function: Any) -> None:
        """Record every call of a Python function, without replacing it."""
        self._recorder.watch(function.__code__, self._know(function))

    def timestamp(self, name: object = "<block>") -> _Block:
        """A context manager that records a block as ``.name``."""
        return _Block(self._recorder, name)

    def show_results(self, stream: Writer | None = None) -> None:
        """Write what was kept; nothing where the lines went to a file."""
        if not self._has_path:
            text = self._recorder.read().decode("utf-8", "replace")
            (sys.stdout if stream is None else stream).write(text)

    def look_up(self) -> None:
        pass

    def print_tables(self, stream: Writer, with_accuracy: bool = False) -> None:
        self.show_results(stream)

    def reading_failed(self) -> None:
        return None


def run_with(stamper: TimeStamper) -> None:
    """From now on this one records for mprof, in all imports of this package."""
    shared["stamper"] = stamper


def running() -> TimeStamper | None:
    """The TimeStamper of a process that mprof records, or None."""
    path = variable("MPROF_OUTPUT")
    if shared.get("stamper") is None and path:
        try:
            run_with(
                TimeStamper(
                    variable("MPROF_BACKEND"),
                    include_children=bool(variable("MPROF_INCLUDE_CHILDREN")),
                    path=path,
                )
            )
        except OSError:
            return None  # the profile is gone: nothing can be recorded
    stamper: TimeStamper | None = shared.get("stamper")
    return stamper


def block(name: object = "<block>") -> _Block:
    """Marks a block for mprof; does nothing in a process that mprof does not record."""
    stamper = running()
    return _Block(None, name) if stamper is None else stamper.timestamp(name)
