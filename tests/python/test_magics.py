"""%mprun and %memit in an IPython of their own process."""

import tempfile

import pytest
from support import MAPPED_BLOCKS, environment

pytest.importorskip("IPython")
MAPPED = environment(IPYTHONDIR=tempfile.mkdtemp(), **MAPPED_BLOCKS)

START = '''
import builtins, io, re, contextlib
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.error import UsageError
ip = InteractiveShell.instance()
ip.run_line_magic("load_ext", "memory_profiler")
def said(line, cell=None):
    """What the magic prints."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        if cell is None:
            ip.run_line_magic(*line.split(" ", 1))
        else:
            ip.run_cell_magic(*line.split(" ", 1), cell)
    return text.getvalue()
'''


@pytest.fixture
def notebook(run):
    return lambda text: run.plain(START + text, env=MAPPED).ok()


def test_memit(notebook):
    notebook(r"""
for _ in range(5):
    text = said("memit [0]*10**7")
    found = re.fullmatch(r"peak memory: (\d+\.\d\d) MiB, increment: (\d+\.\d\d) MiB\n", text)
    assert found and abs(float(found[2]) - 76.3) < 0.15, text
result = ip.run_line_magic("memit", "-r3 -o -q -t 5 -i 0.01 -c x = 1")
assert len(result.mem_usage) == 3 and result.repeat == 3 and result.interval == 0.01
assert repr(result).startswith("<MemitResult : peak memory: ")
assert ip.user_ns["x"] == 1
assert "increment: 4" in said("memit n = 40", "block = bytearray(n << 20)")
""")


def test_memit_of_allocations(notebook):
    notebook(r"""
text = said("memit -a [0] * 10**7")
said_of_both = (
    r"peak memory: \S+ MiB, increment: \S+ MiB\n"
    r"allocated: peak 76\.29 MiB, left 0\.00 MiB\n"
)
assert re.fullmatch(said_of_both, text), text
result = ip.run_line_magic("memit", "-a -o -q kept = bytes(5_000_000)")
assert 5_000_000 <= result.allocated.left_bytes < 5_100_000
assert 5_000_000 <= result.allocated.peak_bytes < 5_200_000
assert ip.run_line_magic("memit", "-o -q 1").allocated is None
""")


def test_mprun_of_allocations(notebook):
    notebook(r"""
ip.run_cell('''
kept = []
def inner(n):
    return bytes(n)
def outer():
    kept.append(inner(3_000_000))
    inner(2_000_000)
''')
import IPython.core.page
IPython.core.page.page = print
text = said("mprun -a -f outer -f inner outer()")
assert re.search(r"Occurrences +Allocated +Allocs +At peak +Left +Line Contents", text), text
def heap(part):
    (line,) = [line for line in text.splitlines() if part in line]
    return line.split()[6:13:2]
assert heap("  inner(2")[0] == "1.9" and heap("return bytes")[0] == "4.8", text
kept_line = [line.split() for line in text.splitlines() if "kept.append" in line][0]
assert kept_line[6:8] == ["2.9", "MiB"] and kept_line[9:13] == ["2.9", "MiB", "2.9", "MiB"], kept_line
profiler = ip.run_line_magic("mprun", "-a -r -f outer outer()")
assert len(profiler.code_map) == 1
""")


def test_refusals(notebook):
    notebook("""
for line in ("memit -r0 1", "memit -rx 1", "memit -i0 1", "mprun -f nothing_here 1"):
    try:
        said(line)
    except UsageError as error:
        print(error)
    else:
        raise AssertionError(line)
""")


def test_mprun_of_a_function_of_a_cell(notebook):
    notebook("""
ip.run_cell("def f(n):\\n    block = bytearray(n << 20)\\n    return n\\n")
assert not hasattr(builtins, "profile")
profiler = None
text = io.StringIO()
with contextlib.redirect_stdout(text):
    profiler = ip.run_line_magic("mprun", "-r -T table.txt -f f f(30)")
saved = open("table.txt").read()
assert "block = bytearray(n << 20)" in saved and "return n" in saved, saved
assert "block = bytearray(n << 20)" in text.getvalue()
(_, lines), = profiler.code_map.items()
increment, _, hits = dict(lines)[2]
assert 29 < increment < 31 and hits == 1
assert not hasattr(builtins, "profile")
builtins.profile = 5
assert "return n" in said("mprun -f f", "f(1)\\nf(2)")
assert builtins.profile == 5
with contextlib.redirect_stderr(io.StringIO()) as no_table:
    assert "*** SystemExit exception caught" in said("mprun -f f raise SystemExit")
assert no_table.getvalue() == "memory_profiler: no table: f was not called\\n"
""")


def test_mprun_with_peaks_and_times(notebook):
    notebook("""
import re, sys
ip.run_cell("import time\\ndef f(n):\\n    block = bytearray(n << 20); del block\\n    time.sleep(0.05)\\n")
text = said("mprun -l -f f f(30)")
assert "         Time      Per Hit   % Time   Line Contents" in text, text
assert float(re.search(r"(\\d+\\.\\d) +\\d+\\.\\d +\\d+\\.\\d +time.sleep", text)[1]) >= 50000, text
if sys.platform == "linux":
    text = said("mprun -p -l -f f f(30)")
    assert float(re.search(r"([\\d.]+) MiB +[\\d.]+ +[\\d.]+ +[\\d.]+ +block =", text)[1]) > 29, text
    from memory_profiler.magics import _Tables
    profiler = ip.run_line_magic("mprun", "-r -p -f f f(30)")
    page = _Tables(profiler)._repr_html_()
    assert "<th>Peak</th>" in page and "Per Hit" not in page
    try:
        said("mprun -c -p -f f f(1)")
    except UsageError as error:
        assert "peaks are of the rss of this process alone" in str(error)
    else:
        raise AssertionError("children and peaks")
""")


def test_await_at_a_prompt(notebook):
    """On the prompt's own loop, where what earlier lines made belongs."""
    notebook("""
ip.run_cell("import asyncio\\nasync def grow(n):\\n    block = bytearray(n << 20)\\n"
            "    await asyncio.sleep(0)\\n    return asyncio.get_running_loop()\\n")
ip.run_cell("loop = await grow(1)")
found = re.search(r"increment: (\\d+\\.\\d\\d)", said("memit await grow(40)"))
assert 39 < float(found[1]) < 41
text = said("mprun -f grow same = await grow(30)")
assert re.search(r"(29|30)\\.\\d MiB +1 +block = bytearray", text), text
assert ip.user_ns["same"] is ip.user_ns["loop"]
ip.autoawait = False
try:
    said("memit await grow(1)")
except UsageError as error:
    assert "SyntaxError" in str(error)
else:
    raise AssertionError("await without autoawait")
""")


def test_mprun_shows_tables_of_what_raises_and_says_why_there_are_none(notebook):
    notebook("""
ip.run_cell("def f(n):\\n    return {}[n]\\n")
text = io.StringIO()
with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
    outcome = ip.run_cell("%mprun -f f f(3)")
assert type(outcome.error_in_exec) is KeyError
assert "return {}[n]" in text.getvalue().partition("Traceback")[0]
assert "magics.py" not in text.getvalue() and "<mprun>" in text.getvalue()
text = io.StringIO()
with contextlib.redirect_stderr(text):
    said("mprun f")
assert text.getvalue().startswith("memory_profiler: no table: no function was named; -f ")
""")


def test_no_colour_in_what_is_saved(notebook):
    """Kernels of Jupyter ask for colour by the environment."""
    notebook("""
import os
os.environ["CLICOLOR_FORCE"] = "1"
ip.run_cell("def f(n):\\n    return bytearray(n << 20)\\n")
assert "\\x1b" not in said("mprun -T table.txt -f f f(30)")
assert "\\x1b" not in open("table.txt").read()
""")


def test_names_without_ipython(run):
    run.plain("""
        import sys
        sys.modules["IPython"] = None
        from memory_profiler import MemitResult, load_ipython_extension
        assert str(MemitResult([3.0, 5.0], 1.0, 2, None, 0.1, False)) == (
            "peak memory: 5.00 MiB, increment: 4.00 MiB")
        """).ok()


def test_heap(notebook):
    notebook(r"""
before = ip.run_line_magic("heap", "")
assert str(before).startswith("Heap: "), before
ip.run_cell("class Kept:\n    pass\nkept = [Kept() for _ in range(500)]")
assert (ip.run_line_magic("heap", "Kept").objects, ip.run_line_magic("heap", "int").sizes) == (
    500, "blocks")
grown = ip.run_cell_magic("heap", "", "n = 300\nmore = [Kept() for _ in range(n)]\n")
rows = {row.name: row.objects for row in grown.types}
assert rows["__main__.Kept"] == 300 == ip.user_ns["n"], rows
assert "New on the heap" in grown._repr_html_()
rows = {row.name: row.objects for row in (ip.run_line_magic("heap", "") - before).types}
assert rows["__main__.Kept"] == 800, rows
for line in ("nothing_here", "7", "1/"):
    try:
        ip.run_line_magic("heap", line)
    except UsageError as error:
        print(error)
    else:
        raise AssertionError(line)
try:
    ip.run_cell_magic("heap", "int", "pass")
except UsageError as error:
    assert str(error) == "%%heap takes nothing on its line, not 'int'"
else:
    raise AssertionError
""")
