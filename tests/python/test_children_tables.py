"""--multiprocess: the tables of children in the report of their parent."""

import json
import re
import sys

import pytest
from support import MAPPED_BLOCKS, environment, near, parse_tables

MAPPED = environment(**MAPPED_BLOCKS)

WORK = """
    import concurrent.futures, multiprocessing, os, subprocess, sys

    @profile
    def work(mib):
        block = bytearray(mib << 20)
        return len(block)
    """


@pytest.fixture
def children(run):
    """Runs a program; gives (tables of the parent, {name: tables of a child}, outcome)."""

    def children(source, *options, start=WORK, says=None):
        outcome = run.m(start + source, options=["--multiprocess", *options], env=MAPPED).ok(says)
        parts = re.split(r"^Child process (\d+) \((.*)\):\n\n", outcome.stdout, flags=re.M)
        found = {}
        for pid, name, text in zip(parts[1::3], parts[2::3], parts[3::3]):
            assert int(pid) > 1
            found.setdefault(name, []).append(parse_tables(text))
        return parse_tables(parts[0]), found, outcome

    return children


def growth(tables):
    (table,) = tables
    return table.at("block =").increment


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_start_methods_of_multiprocessing(children, method):
    own, found, outcome = children(f"""
    if __name__ == "__main__":
        context = multiprocessing.get_context("{method}")
        processes = [context.Process(target=work, args=(mib,), name=f"worker {{mib}}") for mib in (20, 9)]
        for process in processes: process.start()
        for process in processes: process.join()
        work(4)
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            pool.submit(work, 30).result()
    """)
    assert growth(own) == near(4)
    assert growth(found.pop("worker 20")[0]) == near(20)
    assert growth(found.pop("worker 9")[0]) == near(9)
    ((pooled,),) = found.values()
    assert growth(pooled) == near(30)
    assert outcome.stderr == ""


def test_a_child_forgets_the_parents_numbers(children):
    own, found, _ = children("""
    @profile
    def outer():
        work(8)
        pid = os.fork()
        if pid == 0:
            work(16)
            return 1
        os.waitpid(pid, 0)
        return 2

    code = outer()
    sys.exit(0)
    """)
    work, outer = own
    assert work.at("block =").increment == near(8)
    assert work.at("block =").occurrences == 1
    (((of_work, of_outer),),) = found.values()
    assert of_work.at("block =").increment == near(16)
    assert of_work.at("block =").occurrences == 1
    assert of_outer.at("work(16)").occurrences == 1
    assert outer.at("return 2").occurrences == 1


def test_grandchildren(children):
    _, found, _ = children("""
    def below(mib):
        process = multiprocessing.get_context("fork").Process(target=work, args=(mib,), name="below")
        process.start()
        process.join()
        work(3)

    if __name__ == "__main__":
        process = multiprocessing.get_context("fork").Process(target=below, args=(11,), name="above")
        process.start()
        process.join()
    """)
    assert growth(found["below"][0]) == near(11)
    assert growth(found["above"][0]) == near(3)


def test_python_programs_that_import_profile(children, run):
    run.write(
        "tool.py",
        """
        from memory_profiler import profile

        @profile
        def work(mib):
            block = bytearray(mib << 20)
            return len(block)

        work(12)
        print("the tool ran")
        """,
    )
    own, found, outcome = children("""
    subprocess.run([sys.executable, "tool.py"], check=True)
    work(1)
    """)
    assert growth(found["tool.py"][0]) == near(12)
    assert outcome.stdout.startswith("the tool ran\n")


def test_children_that_profile_nothing_are_not_shown(children):
    _, found, outcome = children("""
    process = multiprocessing.get_context("fork").Process(target=print, args=("hello",))
    process.start(); process.join()
    work(1)
    """)
    assert found == {} and outcome.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="no mark that can be set back")
def test_columns_and_json_of_children(children, run):
    _, found, outcome = children(
        """
    process = multiprocessing.get_context("spawn").Process(target=work, args=(6,), name="child")
    if __name__ == "__main__":
        process.start(); process.join()
        work(1)
    """.replace("process = ", "make = lambda: ").replace(
            "process.start(); process.join()", "p = make(); p.start(); p.join()"
        ),
        "--json",
        "run.json",
    )
    saved = json.loads((run.folder / "run.json").read_text())
    assert [process["name"] for process in saved["processes"]] == ["main", "child"]
    assert saved["processes"][1]["parent"] == saved["processes"][0]["pid"]
    assert growth(found["child"][0]) == near(6)


def test_nothing_stays_behind(run):
    scratch = run.folder / "scratch"
    scratch.mkdir()
    outcome = run.m(
        WORK
        + """
    print(len(os.listdir(os.environ["TMPDIR"])), "MEMORY_PROFILER_CHILDREN" in os.environ)
    work(1)
    """,
        options=["--multiprocess"],
        env=environment(TMPDIR=str(scratch)),
    ).ok()
    assert outcome.stdout.startswith("1 True\n")
    assert list(scratch.iterdir()) == []


def test_without_the_option_children_are_left_alone(run):
    outcome = run.m(
        WORK
        + """
    process = multiprocessing.get_context("fork").Process(target=work, args=(6,))
    process.start(); process.join()
    print(os.environ.get("MEMORY_PROFILER_CHILDREN"))
    """,
        env=MAPPED,
    ).ok()
    assert "Child process" not in outcome.stdout and outcome.stdout.startswith("None")
