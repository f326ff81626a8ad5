/* Why the heap is not walked, as an exception. */
#ifndef MEMPROF_EXT_WALK_ERROR_H
#define MEMPROF_EXT_WALK_ERROR_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>

/* NULL, of what object_walk_run() returned; -ENOSYS: of free-threaded Python. */
static inline PyObject *walk_error(int error)
{
    if (error == -ENOSYS)
        return PyErr_Format(PyExc_RuntimeError, "the heap of free-threaded Python is not walked");
    if (error == -EBUSY)
        return PyErr_Format(PyExc_RuntimeError,
                            "the heap cannot be walked while a collection runs, as from "
                            "gc.callbacks or from a __del__ that it calls");
    return PyErr_NoMemory();
}

#endif
