/* Python 3.10 and 3.11: arming the tracer in a thread. */
#ifndef MEMPROF_EXT_TRACER_SETTRACE_H
#define MEMPROF_EXT_TRACER_SETTRACE_H

#include "memprof/ext/base/module_state.h"

/* Whether the tracer is armed in this thread. */
int tracer_is_armed(void);

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

/* The program has set another tracer: ours goes on top of it. */
void tracer_arm_again(struct module_state *state);

/* A thread has begun: traced until no profiled call runs any more, if one does now. */
void tracer_follow_thread(struct module_state *state);

#endif
