/* The lines of a run that grew most, and those that peaked, for Python. */
#ifndef MEMPROF_EXT_RANKING_H
#define MEMPROF_EXT_RANKING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* A method of a Profiler, and functions of the module: 0, or -1 with an exception. */
PyObject *profiler_rank(PyObject *profiler, PyObject *args);
extern const char profiler_rank_doc[];
int ranking_add(PyObject *module);

#endif
