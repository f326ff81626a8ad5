/* Words for what the core returns as numbers, and exceptions that wait. */
#ifndef MEMPROF_EXT_PY_ERROR_H
#define MEMPROF_EXT_PY_ERROR_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>

/* OSError for a failed reading of memory: one line that says what is missing. Returns NULL. */
PyObject *py_error_memory(int error);

/* One line on stderr about an exception that must not reach the program; clears it. */
void py_error_report(const char *what);

/* An exception of the program's, or none, while something of ours runs. */
struct py_error {
    PyObject *type, *value, *trace; /* owned */
};

/*
 * The first takes a pending exception away, the second puts it back and drops what was raised in
 * between. Each is called once, in the same function.
 */
static inline void py_error_fetch(struct py_error *pending)
{
    PyErr_Fetch(&pending->type, &pending->value, &pending->trace);
}

static inline void py_error_restore(const struct py_error *pending)
{
    PyErr_Restore(pending->type, pending->value, pending->trace);
}

#endif
