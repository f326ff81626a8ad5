"""Children of a profiled program that are started afresh: ``profile`` exists there too.

A spawned child (and the fork server) runs ``__main__`` again, so that ``@profile`` has to be found.
"""

from ._own import builtins as __builtins__, variable

import sys

from ._memprof import ImportWaiter, Wrapped

_FIRST = "import memory_profiler._child; "
_FIRST_IN_SERVER = "import sys; sys.modules['memory_profiler._serves'] = sys; " + _FIRST
_STARTS = (
    "from multiprocessing.spawn import",
    "from multiprocessing.forkserver import",
    "import sys; from multiprocessing.forkserver import",  # 3.14 and later
)


def _with_profile(call):
    """The arguments of spawnv_passfds(path, args, passfds): this module is imported before all else."""
    path, args, *rest = call
    args = list(args)
    for place, arg in enumerate(args):
        text = arg.decode("utf-8", "surrogateescape") if isinstance(arg, bytes) else arg
        if text.startswith(_STARTS):
            args[place] = (_FIRST_IN_SERVER if "forkserver" in text else _FIRST) + text
    return path, args, *rest


_NAME = "multiprocessing.util"
_waiting = []  # functions to be called with that module, once it is imported


def when_util_is_there(use):
    """use(multiprocessing.util), now or when the program imports it."""
    util = sys.modules.get(_NAME)
    if util is not None:
        use(util)
    else:
        _waiting.append(use)


def _patch(util):
    for use in _waiting:
        use(util)
    util.spawnv_passfds = Wrapped(util.spawnv_passfds, before=_with_profile)


def _found(waiter):
    """The spec of multiprocessing.util, patched when it has been loaded."""
    sys.meta_path.remove(waiter)
    from importlib.util import find_spec

    spec = find_spec(_NAME)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module = Wrapped(
            spec.loader.exec_module, after=lambda args: _patch(args[0]))
    return spec


def follow_start_methods():
    """In the parent: every child that multiprocessing starts finds ``profile``."""
    util = sys.modules.get(_NAME)
    if util is not None:
        _patch(util)
    else:
        sys.meta_path.insert(0, ImportWaiter(_NAME, _found))


def _uncounted():
    """What stands for @profile in a child whose lines are not counted."""
    from ._profiler import profile as imported
    from ._profiler import timestamp

    def profile(func=None, **options):
        if variable("MPROF_OUTPUT") is not None:
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
