/* What ends the program is printed as the interpreter would print it without us. */
#ifndef MEMPROF_EXT_UNCAUGHT_H
#define MEMPROF_EXT_UNCAUGHT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* The function print_without(first, ours, keep_head) of the module. 0, or -1 with an exception. */
int uncaught_add(PyObject *module);

#endif
