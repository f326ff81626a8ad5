/*
 * Python 3.10 and 3.11: what stands in the program's modules while a profiled call runs, so that
 * threads it starts are traced, and a tracer that it sets does not replace ours.
 */
#ifndef MEMPROF_EXT_SETTRACE_HOOKS_H
#define MEMPROF_EXT_SETTRACE_HOOKS_H

#include "memprof/ext/base/module_state.h"

struct settrace_hooks {
    struct module_state *state;
    int follows_threads;       /* threading's hook is ours */
    PyObject *threading_names; /* of the module, once the program has imported it */
    PyObject *sys_names;
    PyObject *threading_name, *hook_name, *settrace_name; /* strings */
    PyObject *thread_began;                               /* that hook */
    PyObject *hook_before;                                /* what threading had there, or NULL */
    PyObject *settrace_inside, *real_settrace;
};

/* Puts nothing in yet. -1 with an exception. The hooks must stay where they are. */
int settrace_hooks_init(struct settrace_hooks *hooks, struct module_state *state);
void settrace_hooks_release(struct settrace_hooks *hooks);

/* With the first profiled call that runs, and with the last, whose exception is kept. */
void settrace_hooks_put_in(struct settrace_hooks *hooks);
void settrace_hooks_take_out(struct settrace_hooks *hooks);

#endif
