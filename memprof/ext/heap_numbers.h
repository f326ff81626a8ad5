/* What a log of allocations says, for Python: the module functions heap_rows(), heap_totals(),
 * heap_stacks(). */
#ifndef MEMPROF_EXT_HEAP_NUMBERS_H
#define MEMPROF_EXT_HEAP_NUMBERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int heap_numbers_add(PyObject *module);

#endif
