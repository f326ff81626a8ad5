"""Children of a profiled program that are started afresh: ``profile`` exists there too.

A spawned child (and the fork server) runs ``__main__`` again, so that ``@profile`` has to be found:
_start_methods.py has it import this module before all else. Imported, it acts.
"""

from ._own import builtins as __builtins__, variable  # noqa: F401

import sys

from ._decorator import counting_child, profile as imported, timestamp
from ._start_methods import follow_start_methods


def _disabled_profile():
    """What stands for @profile in a child whose lines are not counted."""

    def profile(func=None, **options):
        if variable("MPROF_OUTPUT") is not None:
            return imported(func)
        return (lambda f: f) if func is None else func

    profile.timestamp = timestamp
    return profile


def _in_child():
    import builtins

    builtins.profile = counting_child() or _disabled_profile()


if not hasattr(sys.modules.get("__main__"), "_memory_profiler_runs_here"):
    _in_child()
    follow_start_methods()
