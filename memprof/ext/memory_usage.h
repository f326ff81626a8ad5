/* What memory_profiler.memory_usage() needs of the core: the sampler and single readings. */
#ifndef MEMPROF_EXT_MEMORY_USAGE_H
#define MEMPROF_EXT_MEMORY_USAGE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds the functions usage_* and read_* to the module. 0, or -1 with an exception. */
int memory_usage_add(PyObject *module);

#endif
