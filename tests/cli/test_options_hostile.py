"""Every option of every command with hostile values: it ends, says one visible line, with a
documented exit status, and writes nowhere else. The options are those that --help lists."""

import re
import shutil

import pytest
from conftest import ROOT, find_binary
from hostile import (
    ARGUMENT,
    LIMIT,
    PIPE,
    VALUES,
    assert_all_well,
    forms,
    help_of,
    names,
    options_of,
    run_all,
)

BINARY = find_binary()
MARK = {"MPROF_OUTPUT": "x.dat"}

# What stands before and behind an option, so that something is done; a new command has nothing.
AROUND = {
    "run": (["-q", "-o", "out.dat"], ["true"]),
    "attach": (["-q", "-o", "out.dat", "-t", "0.05"], []),
    "plot": (["-o", "out.txt"], ["x.dat"]),
    "peak": ([], ["x.dat"]),
    "rm": (["--dry-run"], ["x.dat"]),
    "mark": ([], ["begin", "label"]),
    "top": (["-t", "0.05"], ["x.dat"]),
    "heap": ([], [str(2**31 - 1)]),
}
# How a value can be an argument, where there are several.
ARGUMENTS = {"mark": [["{}", "label"], ["begin", "{}"], ["end", "{}"], ["end", "--", "{}"]]}

# The last argument is a process that ends: a timeout may turn out to be none.
WITH_A_PROCESS = ["sh", "-c", 'sleep 0.3 >/dev/null 2>&1 & exec "$@" $!', "sh"]
OWN = re.compile(r"out\.(dat|txt)|mprofile_\d{14}\.dat")
UNNAMED = {"-o", "--output"}  # of a chart: what has no suffix gets one


def commands():
    text = help_of(BINARY)
    return re.findall(r"^  (\w+) ", text[text.index("commands:") :], re.MULTILINE) if BINARY else []


def mprof_cases(command, options, takes, values):
    before, behind = AROUND.get(command, ([], []))
    start = WITH_A_PROCESS if command == "attach" else []
    for value in values:
        if options == [ARGUMENT]:
            for form in ARGUMENTS.get(command, [["{}"], ["--", "{}"]]):
                written = [value if part == "{}" else part for part in form]
                if value != "--" or "--" in form:
                    yield [BINARY, command, *before, *written], options, value, MARK
            continue
        written = (
            list(forms(options, value))
            if takes
            else [[name + "=" + value] for name in options if name.startswith("--")]
        )
        for form in written:
            yield [*start, BINARY, command, *before, *form, *behind], options, value, MARK


def said_badly(case):
    """A failed run says one line; lines about several processes that fit may follow."""
    if case.status == 0:
        return
    lines = case.err.decode().splitlines()
    lines += [] if lines else case.out.decode().splitlines()[-1:]
    if not lines or not lines[0].startswith(("mprof", "Input file not found")):
        yield "no line says what is wrong"
    elif any(not re.match(r"  \d+ ", line) for line in lines[1:]):
        yield "more than one line"
    elif case.status == 255 or re.search(r"process \d+(: |$)", lines[0]):
        return  # on stdout; a process of that name was found, and has ended; none has that pid
    elif not names(lines[0], case.options, case.value):
        yield "the line names neither option nor value"


def well(case, command):
    own = {name for name in case.added if OWN.fullmatch(name)}
    if command == "plot" and UNNAMED & set(case.options):
        own.add(case.value + ".png")
    yield from case.problems(statuses_of(command), own)
    yield from said_badly(case)


def statuses_of(command):
    return {0, 1, 2} if command == "run" else {0, 1, 2, 255}


PARAMETERS = [
    (command, *option)
    for command in commands()
    for option in [*options_of(help_of(BINARY, command)), ([ARGUMENT], True)]
]


def test_the_help_lists_what_there_is():
    known = {(command, name) for command, options, _ in PARAMETERS for name in options}
    assert {
        ("plot", "-w"),
        ("plot", "--window"),
        ("run", "--backend"),
        ("run", "-T"),
        ("peak", "--func"),
        ("rm", "--dry-run"),
        ("mark", ARGUMENT),
    } <= known
    takes = {options[-1]: takes for command, options, takes in PARAMETERS if command == "run"}
    assert takes["--interval"] and takes["--output"] and not takes["--spikes"]


@pytest.mark.parametrize(
    "command,options,takes",
    PARAMETERS,
    ids=[f"{command}{options[-1]}" for command, options, _ in PARAMETERS],
)
def test_every_option_of_mprof(tmp_path, command, options, takes):
    cases = run_all(tmp_path, list(mprof_cases(command, options, takes, VALUES)))
    assert len(cases) >= len(VALUES)
    assert_all_well(cases, lambda case: well(case, command))


def test_a_pipe_without_another_end_is_given_up(tmp_path):
    """All at once: each waits for some seconds."""
    known = [
        (command, case)
        for command, options, takes in PARAMETERS
        for case in mprof_cases(command, options, takes, [PIPE])
    ]
    cases = run_all(tmp_path, [case for _, case in known], at_once=len(known))
    for (command, _), case in zip(known, cases):
        assert_all_well([case], lambda case: well(case, command))
    said = [case.err for case in cases if b"nobody is at the other end of the pipe" in case.err]
    assert len(said) >= 6


def test_a_side_of_the_window_can_be_left_open(mprof):
    shutil.copy(ROOT / "tests/dats/07_multiprocess.dat", mprof.folder / "x.dat")
    charts = {}
    for window in ("", "0.1,", "0.1,99", ",0.3", "0,0.3"):
        chosen = ["-w", window] if window else []
        result = mprof("plot", "x.dat", "-o", "x.gp", *chosen, timeout=LIMIT)
        assert result.returncode == 0 and result.stderr == ""
        charts[window] = (mprof.folder / "x.gp").read_text()
    assert charts[",0.3"] == charts["0,0.3"]
    assert len(set(charts.values())) == 4  # "0.1,99" leaves room behind the run, "0.1," none
    nothing = mprof("plot", "x.dat", "-o", "x.gp", "-w", ",-1", timeout=LIMIT)
    assert nothing.returncode == 1
    assert nothing.stderr == "mprof plot: there is nothing in that window\n"


def test_any_name_of_a_command(tmp_path):
    cases = run_all(tmp_path, [([BINARY, value], ["command"], value) for value in VALUES])
    assert_all_well(cases, lambda case: [*case.problems({1}), *said_badly(case)])


def test_any_value_of_the_variables(tmp_path):
    cases = run_all(
        tmp_path,
        [
            ([BINARY, "mark", "begin", "label"], ["MPROF_OUTPUT"], value, {"MPROF_OUTPUT": value})
            for value in VALUES
        ]
        + [
            (
                [BINARY, "run", "-q", "-o", "out.dat", "program.py"],
                ["cannot run"],
                value,
                {"MPROF_PYTHON": value},
            )
            for value in VALUES
            if value
        ],
    )
    assert_all_well(cases, lambda case: [*case.problems({0, 1}, ["out.dat"]), *said_badly(case)])
