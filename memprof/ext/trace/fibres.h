/*
 * Greenlets: several stacks of frames take turns in one thread, and nothing tells of a switch. From
 * when the program has imported greenlet each event looks whose frames run. Each greenlet with
 * watched frames has a line_stack of its own then; those that wait are found by the frame on top.
 */
#ifndef MEMPROF_EXT_FIBRES_H
#define MEMPROF_EXT_FIBRES_H

#include "memprof/ext/base/module_state.h"

struct fibre;

struct fibres {
    PyObject *modules; /* sys.modules */
    PyObject *name;    /* "greenlet" */
    Py_ssize_t n_seen; /* modules, when it was looked for */
    void *waiting;     /* a tree of struct fibre, by the key of the frame on top */
    struct fibre *idle;
};

int fibres_init(struct module_state *state);
void fibres_release(struct module_state *state);

/* From now on state->fibre_stack is there, if greenlet is. */
void fibres_look(struct module_state *state);

/* To be called where a frame begins: a compare, unless a module was imported. */
static inline void fibres_look_for(struct module_state *state)
{
    if (state->fibre_stack == NULL &&
        PyDict_GET_SIZE(state->fibres->modules) != state->fibres->n_seen)
        fibres_look(state);
}

#endif
