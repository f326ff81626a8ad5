/* The program under `python -m memory_profiler`: how it is run, and what its end needs. */
#ifndef MEMPROF_EXT_PROGRAM_RUN_H
#define MEMPROF_EXT_PROGRAM_RUN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds run_program() and program_is_over() to the module. 0, or -1 with an exception. */
int program_run_add(PyObject *module);

#endif
