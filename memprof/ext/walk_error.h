/* Why the heap is not walked, or not told of, as an exception. */
#ifndef MEMPROF_EXT_WALK_ERROR_H
#define MEMPROF_EXT_WALK_ERROR_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <stdbool.h>

/* NULL, of what object_walk_run() returned. */
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

/* Of what is told while a program goes on: not of free-threaded Python, nor of an interpreter that
 * is not the main one, which is what `says` says. */
static inline bool walk_is_refused(const char *says)
{
#ifdef Py_GIL_DISABLED
    (void)says;
    walk_error(-ENOSYS);
    return true;
#else
    if (PyThreadState_Get()->interp == PyInterpreterState_Main())
        return false;
    PyErr_SetString(PyExc_RuntimeError, says);
    return true;
#endif
}

#endif
