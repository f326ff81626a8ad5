/*
 * What is resident and who manages it, and what limits it, for Python: the module functions
 * resident_parts() and memory_limits().
 */
#ifndef MEMPROF_EXT_RESIDENT_VIEW_H
#define MEMPROF_EXT_RESIDENT_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int resident_view_add(PyObject *module);

#endif
