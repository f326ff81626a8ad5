"""A quick look at an installation: what the first minute of a user touches, on any Python."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
ROW = re.compile(r"^ *(\d+) +(-?[\d.]+) MiB +(-?[\d.]+) MiB +(\d+)   (.*)$")


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        **options,
    )


def rows(text):
    """line number -> (mem, increment, occurrences, source) of all tables in a text."""
    found = map(ROW.match, text.splitlines())
    return {
        int(row[1]): (float(row[2]), float(row[3]), int(row[4]), row[5]) for row in found if row
    }


def line_of(example, text):
    lines = (EXAMPLES / example).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_line_table_of_a_script():
    table = rows(run("-m", "memory_profiler", EXAMPLES / "loop.py").stdout)
    made = table[line_of("loop.py", "b = [2]")]
    gone = table[line_of("loop.py", "del b")]
    size = 2 * 10**7 * 8 / 2**20  # a list of so many pointers
    assert made[2:] == (1, "    b = [2] * (2 * 10**7)")
    assert made[1] == pytest.approx(size, abs=1)
    assert gone[1] == pytest.approx(-size, abs=1)


def test_what_a_line_allocates():
    done = run("-m", "memory_profiler", "--allocations", EXAMPLES / "loop.py")
    assert done.stderr == "", "all allocators are seen"
    assert re.search(r"^Heap: peak 1\d\d\.\d MiB in \d+ blocks, at loop\.py:\d+ in my_func\(\)", done.stdout, re.M)  # fmt: skip


def test_examples_run_without_the_profiler(tmp_path):
    assert run(EXAMPLES / "loop.py").stdout == ""
    plain = run(EXAMPLES / "julia.py", 60, 30).stdout
    assert re.match(r"3600 points, \d+ steps, ", plain)


def test_counts_of_the_julia_example():
    output = run("-m", "memory_profiler", EXAMPLES / "julia.py", 60, 30).stdout
    steps = int(re.search(r"(\d+) steps", output)[1])
    table = rows(output)
    assert table[line_of("julia.py", "z = z * z + c")][2] == steps
    assert table[line_of("julia.py", "steps += 1")][2] == steps
    assert table[line_of("julia.py", "points.append")][2] == 3600


def test_imported_decorator_prints_a_table(tmp_path):
    script = tmp_path / "imported.py"
    script.write_text(
        "from memory_profiler import profile\n"
        "@profile\n"
        "def grow():\n"
        "    data = bytearray(32 << 20)\n"
        "    return len(data)\n"
        "assert grow() == 32 << 20\n"
    )
    table = rows(run(script).stdout)
    assert table[4][1] == pytest.approx(32, abs=1)
    assert table[4][2] == 1


def test_no_package_is_needed():
    """Nothing but the standard library and ourselves: -I keeps the user's own folder out."""
    code = "import memory_profiler, sys; print('numpy' in sys.modules, 'psutil' in sys.modules)"
    assert run("-I", "-c", code).stdout.split() == ["False", "False"]


def test_mprof_run_and_peak(tmp_path):
    if not (EXAMPLES.parent / "mprof").is_dir():
        pytest.skip("the driver is not there yet")
    data = tmp_path / "run.dat"
    run("-m", "mprof", "run", "-o", data, EXAMPLES / "loop.py", cwd=tmp_path)
    assert data.read_text().startswith("CMDLINE ")
    peak = run("-m", "mprof", "peak", data, cwd=tmp_path).stdout
    assert float(re.search(r"([\d.]+) MiB", peak)[1]) > 2 * 10**7 * 8 / 2**20 - 1
    assert os.listdir(tmp_path) == ["run.dat"]
