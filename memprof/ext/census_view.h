/* What lives on the interpreter's heap, for Python: module functions heap_census(), heap_new(), …
 */
#ifndef MEMPROF_EXT_CENSUS_VIEW_H
#define MEMPROF_EXT_CENSUS_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int census_view_add(PyObject *module);

#endif
