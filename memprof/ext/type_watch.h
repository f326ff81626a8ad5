/*
 * The hungriest types over time, for `mprof run --types`: a census every so often, whose lines
 * (TYPE, see memprof/profile/dat_writer.h) are appended to the profile.
 *
 * A native thread waits; when a census is due it takes the interpreter's lock for it as any thread
 * does, so that one is also made while the main thread sleeps. Between two of them it has no part
 * in the interpreter, holds no descriptor and has all signals blocked. A census is made for a
 * hundredth of the time at most: after one the thread rests a hundred times as long, and longer
 * where the process has grown since.
 */
#ifndef MEMPROF_EXT_TYPE_WATCH_H
#define MEMPROF_EXT_TYPE_WATCH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds types_start() and types_stop() to the module. 0, or -1 with an exception. */
int type_watch_add(PyObject *module);

#endif
