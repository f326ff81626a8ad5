/* What types are called in tables of the heap. */
#ifndef MEMPROF_EXT_TYPE_NAMES_H
#define MEMPROF_EXT_TYPE_NAMES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* "collections.deque", "dict", "__main__.Session": new, or NULL with an exception. Asks no
 * metaclass. */
PyObject *type_name(PyTypeObject *type);

#endif
