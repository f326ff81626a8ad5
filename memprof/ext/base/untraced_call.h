/*
 * Calls of Python code of ours from inside the program: its debuggers, tracers and profilers are
 * not told of the frames that run for it, and these do not count against its limit of recursion.
 */
#ifndef MEMPROF_EXT_UNTRACED_CALL_H
#define MEMPROF_EXT_UNTRACED_CALL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Calls with up to two arguments, NULL for none. New reference, or NULL with an exception. */
PyObject *untraced_call(PyObject *callable, PyObject *first, PyObject *second);

#endif
