/* What is resident and who manages it, for Python: the module function resident_parts(). */
#ifndef MEMPROF_EXT_RESIDENT_VIEW_H
#define MEMPROF_EXT_RESIDENT_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int resident_view_add(PyObject *module);

#endif
