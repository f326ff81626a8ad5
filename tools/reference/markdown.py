"""docs/reference.md."""

from __future__ import annotations

import re

from tables import Command, user_variables

HEAD = """\
# Reference

<!-- Made by tools/reference from the tables of options: not to be edited. -->

What `--help` says, on one page. What the numbers mean: [truth.md](truth.md); the same as manual
pages: `man mprof`, `man memory_profiler`.
"""


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def coded(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def notes(text: str) -> str:
    """Paragraphs as they are, what is indented as a block."""
    text = re.sub(r"((?:^    .*\n?)+)", r"\n```text\n\1```\n", text, flags=re.M)
    return re.sub(r"^    ", "", text, flags=re.M).replace("<", "&lt;").strip("\n")


def section(command: Command) -> list[str]:
    lines = [
        f"### `{command.name}`",
        "",
        command.summary,
        "",
        "```text",
        command.usage,
        "```",
        "",
        "| option | meaning |",
        "|---|---|",
    ]
    for option in command.options:
        lines.append(f"| {coded(option.usage or option.argument or '')} | {cell(option.help)} |")
    return lines + ["", *([notes(command.notes), ""] if command.notes else [])]


def reference(mprof: list[Command], python: list[Command]) -> str:
    lines = [HEAD, "## `mprof`", ""]
    for command in mprof:
        lines += section(command)
    lines += ["## `python -m memory_profiler`", ""]
    for command in python:
        lines += section(command)
    lines += ["## Environment", "", "| variable | meaning |", "|---|---|"]
    lines += [f"| {coded(name)} | {cell(meaning)} |" for name, meaning in user_variables()]
    return "\n".join(lines) + "\n"
