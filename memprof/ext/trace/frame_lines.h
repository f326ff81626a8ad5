/*
 * Python 3.10 and 3.11: whether a frame sends line events to the trace function. Frames that nobody
 * watches need none; the interpreter then runs them at the price of a call and a return.
 */
#ifndef MEMPROF_EXT_FRAME_LINES_H
#define MEMPROF_EXT_FRAME_LINES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* All frames of the running thread send lines again: somebody else wants to see them. */
void frame_lines_restore(void);

#endif
