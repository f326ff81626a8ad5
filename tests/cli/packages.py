"""Programs that run to their end, and what pip gets from an index, where there is one."""

import subprocess
import sys

import pytest


def run(*command, **options):
    """With the output as text, and no input."""
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        **{"timeout": 600, **options},
    )


def from_index(what, *arguments, timeout=600):
    """`pip ARGUMENTS`; the test is skipped, with a line on why, where there is no ``what``."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    done = run(*pip, *arguments, timeout=timeout)
    if done.returncode != 0:
        pytest.skip(f"no {what}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
