"""``owners()``: who keeps what alive, and the names that lead to it; the graph is in the core."""

from __future__ import annotations

from ._own import builtins as __builtins__, os  # noqa: F401

import sys
from keyword import iskeyword
from types import (
    CellType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    WrapperDescriptorType,
)

from ._heap_sizes import is_pymalloc, size_text
from ._memprof import heap_owners, heap_paths
from ._visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._memprof import _Remembered, _Way

OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
MODULES, DICT, FRAME, C_CODE, FOR_GOOD, GARBAGE = range(6)  # memprof/ext/heap/owner_graph.h
WIDTH = 80  # of a name in a table
SPARE = 32  # rows more than are shown: some have one name
HELD = ("held by C code", "never freed by Python", "garbage that no collection has seen")
SEVERAL = "held by several names together"  # what is no row of its own
ITSELF = "memory_profiler itself"
FRAMES = {"generator": "gi_frame", "coroutine": "cr_frame", "async_generator": "ag_frame"}

ASKED_OF_CLASSES = ("__getattribute__", "__mro__", "__dict__")  # a metaclass may answer otherwise


class Owner:
    """A name and what it keeps alive: ``.name``, ``.bytes`` and ``.objects`` of all that would be
    freed if it were deleted, ``.type`` of what it names. With ``.is_shared`` others hold the object
    too: that is what would be freed if none of them did."""

    __slots__ = ("bytes", "is_shared", "name", "objects", "type")

    def __init__(self, name: str, size: int, objects: int, kind: str, is_shared: bool) -> None:
        self.name, self.bytes, self.objects = name, size, objects
        self.type, self.is_shared = kind, is_shared

    def __repr__(self) -> str:
        return f"<{visible(self.name)}: {self.objects:,} objects, {self.bytes:,} bytes>"


def _shown(row: Owner) -> str:
    """Its name, the middle left out where it is long."""
    name, half = visible(row.name), WIDTH // 2
    if len(name) > WIDTH:
        name = f"{name[:half]}...{name[-half:]}"
    return name + ", and others" * (row.is_shared and row.name != ITSELF)


class Owners(list["Owner"]):
    """Rows of ``heap().owners()``, what keeps the most first. It prints as a table."""

    def table(self) -> str:
        """The table as text, without a line end."""
        lines = [("Kept alive by", "Retained", "Objects", "Type")]
        for row in self:
            name, objects = _shown(row), f"{row.objects:,}"
            lines.append((name, size_text(row.bytes), objects, visible(row.type)))
        widths = [max(len(line[i]) for line in lines) for i in range(3)]
        return "\n".join(
            f"{name.ljust(widths[0])}  {size.rjust(widths[1])}  {objects.rjust(widths[2])}  "
            f"{kind}".rstrip()
            for name, size, objects, kind in lines
        )

    def __repr__(self) -> str:
        return self.table()

    def rows(self) -> list[dict[str, object]]:
        """What a saved run has of each."""
        return [
            {"name": row.name, "objects": row.objects, "bytes": row.bytes, "type": row.type}
            | ({"is_shared": True} if row.is_shared else {})
            for row in self
        ]


# ---- ways as expressions


def _is_name(key: object) -> bool:
    """Whether it can be said as it is; Python reads other letters as their plainest form."""
    return isinstance(key, str) and key.isascii() and key.isidentifier() and not iskeyword(key)


def _module(name: str) -> str:
    """``os.path`` where attributes lead there, ``sys.modules['a.b']`` where they do not."""
    parts = name.split(".")
    modules = sys.__dict__.get("modules")  # a program may have put anything there
    if all(map(_is_name, parts)) and type(modules) is dict:
        for i in range(1, len(parts)):
            above = modules.get(".".join(parts[:i]))
            below = modules.get(".".join(parts[: i + 1]))
            # A module may be of a class that makes attributes when it is asked.
            attributes = _attributes(above)
            if below is None or attributes is None or attributes.get(parts[i]) is not below:
                break
        else:
            return name
    return f"sys.modules[{name!r}]"


def _attributes(module: object) -> dict[str, object] | None:
    of_modules: Any = vars(type(sys))["__dict__"]
    try:
        found: dict[str, object] = of_modules.__get__(module)
        return found
    except TypeError:  # no module: something else was put into sys.modules
        return None


def _order_of(kind: type) -> tuple[type, ...]:
    """A class and its bases, without asking a metaclass."""
    order: tuple[type, ...] = type.__dict__["__mro__"].__get__(kind)
    return order


def _in_class(kind: type, name: str) -> object:
    """What a class itself has under a name, without asking a metaclass."""
    found: object = type.__dict__["__dict__"].__get__(kind).get(name)
    return found


def _of_class(kind: type, name: str) -> object:
    """What a class and its bases have under a name, without asking a metaclass."""
    for base in _order_of(kind):
        found = _in_class(base, name)
        if found is not None:
            return found
    return None


def _name_of(kind: type) -> str:
    """Without asking a metaclass."""
    name: str = type.__dict__["__name__"].__get__(kind)
    return name


def _is_one_of(kind: type, *kinds: type) -> bool:
    """By identity, as ``in`` asks a metaclass."""
    return any(kind is one for one in kinds)


def _is_overridden(kind: type, name: str) -> bool:
    """Whether Python code of a class has a say in what a method of that name does."""
    found = type(_of_class(kind, name))
    return not _is_one_of(found, WrapperDescriptorType, MethodDescriptorType)


def _is_asked(kind: type, name: str) -> bool:
    """Whether a class has a say in what an attribute of its instance is."""
    found = _of_class(kind, name)
    is_set_elsewhere = found is not None and _of_class(type(found), "__set__") is not None
    return is_set_elsewhere or _is_overridden(kind, "__getattribute__")


class _Expression:
    """Grows by a step at a time; ``text`` is None where no expression goes on."""

    def __init__(self, text: str, kind: type) -> None:
        self.text: str | None = text
        self.kind = kind  # of what it leads to
        # Whose attributes the dict is, its class, and the dict.
        self.holder: tuple[str, type, str | None] | None = None
        self.is_cell_told = False

    def add(self, step: str, key: Any, kind: type) -> None:
        holder, self.holder = self.holder, None  # whose attribute may be told where its dict cannot
        before, is_cell_told, self.is_cell_told = self.kind, self.is_cell_told, False
        self.kind = kind
        if holder is not None and step == "item":
            self.text = _attribute(*holder, key, kind)
        elif self.text is None:
            return
        elif step == "dict":
            attributes = _attributes_of(self.text, before)
            self.holder = self.text, before, attributes
            self.text = attributes
            if issubclass(before, type):  # what vars() gives stands before it
                self.text = f"gc.get_referents({attributes})[0]"
        elif step == "attr":
            self.text = _attribute(self.text, before, _attributes_of(self.text, before), key, kind)
        elif step == "cell":
            self.text += "" if is_cell_told else ".cell_contents"
        elif step == "slot":
            self.text = _slot(self.text, before, *key)
        elif step == "awaited":
            self.text += f".{key}"
        elif step == "local":
            self.is_cell_told = kind is CellType
            frame = FRAMES.get(_name_of(before))
            self.text += f".{frame}.f_locals[{key!r}]" if frame else f".f_locals[{key!r}]"
        else:
            self.text = _element(self.text, before, step, key)


def _attributes_of(text: str, of: type) -> str | None:
    found = type(_of_class(of, "__dict__"))
    if not _is_one_of(found, GetSetDescriptorType, MemberDescriptorType):
        return None  # the program says what vars() gives
    if _is_overridden(of, "__getattribute__"):
        return f"object.__getattribute__({text}, '__dict__')"
    return f"vars({text})"


def _attribute(
    holder: str, of: type, attributes: str | None, key: object, kind: type
) -> str | None:
    is_bound = issubclass(of, type) and _of_class(kind, "__get__") and kind is not FunctionType
    if not _is_name(key) or is_bound or _is_asked(of, str(key)):
        return attributes and f"{attributes}[{key!r}]"
    return f"{holder}.{key}"


def _slot(text: str, of: type, place: int, key: str) -> str | None:
    """What stands in the object: a slot's, or a member's of C, of a class in the order of its."""
    order = _order_of(of)
    descriptor = _in_class(order[place], key) if place < len(order) else None
    if descriptor is None:
        return None  # the class has been changed since
    if not _is_name(key) or _of_class(of, key) is not descriptor:
        if any(_of_class(type(of), name) is not vars(type).get(name) for name in ASKED_OF_CLASSES):
            return None
        return f"vars(type({text}).__mro__[{place}])[{key!r}].__get__({text})"
    if _is_overridden(of, "__getattribute__"):
        return f"object.__getattribute__({text}, {key!r})"
    return f"{text}.{key}"


def _element(text: str, of: type, step: str, key: object) -> str | None:
    own = next((kind for kind in (dict, list, tuple) if issubclass(of, kind)), None)
    if step in ("item", "index"):
        if own is not None and _is_overridden(of, "__getitem__"):
            return f"{own.__name__}.__getitem__({text}, {key!r})"
        return f"{text}[{key!r}]"
    if step == "key":
        return f"list(dict.keys({text}))[{key}]" if of is not dict else f"list({text})[{key}]"
    if step == "value":
        values = f"{text}.values()" if of is dict else f"dict.values({text})"
        return f"list({values})[{key}]"
    if step == "member":
        kind = "set" if issubclass(of, set) else "frozenset"
        members = f"{kind}.__iter__({text})" if _is_overridden(of, "__iter__") else text
        return f"list({members})[{key}]"
    return f"gc.get_referents({text})[{key}]" if step == "referent" else None


def _followed(text: str, kind: type, steps: list[tuple[str, object, type]]) -> tuple[str, bool]:
    """(the expression as far as it goes, whether it goes to the end)."""
    expression = _Expression(text, kind)
    for step in steps:
        text = expression.text or text
        expression.add(*step)
        if expression.text is None and expression.holder is None:
            return text, False
    return expression.text or text, expression.text is not None


def _parts(way: _Way) -> tuple[int, Any, list[tuple[str, Any, type]], int]:
    """(kind of the root, place of a frame, steps, how many are left out)."""
    root, place, steps, n_left, _ = way
    is_frame = bool(steps) and steps[0][0] == "frame"  # of which the locals are
    return root, place, steps[is_frame:], n_left


def _local(steps: list[tuple[str, Any, type]]) -> str:
    """What a way from a frame goes through, as an expression of its local; "" where it has none."""
    if not steps or steps[0][0] != "local":
        return ""
    name = steps[0][1]
    n_told = 2 if len(steps) > 1 and steps[1][0] == "cell" else 1
    return _followed(str(name), steps[n_told - 1][2], steps[n_told:])[0]


def _below(n_left: int) -> str:
    return f", {n_left:,} steps below" if n_left else ""


def _told(way: _Way) -> tuple[str, bool]:
    """(what leads to it, whether that is an expression that can be evaluated)."""
    root, place, steps, n_left = _parts(way)
    if root == MODULES and not steps:
        return "sys.modules", True
    if root == MODULES:
        step, name, kind = steps[0]
        is_item = step == "item" and isinstance(name, str)
        text = _module(name) if is_item else _element("sys.modules", dict, step, name) or ""
        text, is_whole = _followed(text, kind, steps[1:])
    elif root == FRAME and place is not None:
        local = _local(steps)
        text = f"{place[0]}() local {local}" if local else f"{place[0]}(), in an expression"
        is_whole = False
    else:
        text, is_whole = ("a dict of a thread", *HELD)[max(root - C_CODE + 1, 0)], False
    return text + _below(n_left), is_whole and not n_left


def _sentence(way: _Way) -> str:
    """An expression, or what there is instead of one."""
    root, place, steps, n_left = _parts(way)
    text, is_whole = _told(way)
    if is_whole:
        return text
    if root == MODULES:
        return f"no expression leads to it: it is held inside of {text}"
    if root != FRAME or place is None:
        return f"no name leads to it: {text}"
    where = f"{place[0]}() ({visible(place[1])}:{place[2]})"
    local = _local(steps)
    if not local:
        return f"an expression that has not ended holds it, in {where}"
    local += _below(n_left)
    name = str(steps[0][1])
    held = f"the local {name} of {where} holds it"
    return held if local == name else f"{held}: {local}"


# ---- what is asked for


def _without_ours(every: list[Owner]) -> list[Owner]:
    """Our own objects, to which no name of the program leads, are one row."""
    ours = [row.name for row in every if row.type.startswith("memory_profiler.")]
    inner = tuple(name + sign for name in ours for sign in ".[")
    top = [row for row in every if row.name in ours and not row.name.startswith(inner)]
    others = [row for row in every if row.name not in ours and not row.name.startswith(inner)]
    if not top:
        return others
    size, objects = sum(row.bytes for row in top), sum(row.objects for row in top)
    return [*others, Owner(ITSELF, size, objects, "", all(row.is_shared for row in top))]


def owners_now(n: int = 10) -> Owners:
    """The ``n`` that keep the most alive, of the heap as it is now; and what no name holds, or none
    alone."""
    rows, held = heap_owners(min(n + SPARE, 1 << 20), is_pymalloc(), OURS)
    found: dict[tuple[str, str, bool], Owner] = {}
    for way, size, objects, is_single in rows:
        owner = Owner(_told(way)[0], size, objects, way[4], not is_single)
        same = found.setdefault((owner.name, owner.type, owner.is_shared), owner)
        if same is not owner:  # a local of several threads, or of a function that calls itself
            same.bytes += size
            same.objects += objects
    every = sorted(_without_ours(list(found.values())), key=lambda row: -row.bytes)[:n]
    for name, (objects, size) in zip(HELD, held):
        if objects:
            every.append(Owner(name, size, objects, "", False))
    shown = [row for row in every if row.is_shared]
    objects, size = held[3]
    objects -= sum(row.objects for row in shown)
    size -= sum(row.bytes for row in shown)
    if objects > 0 and size > 0:
        every.append(Owner(SEVERAL, size, objects, "", False))
    every.sort(key=lambda row: -row.bytes)
    return Owners(every[:n])


def owners(obj: object, /) -> str:
    """What keeps an object alive: an expression that leads to it, the shortest one.

    It evaluates to the object where ``sys``, ``gc`` and the program's modules are known by name. Of
    what no module leads to, but a function that runs: a sentence with the function and its local;
    of what only C code or garbage holds, one that says so.

    RuntimeError, MemoryError as of ``heap()``.
    """
    ways = heap_paths(obj, False, 1, is_pymalloc(), OURS, None)
    return (
        _sentence(ways[0]) if ways else "no name leads to it: nothing that was found refers to it"
    )


def paths_to(kind: type | str, n: int, remembered: _Remembered | None = None) -> list[str]:
    """As ``owners()``, of so many objects of a type, which its name in tables may stand for; of
    those that are new since heap_remember()."""
    ways = heap_paths(kind, True, n, is_pymalloc(), OURS, remembered)
    return [_sentence(way) for way in ways]
