/* What lives on the interpreter's heap, for Python: module functions heap_census(), heap_new(), …
 */
#ifndef MEMPROF_EXT_CENSUS_VIEW_H
#define MEMPROF_EXT_CENSUS_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "memprof/heap/address_bits.h"

/* What heap_remember() gave, borrowed; NULL of None. False with an exception. */
bool remembered_blocks(PyObject *capsule, const struct address_bits **blocks);

int census_view_add(PyObject *module);

#endif
