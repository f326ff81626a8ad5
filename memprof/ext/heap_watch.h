/*
 * Whether somebody asks what lives on the heap, for `mprof run --heap` and `mprof heap PID`.
 *
 * Who asks makes a file ask.PID in a private folder. A native thread looks for it ten times a
 * second (one system call, without the interpreter's lock), gives it the name taken.PID, then takes
 * the lock as any thread does, and calls the function that answers. All signals are blocked in it.
 */
#ifndef MEMPROF_EXT_HEAP_WATCH_H
#define MEMPROF_EXT_HEAP_WATCH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds heap_watch() to the module. 0, or -1 with an exception. */
int heap_watch_add(PyObject *module);

#endif
