"""``--heap``: what lives on the heap when the program has ended, and the bill of its memory."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from ._bill import bill_of
from ._heap import SHOWN, heap
from ._memprof import resident_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._bill import Bill
    from ._heap import Heap
    from ._types import Json


class HeapAtEnd:
    """The census of this process, taken once."""

    def __init__(self) -> None:
        self.is_started = False  # the program has been
        self._heap: Heap | None = None
        self._bill: Bill | None = None
        self._why_not = ""

    def start(self) -> None:
        """Just before the program runs."""
        self.is_started = True

    def take(self) -> None:
        """The program's code has ended; before anything of ours is made for the tables."""
        if not self.is_started:
            return
        try:
            parts = resident_parts()  # first: the walk has memory of its own
        except OSError:  # here nothing tells of it
            parts = None
        try:
            self._heap = heap()
        except (RuntimeError, MemoryError) as error:
            self._why_not = str(error) or "there is no memory for it"
        if parts is not None:
            size = None if self._heap is None else self._heap.bytes
            self._bill = bill_of(parts, size, self._why_not)

    def text(self) -> str:
        """What is printed below the tables, with its line end; nothing where there is none."""
        table = "" if self._heap is None else self._heap.table(SHOWN, "Heap at the end") + "\n"
        if self._bill is not None:
            return f"{table}\n{self._bill}\n"
        return table and table + "No bill of resident memory: this system does not tell its parts\n"

    def members(self) -> Json:
        """What a process has in a saved run."""
        members: Json = {} if self._heap is None else {"heap_types": self._heap.rows()}
        if self._bill is not None:
            members["bill"] = self._bill.to_json()
        return members

    def complaints(self) -> list[str]:
        return [f"memory_profiler: --heap: {self._why_not}"] if self._why_not else []
