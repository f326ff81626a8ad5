"""What many functions cost: decorated, selected, and one closure decorated again and again.

    python bench/many.py [--rounds N] PYTHON

PYTHON has the project installed. Seconds are processor time of the whole process, its tables
included, above a plain run of the same round; memory is what stands at the script's end, above that
of a run with one function. `sh tools/bench.sh` runs this among the others.
"""

import os
import pathlib
import subprocess
import tempfile

from frame import Environment, Failed, Series, table_program

FUNCTIONS = 2_000
CLOSURES = 100_000
PAGE_KIB = os.sysconf("SC_PAGESIZE") / 1024
WAYS = {  # options, decoration
    "decorated": ([], "@profile\n"),
    "selected by -p": (["-p", "many.py"], ""),
    "selected by --all": (["--all"], ""),
}
# The last thing a script does: its resident pages, on stderr, where the ranking of lines follows.
SAY_PAGES = "import sys\nprint(open('/proc/self/statm').read().split()[1], file=sys.stderr)\n"


def functions(count, decoration):
    return "".join(
        f"{decoration}def f{i}(x):\n    y = [x]\n    return y\n\n\nf{i}({i})\n"
        for i in range(count)
    )


def closures(count, decoration):
    lines = [
        f"for i in range({count}):",
        f"    {decoration}",
        "    def f(x):",
        "        return x, i",
    ]
    return "\n".join(line for line in lines if line.strip()) + "\n"


def measure(python, folder, source, options=None):
    """(processor seconds, KiB of RSS at its end); under -m with `options`, else plain."""
    (folder / "many.py").write_text(source + SAY_PAGES)
    profiled = [] if options is None else ["-m", "memory_profiler", "-o", "tables", *options]
    process = subprocess.Popen(
        [python, *profiled, "many.py"],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    pages, _, more = process.stderr.read().partition("\n")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    (folder / "tables").unlink(missing_ok=True)
    if process.returncode != 0 or not pages.isdigit():
        raise Failed(f"many.py {options}: status {process.returncode}, {(pages + more)[-200:]}")
    return usage.ru_utime + usage.ru_stime, int(pages) * PAGE_KIB


def above_plain(python, folder, count, options, decoration):
    """(seconds, KiB) that `count` functions cost more than they do without a profiler."""
    plain = measure(python, folder, functions(count, ""))
    ours = measure(python, folder, functions(count, decoration), options)
    return ours[0] - plain[0], ours[1] - plain[1]


def add_function_rows(table, python, folder, rounds):
    for way, (options, decoration) in WAYS.items():
        one, some, many = (
            [above_plain(python, folder, count, options, decoration) for _ in range(rounds)]
            for count in (1, FUNCTIONS, 4 * FUNCTIONS)
        )
        table.add(
            f"{FUNCTIONS:,} functions {way}: processor time above plain",
            Series([seconds for seconds, _ in some]),
            2,
            " s",
            1,
        )
        table.add(
            "likewise, four times as many functions, over these",
            Series(
                [
                    (more - base) / (less - base)
                    for (base, _), (less, _), (more, _) in zip(one, some, many)
                ]
            ),
            1,
            "×",
            5,
        )
        table.add(
            "likewise, memory for each",
            Series([(kib - base) / FUNCTIONS for (_, base), (_, kib) in zip(one, some)]),
            2,
            " KiB",
            2,
        )


def add_closure_rows(table, python, folder, rounds):
    def costs(count):
        plain = measure(python, folder, closures(count, ""))
        ours = measure(python, folder, closures(count, "@profile"), [])
        return ours[0] - plain[0], ours[1] - plain[1]

    few, many = ([costs(count) for _ in range(rounds)] for count in (CLOSURES // 10, CLOSURES))
    table.add(
        f"{CLOSURES:,} decorations of one closure: processor time above plain",
        Series([seconds for seconds, _ in many]),
        2,
        " s",
        0.5,
    )
    table.add(
        f"likewise, memory over {CLOSURES // 10:,}",
        Series([more - less for (_, less), (_, more) in zip(few, many)]),
        0,
        " KiB",
        256,
    )


def add_rows(table, python, rounds):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        add_function_rows(table, python, folder, rounds)
        add_closure_rows(table, python, folder, rounds)


if __name__ == "__main__":
    table_program(
        __doc__,
        lambda table, options: add_rows(table, Environment(options.python).ours, options.rounds),
        {"python": {"metavar": "PYTHON"}, "--rounds": {"type": int, "default": 3}},
    )
