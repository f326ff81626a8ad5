/* A profile file as Python lists, for mprof.read_mprofile_file(). */
#ifndef MEMPROF_EXT_PROFILE_LISTS_H
#define MEMPROF_EXT_PROFILE_LISTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern const char read_profile_doc[];

/* read_profile(path): a tuple, or NULL with an exception. */
PyObject *read_profile(PyObject *module, PyObject *path);

#endif
