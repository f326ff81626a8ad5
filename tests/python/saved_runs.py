"""A small saved run to change, and the commands that read it, called in this process."""

import contextlib
import copy
import io
import json

LEDGER = {
    "first_line": 3,
    "entry_bytes": 1000,
    "segments_bytes": 50,
    "tool_bytes": 0,
    "increments_bytes": 1050,
}
FUNCTION = {
    "filename": "script.py",
    "name": "A.work",
    "first_line": 3,
    "precision": 3,
    "ledger": LEDGER,
    "lines": [
        {"line": 3, "increment_bytes": 1000, "memory_bytes": 1000, "occurrences": 1},
        {
            "line": 4,
            "increment_bytes": 50,
            "memory_bytes": 1050,
            "occurrences": 2,
            "peak_bytes": 7,
            "time_ns": 9,
        },
    ],
    "source": ["def work():\n", "    return [0] * 6\n"],
}
RUN = {
    "format": "memory_profiler run",
    "version": 1,
    "memory_profiler": "1",
    "python": "3",
    "time": 1.0,
    "platform": "linux",
    "command": ["script.py"],
    "finished": True,
    "processes": [{"pid": 7, "parent": 1, "name": "main", "reads": 5, "functions": [FUNCTION]}],
}

MEMBERS = (
    "allocated_bytes",
    "allocations",
    "at_peak_bytes",
    "at_peak_blocks",
    "left_bytes",
    "left_blocks",
)
NOTHING = (0,) * 6


def sums(*numbers):
    return dict(zip(MEMBERS, numbers))


def recorded(function, inclusive, own=NOTHING):
    """A function of which is known what its last line allocated, with what it called and itself."""
    *others, last = function["lines"]
    return {
        **function,
        "lines": [
            *({**line, **sums(*NOTHING), "own": sums(*NOTHING)} for line in others),
            {**last, **sums(*inclusive), "own": sums(*own)},
        ],
    }


def recorded_run(*functions, heap, name="f", line=4, **more):
    """A run with --allocations that had this heap."""
    run = run_of(*functions)
    run["processes"][0]["heap"] = {
        **sums(*heap),
        "freed_unseen_blocks": 0,
        "peak_at": {"filename": "/folder/script.py", "line": line, "name": name},
        **more,
    }
    return run


def run_of(*functions):
    run = copy.deepcopy(RUN)
    run["processes"][0]["functions"] = list(functions)
    return run


def run_with(**changes):
    """RUN, its function changed."""
    return run_of({**copy.deepcopy(FUNCTION), **changes})


def function(name, *source, filename="script.py", first=3, growth=50):
    """A function whose last line grew by so many bytes."""
    last = first + len(source) - 1
    return {
        **FUNCTION,
        "name": name,
        "filename": filename,
        "first_line": first,
        "source": [text + "\n" for text in source],
        "ledger": {**LEDGER, "segments_bytes": growth, "increments_bytes": 1000 + growth},
        "lines": [
            {"line": first, "increment_bytes": 1000, "memory_bytes": 1000, "occurrences": 1},
            {"line": last, "increment_bytes": growth, "memory_bytes": 1050, "occurrences": 1},
        ],
    }


def saved(folder, run, name="run.json"):
    """The path of a file that holds a run."""
    path = folder / name
    path.write_text(json.dumps(run))
    return path


def outcome_of(main, arguments, encoding="utf-8"):
    """(exit status, stdout, stderr) of a command; stdout has an encoding, as a real one."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding=encoding), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    out.flush()
    return status, out.buffer.getvalue().decode(out.encoding), err.getvalue()


RECORDED = recorded_run(
    recorded(FUNCTION, (500, 9, 300, 5, 100, 2), (400, 8, 300, 5, 90, 1)),
    heap=(800, 12, 700, 8, 200, 3),
    stacks=4,
    over_budget=0,
)
