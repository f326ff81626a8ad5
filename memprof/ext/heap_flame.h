/* Stacks that allocated, merged by functions and lines: taken from the log, and written to files.
 */
#ifndef MEMPROF_EXT_HEAP_FLAME_H
#define MEMPROF_EXT_HEAP_FLAME_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

struct alloc_view;

/* (files, functions, nodes) of heap_flame(); NULL with an exception. In a pause of the log. */
PyObject *heap_flame_make(const struct alloc_view *view);

/* Adds heap_flame(), flame_write(). 0, or -1 with an exception. */
int heap_flame_add(PyObject *module);

#endif
