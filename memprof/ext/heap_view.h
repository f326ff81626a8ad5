/* What a log of allocations says, for Python: module functions heap_start(), heap_stop(), … */
#ifndef MEMPROF_EXT_HEAP_VIEW_H
#define MEMPROF_EXT_HEAP_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

int heap_view_add(PyObject *module);

/* Resident bytes of the log; 0 where there never was one. What the kernel says of the process holds
 * them. */
int64_t heap_view_bytes(void);

#endif
