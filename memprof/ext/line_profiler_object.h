/*
 * struct profiler_object and its methods, shared by the files that make up the type: what it is
 * told (line_profiler_watch.c), what it has found (line_profiler_results.c), life
 * (line_profiler_type.c).
 */
#ifndef MEMPROF_EXT_LINE_PROFILER_OBJECT_H
#define MEMPROF_EXT_LINE_PROFILER_OBJECT_H

#include "memprof/ext/base/module_state.h"

struct profiler_object {
    PyObject_HEAD struct module_state *state;
    struct line_profiler profiler;
    PyObject *finished;   /* callable(owner, table), or NULL */
    PyObject *over_limit; /* callable(bytes), or NULL */
    PyObject *claims;     /* with per_call: see call_claims.h */
    int per_call, always_on;
    struct profiler_object *next, **back; /* with per_call: in state->call_profilers */
};

/* Ends, with a reading of now, its frames in all threads. */
void line_profiler_drop_frames(struct profiler_object *self);

/* The function with an index of watch(); NULL with IndexError. */
struct line_function *line_profiler_function_at(struct profiler_object *self, Py_ssize_t index);

/* Methods, and what they say of themselves. */
PyObject *profiler_watch(PyObject *object, PyObject *args);
PyObject *profiler_owner(PyObject *object, PyObject *code);
PyObject *profiler_watch_also(PyObject *object, PyObject *args);
PyObject *profiler_used(PyObject *object, PyObject *unused);
PyObject *profiler_rows(PyObject *object, PyObject *index);
PyObject *profiler_ledger(PyObject *object, PyObject *index);
PyObject *profiler_describe(PyObject *object, PyObject *args);
PyObject *profiler_restart(PyObject *object, PyObject *unused);
PyObject *profiler_costs(PyObject *object, PyObject *unused);
PyObject *profiler_info(PyObject *object, PyObject *unused);
extern const char profiler_watch_doc[], profiler_owner_doc[], profiler_watch_also_doc[];
extern const char profiler_describe_doc[];
extern const char profiler_used_doc[], profiler_rows_doc[], profiler_ledger_doc[],
    profiler_restart_doc[], profiler_costs_doc[], profiler_info_doc[];

#endif
