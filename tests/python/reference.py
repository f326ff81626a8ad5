"""What a line profiler must count and measure, in plain Python by sys.settrace.

Slow and simple on purpose: it follows docs/truth.md law by law and shares nothing with the profiler it
checks. It reads the resident set from /proc/self/statm at each event.
"""

import os
import sys
import threading
from collections import defaultdict
from types import CodeType

PAGE = os.sysconf("SC_PAGE_SIZE")


class Function:
    """What is known of one decorated function: rows by line number."""

    def __init__(self, code):
        self.code = code
        self.first_line = code.co_firstlineno
        self.entry_bytes = None
        self.segments_bytes = 0
        self.increments = defaultdict(int)
        self.mem = defaultdict(int)
        self.occurrences = defaultdict(int)
        self.resumes = defaultdict(int)  # of nested generators, by first line


class Frame:
    """A running frame: the line it is in, and the memory when that line was last entered."""

    def __init__(self, frame, lineno, now):
        self.frame, self.lineno, self.start = frame, lineno, now


class Reference:
    def __init__(self):
        self.functions = []
        self.by_code = {}
        self.stacks = {}  # (thread, function) -> frames, the innermost last
        self.segment_start = {}
        self.fd = os.open("/proc/self/statm", os.O_RDONLY)

    def add(self, function):
        known = Function(function.__code__)
        self.functions.append(known)
        self._map(function.__code__, known)
        return function

    def _map(self, code, known):
        self.by_code[code] = known
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._map(constant, known)

    def __enter__(self):
        threading.settrace(self.on_call)
        sys.settrace(self.on_call)
        return self

    def __exit__(self, *exc):
        sys.settrace(None)
        threading.settrace(None)

    def read(self):
        return int(os.pread(self.fd, 80, 0).split()[1]) * PAGE

    # ---- events ----

    def on_call(self, frame, event, arg):
        known = self.by_code.get(frame.f_code)
        if known is None:
            return None
        now = self.read()
        resumed = frame.f_trace is not None
        is_top = frame.f_code is known.code
        if known.entry_bytes is None:
            known.entry_bytes = now
        if not resumed:
            known.occurrences[frame.f_code.co_firstlineno] += 1
            if is_top:  # the first row's memory is the largest at an entry
                known.mem[known.first_line] = max(known.mem[known.first_line], now)
        elif not is_top:
            known.resumes[frame.f_code.co_firstlineno] += 1

        stack = self.stacks.setdefault((threading.get_ident(), known), [])
        if stack:
            self.add_growth(known, stack[-1], now)  # recursion is counted once; the line goes on
        else:
            self.segment_start[threading.get_ident(), known] = now
        # What comes between an entry and the first line belongs to that line.
        stack.append(Frame(frame, frame.f_lineno if resumed else None, now))
        return self.on_line

    def on_line(self, frame, event, arg):
        known = self.by_code[frame.f_code]
        stack = self.stacks[threading.get_ident(), known]
        if event == "line":
            now = self.read()
            if stack[-1].lineno is not None:
                self.charge(known, stack[-1], now)
            stack[-1].lineno = frame.f_lineno
            # The first row counts entries.
            if frame.f_lineno != known.first_line:
                known.occurrences[frame.f_lineno] += 1
        elif event == "return":
            now = self.read()
            assert stack[-1].frame is frame
            self.charge(known, stack.pop(), now)
            if stack:
                stack[-1].start = now
            else:
                start = self.segment_start.pop((threading.get_ident(), known))
                known.segments_bytes += now - start
        return self.on_line

    @staticmethod
    def add_growth(known, top, now):
        """What the line made of memory until now. Returns the line."""
        lineno = known.first_line if top.lineno is None else top.lineno
        known.increments[lineno] += now - top.start
        top.start = now
        return lineno

    def charge(self, known, top, now):
        """The line is over."""
        lineno = self.add_growth(known, top, now)
        known.mem[lineno] = max(known.mem[lineno], now)

    def results(self):
        for known in self.functions:
            if known.entry_bytes is not None:
                increments = dict(known.increments)
                increments[known.first_line] = (
                    increments.get(known.first_line, 0) + known.entry_bytes
                )
                assert sum(increments.values()) == known.entry_bytes + known.segments_bytes
                yield {
                    "first_line": known.first_line,
                    "entry": known.entry_bytes,
                    "segments": known.segments_bytes,
                    "rows": {
                        line: [increments.get(line, 0), known.mem[line], count]
                        for line, count in known.occurrences.items()
                    },
                    "resumes": dict(known.resumes),
                }
