/*
 * Python 3.10 and 3.11: what stands in the module sys while a profiled call runs, so that a
 * tracer that it sets does not replace ours.
 */
#ifndef MEMPROF_EXT_SETTRACE_HOOKS_H
#define MEMPROF_EXT_SETTRACE_HOOKS_H

#include "memprof/ext/base/module_state.h"

/* Puts nothing in yet. NULL with an exception. */
struct settrace_hooks *settrace_hooks_new(struct module_state *state);

/* Of those that are not in; NULL is let pass. */
void settrace_hooks_free(struct settrace_hooks *hooks);

/*
 * Arms this thread for a call, and puts the hooks in with the first one that runs. Returns what
 * settrace_disarm() is to be given when the call has ended, or -1: nothing to disarm, it was armed
 * before (or there was no memory for it).
 */
int settrace_arm(struct module_state *state);

/* Takes the hooks out with the last call. Keeps a pending exception. */
void settrace_disarm(struct module_state *state, int armed);

#endif
