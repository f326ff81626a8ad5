"""``heap().born()``: on which lines what lives was made, where allocations are recorded."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

from ._heap_sizes import is_pymalloc, size_text
from ._memprof import heap_births
from ._visible import visible

# Where no line is known, by number.
ALL = "all types"
NO_LINE = ("before the recording", "threads without Python", "Python without a frame")


class Birth:
    """Objects of one type that were made on one line and live: ``.type``, ``.file`` and ``.line``
    (None where no line of Python made them: ``.where`` says who), ``.objects``, ``.bytes``."""

    __slots__ = ("bytes", "file", "line", "objects", "type", "where")

    def __init__(self, kind: str, file: str | None, line: int, objects: int, size: int) -> None:
        self.type, self.file, self.objects, self.bytes = kind, file, objects, size
        self.line = None if file is None else line
        self.where = NO_LINE[line] if file is None else f"{os.path.basename(file)}:{line}"

    def __repr__(self) -> str:
        where = f"{visible(self.type)}, {visible(self.where)}"
        return f"<{where}: {self.objects:,} objects, {self.bytes:,} bytes>"


class Births(list["Birth"]):
    """Rows of ``heap().born()``, the most bytes first. It prints as a table."""

    def table(self) -> str:
        """The table as text, without a line end."""
        lines = [("Type", "Born on", "Objects", "Alive")]
        for row in self:
            kind, where = visible(row.type), visible(row.where)
            lines.append((kind, where, f"{row.objects:,}", size_text(row.bytes)))
        widths = [max(len(line[i]) for line in lines) for i in range(4)]
        return "\n".join(
            f"{kind.ljust(widths[0])}  {where.ljust(widths[1])}  {objects.rjust(widths[2])}  "
            f"{size.rjust(widths[3])}"
            for kind, where, objects, size in lines
        )

    def __repr__(self) -> str:
        return self.table()


def births_now(n: int, kind: type | None) -> Births:
    """The ``n`` that have the most bytes."""
    rows = heap_births(is_pymalloc(), kind) if kind else heap_births(is_pymalloc())
    sums: dict[tuple[str, str | None, int], tuple[int, int]] = {}
    for name, file, line, objects, size in rows:  # classes of one name are one
        if file is None and kind is None:
            name = ALL
        before = sums.get((name, file, line), (0, 0))
        sums[name, file, line] = before[0] + objects, before[1] + size
    found = [Birth(*where, *numbers) for where, numbers in sums.items()]
    found.sort(key=lambda row: (-row.bytes, -row.objects, row.type, row.where))
    return Births(found[:n])
