"""Runs suites written by others, plain and profiled, and says where they end differently.

    python run.py [--quick] [--only PATTERN] [--jobs N] [--resume] [--folder FOLDER] [--counts FILE]

The interpreter is that of this process; memory_profiler must be installed in it.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase

from compare import Run, differences, judge, parse_expectations, said_of, unsteady
from packages import PACKAGES, NotHere, suite_of
from suites import cpython_suites, has_tests, outcomes_of_pytest, version

HERE = os.path.dirname(os.path.abspath(__file__))
PLAINS_MORE = 3  # runs that judge a test which differed


def mode_options(suite):
    """{mode: options of python -m memory_profiler}."""
    targets = [word for target in suite.targets for word in ("-p", target)]
    modes = {"columns": [*targets, "--peak", "--line-time"], "functions": ["--functions"]}
    if suite.is_program:
        modes["all"] = ["--all"]
    elif suite.is_pytest:
        modes["all"] = ["--all", *targets]
    if suite.is_recorded:
        modes["allocations"] = ["--allocations"]
    return modes


def _environment(suite, results):
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "MPROF", "MEMORY_PROFILER"))
    }
    paths = [os.path.join(HERE, "recorder"), *suite.paths]
    env.update(
        PYTHONPATH=os.pathsep.join(paths),
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONHASHSEED="0",
        LC_ALL="C.UTF-8",
    )
    if not suite.is_pytest:  # pytest writes its own
        env["STRANGERS_RESULTS"] = results
    return env


_running = set()  # leaders of the process groups that run now


def _end(leader):
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _end_all(number, frame):
    for leader in list(_running):
        _end(leader)
    os._exit(128 + number)


def _wait(process, limit):
    """The exit status; None where time was up. Whatever the suite left running ends, too."""
    _running.add(process.pid)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process.pid)
        process.wait()
        _running.discard(process.pid)


def run_suite(suite, options=None):
    """One Run, in a folder of its own; with options, under the profiler."""
    scratch = tempfile.mkdtemp(prefix="strangers-")
    results = os.path.join(scratch, "results")
    work = suite.folder or os.path.join(scratch, "work")
    os.makedirs(work, exist_ok=True)
    command = [sys.executable]
    if options is not None:
        command += ["-m", "memory_profiler", "-o", os.path.join(scratch, "tables"), *options]
    command += suite.command
    if suite.is_pytest:
        command += [f"--junit-xml={results}", f"--basetemp={scratch}/pytest"]
    with open(os.path.join(scratch, "output"), "wb") as output:
        process = subprocess.Popen(
            command,
            cwd=work,
            env=_environment(suite, results),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        status = _wait(process, suite.limit)
    try:
        if suite.is_pytest:
            outcomes = outcomes_of_pytest(results)
        else:
            with open(results, encoding="utf-8") as file:
                outcomes = json.load(file)
    except (OSError, ValueError, SyntaxError):
        outcomes = {}  # it died before it could write
    keep = os.environ.get("STRANGERS_KEEP")
    if not keep:
        shutil.rmtree(scratch, ignore_errors=True)
    return Run(status, outcomes)


def try_suite(suite, expectations):
    """{mode: [unexpected differences, as text]}, with counts and the expectations that were met."""
    plain = run_suite(suite)
    unexpected, met = {}, set()
    if all("_FailedTest" in test for test in plain.outcomes):  # unittest's, of no module
        unexpected["plain"] = [f"no test ran: {said_of(plain.status)}"]
    flaky = None
    for mode, options in mode_options(suite).items():
        found = differences(plain, run_suite(suite, options))
        rest, known = judge(suite.name, mode, found, expectations)
        met |= known
        if rest and flaky is None:
            more = [run_suite(suite) for _ in range(PLAINS_MORE)]
            flaky = unsteady([plain, *more])
        if rest:  # a second try tells what is ours from what happens now and then
            again = judge(
                suite.name, mode, differences(plain, run_suite(suite, options)), expectations, flaky
            )[0]
            rest = [one for one in again if one.test in {first.test for first in rest}]
        unexpected[mode] = [str(one) for one in rest]
    return {
        "tests": len(plain.outcomes),
        "plain": plain.status,
        "unexpected": unexpected,
        "flaky": sorted(flaky or ()),
        "met": [str(one) for one in met],
    }


def all_suites(options):
    """The suites that were asked for; says which cannot be had."""
    suites = []
    if has_tests():
        suites = cpython_suites(options.quick)
    else:
        print(f"strangers: this Python {version()} came without its own tests (the package test)")
    cache = os.path.join(options.folder, f"packages-{version()}")
    for package in PACKAGES:
        if options.quick and not package.is_quick or not fnmatchcase(package.name, options.only):
            continue
        try:
            suites.append(suite_of(package, cache))
        except NotHere as error:
            print(f"strangers: no {package.name} {package.version} for Python {version()}: {error}")
    return [suite for suite in suites if fnmatchcase(suite.name, options.only)]


class Results:
    """What is known of each suite, kept in a file so that a run can be taken up again."""

    def __init__(self, folder, resume):
        self.path = os.path.join(folder, f"results-{version()}.json")
        self.suites = {}
        if resume and os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                self.suites = json.load(file)

    def keep(self, name, result):
        self.suites[name] = result
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.suites, file)
        os.replace(self.path + ".new", self.path)


def say(suite, result, seconds):
    bad = [
        f"  {suite.name} {mode}: {text}"
        for mode, texts in result["unexpected"].items()
        for text in texts
    ]
    flaky = f", {len(result['flaky'])} unsteady without us" if result["flaky"] else ""
    print(
        f"{suite.name}: {result['tests']} tests, {'DIFFERS' if bad else 'alike'}{flaky} "
        f"({seconds:.0f} s)",
        *bad,
        sep="\n",
        flush=True,
    )


def stale(results, expectations, suites):
    """Expectations of suites that ran, none of which was met."""
    ran = {suite.name for suite in suites}
    met = {text for result in results.suites.values() for text in result["met"]}
    return [one for one in expectations if one.suite in ran and str(one) not in met]


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a choice that takes minutes")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="suites by name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--resume", action="store_true", help="leave out what is known already")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where results are kept")
    options = parser.parse_args(argv)
    options.folder = os.path.abspath(options.folder)  # suites run in folders of their own
    os.makedirs(options.folder, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_all)
    with open(os.path.join(HERE, "differs.txt"), encoding="utf-8") as file:
        expectations = parse_expectations(file.read(), version())
    suites, results = all_suites(options), Results(options.folder, options.resume)

    def work(suite):
        started = time.monotonic()
        result = try_suite(suite, expectations)
        results.keep(suite.name, result)
        say(suite, result, time.monotonic() - started)

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(work, [suite for suite in suites if suite.name not in results.suites]))
    done = [results.suites[suite.name] for suite in suites]
    for one in stale(results, expectations, suites):
        print(f"strangers: differs.txt: {one.suite} {one.test or '-'}: does not differ here")
    runs = [texts for result in done for texts in result["unexpected"].values()]
    print(
        f"strangers: Python {version()}: {len(suites)} suites, {sum(r['tests'] for r in done)} tests, "
        f"{len(runs)} profiled runs"
    )
    failed = sum(1 for texts in runs if texts)
    print(f"{len(runs) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not suites else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
