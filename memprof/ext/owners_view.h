/* Who keeps what alive, for Python: module functions heap_owners(), heap_paths(). */
#ifndef MEMPROF_EXT_OWNERS_VIEW_H
#define MEMPROF_EXT_OWNERS_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int owners_view_add(PyObject *module);

#endif
