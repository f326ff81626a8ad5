/* Something to be called as soon as the main thread has left the place where it is now. */
#ifndef MEMPROF_EXT_PENDING_CALL_H
#define MEMPROF_EXT_PENDING_CALL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds the function call_when_left() to the module. 0, or -1 with an exception. */
int pending_call_add(PyObject *module);

#endif
