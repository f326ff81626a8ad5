/*
 * A tool of sys.monitoring (Python 3.12 and later): an id, and a C callback for each kind of event.
 * Functions return 0, or -1 with a Python exception set.
 *
 * Call order: init, open, set_events and set_local_events as often as needed, close, release. A
 * closed tool may be opened again.
 *
 * A callback is an object of ours with a vectorcall slot: the interpreter calls its C function
 * directly, where a builtin function would check and count the call first, at every event.
 */
#ifndef MEMPROF_EXT_MONITORING_TOOL_H
#define MEMPROF_EXT_MONITORING_TOOL_H

#include "memprof/ext/base/module_state.h"

#define MONITORING_MOST_EVENTS 8

/* What an event calls: usually, or while calls of all code are counted; the same while allocations
 * are recorded. */
enum monitoring_way {
    MONITORING_PLAIN,
    MONITORING_COUNTING,
    MONITORING_RECORDING,
    MONITORING_COUNTING_RECORDING,
    N_MONITORING_WAYS,
};

/* An event by its name in sys.monitoring.events, and what it calls. */
struct monitoring_event {
    const char *name;
    vectorcallfunc calls[N_MONITORING_WAYS];
};

struct monitoring_tool {
    int id;               /* -1: none taken */
    PyObject *monitoring; /* sys.monitoring; owned, as all objects here */
    PyObject *disable;    /* sys.monitoring.DISABLE */
    PyObject *name;       /* the very object tells that an id is still ours */
    int n_events;
    PyObject *callbacks[N_MONITORING_WAYS][MONITORING_MOST_EVENTS];
    long bits[MONITORING_MOST_EVENTS];
};

/* Callbacks for each of the events; they know the state. */
int monitoring_tool_init(struct monitoring_tool *tool, struct module_state *state,
                         const struct monitoring_event *events, int n_events);
void monitoring_tool_release(struct monitoring_tool *tool);

/* Takes an id, if there is none yet, and puts the callbacks in; RuntimeError when ours are in use.
 */
int monitoring_tool_open(struct monitoring_tool *tool, enum monitoring_way way);

enum monitoring_hold {
    MONITORING_HELD,  /* the id is ours, or none was taken */
    MONITORING_FREED, /* the program had freed it: taken again, its events may be gone */
    MONITORING_LOST,  /* it is another's: forgotten, without what we had there for all code */
};

/* What has become of the id: an enum monitoring_hold, or -1. */
int monitoring_tool_check(struct monitoring_tool *tool);

/* No events of this code under an id that was lost. Keeps a pending exception. */
void monitoring_tool_forget_code(struct monitoring_tool *tool, int lost_id, PyObject *code);

/* Gives the id back, if it is still ours. Keeps a pending exception. */
void monitoring_tool_close(struct monitoring_tool *tool);

/* Which events of the whole program, or of one code object, are sent. */
int monitoring_tool_set_events(struct monitoring_tool *tool, long events);
int monitoring_tool_set_local_events(struct monitoring_tool *tool, PyObject *code, long events);

/* What a callback is called as: one pointer away from the state. */
struct monitoring_callback {
    PyObject_HEAD vectorcallfunc call;
    struct module_state *state;
};

static inline struct module_state *monitoring_state(PyObject *callback)
{
    return ((struct monitoring_callback *)callback)->state;
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
