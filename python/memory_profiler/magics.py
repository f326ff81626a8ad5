"""``%mprun`` and ``%memit`` for IPython and Jupyter: ``%load_ext memory_profiler``."""

import builtins


class MemitResult:
    """What ``%memit -o`` returns: the peaks in MiB, and the memory before."""

    def __init__(self, mem_usage, baseline, repeat, timeout, interval, include_children):
        self.mem_usage = mem_usage
        self.baseline = baseline
        self.repeat = repeat
        self.timeout = timeout
        self.interval = interval
        self.include_children = include_children

    def __str__(self):
        peak = max(self.mem_usage)
        return f"peak memory: {peak:.02f} MiB, increment: {peak - self.baseline:.02f} MiB"

    def __repr__(self):
        return f"<MemitResult : {self}>"

    def _repr_pretty_(self, p, cycle):
        p.text(repr(self))


class _Tables:
    """The tables of ``%mprun``: text at a prompt, HTML in a notebook."""

    def __init__(self, profiler):
        from io import StringIO

        from ._tables import shown_lines, tables_of, write_table

        text, self._html = StringIO(), []
        for filename, lines, source in tables_of(profiler.code_map):
            lines = list(lines)
            write_table(text, filename, lines, source, 1, colour=False)
            self._html.append(_html_table(filename, shown_lines(lines, source)))
        self.text = text.getvalue().rstrip()

    def __repr__(self):
        return self.text

    def _repr_html_(self):
        return "\n".join(self._html)


def _cells(columns, measure):
    """What stands in the columns of a line, as text."""
    if not measure:
        return [""] * (3 + columns.peak + 3 * columns.time)
    increment, mem, hits = measure
    peak, times = columns.of(measure)
    cells = [f"{mem:.1f} MiB", f"{increment:.1f} MiB", str(hits)]
    if peak is not None:
        cells.append(f"{peak:.1f} MiB")
    return cells + [f"{number:.1f}" for number in times or ()]


def _html_table(filename, lines):
    from html import escape

    from ._tables import Columns

    columns = Columns(lines)
    heads = ["Line #", "Mem usage", "Increment", "Occurrences"]
    heads += ["Peak"] * columns.peak + ["Time (\u00b5s)", "Per Hit", "% Time"] * columns.time
    head = "".join(f"<th>{name}</th>" for name in (*heads, "Line Contents"))
    rows = []
    for number, measure, text in lines:
        numbers = "".join(f"<td>{cell}</td>" for cell in (number, *_cells(columns, measure)))
        source = f'<td style="text-align:left"><pre>{escape(text.rstrip())}</pre></td>'
        rows.append(f"<tr>{numbers}{source}</tr>")
    return f"<p><code>{escape(filename)}</code></p><table><tr>{head}</tr>{''.join(rows)}</table>"


def _statement(stmt, namespace):
    """A function that runs the code; it returns the value of an expression, so that this lives."""
    try:
        code = compile(stmt.strip(), "<memit>", "eval")
    except SyntaxError:
        code = compile(stmt, "<memit>", "exec")
    return lambda: eval(code, namespace)


def _make_magics():
    from IPython.core.error import UsageError
    from IPython.core.magic import Magics, line_cell_magic, magics_class

    from ._files import check_output, open_output
    from ._parser import number_of
    from ._profiler import LineProfiler
    from ._usage import memory_usage
    from ._visible import visible

    def number(opts, name, kind, default):
        text = str(opts.get(name, default))
        value = number_of(text, kind)
        if value is None:
            raise UsageError(f"-{name} needs a number, not {text!r}")
        if not 0 <= value < 1e9:  # neither is a number of its own kind that is none, such as nan
            raise UsageError(f"-{name} must be from 0 to a billion, not {text!r}")
        return value

    def check_writable(path):
        """Before the statement runs, not after it."""
        try:
            check_output(path)
        except OSError as error:
            raise UsageError(f"cannot write {path!r}: {error.strerror}") from None

    @magics_class
    class MemoryProfilerMagics(Magics):
        @line_cell_magic
        def mprun(self, parameter_s="", cell=None):
            """Run a statement under the line-by-line memory profiler.

            Usage: %mprun -f func1 -f func2 [-T FILE] [-r] [-c] [-p] [-l] statement
                   %%mprun -f func1 [statement], and more lines

            -f FUNCTION  a function to profile, any expression; may be given again
            -T FILE      write the tables to a file as well
            -r           return the LineProfiler
            -c           add the memory of child processes
            -p           a column with each line's peak: the most above its start (Linux)
            -l           columns with each line's time
            """
            quoted = parameter_s.replace('"', r"\"").replace("'", r"\'")
            opts, statement = self.parse_options(quoted, "rf:T:cpl", list_all=True)
            if cell is not None:
                statement += "\n" + cell
            try:
                profiler = LineProfiler(
                    include_children="c" in opts, peak="p" in opts, time="l" in opts
                )
            except (OSError, ValueError) as error:
                raise UsageError(str(error)) from None
            for path in opts.get("T", [])[:1]:
                check_writable(path)
            shell = self.shell
            for name in opts.get("f", []):
                try:
                    profiler.add_function(eval(name, shell.user_global_ns, shell.user_ns))
                except Exception as error:
                    raise UsageError(
                        f"Could not find function {name!r}.\n{type(error).__name__}: {error}"
                    ) from None
            message = self._run(profiler, statement)
            self._show(profiler, opts.get("T", [""])[0], message)
            return profiler if "r" in opts else None

        def _run(self, profiler, statement):
            missing = object()
            before = getattr(builtins, "profile", missing)
            builtins.profile = profiler
            try:
                profiler.runctx(statement, self.shell.user_global_ns, self.shell.user_ns)
            except (SystemExit, KeyboardInterrupt) as error:
                name = type(error).__name__
                return f"*** {name} exception caught in code being profiled."
            finally:
                if before is missing:
                    del builtins.profile
                else:
                    builtins.profile = before
            return ""

        def _show(self, profiler, path, message):
            tables = _Tables(profiler)
            if hasattr(self.shell, "kernel"):
                from IPython.display import display

                display(tables)
            else:
                from IPython.core.page import page

                page(tables.text)
            if message:
                print(message)
            if path:
                self._write(path, tables.text)
                print(f"\n*** Profile printout saved to text file {visible(path)}. {message}")

        def _write(self, path, text):
            try:
                with open_output(path, "w", encoding="utf-8") as file:
                    file.write(text + "\n")
            except OSError as error:
                raise UsageError(f"cannot write {path!r}: {error.strerror}") from None

        @line_cell_magic
        def memit(self, line="", cell=None):
            """Measure the peak memory of a statement.

            Usage: %memit [-r N] [-t S] [-i S] [-c] [-o] [-q] statement
                   %%memit [options] setup, and the measured lines below

            -r N  run it N times and take the largest peak (1)
            -t S  no readings after S seconds
            -i S  seconds between readings (0.1)
            -c    add the memory of child processes
            -o    return a MemitResult
            -q    print nothing

            The value of an expression is alive when memory is read last.
            """
            import gc

            opts, stmt = self.parse_options(line, "r:t:i:coq", posix=False, strict=False)
            repeat = number(opts, "r", int, 1)
            timeout = number(opts, "t", float, 0)
            interval = number(opts, "i", float, 0.1)
            if repeat < 1:
                raise UsageError(f"-r must be at least 1, not {repeat}")
            if interval <= 0:
                raise UsageError(f"-i must be above 0, not {interval}")
            setup, stmt = ("pass", stmt) if cell is None else (stmt, cell)
            exec(setup, self.shell.user_ns)
            function = _statement(self.shell.transform_cell(stmt), self.shell.user_ns)
            timeout = timeout if timeout > 0 else None
            memory_usage(int, max_usage=True)  # what a first measurement allocates
            gc.collect()
            baseline = memory_usage()[0]
            peaks = [
                memory_usage(
                    function,
                    timeout=timeout,
                    interval=interval,
                    max_usage=True,
                    include_children="c" in opts,
                )
                for _ in range(repeat)
            ]
            result = MemitResult(peaks, baseline, repeat, timeout, interval, "c" in opts)
            if "q" not in opts:
                print(result)
            return result if "o" in opts else None

        @classmethod
        def register_magics(cls, ip):
            ip.register_magics(cls)

    MemoryProfilerMagics.__module__ = __name__
    return MemoryProfilerMagics


def __getattr__(name):
    if name != "MemoryProfilerMagics":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = _make_magics()
    return globals()[name]


def load_ipython_extension(ip):
    """What ``%load_ext memory_profiler`` calls."""
    __getattr__("MemoryProfilerMagics").register_magics(ip)
