"""python -O -m memory_profiler, -X …: as without, and the program runs as it would with them."""

import textwrap

import pytest
from support import MAPPED_BLOCKS, environment, mask, near, python

MAPPED = environment(**MAPPED_BLOCKS)

PROGRAM = """
    import sys
    @profile
    def f(n):
        "A text."
        kept = bytearray(n << 20)
        assert n > 5, "not with -O"
        return kept
    try:
        f(3)
    except AssertionError as error:
        print("asserted", error)
    kept = f(6)
    print("FLAGS", __debug__, f.__doc__, sys.flags.optimize, sorted(sys._xoptions))
    """
ALL = ["--all", "--functions", "--json", "run.json", "--line-time"]


def run_with(run, options, ours=()):
    run.write("script.py", PROGRAM)
    arguments = [*options, "-m", "memory_profiler", *ours, "script.py"]
    return python(*arguments, cwd=run.folder, env=MAPPED).ok()


@pytest.mark.parametrize(
    "options",
    [
        ["-X", "utf8"],
        ["-X", "dev"],
        ["-X", "faulthandler"],
        ["-X", "tracemalloc"],
        ["-X", "frozen_modules=off"],
        ["-X", "no_debug_ranges"],
        ["-W", "error"],
        ["-I"],
        ["-E"],
        ["-s"],
        ["-u"],
        ["-B"],
        ["-bb"],
    ],
    ids=" ".join,
)
def test_a_table_is_the_same_with_any_option_of_the_interpreter(run, options):
    plain, outcome = run_with(run, []), run_with(run, options)
    of = [mask(one.stdout.split("FLAGS")[0]) for one in (plain, outcome)]
    assert of[0] == of[1] and "asserted not with -O" in outcome.stdout
    assert outcome.table("f").at("kept = ").increment == near(9)
    assert mask(plain.stdout).split("Filename")[1] == mask(outcome.stdout).split("Filename")[1]


@pytest.mark.parametrize("ours", [[], ALL], ids=["", "all"])
@pytest.mark.parametrize("option, doc, level", [("-O", "A text.", 1), ("-OO", None, 2)])
def test_a_program_is_optimised_as_without_us(run, ours, option, doc, level):
    outcome = run_with(run, [option], ours)
    assert f"FLAGS False {doc} {level} []" in outcome.stdout and "asserted" not in outcome.stdout
    if not ours:
        assert not outcome.table("f").at("assert n").ran
        assert outcome.table("f").at("kept = ").increment == near(9)


@pytest.mark.parametrize("status", [0, 3])
def test_the_prompt_comes_after_the_program(run, status):
    """As after `python -i script.py`: without a traceback, unless the program asked for an end."""
    end = f"\nimport sys\nsys.exit({status})\n" if status else ""
    run.write("script.py", textwrap.dedent(PROGRAM) + end)
    outcome = python(
        *("-i", "-m", "memory_profiler", "-q", "script.py"),
        cwd=run.folder,
        env=MAPPED,
        stdin="print('prompted', 6 * 7)\n",
    )
    assert outcome.returncode == 0 and "prompted 42" in outcome.stdout
    assert outcome.table("f").at("kept = ").increment == near(9)
    assert (outcome.stderr.count("Traceback"), outcome.stderr.count("SystemExit: 3")) == (
        (1, 1) if status else (0, 0)
    )
