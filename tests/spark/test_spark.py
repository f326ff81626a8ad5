"""A Spark cluster on this machine, with executors of its own: sh tools/test-spark.sh installs it."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from doc_blocks import agrees, blocks_of, steps_of

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "examples" / "spark_udf.py"
ROW = re.compile(r"^ *(\d+) +([\d.]+) MiB +(-?[\d.]+) MiB +(\d+)   (.*)$", re.M)
ROWS = 8  # of 1 to 8 MiB, each in a task of its own


def run_example(folder, *options):
    for module in ("pyspark", "pandas", "pyarrow"):
        pytest.importorskip(module)
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no java")
    # Executors and their workers inherit it: no block comes to lie in a hole that is resident.
    env = dict(os.environ, MALLOC_MMAP_THRESHOLD_="65536")
    done = subprocess.run(
        [sys.executable, EXAMPLE, *options],
        cwd=folder,
        env=env,
        timeout=400,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-5000:]
    return done.stdout


@pytest.mark.parametrize("options", [[], ["--older"]], ids=["udf.profiler", "profile.memory"])
def test_one_table_of_all_workers(tmp_path, options):
    output = run_example(tmp_path, *options)
    total = sum(range(1, ROWS + 1))
    assert output.count(f"{total} MiB made\n") == 2, output
    tables = output.split("Profile of UDF")[1:]
    assert len(tables) == 2, output
    for table, kind in zip(tables, ("udf", "pandas_udf")):
        assert f"Filename: {EXAMPLE}\n" in table
        rows = [
            (float(mem), float(increment), int(count), text)
            for _, mem, increment, count, text in ROW.findall(table)
        ]
        assert rows[0][3] == f"@{kind}(LongType())"
        assert [count for _, _, count, _ in rows] == [ROWS] * 4, table
        block, size, returned = rows[1:]
        assert "block = bytearray(" in block[3] and abs(block[1] - total) < 1, table
        assert "size = len(block)" in size[3] and abs(size[1]) < 0.5, table
        assert "return" in returned[3] and abs(returned[1]) < 2, table
        # Spark adds what each task had in all.
        assert rows[0][0] == rows[0][1] > ROWS * 10, table
        assert block[0] >= rows[0][0] + total - 1, table


def test_the_document_shows_what_is_printed(tmp_path):
    text = (ROOT / "docs/examples.md").read_text(encoding="utf-8")
    (step,) = [
        step
        for block in blocks_of(text)
        if EXAMPLE.name in block.text
        for step in steps_of(block.text, r"\$ ", "> ")
    ]
    printed = run_example(tmp_path).replace(f"{ROOT}/", "")
    assert agrees(step.expected, printed), printed
