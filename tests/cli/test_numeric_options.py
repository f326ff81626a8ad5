"""Every option that takes numbers, given what looks like one: taken, or one line that names the option
and what was given."""

import sys

import pytest
from conftest import find_binary
from hostile import assert_all_well, help_of, options_of, run_all

MPROF = find_binary()
MEMORY = [sys.executable, "-m", "memory_profiler"]
SAVED = "run.json"
OPTIONS = {
    "--interval": [MPROF, "run", "-q", "-o", "out.dat", "{}", "true"],
    "--timeout": [MPROF, "run", "-q", "-o", "out.dat", "{}", "true"],
    "--types": [MPROF, "run", "-q", "-o", "out.dat", "{}", "true"],
    "--window": [MPROF, "plot", "-o", "out.txt", "{}", "x.dat"],
    "--size": [MPROF, "plot", "-o", "out.png", "{}", "x.dat"],
    "--precision": [*MEMORY, "{}", "program.py"],
    "--pdb-mmem": [*MEMORY, "{}", "program.py"],
    "--attach": [*MEMORY, "{}"],
    "--for": [*MEMORY, "{}", "--attach=1"],
    "--repeat": [sys.executable, "-m", "memory_profiler.memit", "{}", "1"],
    "--fail-over": [sys.executable, "-m", "memory_profiler.diff", "{}", SAVED, SAVED],
    "--fail-over-allocated": [sys.executable, "-m", "memory_profiler.diff", "{}", SAVED, SAVED],
    "--fail-over-peak": [sys.executable, "-m", "memory_profiler.diff", "{}", SAVED, SAVED],
    "--fail-over-left": [sys.executable, "-m", "memory_profiler.diff", "{}", SAVED, SAVED],
    "--fail-over-objects": [sys.executable, "-m", "memory_profiler.diff", "{}", SAVED, SAVED],
    "--least": [sys.executable, "-m", "memory_profiler.diff", "{}", SAVED, SAVED],
}
VALUES = [
    *("", ",", "nan", "inf", "-inf", "1e999", "-1e999", "-0", "-1", "٣", "１", "²", "½", "0x10"),
    *(" ", "1 2", "1,", ",,", "1,2,3", "x", "1x", "1x1x1", "nanxnan", "infxinf", "nan,inf", "٣,٤"),
    *("1e999,2", "٣x٤", "-0x-0", "1..2", "e5", "+", "0.", "9" * 400),
]
# What is a number, or two of them, to its option.
RIGHT = {
    "--interval": set(),
    "--timeout": {"-0", "0."},
    "--types": set(),
    "--window": {"1,"},
    "--size": set(),
    "--precision": {"-0"},
    "--pdb-mmem": {"-0", "0."},
    "--attach": set(),
    "--for": set(),
    "--repeat": set(),
    "--fail-over": set(),
    "--fail-over-allocated": set(),
    "--fail-over-peak": set(),
    "--fail-over-left": set(),
    "--fail-over-objects": set(),
    "--least": set(),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_what_is_no_number_is_refused_by_name(tmp_path, option):
    cases = run_all(
        tmp_path,
        [
            ([f"{option}={value}" if part == "{}" else part for part in command], [option], value)
            for command in [OPTIONS[option]]
            for value in VALUES
        ],
    )
    assert len(cases) == len(VALUES)

    def well(case):
        if case.err.endswith(b"bdb.BdbQuit\n") and case.value in RIGHT[option]:
            return  # it stepped into the debugger, as it was asked to, whose input had an end
        if case.value in RIGHT[option]:
            yield from case.problems({0, 1}, {"out.dat", "out.txt"})
            return
        yield from case.problems({2})
        line = case.err.decode("utf-8", "replace").splitlines()[-1]
        if option not in line:
            yield f"the line does not name {option}: {line}"

    assert_all_well(cases, well)


def test_no_option_is_forgotten():
    """All whose help speaks of a number: of seconds, decimals, MiB, sizes, runs."""
    known = set(OPTIONS)
    for command in "run", "attach", "plot", "peak", "rm", "mark", "list", "clean", "top", "heap":
        for names, takes in options_of(help_of(MPROF, command)):
            assert not takes or set(names) & (
                known | {"--output", "--backend", "--title", "--func", "--live", "--attach"}
            )
    words = {
        "-o",
        "-p",
        "--backend",
        "--allocations",
        "--functions",
        "--pstats",
        "--lprof",
        "--flame",
        "--heap",
        "--flame-of",
        "--json",
        "--on-signal",
    }
    for module in "memory_profiler", "memory_profiler.report", "memory_profiler.diff":
        for names, takes in options_of(help_of(sys.executable, "-m", module)):
            assert not takes or set(names) & (known | words | {"--to"}), names
