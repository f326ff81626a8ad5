"""``--heap``: what lives on the heap when the program has ended, or when its memory was high, and
the bill of its memory at the end."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

from contextlib import suppress

from ._bill import bill_of
from ._births import births_now
from ._heap import SHOWN, heap
from ._memprof import read_memory, read_peak, resident_parts
from ._owners import owners_now
from ._units import MIB

SHOWN_BIRTHS = 10

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._bill import Bill
    from ._births import Births
    from ._heap import Heap
    from ._owners import Owners
    from ._types import Json


class HeapAtEnd:
    """The census of this process, taken once, or with ``at_peak`` the last one of several."""

    def __init__(self, at_peak: bool = False, when: str = "at the end") -> None:
        self.is_started = False  # the program has been
        self.at_peak = at_peak
        self.when = when
        self.pid = os.getpid()
        self._heap: Heap | None = None
        self._bill: Bill | None = None
        self._why_not = ""
        self._owners: Owners | None = None
        self._births: Births | None = None
        self._at = 0.0  # MiB of the process at a census of the peak's, and the most it had
        self._peak = 0.0

    def start(self) -> None:
        """Just before the program runs."""
        self.is_started = True

    def look(self) -> None:
        """A reading was a tenth above that of the last time: counts anew, where memory is more
        than at the last census. What cannot be counted now stays as it was."""
        if not self.is_started or os.getpid() != self.pid:
            return
        with suppress(RuntimeError, MemoryError, OSError):
            now = read_memory(self.pid, "rss")
            if now > self._at:
                self._heap, self._at = heap(), now

    def take(self) -> None:
        """The program's code has ended; before anything of ours is made for the tables."""
        if not self.is_started:
            return
        try:
            parts = resident_parts()  # first: the walk has memory of its own
        except OSError:  # here nothing tells of it
            parts = None
        size = None
        try:
            at_end = heap()
            size = at_end.bytes
            if self._heap is None:  # no reading was high enough
                self._heap, self._at = at_end, self._now()
        except (RuntimeError, MemoryError) as error:
            self._why_not = str(error) or "there is no memory for it"
        if size is not None:
            with suppress(RuntimeError, MemoryError):  # the census is told without them
                self._owners = owners_now()
        if self.at_peak:
            with suppress(OSError):
                self._peak = max(read_peak(self.pid), self._at)
        if parts is not None:
            self._bill = bill_of(parts, size, self._why_not)

    def take_births(self) -> None:
        """While allocations are recorded yet: the last moment at which births are known."""
        if self.is_started and os.getpid() == self.pid:
            with suppress(RuntimeError, MemoryError):  # take() says why
                self._births = births_now(SHOWN_BIRTHS, None)

    def _now(self) -> float:
        with suppress(OSError):
            return read_memory(self.pid, "rss")
        return 0.0

    def _title(self) -> str:
        if not self.at_peak:
            return f"Heap {self.when}"
        if not (self._at and self._peak):
            return "Heap near the peak"
        share = f"{100 * self._at / self._peak:.0f} %"
        return f"Heap at {share} of the peak ({self._at:.1f} of {self._peak:.1f} MiB)"

    def text(self) -> str:
        """What is printed below the tables, with its line end; nothing where there is none."""
        table = "" if self._heap is None else self._heap.table(SHOWN, self._title()) + "\n"
        if self.at_peak and (self._owners or self._births):
            table += "\nAt the end:\n"
        for more in (self._owners, self._births):
            table += f"\n{more}\n" if more else ""
        if self._bill is not None:
            return f"{table}\n{self._bill}\n"
        return table and table + "No bill of resident memory: this system does not tell its parts\n"

    def members(self) -> Json:
        """What a process has in a saved run."""
        members: Json = {} if self._heap is None else {"heap_types": self._heap.rows()}
        if self._heap is not None and self.at_peak:
            members["heap_types_at_bytes"] = round(self._at * MIB)
            members["heap_types_peak_bytes"] = round(self._peak * MIB)
        if self._owners:
            members["heap_owners"] = self._owners.rows()
        if self._bill is not None:
            members["bill"] = self._bill.to_json()
        return members

    def complaints(self) -> list[str]:
        return [f"memory_profiler: --heap: {self._why_not}"] if self._why_not else []
