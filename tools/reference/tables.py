"""The commands and their options, as the commands themselves say them."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Option:
    """`flags` are as they are typed; without any it is an argument."""

    flags: list[str]
    argument: str | None
    help: str
    choices: list[str]
    is_optional: bool = False  # its argument may be left out, and else stands behind "="

    @property
    def usage(self) -> str:
        flags = ", ".join(self.flags)
        if self.argument is None:
            return flags
        return f"{flags}[={self.argument}]" if self.is_optional else f"{flags} {self.argument}"


@dataclass
class Command:
    name: str
    arguments: str  # what follows the options
    summary: str
    notes: str  # may be empty
    options: list[Option]

    @property
    def usage(self) -> str:
        return f"{self.name} [options] {self.arguments}".rstrip()


def _mprof_binary() -> str:
    import mprof

    inside = Path(mprof.__file__).parent / "_bin" / "mprof"
    return os.environ.get("MPROF_BINARY") or str(inside)


def sentence(text: str) -> str:
    """As those of mprof: argparse has neither a capital nor a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", ":")) else text + "."


def mprof_commands(backends: list[str]) -> list[Command]:
    """What `mprof --describe` says."""
    done = subprocess.run([_mprof_binary(), "--describe"], capture_output=True, check=True)
    commands = []
    for table in json.loads(done.stdout):
        options = [
            Option(
                [f"-{row['letter']}"] * (row["letter"] is not None)
                + [f"--{row['name']}"] * (row["name"] is not None),
                row["argument"],
                row["help"],
                backends if row["name"] == "backend" and "rss" in row["help"] else [],
            )
            for row in table["options"]
        ]
        commands.append(
            Command(
                f"mprof {table['name']}",
                table["arguments"],
                table["summary"],
                table["notes"] or "",
                options,
            )
        )
    return commands


def _argument_of(action: argparse.Action) -> str | None:
    if action.nargs == 0:
        return None
    if action.metavar is not None:
        return str(action.metavar)
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return "N" if action.option_strings else action.dest.upper()


def parser_command(parser: argparse.ArgumentParser, arguments: str, summary: str) -> Command:
    options = [
        Option(
            list(action.option_strings),
            _argument_of(action),
            sentence((action.help or "") % {**vars(action), "prog": parser.prog}),
            [str(choice) for choice in action.choices or ()],
            action.nargs == "?" and bool(action.option_strings),
        )
        for action in parser._actions
    ]
    notes = "\n".join(sentence(text) for text in (parser.description, parser.epilog) if text)
    return Command(str(parser.prog), arguments, summary, notes, options)


def python_commands() -> list[Command]:
    """python -m memory_profiler, and its modules that are commands."""
    from memory_profiler import _options, diff, memit, report

    return [
        parser_command(
            _options.make_parser(),
            "program [arguments...]",
            "Print how much memory each line of a Python program added.",
        ),
        parser_command(
            report.make_parser(), "FILE...", "Print, merge and convert runs that were saved."
        ),
        parser_command(diff.make_parser(), "A B", "Show what grew from one saved run to another."),
        parser_command(
            memit.make_parser(), "STATEMENT...", "Measure a statement in processes of its own."
        ),
    ]


def all_commands() -> tuple[list[Command], list[Command]]:
    """(those of mprof, those of Python)"""
    from memory_profiler._checked import BACKENDS

    return mprof_commands(list(BACKENDS)), python_commands()


def version() -> str:
    import memory_profiler

    return memory_profiler.__version__


def user_variables() -> list[tuple[str, str]]:
    """(name, what for) of the variables that users set, from the table in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Environment variables\n")[1].split("And what tests")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines()]
    return [
        (", ".join(re.findall(r"`([^`]+)`", row[0])), row[3])
        for row in rows
        if len(row) == 4 and ("users" in row[1] or "`mprof run`, `" in row[1])
    ]


def released() -> str:
    """The day of the newest version in CHANGELOG.md."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    day = re.search(r"^## .*(\d{4}-\d\d-\d\d)", text, re.M)
    assert day is not None, "CHANGELOG.md has no day"
    return day[1]


def short(text: str) -> str:
    """The first part of a sentence, as completions show it in one row."""
    first = re.split(r"(?<=\w)[.;:](?:\s|$)| \(", text, maxsplit=1)[0]
    first = first.rstrip(".")
    return first if len(first) <= 72 else first[:71].rsplit(" ", 1)[0].rstrip(",") + "…"
