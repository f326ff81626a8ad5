"""Snippets of shapes.py that change what belongs to the interpreter: tracers, hooks, streams."""

MEDDLING = {
    "tracer": """
        def tracer(frame, event, arg):
            return tracer
        sys.settrace(tracer)
        attempt(f1, 1)
        sys.settrace(None)
        """,
    "traced": """
        @profile
        def seen(frame, event, arg):
            if frame.f_code.co_name in ("f1", "step", "mem", "through"):
                events.append((frame.f_code.co_name, event))
            return seen
        events = []
        sys.setprofile(seen)
        attempt(f1, 1)
        sys.setprofile(None)
        print("OUT", len(events), events[:5])
        events = []
        sys.settrace(seen)
        through(len, "x")
        sys.settrace(None)
        print("OUT", len(events), events[:5])
        """,
    "excepthook": """
        @profile
        def hook(kind, error, trace):
            print("OUT hook", kind.__name__, error)
        sys.excepthook = hook
        """,
    "unraisable": """
        @profile
        def unraisable(args):
            print("OUT unraisable", args.exc_type.__name__)
        sys.unraisablehook = unraisable
        class Fails:
            def __del__(self):
                raise KeyError
        Fails()
        """,
    "signal": """
        import signal
        @profile
        def handler(number, frame):
            print("OUT signal", number)
            if frame is None: raise ValueError
        signal.signal(signal.SIGUSR1, handler)
        signal.raise_signal(signal.SIGUSR1)
        """,
    "warnings": """
        import warnings
        @profile
        def warns():
            warnings.warn("from here")
            warnings.warn("from the caller", stacklevel=2)
        attempt(warns)
        through(warns)
        """,
    "written": """
        import traceback
        @profile
        def fails(n):
            if n == 0:
                raise ValueError("inside")
            fails(n - 1)
        try:
            fails(2)
        except ValueError as error:
            print("OUT", traceback.format_exc().replace("\\n", "|").partition("script.py")[2])
            sys.stderr.write("".join(traceback.format_exception(error)))
        """,
    "deep": """
        @profile
        def deep(n):
            return 0 if n == 0 else 1 + deep(n - 1)
        print("OUT", deep(150))
        try:
            deep(10 ** 6)
        except RecursionError:
            print("OUT too deep")
        """,
    "elsewhere": """
        import os, tempfile
        os.chdir(tempfile.gettempdir())
        attempt(f0, 1)
        sys.path.clear()
        sys.argv.clear()
        """,
    "builtins": """
        import builtins
        import tokenize  # it keeps the open() that it finds; under us it is there before
        real_open, real_print = open, print
        builtins.open = profile(lambda *args, **kw: real_open(*args, **kw))
        builtins.print = profile(lambda *args, **kw: real_print(*args, **kw))
        builtins.input = builtins._ = lambda text: text
        builtins.print("OUT printed", flush=True)
        """,
    "imports": """
        class Nothing:
            def find_spec(self, name, path=None, target=None):
                return None
        sys.meta_path.insert(0, Nothing())
        for name in list(sys.modules):
            if name.partition(".")[0] in ("json", "collections", "io", "re", "textwrap"):
                del sys.modules[name]
        """,
    "descriptors": """
        import os
        for number in range(3, 30):
            try:
                os.close(number)
            except OSError:
                pass
        attempt(f0, 1)
        """,
    "stdout": """
        import io
        real, sys.stdout = sys.stdout, io.StringIO()
        attempt(f1, 1)
        lines, sys.stdout = sys.stdout.getvalue(), real
        print("OUT", [line for line in lines.splitlines() if line.startswith("OUT")])
        """,
}
