"""``%mprun``, ``%memit`` and ``%heap`` for IPython and Jupyter: ``%load_ext memory_profiler``."""

import builtins

from ._units import MIB


class MemitResult:
    """What ``%memit -o`` returns: the peaks in MiB, and the memory before; with ``-a`` also
    ``allocated``, as ``memory_profiler.allocations()`` gives it."""

    def __init__(
        self, mem_usage, baseline, repeat, timeout, interval, include_children, allocated=None
    ):
        self.mem_usage = mem_usage
        self.baseline = baseline
        self.repeat = repeat
        self.timeout = timeout
        self.interval = interval
        self.include_children = include_children
        self.allocated = allocated

    def __str__(self):
        peak = max(self.mem_usage)
        text = f"peak memory: {peak:.02f} MiB, increment: {peak - self.baseline:.02f} MiB"
        if self.allocated is not None:
            text += (
                f"\nallocated: peak {self.allocated.peak_bytes / MIB:.02f} MiB, "
                f"left {self.allocated.left_bytes / MIB:.02f} MiB"
            )
        return text

    def __repr__(self):
        return f"<MemitResult : {self}>"

    def _repr_pretty_(self, p, cycle):
        p.text(repr(self))


class _Tables:
    """The tables of ``%mprun``: text at a prompt, HTML in a notebook."""

    def __init__(self, profiler, name_of=str, block=None):
        """name_of(file name): as it is to be called in a notebook. block: of allocations()."""
        from io import StringIO

        from ._tables import shown_lines, tables_of, write_table

        text, self._html = StringIO(), []
        allocated = None if block is None else block._of_lines()
        for filename, lines, source in tables_of(profiler.code_map):
            lines = _with_allocations(allocated, filename, list(lines))
            write_table(text, filename, lines, source, 1, colour=False)
            self._html.append(_html_table(name_of(filename), shown_lines(lines, source)))
        self.text = text.getvalue().rstrip()

    def __repr__(self):
        return self.text

    def _repr_html_(self):
        return "\n".join(self._html)


def _with_allocations(allocated, filename, lines):
    """Lines as tables have them, each that ran with what it has allocated; None: not counted."""
    from ._allocations import with_sums

    if allocated is None:
        return lines
    measures = {line: measure for line, measure in lines if measure}
    known = with_sums(measures, lambda line: allocated.get((filename, line), (0,) * 6))
    return [(line, known.get(line, measure)) for line, measure in lines]


def _cells(columns, measure):
    """What stands in the columns of a line, as text."""
    if not measure:
        return [""] * (3 + columns.peak + 3 * columns.time + 4 * columns.heap)
    increment, mem, hits = measure
    peak, times, heap = columns.of(measure)
    cells = [f"{mem:.1f} MiB", f"{increment:.1f} MiB", str(hits)]
    if peak is not None:
        cells.append(f"{peak:.1f} MiB")
    cells += [f"{number:.1f}" for number in times or ()]
    if heap:
        size, count, at_peak, left = heap
        cells += [f"{size:.1f} MiB", str(count), f"{at_peak:.1f} MiB", f"{left:.1f} MiB"]
    return cells


# What notebooks do with <pre> and <code>, a ground of their own, hides that of the row.
_CODE = "text-align:left;white-space:pre;font-family:monospace;background:transparent"


def _heat(increment, most):
    """The style of an increment's cell, the darker the more it is beside the others."""
    share = increment / most if most else 0
    if abs(share) < 0.01:
        return ""
    colour = "214,69,65" if share > 0 else "46,139,87"
    return f' style="background:rgba({colour},{0.05 + 0.6 * abs(share):.2f})"'


def _html_table(filename, lines):
    from html import escape

    from ._tables import Columns

    columns = Columns(lines)
    heads = ["Line #", "Mem usage", "Increment", "Occurrences"]
    heads += ["Peak"] * columns.peak + ["Time (\u00b5s)", "Per Hit", "% Time"] * columns.time
    heads += ["Allocated", "Allocs", "At peak", "Left"] * columns.heap
    head = "".join(f"<th>{name}</th>" for name in heads)
    # The first line has what was there before: it says nothing about the others.
    most = max((abs(measure[0]) for _, measure, _ in lines[1:] if measure), default=0)
    rows = []
    for at, (number, measure, text) in enumerate(lines):
        heat = _heat(measure[0], most) if at > 0 and measure else ""
        cells = (number, *_cells(columns, measure))
        numbers = "".join(
            f"<td{heat if i == 2 else ''}>{cell}</td>" for i, cell in enumerate(cells)
        )
        rows.append(f'<tr>{numbers}<td style="{_CODE}">{escape(text.rstrip())}</td></tr>')
    return (
        f'<p style="font-family:monospace">{escape(filename)}</p>'
        f'<table><tr>{head}<th style="text-align:left">Line Contents</th></tr>'
        f"{''.join(rows)}</table>"
    )


def _why_no_table(profiler, names):
    """What to do about it, in a line."""
    if len(names) > 1:
        return f"memory_profiler: no table: none of {', '.join(names)} was called"
    if names:
        return f"memory_profiler: no table: {names[0]} was not called"
    if profiler.code_map:
        return "memory_profiler: no table: nothing under @profile was called"
    return (
        "memory_profiler: no table: no function was named; -f FUNCTION names one, and may be "
        "given again"
    )


def _statement(shell, source, name, before=0):
    """The statement; UsageError where it is none."""
    from traceback import format_exception_only

    from IPython.core.error import UsageError

    from ._statement import Statement

    try:
        return Statement(shell, source, name, before)
    except SyntaxError as error:
        raise UsageError("".join(format_exception_only(type(error), error)).strip()) from None


def _make_magics():
    from IPython.core.error import UsageError
    from IPython.core.magic import Magics, line_cell_magic, magics_class

    from ._allocation_blocks import allocations
    from ._files import check_output, open_output
    from ._parser import number_of
    from ._profiler import LineProfiler
    from ._usage import memory_usage
    from ._visible import complain, reason, visible

    def number(opts, name, kind, default):
        text = str(opts.get(name, default))
        value = number_of(text, kind)
        if value is None:
            raise UsageError(f"-{name} needs a number, not {text!r}")
        if not 0 <= value < 1e9:  # neither is a number of its own kind that is none, such as nan
            raise UsageError(f"-{name} must be from 0 to a billion, not {text!r}")
        return value

    def counted():
        """A block of allocations() that has begun."""
        block = allocations()
        try:
            block.start()
        except RuntimeError as error:
            raise UsageError(str(error)) from None
        return block

    def shown(statement, act):
        """act(), and what it raises is shown from the statement on."""
        try:
            return act()
        except BaseException as error:
            statement.show_from_here(error)
            raise

    def check_writable(path):
        """Before the statement runs, not after it."""
        try:
            check_output(path)
        except OSError as error:
            raise UsageError(f"cannot write {path!r}: {reason(error)}") from None

    @magics_class
    class MemoryProfilerMagics(Magics):
        @line_cell_magic
        def mprun(self, parameter_s="", cell=None):
            """Run a statement under the line-by-line memory profiler.

            Usage: %mprun -f func1 -f func2 [-T FILE] [-r] [-c] [-p] [-l] [-a] statement
                   %%mprun -f func1 [statement], and more lines

            -f FUNCTION  a function to profile, any expression; may be given again
            -T FILE      write the tables to a file as well
            -r           return the LineProfiler
            -c           add the memory of child processes
            -p           a column with each line's peak: the most above its start (Linux)
            -l           columns with each line's time
            -a           columns with what each line, and what it calls, has allocated: in all,
                         how often, at the peak of the statement, and left at its end
            """
            quoted = parameter_s.replace('"', r"\"").replace("'", r"\'")
            opts, source = self.parse_options(quoted, "rf:T:cpla", list_all=True)
            if cell is not None:
                source += "\n" + cell
            statement = _statement(self.shell, source, "<mprun>")
            try:
                profiler = LineProfiler(
                    include_children="c" in opts, peak="p" in opts, time="l" in opts
                )
            except (OSError, ValueError) as error:
                raise UsageError(str(error)) from None
            path = opts.get("T", [""])[0]
            if path:
                check_writable(path)
            names = opts.get("f", [])
            for name in names:
                self._add_function(profiler, name)
            message = ""
            block = counted() if "a" in opts else None
            try:
                self._run(profiler, statement, block)
            except (SystemExit, KeyboardInterrupt) as error:
                name = type(error).__name__
                message = f"*** {name} exception caught in code being profiled."
            except BaseException as error:
                statement.show_from_here(error)
                self._show(profiler, path, message, names, block)
                raise
            self._show(profiler, path, message, names, block)
            return profiler if "r" in opts else None

        def _add_function(self, profiler, name):
            try:
                profiler.add_function(eval(name, self.shell.user_global_ns, self.shell.user_ns))
            except Exception as error:
                raise UsageError(
                    f"Could not find function {name!r}.\n{type(error).__name__}: {error}"
                ) from None

        def _run(self, profiler, statement, block):
            missing = object()
            before = getattr(builtins, "profile", missing)
            builtins.profile = profiler
            try:
                profiler.runcall(statement.run)
            finally:
                if block is not None:
                    block.stop()
                if before is missing:
                    del builtins.profile
                else:
                    builtins.profile = before

        def _show(self, profiler, path, message, names, block):
            tables = _Tables(profiler, self._name_of, block)
            if not tables.text:
                complain(_why_no_table(profiler, names))
            elif hasattr(self.shell, "kernel"):
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

        def _name_of(self, filename):
            """``Cell In[3]``, as tracebacks call it; other files as they are."""
            name = getattr(self.shell.compile, "format_code_name", lambda name: None)(filename)
            return filename if name is None else " ".join(name)

        def _write(self, path, text):
            try:
                with open_output(path, "w", encoding="utf-8") as file:
                    file.write(text + "\n")
            except OSError as error:
                raise UsageError(f"cannot write {path!r}: {reason(error)}") from None

        @line_cell_magic
        def memit(self, line="", cell=None):
            """Measure the peak memory of a statement.

            Usage: %memit [-r N] [-t S] [-i S] [-c] [-a] [-o] [-q] statement
                   %%memit [options] setup, and the measured lines below

            -r N  run it N times and take the largest peak (1)
            -t S  no readings after S seconds
            -i S  seconds between readings (0.1)
            -c    add the memory of child processes
            -a    run it once more, and count what it allocates: the exact peak of that, and what
                  is left of it
            -o    return a MemitResult
            -q    print nothing

            The value of an expression is alive when memory is read last.
            """
            import gc

            opts, stmt = self.parse_options(line, "r:t:i:caoq", posix=False, strict=False)
            repeat = number(opts, "r", int, 1)
            timeout = number(opts, "t", float, 0)
            interval = number(opts, "i", float, 0.1)
            if repeat < 1:
                raise UsageError(f"-r must be at least 1, not {repeat}")
            if interval <= 0:
                raise UsageError(f"-i must be above 0, not {interval}")
            statement = _statement(
                self.shell, stmt if cell is None else cell, "<memit>", int(cell is not None)
            )
            if cell is not None:
                setup = _statement(self.shell, stmt, "<memit setup>")
                shown(setup, setup.run)
            timeout = timeout if timeout > 0 else None
            memory_usage(int, max_usage=True)  # what a first measurement allocates
            gc.collect()
            baseline = memory_usage()[0]

            def peak():
                return memory_usage(
                    statement.run,
                    timeout=timeout,
                    interval=interval,
                    max_usage=True,
                    include_children="c" in opts,
                )

            peaks = [shown(statement, peak) for _ in range(repeat)]
            allocated = None
            if "a" in opts:
                allocated = counted()
                try:
                    shown(statement, statement.run)
                    gc.collect()
                finally:
                    allocated.stop()
            result = MemitResult(peaks, baseline, repeat, timeout, interval, "c" in opts, allocated)
            if "q" not in opts:
                print(result)
            return result if "o" in opts else None

        @line_cell_magic
        def heap(self, line="", cell=None):
            """Count what lives on the heap, by type.

            Usage: %heap [TYPE]
                   %%heap, and lines: what these have made and left behind

            TYPE is any expression. What it returns can be kept and subtracted: h = %heap.
            """
            from ._heap import heap, heap_growth

            if cell is None:
                try:
                    return heap(*[self._value(line)] if line.strip() else [])
                except (TypeError, RuntimeError, MemoryError) as error:
                    raise UsageError(str(error)) from None
            if line.strip():
                raise UsageError(f"%%heap takes nothing on its line, not {line!r}")
            statement = _statement(self.shell, cell, "<heap>", 1)
            with heap_growth() as grown:
                shown(statement, statement.run)
            return grown

        def _value(self, text):
            try:
                return eval(text, self.shell.user_global_ns, self.shell.user_ns)
            except Exception as error:
                raise UsageError(
                    f"Could not find type {text!r}.\n{type(error).__name__}: {error}"
                ) from None

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
