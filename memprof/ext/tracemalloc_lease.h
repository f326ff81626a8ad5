/* tracemalloc, switched on for as long as somebody reads it. */
#ifndef MEMPROF_EXT_TRACEMALLOC_LEASE_H
#define MEMPROF_EXT_TRACEMALLOC_LEASE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds the functions tracing_begin() and tracing_end() to the module. 0, or -1 with an exception.
 */
int tracemalloc_lease_add(PyObject *module);

#endif
