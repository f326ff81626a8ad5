"""``heap()``: what lives on the heap, by type; the walk is in the core."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

from weakref import ref

from ._heap_sizes import checked, counted, is_pymalloc, size_text
from ._memprof import heap_census, heap_new, heap_remember

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._births import Births
    from ._memprof import _Remembered
    from ._owners import Owners

SHOWN = 20  # rows of a table
NOTE = "* without what it has beside its own block: its __sizeof__() is not asked"


class HeapType:
    """The objects of one type: ``.name``, ``.objects`` (how many), ``.bytes`` (of all of them), and
    ``.is_partial``: whether bytes are those of the objects' own blocks alone."""

    __slots__ = ("bytes", "is_partial", "name", "objects")

    def __init__(self, name: str, objects: int, size: int, is_partial: bool = False) -> None:
        self.name, self.objects, self.bytes, self.is_partial = name, objects, size, is_partial

    def __repr__(self) -> str:
        from ._visible import visible

        return f"<{visible(self.name)}: {self.objects:,} objects, {self.bytes:,} bytes>"


class Heap:
    """What lives on the heap, or with ``heap() - before`` what grew on it.

    ``.types`` has a row for each type, the most bytes first; ``.objects`` and ``.bytes`` are their
    sums. It prints as a table, and ``table()`` gives all of it. It keeps no object alive.
    """

    # Lists, and rows when they are asked for: thousands of objects would bring a collection near.
    __slots__ = (
        "_bytes",
        "_is_growth",
        "_kind",
        "_names",
        "_objects",
        "_partial",
        "_sizes",
        "_type",
    )

    def __init__(
        self,
        names: list[str],
        objects: list[int],
        sizes: list[int],
        partial: list[bool],
        how: str,
        kind: str | None = None,
        is_growth: bool = False,
    ) -> None:
        self._names, self._objects, self._bytes, self._partial = names, objects, sizes, partial
        self._sizes, self._kind, self._is_growth = how, kind, is_growth
        self._type: ref[type] | None = None

    def _by_name(self) -> dict[str, tuple[int, int, bool]]:
        """Classes of one name (made twice, or by calls of a function) are one row."""
        rows: dict[str, tuple[int, int, bool]] = {}
        for name, objects, size, partial in zip(
            self._names, self._objects, self._bytes, self._partial
        ):
            before = rows.get(name, (0, 0, False))
            rows[name] = objects + before[0], size + before[1], partial or before[2]
        return rows

    @property
    def types(self) -> list[HeapType]:
        rows = [HeapType(name, *row) for name, row in self._by_name().items()]
        rows.sort(key=lambda row: (-row.bytes, -row.objects, row.name))
        return rows

    @property
    def objects(self) -> int:
        return sum(self._objects)

    @property
    def bytes(self) -> int:
        return sum(self._bytes)

    @property
    def sizes(self) -> str:
        """``"blocks"`` or ``"getsizeof"``: what bytes are."""
        return self._sizes

    def __sub__(self, before: Heap) -> Heap:
        """What grew since ``before``, by type; fewer is negative. ValueError where the two are not
        of one kind: their sizes, the type that was asked for."""
        if not isinstance(before, Heap):
            return NotImplemented
        if (self._sizes, self._kind) != (before._sizes, before._kind):
            raise ValueError(
                f"a heap of {self._what()} and one of {before._what()} have no difference"
            )
        now, then = self._by_name(), before._by_name()
        names, objects, sizes, partial = [], [], [], []
        for name in {**now, **then}:
            n, size, is_partial = now.get(name, (0, 0, False))
            n_then, size_then, was_partial = then.get(name, (0, 0, False))
            if n != n_then or size != size_then:
                names.append(name)
                objects.append(n - n_then)
                sizes.append(size - size_then)
                partial.append(is_partial or was_partial)
        return Heap(names, objects, sizes, partial, self._sizes, self._kind, True)

    def _what(self) -> str:
        from ._visible import visible

        return f"{visible(self._kind) if self._kind else 'all types'} in {self._sizes}"

    # ---- who keeps it

    def owners(self, n: int = 10) -> Owners:
        """The ``n`` names that keep the most alive, of the heap as it is now: what would be freed
        if that name were deleted; and rows of what no name holds, or none alone. ValueError of a
        difference, and of one type."""
        if self._is_growth or self._kind is not None:
            raise ValueError("owners are told of the whole heap: heap().owners()")
        from ._owners import owners_now

        return owners_now(counted(n, "owners"))

    def paths(self, n: int = 10) -> list[str]:
        """Of ``heap(kind)``: what leads to the first ``n`` objects of the type, each as
        ``owners(obj)`` tells it, of the heap as it is now. ValueError of all types."""
        kind = self._class()
        if kind is None:
            raise ValueError("paths are told of one type that still is there: heap(kind).paths()")
        from ._owners import paths_to

        return paths_to(kind, counted(n, "paths"))

    def born(self, n: int = 10) -> Births:
        """The ``n`` lines that made most of what lives now, by type, or of ``heap(kind)``. While
        allocations are recorded: ``--allocations``, ``with allocations():``; RuntimeError else.

        An object that Python has put aside and used again has the line of its first use.
        """
        if self._is_growth or (self._kind is not None and self._class() is None):
            raise ValueError("births are told of what lives, of all or one type: heap().born()")
        from ._births import births_now

        return births_now(counted(n, "born"), self._class())

    def _class(self) -> type | None:
        return None if self._type is None else self._type()

    # ---- shown

    def _title(self) -> str:
        return "Heap growth" if self._is_growth else "Heap"

    def _heading(self, n: int, title: str | None = None) -> str:
        sign = "+" if self._is_growth else ""
        return (
            f"{title or self._title()}: {self.objects:{sign},} objects, "
            f"{size_text(self.bytes, self._is_growth)}, {n:,} type{'s' * (n != 1)}"
        )

    def _cells(self, rows: Iterable[HeapType]) -> list[tuple[str, ...]]:
        from ._visible import visible

        sign = "+" if self._is_growth else ""
        total, sum_so_far = self.bytes, 0
        cells = []
        for row in rows:
            sum_so_far += row.bytes
            line: tuple[str, ...] = (
                visible(row.name) + " *" * row.is_partial,
                f"{row.objects:{sign},}",
                size_text(row.bytes, self._is_growth),
            )
            if not self._is_growth:  # parts that grew and shrank are no parts of a whole
                line += (_percent(row.bytes, total), _percent(sum_so_far, total))
            cells.append(line)
        return cells

    def _heads(self) -> tuple[str, ...]:
        heads = ("Type", "Objects", "Size", "%", "Cumulative %")
        return heads[:3] if self._is_growth else heads

    def table(self, rows: int | None = None, title: str | None = None) -> str:
        """The table as text, with so many rows (None: all), without a line end. ``title``: what
        its first line begins with."""
        types = self.types
        shown = types if rows is None else types[: max(rows, 0)]
        lines = [self._heads(), *self._cells(shown)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        text = [self._heading(len(types), title)]
        for line in lines if types else ():
            cells = [line[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
            text.append("  ".join(cells).rstrip())
        return "\n".join(text + self._below(types, len(shown)))

    def _below(self, types: list[HeapType], n_shown: int) -> list[str]:
        lines, left = [], types[n_shown:]
        if left:
            objects, size = sum(row.objects for row in left), sum(row.bytes for row in left)
            sign = "+" if self._is_growth else ""
            lines.append(
                f"and {len(left):,} more type{'s' * (len(left) != 1)}: {objects:{sign},} objects, "
                f"{size_text(size, self._is_growth)}"
            )
        if any(row.is_partial for row in types[:n_shown]):
            lines.append(NOTE)
        if self._sizes == "getsizeof":
            lines.append("Sizes are those of sys.getsizeof(), not of blocks")
        return lines

    def __repr__(self) -> str:
        return self.table(SHOWN)

    def _repr_html_(self) -> str:
        from html import escape

        types = self.types
        left, right = ' style="text-align:left"', ' style="text-align:right"'
        heads, *lines = [self._heads(), *self._cells(types[:SHOWN])]
        text = "".join(f"<th{right if i else left}>{cell}</th>" for i, cell in enumerate(heads))
        body = [f"<tr>{text}</tr>"]
        for line in lines:
            text = "".join(
                f"<td{right if i else left}>{escape(cell)}</td>" for i, cell in enumerate(line)
            )
            body.append(f"<tr>{text}</tr>")
        below = "".join(f"<p>{escape(line)}</p>" for line in self._below(types, len(lines)))
        table = f"<table>{''.join(body)}</table>" if types else ""
        return f"<p>{escape(self._heading(len(types)))}</p>{table}{below}"

    def rows(self) -> list[dict[str, object]]:
        """What ``to_json()`` has of each type."""
        return [
            {"name": row.name, "objects": row.objects, "bytes": row.bytes}
            | ({"is_partial": True} if row.is_partial else {})
            for row in self.types
        ]

    def to_json(self) -> str:
        """All rows as JSON: ``objects``, ``bytes``, ``sizes``, ``is_growth``, ``types``."""
        from json import dumps

        return dumps(
            {
                "objects": self.objects,
                "bytes": self.bytes,
                "sizes": self._sizes,
                "is_growth": self._is_growth,
                "types": self.rows(),
            }
        )


class NewOnHeap(Heap):
    """Of ``with heap_growth() as grown:``: the objects that the block made and left behind.

    Empty until the block has ended. What died meanwhile is not taken off.
    """

    __slots__ = ("_is_exact", "_remembered")

    def __init__(self, how: str) -> None:
        super().__init__([], [], [], [], how, "new objects", True)
        self._remembered: _Remembered | None = None
        self._is_exact = True

    def __enter__(self) -> NewOnHeap:
        self._remembered = heap_remember()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        remembered, self._remembered = self._remembered, None
        if remembered is None:
            raise RuntimeError("heap_growth() has not begun")
        try:
            lists, self._is_exact = heap_new(remembered, self._sizes == "getsizeof", is_pymalloc())
        except Exception:
            if kind is None:
                raise
            self._is_exact = False  # the block's own exception goes on
            return
        self._names, self._objects, self._bytes, self._partial = lists

    def _title(self) -> str:
        return "New on the heap"

    def _below(self, types: list[HeapType], n_shown: int) -> list[str]:
        lines = super()._below(types, n_shown)
        if not self._is_exact:
            lines.append("Some are missing: not all that was freed could be seen")
        return lines


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole if whole else 0:.1f}"


def new_objects(remembered: _Remembered, sizes: str) -> tuple[Heap, bool]:
    """What is there that was not remembered, and whether all that was freed since was seen."""
    lists, is_exact = heap_new(remembered, sizes == "getsizeof", is_pymalloc())
    return Heap(*lists, sizes, "new objects", True), is_exact


def heap(kind: type | None = None, /, *, sizes: str = "blocks") -> Heap:
    """Counts every object that lives, those that the collector does not track too.

    Of one type where ``kind`` is given, without those derived from it. Bytes are those of blocks,
    as the allocators gave them out; ``sizes="getsizeof"``: what ``sys.getsizeof()`` says, as other
    tools do. Nothing is changed: no reference taken, no ``__dict__`` made, no collection
    run. ``heap() - before`` is what grew.

    TypeError, ValueError: no such type or sizes. RuntimeError while a collection runs, as from
    ``gc.callbacks``, and on free-threaded Python. MemoryError where there is no room for a bit for
    each object.
    """
    if kind is not None and not isinstance(kind, type):
        raise TypeError(f"heap() takes a type, not {type(kind).__name__}")
    how = checked(sizes) == "getsizeof"
    if kind is None:
        return Heap(*heap_census(how, is_pymalloc()), sizes)
    lists = heap_census(how, is_pymalloc(), kind)
    found = Heap(*lists, sizes, lists[0][0])
    found._type = ref(kind)
    return found


def heap_growth(*, sizes: str = "blocks") -> NewOnHeap:
    """``with heap_growth() as grown:`` tells which objects the block has made that live at its end.

    They are known one by one, also where they took the addresses of old ones. Only an object that
    Python makes of one that it had put aside (at most some hundred dicts, lists and floats, and
    2,000 tuples of each small length) is taken for the old one. ``heap() - before`` is the net
    difference.

    ValueError, RuntimeError, MemoryError as of ``heap()``; in the main interpreter only.
    """
    return NewOnHeap(checked(sizes))
