"""What a line of the program's own costs under --lines, beside the same lines in a function.

    python bench/own_lines.py [--rounds N] PYTHON

PYTHON has the project installed. Nanoseconds per line above a plain run of the same round; in a
process of its own each, the median of short repetitions in units of a fixed piece of work timed
beside each. `sh tools/bench.sh` runs this among the others.
"""

import pathlib
import statistics
import tempfile

from frame import BUILD, REFERENCE_NS, Series, run, table_program

REPEATS, TURNS = 25, 2_000
LINES = TURNS * 5 + 1  # of one repetition; the loop's last line is its end

BODY = """
for i in range(TURNS):
    x = i + 1
    y = x * 2
    x = y - i
    y = x
"""
PROGRAM = """
import sys, time
TURNS = {turns}
def timed(call):
    begin = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - begin
def reference():
    return timed(lambda: sum(range(20000)))
samples = []
before = reference()
for _ in range({repeats}):
    begin = time.perf_counter_ns()
{body}
    took = time.perf_counter_ns() - begin
    after = reference()
    samples.append(2 * took / (before + after))
    before = after
sys.stderr.write(repr(samples[1:]))
"""


def indented(text, by):
    return "\n".join(" " * by + line for line in text.strip().splitlines())


def program(in_function):
    if not in_function:
        return PROGRAM.format(turns=TURNS, repeats=REPEATS, body=indented(BODY, 4))
    head = "@profile\ndef work():\n    global x, y, i\n" + indented(BODY, 4) + "\n"
    return head + PROGRAM.format(turns=TURNS, repeats=REPEATS, body="    work()")


def per_line(python, folder, in_function, options):
    """Nanoseconds of a line; `options` None: without a profiler."""
    text = program(in_function)
    if options is None:
        text = text.replace("@profile\n", "")
    script, said = folder / "own.py", folder / "said"
    script.write_text(text)
    profiled = [] if options is None else ["-m", "memory_profiler", "-q", "-o", folder / "tables"]
    words = [python, *profiled, *(options or []), script]
    run(["sh", "-c", '"$@" 2>' + f"'{said}'", "sh", *words])
    samples = eval(said.read_text())
    return REFERENCE_NS * statistics.median(samples) / LINES


def add_rows(table, python, rounds):
    with tempfile.TemporaryDirectory(dir=BUILD) as name:
        folder = pathlib.Path(name)
        pairs = []
        for _ in range(rounds):
            own = per_line(python, folder, False, ["--lines"])
            own -= per_line(python, folder, False, None)
            function = per_line(python, folder, True, [])
            function -= per_line(python, folder, True, None)
            pairs.append((own, function))
    of_function = Series([function for _, function in pairs])
    table.add(
        "--lines, a line of the program's own, over one of a function under @profile",
        Series([own / function for own, function in pairs]),
        2,
        "×",
        1.25,
        note=f"{Series([own for own, _ in pairs]).median:,.0f} ns; of the function "
        f"{of_function.median:,.0f}",
    )


if __name__ == "__main__":
    table_program(
        __doc__,
        lambda table, options: add_rows(table, options.python, options.rounds),
        {"python": {"metavar": "PYTHON"}, "--rounds": {"type": int, "default": 3}},
    )
