"""Packages whose suites run as strangers: from their sdists, installed into a folder of their own."""

import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass

from suites import Suite


@dataclass
class Package:
    name: str  # on PyPI
    version: str
    targets: list  # of -p
    needs: list  # what its tests import
    pytest: list = ()  # arguments, in the sdist; or
    unittest: list = ()  # modules
    is_quick: bool = False
    newer: str = ""  # the version from Python 3.14 on, where the other cannot be built

    def __post_init__(self):
        if self.newer and sys.version_info >= (3, 14):
            self.version = self.newer


PACKAGES = [
    Package(
        "attrs",
        "24.2.0",
        ["attr", "attr._make"],
        ["hypothesis<6.120", "cloudpickle"],
        pytest=["tests", "--ignore=tests/test_mypy.yml", "-k", "not packaging"],
    ),
    Package("click", "8.1.7", ["click"], [], pytest=["tests"], is_quick=True),
    Package("jinja2", "3.1.4", ["jinja2"], ["trio"], pytest=["tests"]),
    Package(
        "networkx",
        "3.2.1",
        ["networkx.classes"],
        [],
        pytest=["networkx/classes", "networkx/algorithms/tests", "networkx/generators"],
    ),
    Package(
        "more-itertools",
        "10.5.0",
        ["more_itertools"],
        [],
        pytest=["tests/test_recipes.py", "tests/test_more.py"],
    ),
    Package(
        "tornado",
        "6.4.1",
        ["tornado.gen", "tornado.ioloop"],
        [],
        unittest=[
            "tornado.test.gen_test",
            "tornado.test.concurrent_test",
            "tornado.test.locks_test",
            "tornado.test.queues_test",
            "tornado.test.escape_test",
            "tornado.test.util_test",
        ],
    ),
    Package(
        "greenlet",
        "3.1.1",
        ["greenlet.tests.test_greenlet"],
        ["objgraph", "psutil"],
        unittest=[
            "greenlet.tests.test_greenlet",
            "greenlet.tests.test_generator",
            "greenlet.tests.test_generator_nested",
            "greenlet.tests.test_throw",
            "greenlet.tests.test_contextvars",
            "greenlet.tests.test_gc",
        ],
        newer="3.5.6",
    ),
    Package(
        "gevent",
        "24.11.1",
        ["gevent.queue"],
        [],
        unittest=[
            "gevent.tests.test__queue",
            "gevent.tests.test__event",
            "gevent.tests.test__pool",
            "gevent.tests.test__greenlet",
        ],
        newer="26.9.0",
    ),
    Package(
        "pygments",
        "2.18.0",
        ["pygments.lexer", "pygments.formatters"],
        ["wcag-contrast-ratio"],
        pytest=["tests", "--ignore=tests/snippets", "--ignore=tests/examplefiles"],
    ),
    Package(
        "sympy",
        "1.13.3",
        ["sympy.core"],
        ["hypothesis<6.120"],
        pytest=[
            "sympy/core/tests/test_basic.py",
            "sympy/core/tests/test_facts.py",
            "sympy/core/tests/test_symbol.py",
            "sympy/core/tests/test_function.py",
            "sympy/core/tests/test_cache.py",
        ],
    ),
]


class NotHere(Exception):
    """A package that cannot be had for this Python; the message is one line."""


def _pip(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "-q", *arguments], capture_output=True, text=True
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NotHere(lines[-1] if lines else f"pip {arguments[0]}: status {done.returncode}")


def _unpack(package, folder):
    """The folder of the sdist's files."""
    _pip(
        "download",
        "--no-deps",
        "--no-binary",
        package.name,
        "-d",
        folder,
        f"{package.name}=={package.version}",
    )
    (archive,) = [name for name in os.listdir(folder) if name.endswith(".tar.gz")]
    with tarfile.open(os.path.join(folder, archive)) as file:
        file.extractall(folder)
    return os.path.join(folder, archive[: -len(".tar.gz")])


def _prepared(package, cache):
    """(folder of the sdist, folder it is installed in); both are kept in the cache."""
    base = os.path.join(cache, f"{package.name}-{package.version}")
    site, done = os.path.join(base, "site"), os.path.join(base, "done")
    if not os.path.exists(done):
        os.makedirs(base, exist_ok=True)
        source = _unpack(package, base)
        _pip("install", "--target", site, f"{package.name}=={package.version}", *package.needs)
        with open(done, "w", encoding="utf-8") as file:
            file.write(source)
    with open(done, encoding="utf-8") as file:
        return file.read(), site


def suite_of(package, cache):
    """Raises NotHere."""
    source, site = _prepared(package, cache)
    if package.unittest:
        return Suite(
            package.name,
            ["-m", "unittest", "-v", *package.unittest],
            package.targets,
            is_program=False,
            paths=(site,),
        )
    # What a newer pytest warns of is not this suite's matter.
    return Suite(
        package.name,
        [
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-o",
            "filterwarnings=default",
            *package.pytest,
        ],
        package.targets,
        is_pytest=True,
        is_program=False,
        folder=source,
        paths=(site,),
    )
