"""docs/api.md: the signatures of the stub, with the docstrings of the code."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from importlib import resources
from types import ModuleType

HEAD = """\
# Python names

<!-- Made by tools/reference from the stub and the docstrings: not to be edited. -->

`from memory_profiler import …`; the same in `help(memory_profiler)`. With examples:
[guide.md](guide.md).
"""


def stub() -> list[ast.stmt]:
    text = resources.files("memory_profiler").joinpath("__init__.pyi").read_text(encoding="utf-8")
    return ast.parse(text).body


def text_of(thing: object) -> str:
    return (inspect.getdoc(thing) or "").replace("<", "&lt;").replace("``", "`")


def signature(node: ast.FunctionDef, name: str) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    arguments = ast.unparse(node.args).removeprefix("self, ").removeprefix("self")
    line = f"{name}({arguments}){returns}".replace("=...", "=…")
    if len(line) <= 100:
        return line
    inner = ",\n    ".join(split_arguments(arguments.replace("=...", "=…")))
    return f"{name}(\n    {inner},\n){returns}"


def split_arguments(text: str) -> list[str]:
    """At commas outside of brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def is_property(node: ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list)


def members(node: ast.ClassDef, owner: object) -> list[str]:
    """Its public methods and properties, the first of overloads alone."""
    lines, seen = [], set()
    for part in node.body:
        if not isinstance(part, ast.FunctionDef) or part.name.startswith("_") or part.name in seen:
            continue
        seen.add(part.name)
        doc = text_of(inspect.getattr_static(owner, part.name, None))
        shown = signature(part, part.name)
        if is_property(part) and part.returns:
            shown = f"{part.name}: {ast.unparse(part.returns)}"
        shown = " ".join(shown.split()).replace("|", "\\|")
        lines.append(f"| `{shown}` | {' '.join(doc.split())} |")
    return ["| | |", "|---|---|", *lines] if lines else []


def section(module: ModuleType, name: str) -> list[str]:
    nodes = [node for node in stub() if getattr(node, "name", None) == name]
    thing = getattr(module, name)
    shown: list[str] = []
    if nodes and isinstance(nodes[0], ast.ClassDef):
        made = [
            part
            for part in nodes[0].body
            if isinstance(part, ast.FunctionDef) and part.name == "__init__"
        ]
        shown = [signature(part, name) for part in made[:1]] or [f"class {name}"]
    elif nodes:
        # Of overloads the last one has all parameters.
        shown = [signature(node, name) for node in nodes[-1:] if isinstance(node, ast.FunctionDef)]
    else:  # profile, a function with a type of its own
        (kind,) = [n for n in stub() if isinstance(n, ast.ClassDef) and n.name == "_Profile"]
        calls = [n for n in kind.body if isinstance(n, ast.FunctionDef) and n.name == "__call__"]
        shown = [signature(calls[-1], name)]
    lines = [f"## `{name}`", "", "```text", *shown, "```", "", body(thing), ""]
    if nodes and isinstance(nodes[0], ast.ClassDef):
        lines += [*members(nodes[0], thing), ""]
    return lines


def body(thing: object) -> str:
    """A docstring in Markdown: what is indented says more of the line before, or is a block."""
    parts = []
    for paragraph in text_of(thing).split("\n\n"):
        if paragraph.startswith("    "):
            parts.append(f"```text\n{textwrap.dedent(paragraph)}\n```")
        else:
            paragraph = re.sub(r"^(\S.*)\n    (?=\S)", r"- *\1*: ", paragraph, flags=re.M)
            parts.append(re.sub(r"^    (?=\S)", "  ", paragraph, flags=re.M))
    return "\n\n".join(parts)


def api() -> str:
    import memory_profiler

    lines = [HEAD]
    names = {*memory_profiler.__all__, *(getattr(node, "name", "_") for node in stub())}
    for name in sorted(
        (name for name in names if name[0] != "_"), key=lambda name: (name.lower(), name)
    ):
        lines += section(memory_profiler, name)
    return "\n".join(lines).rstrip("\n") + "\n"
