/*
 * Python 3.10 and 3.11: threads that begin. A hook of the module threading would be seen by the
 * program. But a thread that has a profile function sees the call that starts another one; when
 * that returns the new thread is there and has not run yet, since the interpreter's lock was not
 * given away.
 */
#ifndef MEMPROF_EXT_THREAD_STARTS_H
#define MEMPROF_EXT_THREAD_STARTS_H

#include <Python.h>

/* An event of a C function, for a profile function: calls `begin` for each thread that it started.
 */
void thread_starts_see(int what, PyObject *called, void (*begin)(PyThreadState *thread));

#endif
