/*
 * What profile(f) returns on Python 3.10 and 3.11: a callable that has f's attributes, and arms the
 * tracer while f runs.
 */
#ifndef MEMPROF_EXT_PROFILED_CALLABLE_H
#define MEMPROF_EXT_PROFILED_CALLABLE_H

#include "memprof/ext/base/module_state.h"

/* Makes the types for a module: state->callable_type and proxy_type. -1 with an exception. */
int profiled_callable_init(struct module_state *state);

/* `function` is what runs when `target` is called. New reference, or NULL with an exception. */
PyObject *profiled_callable_new(struct module_state *state, PyObject *target, PyObject *function);

/* What is inside of callables of ours, one in another; anything else is that already. Borrowed. */
PyObject *profiled_callable_innermost(const struct module_state *state, PyObject *object);

/* The address of the function of this code that one of ours is calling in this thread, or NULL: to
 * be compared alone. */
const void *profiled_callable_called(const PyObject *code);

#endif
