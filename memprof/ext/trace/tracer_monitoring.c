/*
 * Events by sys.monitoring (Python 3.12 and later). Only watched code objects send events, in all
 * threads; debuggers, coverage and other profilers have tool ids of their own.
 */
#include "memprof/ext/trace/tracer.h"

#include <stdbool.h>
#include <stdlib.h>

#include "memprof/ext/trace/call_events.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/monitoring_events.h"

int tracer_init(struct module_state *state)
{
    state->tracer = calloc(1, sizeof *state->tracer);
    if (state->tracer == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return monitoring_tool_init(&state->tracer->tool, state, monitoring_events, N_EVENTS);
}

/* The events of calls, or of lines as well, that can be had for single code objects. */
static long local_events(const struct monitoring_tool *tool, int with_lines)
{
    long events = 0;

    for (int i = 0; i < EVENT_UNWIND; i++)
        if (with_lines || (i != EVENT_LINE && i != EVENT_JUMP))
            events |= tool->bits[i];
    return events;
}

static bool needs_tool(const struct module_state *state)
{
    return state->calls != NULL || state->tracer->n_watched > 0;
}

/*
 * The events that are sent by all code: unwinding and throwing while any code is watched, since
 * these exist for the whole program only; calls while they are counted.
 */
static int send_events(struct module_state *state)
{
    struct monitoring_tool *tool = &state->tracer->tool;
    int counting = state->calls != NULL;
    long events = tool->bits[EVENT_UNWIND] | tool->bits[EVENT_THROW];

    if (counting)
        events |= local_events(tool, 0);
    if (monitoring_tool_open(tool, counting ? MONITORING_COUNTING : MONITORING_PLAIN) != 0)
        return -1;
    return monitoring_tool_set_events(tool, events);
}

/* What `traced` of a code says: nothing, calls only, or lines too. */
enum { TRACE_NOTHING, TRACE_CALLS, TRACE_LINES };

/* Programs that free or take all ids do so to ours as well: all that had events gets them again. */
static int get_back(struct module_state *state)
{
    struct tracer *tracer = state->tracer;
    int id = tracer->tool.id, what = monitoring_tool_check(&tracer->tool);

    /* Without an id although some are needed: it was lost before, and none was to be had. */
    if (what < 0 || (what == MONITORING_HELD && (id >= 0 || !needs_tool(state))))
        return what < 0 ? -1 : 0;
    for (const struct code_extra *at = tracer->traced; at != NULL && what == MONITORING_LOST;
         at = at->next_traced)
        monitoring_tool_forget_code(&tracer->tool, id, at->code);
    if (needs_tool(state) && send_events(state) != 0)
        return -1;
    for (const struct code_extra *at = tracer->traced; at != NULL; at = at->next_traced)
        if (monitoring_tool_set_local_events(
                &tracer->tool, at->code,
                local_events(&tracer->tool, at->lines.traced == TRACE_LINES)) != 0)
            return -1;
    return 0;
}

int call_events_update(struct module_state *state)
{
    if (!needs_tool(state)) {
        monitoring_tool_close(&state->tracer->tool);
        return 0;
    }
    return get_back(state) != 0 ? -1 : send_events(state);
}

int tracer_prepare(struct module_state *state)
{
    struct monitoring_tool *tool = &state->tracer->tool;

    if (get_back(state) != 0)
        return -1;
    return tool->id >= 0 ? 0 : monitoring_tool_open(tool, MONITORING_PLAIN);
}

/* Notes that a code sends events, or sends none any more. */
static void note_traced(struct tracer *tracer, struct line_code *code, int traced)
{
    struct code_extra *extra = code_extra_of(code);

    if (code->traced == TRACE_NOTHING) {
        extra->next_traced = tracer->traced;
        extra->back_traced = &tracer->traced;
        tracer->traced = extra;
    } else if (traced == TRACE_NOTHING) {
        *extra->back_traced = extra->next_traced;
    }
    if (extra->next_traced != NULL)
        extra->next_traced->back_traced =
            traced == TRACE_NOTHING ? extra->back_traced : &extra->next_traced;
    code->traced = traced;
}

int tracer_watch(struct module_state *state, PyObject *code)
{
    struct tracer *tracer = state->tracer;
    struct line_code *extra = code_extra_find(state, code);
    int wanted = extra->watches != NULL ? TRACE_LINES : TRACE_CALLS;

    code_extra_forget_last(state);
    /* Each change of events makes the interpreter instrument the code anew. */
    if (extra->traced >= wanted)
        return 0;
    /* The tool needs its id before a code object can be told to send events to it. */
    if (extra->traced == TRACE_NOTHING && tracer->n_watched++ == 0 &&
        call_events_update(state) != 0) {
        tracer->n_watched = 0;
        return -1;
    }
    if (monitoring_tool_set_local_events(&tracer->tool, code,
                                         local_events(&tracer->tool, wanted == TRACE_LINES)) != 0) {
        tracer->n_watched -= extra->traced == TRACE_NOTHING;
        return -1;
    }
    note_traced(tracer, extra, wanted);
    return 0;
}

static void watched_less(struct module_state *state)
{
    PyObject *type, *value, *trace;

    /*
     * Code dies after the modules at the interpreter's end: sys.monitoring is not called any more.
     */
    if (--state->tracer->n_watched > 0 || Py_IsFinalizing())
        return;
    PyErr_Fetch(&type, &value, &trace);
    if (call_events_update(state) != 0)
        PyErr_Clear();
    PyErr_Restore(type, value, trace);
}

void tracer_unwatch(struct module_state *state, PyObject *code)
{
    struct tracer *tracer = state->tracer;
    struct line_code *extra = code_extra_find(state, code);
    PyObject *type, *value, *trace;

    code_extra_forget_last(state);
    if (extra == NULL || !extra->traced)
        return;
    PyErr_Fetch(&type, &value, &trace);
    if (monitoring_tool_set_local_events(&tracer->tool, code, 0) != 0)
        PyErr_Clear();
    PyErr_Restore(type, value, trace);
    note_traced(tracer, extra, TRACE_NOTHING);
    watched_less(state);
}

void tracer_forget(struct module_state *state, struct line_code *code)
{
    /* The code takes its own events along; only those of the whole program may have to go. */
    if (code->traced == TRACE_NOTHING)
        return;
    note_traced(state->tracer, code, TRACE_NOTHING);
    watched_less(state);
}

void tracer_see_calls(struct module_state *state)
{
    (void)state;
}

int tracer_enable(struct module_state *state)
{
    (void)state;
    return 0;
}

void tracer_disable(struct module_state *state)
{
    (void)state;
}

PyObject *tracer_decorate(struct module_state *state, PyObject *target, PyObject *function)
{
    (void)state;
    (void)function;
    return Py_NewRef(target);
}

void tracer_release(struct module_state *state)
{
    struct tracer *tracer = state->tracer;

    if (tracer == NULL)
        return;
    monitoring_tool_release(&tracer->tool);
    free(tracer);
    state->tracer = NULL;
}
