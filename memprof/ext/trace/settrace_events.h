/*
 * Python 3.10 and 3.11: events by the trace function of a thread (PyEval_SetTrace), while it is
 * armed. A tracer that was there before gets all events as well.
 */
#ifndef MEMPROF_EXT_SETTRACE_EVENTS_H
#define MEMPROF_EXT_SETTRACE_EVENTS_H

#include <stdbool.h>

#include "memprof/ext/base/module_state.h"

struct settrace_tracer {
    int n_armed;                  /* threads in which a profiled call runs */
    struct settrace_hooks *hooks; /* settrace_hooks.h */
    PyObject *start_name;         /* "start", interned */
};

/* Whether this thread sends events. */
bool settrace_is_armed(void);

/*
 * Whether a call that begins need not arm it. Where greenlets take turns each call does: only some
 * of them may have been armed, and one may end while others wait.
 */
bool settrace_is_armed_here(const struct module_state *state);

/*
 * Arms a thread, this one, for one frame. Returns what settrace_disarm_frame() is to be given when
 * the frame has ended, or -1: nothing to disarm, it was armed before (or there was no memory for
 * it). Cheap enough for every resume of a generator: a tracer that the program sets inside it ends
 * our watching, and threads that start there are not followed.
 */
int settrace_arm_frame(struct module_state *state, PyThreadState *thread);
void settrace_disarm_frame(struct module_state *state, PyThreadState *thread, int armed);

/* The program has set another tracer: ours goes on top of it. */
void settrace_arm_again(struct module_state *state);

/* What is watched has changed: a frame of this thread that was none of ours may be one now. */
void settrace_forget_frame(void);

#endif
