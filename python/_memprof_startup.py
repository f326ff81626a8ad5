"""A Python that a recorded or profiled program has started: ``@profile`` exists there too.

memprof_native.pth imports this while Python starts, where the environment says so. What is asked
of ``profile`` needs the package, which is imported when that happens: most children never ask.
"""

import builtins
import posix
import sys


class _Profile:
    """Stands for ``profile`` until it is used."""

    def __call__(self, *args, **options):
        return _real()(*args, **options)

    def __getattr__(self, name):
        return getattr(_real(), name)


def _real():
    from memory_profiler import _child

    return _child.profile_here()


_CHILDREN = b"MEMORY_PROFILER_CHILDREN"

# The parent counts no children, and has told it to the system alone: the program is to find its
# environment as it would be. What it starts itself goes on inheriting it.
if posix.environ.get(_CHILDREN) == b"null":
    del posix.environ[_CHILDREN]


def _begin_watch(name, asker):
    """mprof asks this Python for its types or its heap (see _type_watch.py, _heap_watch.py);
    memory_profiler as the program begins to when that does."""
    if asker not in (b"0", b"%d" % posix.getppid()):
        return
    if ("-m", "memory_profiler") not in zip(sys.orig_argv, sys.orig_argv[1:]):
        try:
            watch = getattr(__import__("memory_profiler", fromlist=[name]), name)
        except ImportError:
            return  # a subinterpreter
        watch.start()


_begin_watch("_type_watch", posix.environ.get(b"MPROF_TYPES", b"/").partition(b"/")[2])
_begin_watch("_heap_watch", posix.environ.get(b"MPROF_HEAP", b":").partition(b":")[0])
if not sys.flags.ignore_environment and not hasattr(builtins, "profile"):
    builtins.profile = _Profile()
