/* The interpreter's garbage collector, at the end of a program. */
#ifndef MEMPROF_EXT_BASE_COLLECTOR_H
#define MEMPROF_EXT_BASE_COLLECTOR_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/*
 * To be called when the program has ended: from here on 3.12 collects only when asked to, as it
 * asks itself. It does not look whether a collection is running before it starts one that was due
 * by count: in a finalizer that runs in the interpreter's last one, that is signal 11. With low
 * thresholds a plain program dies of it as well; what we allocate makes it likelier. Keeps a
 * pending exception. Other versions: nothing.
 */
void collector_settle(void);

/* Adds settle_collector() to the module: 0, or -1 with an exception. */
int collector_add(PyObject *module);

#endif
