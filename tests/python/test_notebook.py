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
