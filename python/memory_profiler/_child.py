"""Children of a profiled program that are started afresh: ``profile`` exists there too.

A spawned child (and the fork server) runs ``__main__`` again, so that ``@profile`` has to be found.
"""

import sys

_FIRST = "import memory_profiler._child; "
_FIRST_IN_SERVER = "import sys; sys.modules['memory_profiler._serves'] = sys; " + _FIRST
_STARTS = (
    "from multiprocessing.spawn import",
    "from multiprocessing.forkserver import",
    "import sys; from multiprocessing.forkserver import",  # 3.14 and later
)


def _with_profile(args):
    """The child's command line, with this module imported before all else."""
    args = list(args)
    for place, arg in enumerate(args):
        text = arg.decode("utf-8", "surrogateescape") if isinstance(arg, bytes) else arg
        if text.startswith(_STARTS):
            args[place] = (_FIRST_IN_SERVER if "forkserver" in text else _FIRST) + text
    return args


_waiting = []  # functions to be called with multiprocessing.util, once that is imported


def when_util_is_there(use):
    """use(multiprocessing.util), now or when the program imports it."""
    util = sys.modules.get(_WhenImported.name)
    if util is not None:
        use(util)
    else:
        _waiting.append(use)


def _patch(util):
    for use in _waiting:
        use(util)
    spawn = util.spawnv_passfds

    def spawnv_passfds(path, args, passfds):
        return spawn(path, _with_profile(args), passfds)

    util.spawnv_passfds = spawnv_passfds


class _WhenImported:
    """Waits in sys.meta_path for multiprocessing.util, then steps aside."""

    name = "multiprocessing.util"

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != cls.name:
            return None
        sys.meta_path.remove(cls)
        from importlib.util import find_spec

        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                _patch(module)

            spec.loader.exec_module = exec_module
        return spec


def follow_start_methods():
    """In the parent: every child that multiprocessing starts finds ``profile``."""
    util = sys.modules.get(_WhenImported.name)
    if util is not None:
        _patch(util)
    else:
        sys.meta_path.insert(0, _WhenImported)


def _uncounted():
    """What stands for @profile in a child whose lines are not counted."""
    import os

    from ._profiler import profile as imported
    from ._profiler import timestamp

    def profile(func=None, **options):
        if "MPROF_OUTPUT" in os.environ:
            return imported(func)
        return (lambda f: f) if func is None else func

    profile.timestamp = timestamp
    return profile


def _in_child():
    import builtins

    from ._profiler import counting_child

    builtins.profile = counting_child() or _uncounted()


if not hasattr(sys.modules.get("__main__"), "_memory_profiler_runs_here"):
    _in_child()
    follow_start_methods()
