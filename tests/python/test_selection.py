"""-p TARGET and --all: functions profiled without a decorator; and short options of 0.61."""

import os
import re
import sys
import zipfile

import pytest
from support import MAPPED_BLOCKS, environment, near

MAPPED = environment(**MAPPED_BLOCKS)

MODULE = """
    import dataclasses
    import functools

    def plain():
        block = bytearray(4 << 20)
        return len(block)

    @functools.lru_cache
    def cached(n):
        return [0] * n

    def decorator(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)
        return wrapper

    @decorator
    def wrapped():
        return 1

    def numbers():
        yield 1
        yield 2

    async def waits():
        return 3

    @dataclasses.dataclass
    class Shape:
        side: int = 2

        def area(self):
            block = bytearray(3 << 20)
            return self.side ** 2

        @staticmethod
        def unit():
            return 1

        @classmethod
        def make(cls):
            return cls(5)

        @property
        def half(self):
            return self.side / 2

        class Inner:
            def deep(self):
                return 1
    """

PROGRAM = """
    import asyncio
    from pkg import mod
    import other

    def work():
        shape = mod.Shape.make()
        shape.area(), shape.half, shape.unit(), mod.Shape.Inner().deep()
        mod.plain(), mod.cached(10), mod.cached(10), mod.wrapped(), list(mod.numbers())
        asyncio.run(mod.waits())
        return other.there()

    work()
    """

OF_MODULE = {"plain", "cached", "decorator", "wrapped", "numbers", "waits"}
OF_SHAPE = {"area", "unit", "make", "half"}


@pytest.fixture
def profiled(run):
    """Runs the program with these options; gives the names of the functions that have tables."""
    run.write("pkg/__init__.py", "def of_package():\n    return 1\nof_package()\n")
    run.write("pkg/mod.py", MODULE)
    run.write("other.py", "def there():\n    return 7\n")

    def profiled(*options, source=PROGRAM, says=None):
        outcome = run.m(source, options=options, env=MAPPED).ok(says)
        names = set()
        for table in outcome.tables:
            first = next(row.text for row in table.rows if "def " in row.text)
            names.add(first.split("def ")[1].split("(")[0])
        return names, outcome

    return profiled


@pytest.mark.parametrize(
    "target, names",
    [
        ("pkg.mod", OF_MODULE | OF_SHAPE | {"deep"}),
        ("pkg", OF_MODULE | OF_SHAPE | {"deep", "of_package"}),
        ("pkg.*", OF_MODULE | OF_SHAPE | {"deep"}),
        ("pkg.mod:plain", {"plain"}),
        ("pkg.mod:Shape.area", {"area"}),
        ("pkg.mod:Shape.*", OF_SHAPE | {"deep"}),
        ("*:there", {"there"}),
        ("other.py", {"there"}),
        ("pkg/mod.py:plain", {"plain"}),
        ("./pkg/../other.py", {"there"}),
        ("script.py", {"work"}),
        ("__main__", {"work"}),
    ],
)
def test_targets(profiled, target, names):
    found, outcome = profiled("-p", target)
    assert found == names
    assert outcome.stderr == ""


def test_all_is_every_function_of_the_program(profiled):
    found, outcome = profiled(
        "--all",
        source="""
        @profile
        def decorated():
            return sum(x for x in range(3))

        def plain():
            inner = lambda: bytearray(5 << 20)
            return len(inner())

        class Thing:
            size = [n for n in range(3)]
            def method(self):
                return plain()

        decorated(); Thing().method()
        """,
    )
    assert found == {"decorated", "plain", "method"}
    table = outcome.table("plain")
    assert table.at("return len").occurrences == 1
    assert outcome.stdout.count("def decorated") == 1


def test_numbers_are_those_of_the_decorator(profiled, run):
    _, outcome = profiled("-p", "pkg.mod:plain", "-p", "pkg.mod:Shape.area")
    assert outcome.table("plain").at("block =").increment == near(4)
    assert outcome.table("area").at("block =").increment == near(3)


def test_several_targets_with_a_decorator(profiled):
    found, outcome = profiled(
        "-p",
        "other",
        "--prof-mod",
        "pkg.mod:cached",
        source=PROGRAM.replace("def work", "@profile\n    def work"),
    )
    assert found == {"work", "there", "cached"}
    assert outcome.table("cached").at("return [0]").occurrences == 1


def test_a_loaded_module_and_one_of_a_zip(run):
    with zipfile.ZipFile(run.folder / "lib.zip", "w") as archive:
        archive.writestr("zipped.py", "def inside():\n    return 1\n")
    outcome = run.m(
        """
        import re, sys
        sys.path.insert(0, "lib.zip")
        import zipped
        zipped.inside()
        re.compile("a")
        re.escape("a/b")
        """,
        options=["-p", "zipped", "-p", "re:escape"],
    ).ok()
    assert outcome.table("inside").at("return 1").occurrences == 1
    assert outcome.table("escape").rows


def test_modules_and_commands(run):
    run.write("tool/__init__.py", "")
    run.write("tool/__main__.py", "def go():\n    return 1\ngo()\n")
    assert run.profiler("--all", "-m", "tool").ok().table("go")
    assert run.profiler("-p", "tool.__main__", "-m", "tool").ok().table("go")
    assert run.profiler("--all", "-c", "def go():\n    return 1\ngo()\n").ok().table("go")


def test_a_target_that_named_nothing(profiled):
    _, outcome = profiled(
        "-p", "pkg.mod:nothing", "-p", "never.imported", "-p", "other", says="named no function"
    )
    assert outcome.stderr.splitlines() == [
        "memory_profiler: -p pkg.mod:nothing named no function of this run",
        "memory_profiler: -p never.imported named no function of this run",
    ]


def test_the_programs_own_importing_is_untouched(run):
    run.write("other.py", "def there():\n    return 7\n")
    run.write(
        "script.py",
        """
        import builtins, sys, threading
        print(sys.meta_path, builtins.__import__, sys.gettrace(), sys.getprofile(),
              threading.active_count(), sorted(sys.modules))
        import other
        """,
    )
    first = [
        re.sub(r" at 0x\w+", "", run.profiler(*options, "script.py").ok().stdout.splitlines()[0])
        .replace("'fnmatch', ", "")
        .replace("'memory_profiler._selection', ", "")
        for options in ((), ("-p", "other"))
    ]
    assert first[0] == first[1]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs sys.monitoring")
def test_unselected_code_sends_no_events(run):
    run.write("other.py", "def there():\n    return 7\n")
    lines = (
        run.m(
            """
        import sys
        import other

        def free():
            return 1

        free()
        other.there()
        monitoring = sys.monitoring
        for tool in range(6):
            if monitoring.get_tool(tool):
                print("tool", monitoring.get_local_events(tool, free.__code__),
                      monitoring.get_local_events(tool, other.there.__code__) != 0,
                      monitoring.get_events(tool) & monitoring.events.PY_START)
        """,
            options=["-p", "other"],
        )
        .ok()
        .stdout.splitlines()
    )
    assert [line for line in lines if line.startswith("tool")] == ["tool 0 True 0"]


def test_a_thread_whose_first_function_is_selected(run):
    table = (
        run.m(
            """
        import threading
        class Work(threading.Thread):
            def run(self):
                self.done = [1] * 1000
        def main():
            for _ in range(3):
                thread = Work()
                thread.start()
                thread.join()
        main()
        """,
            options=["--all"],
        )
        .ok()
        .table("run")
    )
    assert table.first.occurrences == 3


@pytest.mark.parametrize(
    "option",
    [["-p", "other"], ["--all"], ["--lines"], ["--functions"], ["--pstats", "x"], ["--lprof", "x"]],
)
def test_not_with_timestamp(run, option):
    outcome = run.m("print('ran')\n", options=["--timestamp", *option])
    assert outcome.returncode == 2 and outcome.stdout == ""
    assert outcome.stderr.splitlines()[-1].startswith(
        "python -m memory_profiler: error: --timestamp records"
    )


@pytest.mark.parametrize(
    "short, full",
    [
        (["--pr", "1"], ["--precision", "1"]),
        (["--pre=2"], ["--precision", "2"]),
        (["--back", "rss"], ["--backend", "rss"]),
        (["--b=uss"], ["--backend", "uss"]),
        (["--inc"], ["--include-children"]),
        (["--i"], ["--include-children"]),
        (["--pdb", "5000"], ["--pdb-mmem", "5000"]),
        (["--pd=5000"], ["--pdb-mmem", "5000"]),
    ],
)
def test_beginnings_of_options_mean_what_they_meant(run, short, full):
    source = "@profile\ndef f():\n    return 1\nf()\n"
    tables = [run.m(source, options=options).ok().tables for options in (short, full)]
    widths = [[len(row.text) for row in table.rows] for table in tables[0]]
    assert widths == [[len(row.text) for row in table.rows] for table in tables[1]]
    assert [row.mem is None for row in tables[0][0].rows] == [
        row.mem is None for row in tables[1][0].rows
    ]


def test_beginnings_of_flags_mean_what_they_meant(run):
    for short in ("--ver", "--v", "--vers"):
        assert run.profiler(short).ok().stdout == run.profiler("--version").ok().stdout
    for short in ("--t", "--time", "--ti"):
        outcome = run.m(
            "@profile\ndef f():\n    return 1\nf()\n", options=[short, "-o", "x.dat"]
        ).ok()
        assert outcome.stdout == ""
        assert "FUNC __main__.f" in (run.folder / "x.dat").read_text()
        os.remove(run.folder / "x.dat")
    assert run.profiler("--p", "1").returncode == 2  # ambiguous in 0.61, too
