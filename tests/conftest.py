"""--leave-out FILE: tests that cannot hold where they run, each line `test  # the reason`.

A test is named by its path and name, without parameters; a file by its path alone. What is left
out is counted in the summary, and a line that no test answers to is an error.

And what the tests start has the usual answers to signals, also where the suite itself was started so
that it ignores them (in the background of a script, by nohup).
"""

import pathlib
import signal

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def pytest_configure():
    for number in signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)  # still ignored here; an exec sets it back


def pytest_addoption(parser):
    parser.addoption("--leave-out", metavar="FILE", help="deselect the tests that FILE names")


def read_list(path):
    """The names in a list; each must have its reason."""
    names = []
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        name, _, reason = line.partition("#")
        if name.strip() and not reason.strip():
            raise pytest.UsageError(f"{path}:{number}: {name.strip()} has no reason")
        if name.strip():
            names.append(name.strip())
    return names


def names_of(item):
    """What a line may call a test: its file, or the test in it."""
    file = item.path.relative_to(ROOT).as_posix()
    return file, f"{file}::{item.originalname}"


def check_names(names, files, known):
    """Each name has its test, as far as the files that were asked for tell."""
    for name in names:
        file = name.partition("::")[0]
        if not (ROOT / file).exists() or (file in files and name not in known):
            raise pytest.UsageError(f"--leave-out: there is no {name}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    path = config.getoption("leave_out")
    if path is None:
        return
    names = read_list(path)
    known = {name for item in items for name in names_of(item)}
    if not any("::" in argument for argument in config.args):
        check_names(names, {name for name in known if "::" not in name}, known)
    out = [item for item in items if not set(names).isdisjoint(names_of(item))]
    items[:] = [item for item in items if item not in out]
    config.hook.pytest_deselected(items=out)
