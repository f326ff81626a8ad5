"""What ``@profile`` may stand over, and which Python function is meant by it."""

from __future__ import annotations

from ._own import builtins as __builtins__  # noqa: F401

import types

from ._by_value import carry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._types import StandIn, Watch

_DESCRIPTORS = (staticmethod, classmethod)
# Descriptors of functools that cannot be called, and go on being what they are: their functions
# are replaced.
_HOLDERS = ("singledispatchmethod", "cached_property")


def _is_holder(value: Any) -> bool:
    """By name: functools is not imported for it."""
    kinds = type(value).__mro__
    return any(kind.__module__ == "functools" and kind.__name__ in _HOLDERS for kind in kinds)


def _is_made_up(code: types.CodeType) -> bool:
    """Whether nothing of it can run: what Cython, mypyc and others hang on functions of C, so that
    tracebacks have names and lines."""
    from opcode import opmap

    # Nothing, zeros, or what PyCode_NewEmpty() makes.
    idle = ("RESUME", "LOAD_ASSERTION_ERROR", "LOAD_COMMON_CONSTANT", "RAISE_VARARGS")
    return set(code.co_code[::2]) <= {0, *(opmap.get(name) for name in idle)}


_MOST_WRAPPED = 1000  # some objects have every attribute, and a new one each time


def find_function(target: Any) -> Any:
    """The Python function that runs when ``target`` is called, or None."""
    seen = {id(target): target}  # by identity: what wraps itself is what runs
    for _ in range(_MOST_WRAPPED):
        wrapped = getattr(target, "__wrapped__", None)
        if wrapped is not None and id(wrapped) not in seen:
            target = seen[id(wrapped)] = wrapped
        elif isinstance(target, (types.MethodType, *_DESCRIPTORS)):
            target = target.__func__
        elif type(target).__name__ in ("partial", "partialmethod"):
            target = target.func
        elif isinstance(target, types.FunctionType):
            return target
        elif isinstance(getattr(target, "__code__", None), types.CodeType):
            return None if _is_made_up(target.__code__) else target
        else:
            call = getattr(type(target), "__call__", None)  # noqa: B004  it is taken, not asked
            return call if isinstance(call, types.FunctionType) else None
    return None


def nested_codes(code: types.CodeType) -> list[types.CodeType]:
    """A code object, then all that are defined inside it."""
    codes = [code]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            codes.extend(nested_codes(constant))
    return codes


def _functions_of(part: Any) -> list[types.FunctionType]:
    """The Python functions in one attribute of a class."""
    if isinstance(part, property):
        return [f for f in (part.fget, part.fset, part.fdel) if isinstance(f, types.FunctionType)]
    if _is_holder(part):
        part = part.func
    function = find_function(part)
    return [function] if isinstance(function, types.FunctionType) else []


def _parts_of_body(cls: type) -> list[tuple[str, Any]]:
    """(name, attribute) of what was written in the body of a class, not generated or shared."""
    parts = [
        (name, value)
        for name, value in vars(cls).items()
        if (isinstance(value, (types.FunctionType, property, *_DESCRIPTORS)) or _is_holder(value))
        and any(f.__module__ == cls.__module__ for f in _functions_of(value))
    ]
    written = [
        (name, value)
        for name, value in parts
        if all(f.__code__.co_filename != "<string>" for f in _functions_of(value))
    ]
    return written or parts


def _module_of(value: Any) -> Any:
    """Where something was defined; proxies may raise anything."""
    try:
        return getattr(value, "__module__", None)
    except Exception:
        return None


def parts_of_module(module: types.ModuleType) -> Iterator[Any]:
    """What was defined in a loaded module: its functions, and the parts of its classes."""
    for value in list(vars(module).values()):
        if _module_of(value) != module.__name__:
            continue
        if issubclass(type(value), type):
            for _, part in _parts_of_body(value):
                yield from _functions_of(part)
        else:
            yield value


def _replace_in_class(cls: type, watch: Watch, stand_in: StandIn) -> type:
    parts = _parts_of_body(cls)
    if not parts:
        _complain(cls)
    for name, value in parts:
        changed = decorate(value, watch, stand_in)
        if changed is not value:
            setattr(cls, name, changed)
    return cls


def _replace_in_property(prop: property, watch: Watch, stand_in: StandIn) -> property:
    parts = [prop.fget, prop.fset, prop.fdel]
    changed: list[Any] = [part and decorate(part, watch, stand_in) for part in parts]
    if all(new is old for new, old in zip(changed, parts)):
        return prop
    return type(prop)(*changed, prop.__doc__)  # type: ignore[call-arg]


def _is_dispatcher(target: Any) -> bool:
    """Whether functools.singledispatch made it, and nobody has changed how it registers."""
    register = getattr(target, "register", None) if isinstance(target, types.FunctionType) else None
    return getattr(register, "__module__", None) == "functools"


def _replace_in_holder(holder: Any, watch: Watch, stand_in: StandIn) -> Any:
    if _is_dispatcher(getattr(holder, "dispatcher", None)):
        _replace_in_dispatcher(holder.dispatcher, watch, stand_in)
    function = decorate(holder.func, watch, stand_in)
    if function is not holder.func:
        holder.func = function
    return holder


def _replace_in_dispatcher(dispatcher: Any, watch: Watch, stand_in: StandIn) -> None:
    """Watch what a dispatcher of functools calls: what is registered there, and what will be."""

    def changed(function: Any) -> Any:
        return decorate(function, watch, stand_in) if find_function(function) else function

    def register_watched(cls: Any, func: Any = None) -> Any:
        if func is not None:
            return register(cls, changed(func))
        if isinstance(find_function(cls), types.FunctionType) and not isinstance(cls, type):
            return register(changed(cls))  # its annotation says for which type
        register(cls)  # raises where it is no type
        return lambda function: register_watched(cls, function)

    register = dispatcher.register
    for cls, function in list(dispatcher.registry.items()):
        register(cls, changed(function))
    dispatcher.register = register_watched


# What a class makes of plain functions of these names, and of nothing else that can be called.
_IMPLICIT = {
    "__new__": staticmethod,
    "__init_subclass__": classmethod,
    "__class_getitem__": classmethod,
}


def _as_method(target: Any, made: Any) -> Any:
    """What stands in for a function, as the class that it is written in expects it."""
    if made is target or type(target) is not types.FunctionType or target.__name__ not in _IMPLICIT:
        return made
    where = target.__qualname__.rpartition(".")[0]
    return _IMPLICIT[target.__name__](made) if where and not where.endswith("<locals>") else made


def decorate(target: Any, watch: Watch, stand_in: StandIn) -> Any:
    """Watch the functions of ``target``; return what is to stand in its place.

    ``watch(function)`` starts counting a Python function; ``stand_in(target, function)``
    returns what is called instead of the target, which may be the target itself.
    """
    if type(target) is types.FunctionType and not target.__dict__:  # nearly always
        return _watched(target, target, watch, stand_in)
    if isinstance(target, type):
        return _replace_in_class(target, watch, stand_in)
    if isinstance(target, property):
        return _replace_in_property(target, watch, stand_in)
    if issubclass(type(target), _DESCRIPTORS):  # no proxy that names such a class as its own
        inner = decorate(target.__func__, watch, stand_in)
        return target if inner is target.__func__ else type(target)(inner)
    if _is_holder(target):
        return _replace_in_holder(target, watch, stand_in)
    if _is_dispatcher(target):
        _replace_in_dispatcher(target, watch, stand_in)
    function = find_function(target)
    if function is None:
        _complain(target)
        return target
    return _watched(target, function, watch, stand_in)


def _watched(target: Any, function: Any, watch: Watch, stand_in: StandIn) -> Any:
    """What is to stand for a target whose function is watched; itself where it cannot be."""
    try:
        watch(function)
    except RuntimeError as error:
        if type(error) is not RuntimeError:
            raise  # a RecursionError is the program's
        complain_once(f"{error}; functions are not profiled")
        return target
    made = stand_in(target, function)
    carry(function, made)
    return _as_method(target, made)


def complain_once(line: str) -> None:
    from ._memprof import shared
    from ._visible import complain

    if shared.get("unwatched") != line:
        shared["unwatched"] = line
        complain(line)


def _complain(value: object) -> None:
    """One line where there is nothing to profile; the program goes on without it."""
    if not callable(value):
        raise TypeError(
            "@profile needs a function, a method, a property, a class, or what else calls Python "
            f"code, not {value!r}"
        )
    from ._visible import complain

    complain(f"memory_profiler: {value!r} has no Python code: not profiled")
