"""Runs programs given as JSON, a line each: once under the reference, once under the profiler.

A process of its own, so that the memory of the test runner is not in the numbers, malloc gives each
block its own mapping, and a crash is a failed test.
"""

import gc
import json
import sys
import threading

from reference import Reference

BUDGET = 250


class Stop(BaseException):
    """Ends a program that would run too long."""


class Manager:
    def __enter__(self):
        return bytearray(1 << 19)

    def __exit__(self, *exc):
        return False


class Pause:
    def __await__(self):
        yield


async def pause():
    await Pause()


async def ticks(n):
    for i in range(n):
        await Pause()
        yield i


class AsyncManager:
    async def __aenter__(self):
        await Pause()

    async def __aexit__(self, *exc):
        await Pause()
        return False


class Kept(threading.local):
    """A list for each thread, so that what a thread does never hangs on another's progress."""

    def __init__(self):
        self.values = []

    def append(self, value):
        self.values.append(value)

    def clear(self):
        self.values.clear()

    def __len__(self):
        return len(self.values)


class Program:
    def __init__(self, case, decorate):
        self.case = case
        self.kept = Kept()
        self.steps = 0
        self.names = {
            "profile": decorate,
            "kept": self.kept,
            "mem": self.mem,
            "step": self.step,
            "through": lambda f, *args: f(*args),
            "Manager": Manager,
            "__name__": "program",
            "pause": pause,
            "ticks": ticks,
            "AsyncManager": AsyncManager,
        }
        exec(compile(case["source"], "<program>", "exec"), self.names)

    def mem(self, n):
        self.step()
        return bytearray(n << 19)

    def step(self):
        self.steps += 1
        if self.steps > self.case.get("budget", BUDGET):
            raise Stop

    def run(self):
        if self.case.get("threads"):
            threads = [
                threading.Thread(target=self.sequence, args=(calls,))
                for calls in self.case["threads"]
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        elif "schedule" in self.case:
            self.interleave()
        else:
            self.sequence(self.case["calls"])

    def sequence(self, calls):
        for name, depth in calls:
            try:
                result = self.names[name](depth)
                if hasattr(result, "__next__"):
                    for value in result:
                        self.kept.append(value)
                del result
            except (ValueError, Stop):
                pass
            finally:
                self.kept.clear()

    def interleave(self):
        """Several generators and coroutines, advanced in the order of the schedule."""
        live = {}
        for index, act in self.case["schedule"]:
            try:
                if index not in live:
                    live[index] = self.names["g0" if index < 3 else "c0"](1)
                    live[index].send(None)
                elif act == "next":
                    live[index].send(None)
                elif act == "throw":
                    live[index].throw(ValueError)
                elif act == "close":
                    live.pop(index).close()
                else:
                    del live[index]
                self.kept.append(bytearray(1 << 19))
            except (ValueError, StopIteration, Stop):
                live.pop(index, None)
            except RuntimeError as error:  # closed while it awaits on its way out
                assert "ignored GeneratorExit" in str(error)
        live.clear()
        self.kept.clear()


def run_plain(case):
    program = Program(case, lambda f: f)
    program.run()


def run_reference(case):
    reference = Reference()
    program = Program(case, reference.add)
    with reference:
        program.run()
    return list(reference.results())


def run_profiler(case):
    from memory_profiler import LineProfiler

    profiler = LineProfiler()

    def watch(function):
        profiler.add_function(function)
        return function

    # A wrapper changes when a coroutine dies that awaits while it is closed: none for those.
    program = Program(case, watch if "schedule" in case else profiler)
    with profiler:
        program.run()
    return [
        dict(table, rows={row[0]: row[1:4] for row in table["rows"]})
        for table in profiler.ledger()
        if table["rows"]
    ]


def main():
    gc.disable()
    for line in sys.stdin:
        case = json.loads(line)
        answer = {}
        for name in case["do"]:
            answer[name] = {
                "plain": run_plain,
                "reference": run_reference,
                "profiler": run_profiler,
            }[name](case)
            gc.collect()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
