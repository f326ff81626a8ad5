/* The type _memprof.Profiler. */
#ifndef MEMPROF_EXT_LINE_PROFILER_TYPE_H
#define MEMPROF_EXT_LINE_PROFILER_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyType_Spec line_profiler_type_spec;

#endif
