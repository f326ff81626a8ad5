/* What a log of allocations says, for Python: module functions heap_start(), heap_stop(), … */
#ifndef MEMPROF_EXT_HEAP_VIEW_H
#define MEMPROF_EXT_HEAP_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int heap_view_add(PyObject *module);

#endif
