"""The magics in a real kernel of Jupyter, talked to as a notebook does."""

import re

import pytest
from support import MAPPED_BLOCKS, environment

pytest.importorskip("ipykernel")
manager = pytest.importorskip("jupyter_client.manager")

SECONDS = 60


class Said:
    """What one cell has sent: its text, its rich outputs and its result by MIME type, its error."""

    def __init__(self, messages):
        of = {}
        for message in messages:
            of.setdefault(message["msg_type"], []).append(message["content"])
        self.text = "".join(content["text"] for content in of.get("stream", []))
        self.shown = [content["data"] for content in of.get("display_data", [])]
        self.result = next((content["data"] for content in of.get("execute_result", [])), None)
        self.error = next((content for content in of.get("error", [])), None)


class Notebook:
    def __init__(self, client):
        self._client = client

    def __call__(self, code):
        """Runs a cell."""
        request = self._client.execute(code)
        messages = []
        while True:
            message = self._client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return Said(messages)
            messages.append(message)


@pytest.fixture
def notebook(tmp_path):
    env = environment(
        IPYTHONDIR=str(tmp_path / "ipython"), JUPYTER_RUNTIME_DIR=str(tmp_path), **MAPPED_BLOCKS
    )
    kernel, client = manager.start_new_kernel(startup_timeout=SECONDS, cwd=str(tmp_path), env=env)
    try:
        cell = Notebook(client)
        assert cell("%load_ext memory_profiler").error is None
        yield cell
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)


def test_memit(notebook):
    for _ in range(4):
        said = notebook("%memit [0]*10**7")
        found = re.fullmatch(r"peak memory: \d+\.\d\d MiB, increment: (\d+\.\d\d) MiB\n", said.text)
        assert found and abs(float(found[1]) - 76.3) < 0.15, said.text
    said = notebook("%%memit -r2 -o n = 40\nblock = bytearray(n << 20)\ndel block")
    assert said.text.startswith("peak memory: ") and re.search(
        r"increment: (39|40)\.\d\d", said.text
    )
    assert said.result["text/plain"] == f"<MemitResult : {said.text.strip()}>"
    refused = notebook("%memit -r0 1").text
    assert refused.strip() == "UsageError: -r must be at least 1, not 0"
    assert notebook("%memit 1 / 0").error["ename"] == "ZeroDivisionError"
    assert notebook("%memit -q 1").text == ""


def test_mprun(notebook):
    notebook("def grow(n):\n    block = bytearray(n << 20)\n    return n < 5")
    said = notebook("%mprun -f grow grow(30)")
    (shown,) = said.shown
    plain, html = shown["text/plain"], shown["text/html"]
    assert re.search(
        r"^ +2 +[\d.]+ MiB +(29|30)\.\d MiB +1       block = bytearray", plain, re.M
    ), plain
    assert html.count("<table>") == html.count("</table>") == 1
    assert html.count("<tr>") == 4 and "return n &lt; 5" in html and "<script" not in html
    assert "Cell In[2]</p>" in html and "<pre" not in html and "<code" not in html
    heat = re.findall(r'<td style="background:rgba\(214,69,65,([\d.]+)\)">(?:29|30)\.\d MiB', html)
    assert heat == ["0.65"] and html.count("rgba(") == 1
    said = notebook("%%mprun -f grow -r\nfor n in range(3):\n    grow(n)")
    assert re.search(r"^ +3 .* 3       return n < 5", said.shown[0]["text/plain"], re.M)
    assert "LineProfiler" in said.result["text/plain"]
    assert notebook("import builtins; hasattr(builtins, 'profile')").result["text/plain"] == "False"
    assert "Could not find function 'nowhere'" in notebook("%mprun -f nowhere 1").text


def test_memory_usage(notebook):
    """With threads of the kernel beside it, and a fork inside."""
    said = notebook("""
import os, time
from memory_profiler import memory_usage
def work():
    block = bytearray(50 << 20)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    time.sleep(0.05)
samples = memory_usage((work,), interval=0.001)
len(samples) > 10, round(max(samples) - samples[0])
""")
    assert said.error is None, said.error
    assert said.result["text/plain"] == "(True, 50)"


NO_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def shown_error(said):
    """The traceback as it is shown, without its head and its last line."""
    assert said.error is not None, said.text
    text = NO_COLOUR.sub("", "\n".join(said.error["traceback"]))
    lines = text.splitlines()
    assert lines[0].startswith("-----") and "Traceback (most recent call last)" in lines[1]
    return lines[2:-1]


def test_await(notebook):
    """At the top level, beside the loop that runs the notebook; that one goes on afterwards."""
    notebook("""
import asyncio
async def grow(n):
    block = bytearray(n << 20)
    return await asyncio.create_task(asyncio.sleep(0.01, n))
later = asyncio.get_running_loop().create_task(asyncio.sleep(0.05, "slept"))
""")
    found = re.search(r"increment: (\d+\.\d\d) MiB", notebook("%memit await grow(40)").text)
    assert 39 < float(found[1]) < 41
    said = notebook("%%mprun -f grow\nasync with asyncio.Lock():\n    print(await grow(30))")
    assert said.error is None and said.text == "30\n"
    plain = said.shown[0]["text/plain"]
    assert re.search(r"(29|30)\.\d MiB +1 +block = bytearray", plain), plain
    assert notebook("await later, await grow(1)").result["text/plain"] == "('slept', 1)"
    notebook("%autoawait off")
    assert "SyntaxError: " in notebook("%memit await grow(1)").text


def test_a_traceback_begins_with_the_statement(notebook):
    notebook("def fail(n):\n    block = bytearray(n << 20)\n    return block[-1 - (n << 20)]")
    inside = ["", "Cell In[2], line 3, in fail(n)"]
    for code, number, line in [
        ("%memit fail(1)", 1, "fail(1)"),
        ("%%memit n = 1\nn += 1\nfail(n)", 3, "fail(n)"),
        ("%mprun -f fail fail(1)", 1, "fail(1)"),
        ("%%mprun -f fail\nn = 1\nfail(n)", 3, "fail(n)"),
        ("%%memit fail(1)\npass", 1, "fail(1)"),
    ]:
        said = notebook(code)
        lines = shown_error(said)
        assert re.fullmatch(rf"File <(memit|mprun|memit setup)>:{number}", lines[0]), lines
        assert f"----> {number} {line}" in lines
        at = lines.index(inside[1])
        assert lines[at - 1] == "" and not any("magics.py" in line for line in lines)
        assert said.error["ename"] == "IndexError"
    said = notebook("%memit x = = 1")
    assert said.text.splitlines()[1:3] == ["    x = = 1", "        ^"]


def test_tables_are_shown_when_the_statement_raises(notebook):
    notebook("def fail(n):\n    block = bytearray(n << 20)\n    return {}[n]")
    said = notebook("%mprun -f fail -T table.txt fail(30)")
    assert said.error["ename"] == "KeyError"
    assert re.search(r"(29|30)\.\d MiB +1 +block = bytearray", said.shown[0]["text/plain"])
    assert "block = bytearray" in notebook("print(open('table.txt').read())").text


def test_no_table_says_why(notebook):
    notebook("def f():\n    pass\ndef g():\n    pass")
    for code, why in [
        ("%mprun f()", "no function was named; -f FUNCTION names one, and may be given again"),
        ("%mprun -f f 1", "f was not called"),
        ("%mprun -f f -f g 1", "none of f, g was called"),
        ("%%mprun\n@profile\ndef h(): pass", "nothing under @profile was called"),
    ]:
        said = notebook(code)
        assert said.text == f"memory_profiler: no table: {why}\n" and said.shown == []
    assert "no table" not in notebook("%%mprun\n@profile\ndef h(): pass\nh()").text


def test_run_as_a_whole(tmp_path):
    """As papermill and nbconvert do it: an error ends it, what was shown until then is there."""
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    cells = [
        "%load_ext memory_profiler",
        "def grow(n):\n    block = bytearray(n << 20)\n    return {}[n]",
        "%memit 1",
        "%mprun -f grow grow(30)",
        "print('not reached')",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    env = environment(IPYTHONDIR=str(tmp_path / "ipython"), JUPYTER_RUNTIME_DIR=str(tmp_path))
    runner = client.NotebookClient(
        book, timeout=SECONDS, resources={"metadata": {"path": tmp_path}}
    )
    with pytest.raises(client.exceptions.CellExecutionError, match="KeyError"):
        runner.execute(env=env)
    assert book.cells[2].outputs[0]["text"].startswith("peak memory: ")
    table, error = book.cells[3].outputs
    assert "<table>" in table["data"]["text/html"] and error["ename"] == "KeyError"
    assert book.cells[4].outputs == []
