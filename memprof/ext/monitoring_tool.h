/*
 * A tool of sys.monitoring (Python 3.12 and later): an id, and a C callback for each kind of event.
 * Functions return 0, or -1 with a Python exception set.
 */
#ifndef MEMPROF_EXT_MONITORING_TOOL_H
#define MEMPROF_EXT_MONITORING_TOOL_H

#include "memprof/ext/module_state.h"

#if PY_VERSION_HEX < 0x030D0000
#define PyThreadState_GetUnchecked _PyThreadState_UncheckedGet
#endif

#define MONITORING_MOST_EVENTS 8

struct monitoring_tool {
    int id;               /* -1: none taken */
    PyObject *monitoring; /* sys.monitoring */
    PyObject *disable;    /* sys.monitoring.DISABLE */
    int n_events;
    PyObject *callbacks[MONITORING_MOST_EVENTS];
    long bits[MONITORING_MOST_EVENTS];
};

/* A callback for each definition, which is named like its event; its self knows the state. */
int monitoring_tool_init(struct monitoring_tool *tool, PyObject *module, struct module_state *state,
                         PyMethodDef *definitions, int n_events);
void monitoring_tool_release(struct monitoring_tool *tool);

/* Takes an id and puts the callbacks in; RuntimeError when ours are in use. */
int monitoring_tool_open(struct monitoring_tool *tool);

/* Gives the id back. Keeps a pending exception. */
void monitoring_tool_close(struct monitoring_tool *tool);

/* Which events of the whole program, or of one code object, are sent. */
int monitoring_tool_set_events(struct monitoring_tool *tool, long events);
int monitoring_tool_set_local_events(struct monitoring_tool *tool, PyObject *code, long events);

/* The self of every callback: one pointer away from the state. */
struct monitoring_self {
    PyObject_HEAD struct module_state *state;
};

static inline struct module_state *monitoring_state(PyObject *self)
{
    return ((struct monitoring_self *)self)->state;
}

#if PY_VERSION_HEX >= 0x030C0000
/* The address of the running frame, without making a frame object. */
static inline const void *monitoring_frame(PyThreadState *thread)
{
#if PY_VERSION_HEX < 0x030D0000
    return thread->cframe->current_frame;
#else
    return thread->current_frame;
#endif
}
#endif

#endif
