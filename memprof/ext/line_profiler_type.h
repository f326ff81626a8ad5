/* The type _memprof.Profiler. */
#ifndef MEMPROF_EXT_LINE_PROFILER_TYPE_H
#define MEMPROF_EXT_LINE_PROFILER_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyType_Spec line_profiler_type_spec;

/* Functions of the module about all profilers: 0, or -1 with an exception. */
int line_profiler_type_add_functions(PyObject *module);

#endif
