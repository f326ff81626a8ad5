/*
 * What profile(f) returns on Python 3.10 and 3.11: a callable that has f's attributes, and arms the
 * tracer while f runs.
 */
#ifndef MEMPROF_EXT_PROFILED_CALLABLE_H
#define MEMPROF_EXT_PROFILED_CALLABLE_H

#include "memprof/ext/module_state.h"

/* Makes the type for a module: state->callable_type. -1 with an exception. */
int profiled_callable_init(PyObject *module, struct module_state *state);

PyObject *profiled_callable_new(struct module_state *state, PyObject *target);

/*
 * Arms the tracer in this thread. Returns what tracer_disarm() is to be given when the outermost
 * call has ended, or -1: nothing to disarm, it was armed before (or there was no memory for it).
 */
int tracer_arm(struct module_state *state);
void tracer_disarm(struct module_state *state, int armed);

/*
 * The same for one frame of a generator or coroutine, cheap enough for every resume: a tracer that
 * the program sets inside it ends our watching, and threads that start there are not followed.
 */
int tracer_arm_frame(struct module_state *state, PyThreadState *thread);
void tracer_disarm_frame(struct module_state *state, PyThreadState *thread, int armed);

#endif
