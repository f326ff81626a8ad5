/*
 * Events of all code of the program, wanted by a call view (state->calls) or by who waits for
 * modules to begin (state->on_module): by sys.monitoring on 3.12 and later, with a tool id of its
 * own (global_events_monitoring.c), by a profile function and the frame hook before
 * (global_events_setprofile.c). Functions return 0, or -1 with a Python exception set.
 */
#ifndef MEMPROF_EXT_GLOBAL_EVENTS_H
#define MEMPROF_EXT_GLOBAL_EVENTS_H

#include "memprof/ext/module_state.h"

int global_events_init(PyObject *module, struct module_state *state);
void global_events_release(struct module_state *state);

/* What is wanted has changed. */
int global_events_update(struct module_state *state);

/* Tells state->on_module of code that begins, if that is a module's: on_module(code, name). */
void global_events_begin(struct module_state *state, PyObject *code, PyObject *globals);

/* The function on_modules(callback or None) of the module. */
PyObject *global_events_on_modules(PyObject *module, PyObject *callback);
extern const char global_events_on_modules_doc[];

#endif
