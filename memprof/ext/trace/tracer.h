/*
 * Where events come from: sys.monitoring on 3.12 and later (tracer_monitoring.c), PyEval_SetTrace
 * on 3.10 and 3.11 (tracer_settrace.c); what each keeps is in the state. Functions return 0, or -1
 * with a Python exception set.
 *
 * Call order: tracer_init(); for each code object line_code_make(), then tracer_watch() after
 * every change of its watches or spans, tracer_unwatch() when nobody wants it any more;
 * tracer_release() with the state.
 */
#ifndef MEMPROF_EXT_TRACER_H
#define MEMPROF_EXT_TRACER_H

#include <stdbool.h>

#include "memprof/ext/base/module_state.h"

/* Makes what the tracer needs in a new state; tracer_release() also serves a half-made one. */
int tracer_init(struct module_state *state);
void tracer_release(struct module_state *state);

/*
 * Before anything is noted of code that is to be watched: takes what that needs, and what the
 * program has taken away meanwhile. RuntimeError where it cannot be had.
 */
int tracer_prepare(struct module_state *state);

/*
 * Events of one code object, as its watches and spans need them; to be called again when they
 * have changed.
 */
int tracer_watch(struct module_state *state, PyObject *code);
void tracer_unwatch(struct module_state *state, PyObject *code);

/* A watched code object dies: it sends no more events. Keeps a pending exception. */
void tracer_forget(struct module_state *state, struct line_code *code);

/*
 * Makes calls of watched code visible where nothing stands in for the function (tracer_decorate()).
 * To be called once for each profiler.
 */
void tracer_see_calls(struct module_state *state);

/* A profiler was enabled or disabled in this thread. */
int tracer_enable(struct module_state *state);
void tracer_disable(struct module_state *state);

/* Recording of allocations (memprof/heap/alloc_log.h) has begun: what events themselves allocate
 * is taken out of it. */
int tracer_see_recording(struct module_state *state);

/*
 * What stands in for `target`, which runs `function` (often the same) when it is called; its
 * profiler is always on. New reference.
 */
PyObject *tracer_decorate(struct module_state *state, PyObject *target, PyObject *function);

/* A function, or what is inside of what stands in for it. Borrowed. */
PyObject *tracer_undecorated(const struct module_state *state, PyObject *function);

/*
 * The address of the function object whose call begins in a frame, NULL: it was not called through
 * what stands in for it. False: that cannot be known here.
 */
bool tracer_running_function(const struct line_code *code, const void *key, const void **function);

/*
 * Goes through the frames that run in this thread, or in its greenlet, from the innermost on.
 * Whether one was wanted.
 */
bool tracer_find_frame(PyThreadState *thread, bool (*wanted)(void *context, const void *key),
                       void *context);

/* The innermost frame of this thread that runs a code, as events name it; NULL: there is none. */
const void *tracer_running_code(PyThreadState *thread, const PyObject *code);
/*
 * Where this thread, or its greenlet, is: goes through its frames from the innermost on for as long
 * as take() wants more. `offset` is that of the instruction in bytes, below 0 before the first.
 * Nothing is made for it.
 */
void tracer_each_place(PyThreadState *thread,
                       bool (*take)(void *context, const void *key, PyCodeObject *code, int offset),
                       void *context);

/* Whether a code runs in a frame of this thread beneath the frame that is on top. */
bool tracer_runs_beneath(const void *key, const PyObject *code);

#endif
