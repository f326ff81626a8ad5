"""``--heap``: what lives on the heap when the program has ended."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from ._heap import SHOWN, heap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._heap import Heap
    from ._types import Json


class HeapAtEnd:
    """The census of this process, taken once."""

    def __init__(self) -> None:
        self.is_started = False  # the program has been
        self._heap: Heap | None = None
        self._why_not = ""

    def start(self) -> None:
        """Just before the program runs."""
        self.is_started = True

    def take(self) -> None:
        """The program's code has ended; before anything of ours is made for the tables."""
        if not self.is_started:
            return
        try:
            self._heap = heap()
        except (RuntimeError, MemoryError) as error:
            self._why_not = str(error) or "there is no memory for it"

    def text(self) -> str:
        """What is printed below the tables, with its line end; nothing where there is none."""
        if self._heap is None:
            return ""
        return self._heap.table(SHOWN, "Heap at the end") + "\n"

    def members(self) -> Json:
        """What a process has in a saved run."""
        return {} if self._heap is None else {"heap_types": self._heap.rows()}

    def complaints(self) -> list[str]:
        return [f"memory_profiler: --heap: {self._why_not}"] if self._why_not else []
