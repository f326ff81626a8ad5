/* What each event of sys.monitoring does (Python 3.12 and later): the way of a line event. */
#ifndef MEMPROF_EXT_MONITORING_EVENTS_H
#define MEMPROF_EXT_MONITORING_EVENTS_H

#include "memprof/ext/trace/monitoring_tool.h"

/* The events that are sent, in the order of monitoring_events. */
enum event {
    EVENT_START,
    EVENT_RESUME,
    EVENT_RETURN,
    EVENT_YIELD,
    EVENT_LINE,
    EVENT_JUMP,
    EVENT_UNWIND, /* before 3.15 this and the next cannot be had for single code objects */
    EVENT_THROW,
    N_EVENTS,
};

struct monitoring_tracer {
    struct monitoring_tool tool;
    int n_watched;              /* code objects that send events */
    struct code_extra *senders; /* those */
};

extern const struct monitoring_event monitoring_events[N_EVENTS];

#endif
