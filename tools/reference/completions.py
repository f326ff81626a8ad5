"""Completions for bash, zsh and fish. What an argument can be is told by its name."""

from __future__ import annotations

import re

from tables import Command, Option, short

MADE = "# Made by tools/reference from the tables of options: not to be edited."
FILES = {"FILE", "OUT", "TARGET", "A", "B"}


def kind_of(command: Command) -> str:
    """What its arguments are: program, process, profile, files, words or none."""
    for word, kind in (
        ("[PID | FILE", "files"),
        ("program", "program"),
        ("pid", "process"),
        ("index", "profile"),
        ("|", "words"),
    ):
        if word in command.arguments:
            return kind
    return "files" if set(re.findall(r"[A-Z]+", command.arguments)) & FILES else "none"


def words_of(command: Command) -> list[str]:
    return command.arguments.split()[0].split("|")


def last_word(command: Command) -> str:
    return command.name.split()[-1]


def options_of(command: Command) -> list[Option]:
    return [option for option in command.options if option.flags]


# ---- bash


def bash_tables(commands: list[Command]) -> list[str]:
    """A case for each command: its options, which of them take a value, and what else follows."""
    lines = []
    for command in commands:
        options = options_of(command)
        flags = [flag + "=" * o.is_optional for o in options for flag in o.flags]
        takes = [
            flag
            for o in options
            if o.argument is not None and not o.is_optional
            for flag in o.flags
        ]
        kind = kind_of(command)
        lines += [
            f"    {last_word(command)})",
            f'        options="{" ".join(flags)}"',
            f'        takes=" {" ".join(takes)} "',
            f'        kind={kind} words="{" ".join(words_of(command)) if kind == "words" else ""}"',
            "        ;;",
        ]
    return lines


def bash_choices(commands: list[Command]) -> list[str]:
    """A case for each option that takes one of a few words."""
    lines = []
    for command in commands:
        for option in options_of(command):
            if option.choices and option.argument is not None:
                patterns = " | ".join(f'"{last_word(command)} {flag}"' for flag in option.flags)
                lines.append(f'    {patterns}) choices="{" ".join(option.choices)}" ;;')
    return lines


BASH_VALUES = """\
    # "--name=value" is three words to bash.
    if [[ $current == "=" ]]; then
        before=$previous current=
    elif [[ $previous == "=" && $COMP_CWORD -ge 2 ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    else
        before=
        [[ $takes == *" $previous "* ]] && before=$previous
    fi
    if [[ -n $before ]]; then
        case "$command $before" in
@CHOICES@
        esac
        [[ -z $choices ]] || COMPREPLY=($(compgen -W "$choices" -- "$current"))
        return # else a file: what -o default does
    fi
    # What follows the program belongs to it.
    if [[ $kind == program ]]; then
        for ((at = first; at < COMP_CWORD; at++)); do
            word=${COMP_WORDS[at]}
            if [[ $takes == *" $word "* ]]; then
                ((at++))
                [[ ${COMP_WORDS[at]} != "=" ]] || ((at++))
            elif [[ $word != -* && $word != "=" ]]; then
                declare -F _command_offset >/dev/null && _command_offset "$at"
                return
            fi
        done
    fi
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
        return
    fi
    case $kind in
    process) COMPREPLY=($(compgen -W "$(ps -eo pid= 2>/dev/null)" -- "$current")) ;;
    profile)
        local IFS=$'\\n'
        COMPREPLY=($(compgen -f -X '!*.dat' -- "$current"))
        compopt -o filenames 2>/dev/null
        ;;
    words) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    none) compopt +o default 2>/dev/null ;;
    esac
"""


def bash_body(commands: list[Command]) -> list[str]:
    choices = "\n".join("    " + line for line in bash_choices(commands))
    return [
        "    case $command in",
        *bash_tables(commands),
        "    *) return ;;",
        "    esac",
        *BASH_VALUES.replace("@CHOICES@", choices).rstrip("\n").split("\n"),
    ]


def bash_mprof(commands: list[Command]) -> str:
    names = " ".join(last_word(command) for command in commands)
    return "\n".join(
        [
            "# bash completion of mprof                            -*- shell-script -*-",
            MADE,
            "# shellcheck shell=bash disable=SC2207 # words of compgen, which has no arrays",
            "",
            "_mprof()",
            "{",
            "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}",
            "    local command=${COMP_WORDS[1]} first=2",
            "    local at word options takes kind words choices before",
            "",
            "    COMPREPLY=()",
            "    if ((COMP_CWORD == 1)); then",
            f'        COMPREPLY=($(compgen -W "{names} --help --version" -- "$current"))',
            "        return",
            "    fi",
            *bash_body(commands),
            "}",
            "complete -o bashdefault -o default -F _mprof mprof",
            "",
        ]
    )


def bash_python(commands: list[Command]) -> str:
    names = " ".join(last_word(command) for command in commands)
    return "\n".join(
        [
            "# bash completion of python -m memory_profiler         -*- shell-script -*-",
            MADE,
            "# To be sourced by ~/.bashrc: it asks what completes python otherwise.",
            "# shellcheck shell=bash disable=SC2207 # words of compgen, which has no arrays",
            "",
            "_memory_profiler()",
            "{",
            "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}",
            "    local command='' first at word options takes kind words choices before",
            "",
            "    COMPREPLY=()",
            "    for ((at = 2; at <= COMP_CWORD && at < ${#COMP_WORDS[@]}; at++)); do",
            "        [[ ${COMP_WORDS[at - 1]} == -m ]] || continue",
            "        ((at < COMP_CWORD)) && command=${COMP_WORDS[at]} first=$((at + 1))",
            "        break",
            "    done",
            f'    if [[ -z $command || " {names} " != *" $command "* ]]; then',
            '        _memory_profiler_other "$@"',
            "        return",
            "    fi",
            *bash_body(commands),
            "}",
            "",
            "# What completed python before, which bash-completion loads when it is asked.",
            "_memory_profiler_other()",
            "{",
            "    local words=${COMP_WORDS[*]}",
            "",
            '    if [[ $words == *" -m memory_"* ]]; then',
            f'        COMPREPLY=($(compgen -W "{names}" -- "${{COMP_WORDS[COMP_CWORD]}}"))',
            "    elif declare -F _python >/dev/null; then",
            '        _python "$@"',
            "    fi",
            "}",
            "declare -F _completion_loader >/dev/null && _completion_loader python",
            "complete -o bashdefault -o default -F _memory_profiler python python3",
            "",
        ]
    )


# ---- zsh


def zsh_text(text: str) -> str:
    """Between brackets, in single quotes."""
    return re.sub(r"([\[\]:\\])", r"\\\1", text).replace("'", "'\\''")


def zsh_value(option: Option) -> str:
    """What completes its argument."""
    if option.choices:
        return f"({' '.join(option.choices)})"
    return "_files" if option.argument in FILES else " "


def zsh_option(option: Option) -> str:
    flags, head = option.flags, ""
    if len(flags) > 1:
        head = f"'({' '.join(flags)})'"
    forms = []
    for flag in flags:
        takes = option.argument is not None
        if takes and option.is_optional:
            flag += "=-"
        elif takes:
            flag += "=" if flag.startswith("--") else "+"
        forms.append(flag)
    spec = f"[{zsh_text(short(option.help))}]"
    if option.argument is not None:
        colons = "::" if option.is_optional else ":"
        spec += f"{colons}{zsh_text(option.argument)}:{zsh_value(option)}"
    if len(forms) == 1:
        return f"'{forms[0]}{spec}'"
    return f"{head}{{{','.join(forms)}}}'{spec}'"


ZSH_REST = {
    "program": ["'(-)1:program:_files'", "'*::argument:_normal'"],
    "process": ["'1:process:_pids'"],
    "profile": ["""'*:profile:_files -g "*.dat"'"""],
    "files": ["'*:saved run:_files'"],
    "none": [],
}


def zsh_arguments(command: Command, indent: str) -> list[str]:
    kind = kind_of(command)
    rest = [f"'1:what:({' '.join(words_of(command))})'"] if kind == "words" else ZSH_REST[kind]
    parts = [zsh_option(option) for option in options_of(command)] + rest
    return [f"{indent}_arguments -s -S \\", *[f"{indent}    {part} \\" for part in parts[:-1]]] + [
        f"{indent}    {parts[-1]}"
    ]


def zsh_mprof(commands: list[Command]) -> str:
    lines = ["#compdef mprof", MADE, "", "local context state state_descr line"]
    lines += ["typeset -A opt_args", "local -a commands", "commands=("]
    for command in commands:
        summary = zsh_text(short(command.summary))
        lines.append(f"    '{last_word(command)}:{summary}'")
    lines += [
        ")",
        "_arguments -C '(- *)--help[Show the usage]' '(- *)--version[Show the version]' \\",
        "    '(-)1:command:->command' '*::argument:->rest' && return",
        "case $state in",
        "command) _describe -t commands 'mprof command' commands ;;",
        "rest)",
        "    case $words[1] in",
    ]
    for command in commands:
        lines += [f"    {last_word(command)})", *zsh_arguments(command, " " * 8), "        ;;"]
    return "\n".join([*lines, "    esac", "    ;;", "esac", ""])


def zsh_python(commands: list[Command]) -> str:
    """Of python -m NAME; what else python takes is completed as ever."""
    pythons = ["python", "python3", *(f"python3.{minor}" for minor in range(10, 16))]
    lines = [
        f"#compdef {' '.join(pythons)}",
        MADE,
        "",
        "local -i at=${words[(i)-m]}",
        "local curcontext=$curcontext module=",
        "(( at + 1 < CURRENT )) && module=${words[at+1]}",
        "case $module in",
        f"{'|'.join(last_word(command) for command in commands)})",
        "    shift $at words",
        "    (( CURRENT -= at ))",
        "    ;;",
        '*) _python "$@"; return ;;',
        "esac",
        "case $module in",
    ]
    for command in commands:
        lines += [f"{last_word(command)})", *zsh_arguments(command, "    "), "    ;;"]
    return "\n".join([*lines, "esac", ""])


# ---- fish


def fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish_option(option: Option) -> str:
    parts = [
        f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags
    ]
    if option.argument is not None and not option.is_optional:
        parts.append("-rF" if option.argument in FILES else "-x")
    if option.choices:
        parts.append(f"-a {fish_text(' '.join(option.choices))}")
    return " ".join([*parts, "-d", fish_text(short(option.help))])


FISH_REST = {
    "program": "-F",
    "files": "-F",
    "process": "-a '(__fish_complete_pids)'",
    "profile": "-k -a '(__fish_complete_suffix .dat)'",
    "none": "",
}


def fish_command(command: Command, programs: str, condition: str) -> list[str]:
    head = f"complete {programs} -n {fish_text(condition)}"
    kind = kind_of(command)
    rest = f"-a {fish_text(' '.join(words_of(command)))}" if kind == "words" else FISH_REST[kind]
    lines = [f"{head} {fish_option(option)}" for option in options_of(command)]
    return lines + [f"{head} {rest}"] * bool(rest)


def fish_mprof(commands: list[Command]) -> str:
    lines = [MADE, "", "complete -c mprof -f"]
    for word, text in (("help", "Show the usage"), ("version", "Show the version")):
        lines.append(f"complete -c mprof -n __fish_use_subcommand -l {word} -d {fish_text(text)}")
    for command in commands:
        summary = fish_text(short(command.summary))
        name = last_word(command)
        lines.append(f"complete -c mprof -n __fish_use_subcommand -a {name} -d {summary}")
    for command in commands:
        condition = f"__fish_seen_subcommand_from {last_word(command)}"
        lines += ["", *fish_command(command, "-c mprof", condition)]
    return "\n".join([*lines, ""])


def fish_python(commands: list[Command]) -> str:
    lines = [
        MADE,
        "# For python -m memory_profiler: to be sourced by config.fish.",
        "",
        "function __memory_profiler_runs",
        "    set -l words (commandline -opc)",
        "    set -l at (contains -i -- -m $words); or return 1",
        "    test (count $words) -gt $at; and test $words[(math $at + 1)] = $argv[1]",
        "end",
    ]
    for command in commands:
        condition = f"__memory_profiler_runs {last_word(command)}"
        lines += ["", *fish_command(command, "-c python -c python3", condition)]
    return "\n".join([*lines, ""])
