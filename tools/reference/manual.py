"""Manual pages, in the macros of man(7)."""

from __future__ import annotations

import re

from tables import Command, Option, released, user_variables, version


def escaped(text: str) -> str:
    """Text as it stands, whatever roff makes of it."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def macro(name: str, *words: str) -> str:
    quoted = [word.replace('"', '""') for word in map(escaped, words)]
    return " ".join([f".{name}", *(f'"{word}"' for word in quoted)])


def option_lines(option: Option) -> list[str]:
    return [".TP", macro("B", option.usage or option.argument or ""), escaped(option.help)]


def notes_lines(command: Command) -> list[str]:
    """Paragraphs; what is indented stays as it is."""
    lines = []
    for block in re.split(r"\n(?=    )|(?<=\S)\n(?! )", command.notes.strip("\n")):
        if block.startswith("    "):
            lines += [".PP", ".nf", escaped(block), ".fi"]
        elif block.strip():
            lines.append(escaped(block.strip()))
    return lines


def command_lines(command: Command) -> list[str]:
    lines = [macro("SS", command.usage), escaped(command.summary)]
    for option in command.options:
        lines += option_lines(option)
    return lines + ([".PP", *notes_lines(command)] if command.notes else [])


def page(name: str, summary: str, usage: str, body: list[str], also: str) -> str:
    """A whole manual page."""
    variables = []
    for variable, meaning in user_variables():
        variables += [".TP", macro("B", variable), escaped(meaning)]
    head = macro("TH", name.upper(), "1", released(), f"memprof {version()}").replace("\\-", "-")
    lines = [
        '.\\" Made by tools/reference from the tables of options: not to be edited.',
        head,
        ".SH NAME",
        escaped(f"{name} - {summary}").replace(f"{name} \\-", f"{name} \\-", 1),
        ".SH SYNOPSIS",
        macro("B", usage),
        *body,
        ".SH ENVIRONMENT",
        *variables,
        ".SH SEE ALSO",
        also,
    ]
    return "\n".join(lines) + "\n"


EXIT_OF_MPROF = """\
0: all went well, also where the program did not (but with mprof run -E).
1: no or an unknown command, something could not be read, started or written.
2: a wrong option or argument.
255: no profile of that name or index."""


def mprof_page(commands: list[Command]) -> str:
    body = [
        ".SH DESCRIPTION",
        "Records how much memory a program uses over time, and shows it.",
        ".SH COMMANDS",
    ]
    for command in commands:
        body += command_lines(command)
    body.append(".SH EXIT STATUS")
    for line in EXIT_OF_MPROF.splitlines():
        status, _, meaning = line.partition(": ")
        body += [".TP", macro("B", status), escaped(meaning)]
    body += [".SH EXAMPLES", ".nf", *map(escaped, EXAMPLES_OF_MPROF.splitlines()), ".fi"]
    summary = "record how much memory a program uses over time, and draw it"
    return page(
        "mprof", summary, "mprof command [options] [arguments]", body, ".BR memory_profiler (1)"
    )


EXAMPLES_OF_MPROF = """\
mprof run script.py
mprof plot -o chart.png
mprof run -M -o server.dat ./server --port 8000
mprof peak server.dat"""

EXAMPLES_OF_PYTHON = """\
python -m memory_profiler script.py
python -m memory_profiler --all --peak -m package.module argument
python -m memory_profiler --flame peak.html script.py"""


def memory_profiler_page(commands: list[Command]) -> str:
    first, *others = commands
    body = [".SH DESCRIPTION", *notes_lines(first), ".SH OPTIONS"]
    for option in first.options:
        body += option_lines(option)
    body.append(".SH OTHER COMMANDS")
    for command in others:
        body += command_lines(command)
    body += [
        ".SH EXIT STATUS",
        "That of the program; 1 where there is none or it is not found, 2 for a wrong option.",
        ".SH EXAMPLES",
        ".nf",
        *map(escaped, EXAMPLES_OF_PYTHON.splitlines()),
        ".fi",
    ]
    summary = "memory of Python programs line by line"
    return page("memory_profiler", summary, first.usage, body, ".BR mprof (1)")
