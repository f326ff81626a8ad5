/* Words for what floors 0 to 2 return as numbers. */
#ifndef MEMPROF_EXT_PY_ERROR_H
#define MEMPROF_EXT_PY_ERROR_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>

/* OSError for a failed reading of memory: one line that says what is missing. Returns NULL. */
PyObject *py_error_memory(int error);

/* One line on stderr about an exception that must not reach the program; clears it. */
void py_error_report(const char *what);

#endif
