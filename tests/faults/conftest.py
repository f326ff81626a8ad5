import os
import shutil
import subprocess
import sys

import pytest
from faulty import Faults


@pytest.fixture
def faults(tmp_path, monkeypatch):
    monkeypatch.setenv("MPROF_PYTHON", sys.executable)
    faults = Faults(tmp_path)
    yield faults
    for process in faults.started:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.communicate()


@pytest.fixture
def namespaces():
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        pytest.skip("this user may not make mount namespaces")


@pytest.fixture
def nobody(tmp_path_factory):
    """The command that makes another user of us."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root, with setpriv, can become another user")
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
