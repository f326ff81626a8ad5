/*
 * Calls of all code of the program, told to a call counter (state->calls): by sys.monitoring
 * on 3.12 and later (tracer_monitoring.c), by a profile function before (call_events_setprofile.c).
 */
#ifndef MEMPROF_EXT_CALL_EVENTS_H
#define MEMPROF_EXT_CALL_EVENTS_H

#include "memprof/ext/base/module_state.h"

/* Whether calls are wanted has changed. 0, or -1 with a Python exception set. */
int call_events_update(struct module_state *state);

#endif
