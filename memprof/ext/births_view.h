/* Where the objects that live were born, for Python: module function heap_births(). */
#ifndef MEMPROF_EXT_BIRTHS_VIEW_H
#define MEMPROF_EXT_BIRTHS_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int births_view_add(PyObject *module);

#endif
