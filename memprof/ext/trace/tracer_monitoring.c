/*
 * Events by sys.monitoring (Python 3.12 and later). Only watched code objects send events, in all
 * threads; debuggers, coverage and other profilers have tool ids of their own.
 */
#include "memprof/ext/trace/tracer.h"

#include <stdbool.h>
#include <stdlib.h>

#include "memprof/heap/alloc_log.h"
#include "memprof/ext/base/py_error.h"
#include "memprof/ext/trace/call_events.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/monitoring_events.h"

int tracer_init(struct module_state *state)
{
    state->monitoring = calloc(1, sizeof *state->monitoring);
    if (state->monitoring == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return monitoring_tool_init(&state->monitoring->tool, state, monitoring_events, N_EVENTS);
}

/* Before Python 3.15 unwinding and throwing exist for the whole program only. */
#define N_LOCAL_EVENTS (PY_VERSION_HEX >= 0x030F0000 ? N_EVENTS : EVENT_UNWIND)

/* The events of calls, or of lines as well, that can be had for single code objects. */
static long local_events(const struct monitoring_tool *tool, int with_lines)
{
    long events = 0;

    for (int i = 0; i < N_LOCAL_EVENTS; i++)
        if (with_lines || (i != EVENT_LINE && i != EVENT_JUMP))
            events |= tool->bits[i];
    return events;
}

static bool needs_tool(const struct module_state *state)
{
    return state->calls != NULL || state->monitoring->n_watched > 0;
}

static enum monitoring_way way_of(bool counting)
{
    if (atomic_load(&alloc_log_active) != NULL)
        return counting ? MONITORING_COUNTING_RECORDING : MONITORING_RECORDING;
    return counting ? MONITORING_COUNTING : MONITORING_PLAIN;
}

/*
 * The events that are sent by all code: while any is watched those that cannot be had for single
 * code objects; calls while they are counted.
 */
static int send_events(struct module_state *state)
{
    struct monitoring_tool *tool = &state->monitoring->tool;
    int counting = state->calls != NULL;
    long events = 0;

    for (int i = N_LOCAL_EVENTS; i < N_EVENTS; i++)
        events |= tool->bits[i];
    if (counting)
        events |= local_events(tool, 0);
    if (monitoring_tool_open(tool, way_of(counting)) != 0)
        return -1;
    return monitoring_tool_set_events(tool, events);
}

/* Of the events of a code: what line_code.sent says. */
enum { SENT_NOTHING, SENT_CALLS, SENT_LINES };

/* Programs that free or take all ids do so to ours as well: all that had events gets them again. */
static int get_back(struct module_state *state)
{
    struct monitoring_tracer *tracer = state->monitoring;
    int id = tracer->tool.id, what = monitoring_tool_check(&tracer->tool);

    /* Without an id although some are needed: it was lost before, and none was to be had. */
    if (what < 0 || (what == MONITORING_HELD && (id >= 0 || !needs_tool(state))))
        return what < 0 ? -1 : 0;
    for (const struct code_extra *at = tracer->senders; at != NULL && what == MONITORING_LOST;
         at = at->next_sender)
        monitoring_tool_forget_code(&tracer->tool, id, at->code);
    if (needs_tool(state) && send_events(state) != 0)
        return -1;
    for (const struct code_extra *at = tracer->senders; at != NULL; at = at->next_sender)
        if (monitoring_tool_set_local_events(
                &tracer->tool, at->code,
                local_events(&tracer->tool, at->lines.sent == SENT_LINES)) != 0)
            return -1;
    return 0;
}

int call_events_update(struct module_state *state)
{
    if (!needs_tool(state)) {
        monitoring_tool_close(&state->monitoring->tool);
        return 0;
    }
    return get_back(state) != 0 ? -1 : send_events(state);
}

int tracer_prepare(struct module_state *state)
{
    struct monitoring_tool *tool = &state->monitoring->tool;

    if (get_back(state) != 0)
        return -1;
    return tool->id >= 0 ? 0 : monitoring_tool_open(tool, MONITORING_PLAIN);
}

/* Notes that a code sends events, or sends none any more. */
static void note_sent(struct monitoring_tracer *tracer, struct line_code *code, int sent)
{
    struct code_extra *extra = code_extra_of(code);

    if (code->sent == SENT_NOTHING) {
        extra->next_sender = tracer->senders;
        extra->back_sender = &tracer->senders;
        tracer->senders = extra;
    } else if (sent == SENT_NOTHING) {
        *extra->back_sender = extra->next_sender;
    }
    if (extra->next_sender != NULL)
        extra->next_sender->back_sender =
            sent == SENT_NOTHING ? extra->back_sender : &extra->next_sender;
    code->sent = sent;
}

int tracer_watch(struct module_state *state, PyObject *code)
{
    struct monitoring_tracer *tracer = state->monitoring;
    struct line_code *extra = line_code_find(state, code);
    int wanted = extra->watches != NULL ? SENT_LINES : SENT_CALLS;

    code_extra_forget_last(state);
    /* Each change of events makes the interpreter instrument the code anew; and code that begins
     * nowhere, as Cython's functions have, it does not instrument. */
    if (extra->sent >= wanted || extra->start >= extra->n_lines)
        return 0;
    /* The tool needs its id before a code object can be told to send events to it. */
    if (extra->sent == SENT_NOTHING && tracer->n_watched++ == 0 && call_events_update(state) != 0) {
        tracer->n_watched = 0;
        return -1;
    }
    if (monitoring_tool_set_local_events(&tracer->tool, code,
                                         local_events(&tracer->tool, wanted == SENT_LINES)) != 0) {
        tracer->n_watched -= extra->sent == SENT_NOTHING;
        return -1;
    }
    note_sent(tracer, extra, wanted);
    return 0;
}

static void watched_less(struct module_state *state)
{
    struct py_error pending;

    /*
     * Code dies after the modules at the interpreter's end: sys.monitoring is not called any more.
     */
    if (--state->monitoring->n_watched > 0 || Py_IsFinalizing())
        return;
    py_error_fetch(&pending);
    if (call_events_update(state) != 0)
        PyErr_Clear();
    py_error_restore(&pending);
}

void tracer_unwatch(struct module_state *state, PyObject *code)
{
    struct monitoring_tracer *tracer = state->monitoring;
    struct line_code *extra = line_code_find(state, code);
    struct py_error pending;

    code_extra_forget_last(state);
    if (extra == NULL || !extra->sent)
        return;
    py_error_fetch(&pending);
    if (monitoring_tool_set_local_events(&tracer->tool, code, 0) != 0)
        PyErr_Clear();
    py_error_restore(&pending);
    note_sent(tracer, extra, SENT_NOTHING);
    watched_less(state);
}

void tracer_forget(struct module_state *state, struct line_code *code)
{
    /* The code takes its own events along; only those of the whole program may have to go. */
    if (code->sent == SENT_NOTHING)
        return;
    note_sent(state->monitoring, code, SENT_NOTHING);
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

PyObject *tracer_undecorated(const struct module_state *state, PyObject *function)
{
    (void)state;
    return function;
}

/* What stands first in _PyInterpreterFrame, on Python 3.12 and all later versions. */
struct frame_head {
    uintptr_t code;
    const struct frame_head *previous;
    uintptr_t function;
};

/* From 3.14 on such references have a tag in the bits that an address leaves free. */
#define TAG_BITS ((uintptr_t)7)

bool tracer_running_function(const struct line_code *code, const void *key, const void **function)
{
    (void)code;
    *function = (const void *)(((const struct frame_head *)key)->function & ~TAG_BITS);
    return true;
}

int tracer_see_recording(struct module_state *state)
{
    struct monitoring_tool *tool = &state->monitoring->tool;

    return tool->id < 0 ? 0 : monitoring_tool_open(tool, way_of(state->calls != NULL));
}

bool tracer_find_frame(PyThreadState *thread, bool (*wanted)(void *context, const void *key),
                       void *context)
{
    const struct frame_head *frame = monitoring_frame(thread);

    while (frame != NULL && !wanted(context, frame))
        frame = frame->previous;
    return frame != NULL;
}

/* NULL: C that calls Python has a frame too, with nothing or with code of the interpreter's own. */
static PyCodeObject *programs_code(const struct frame_head *frame)
{
    PyObject *code = (PyObject *)(frame->code & ~TAG_BITS);

    if (code == NULL || !PyCode_Check(code) ||
        PyUnicode_CompareWithASCIIString(((PyCodeObject *)code)->co_filename, "<shim>") == 0)
        return NULL;
    return (PyCodeObject *)code;
}

void tracer_each_place(PyThreadState *thread,
                       bool (*take)(void *context, const void *key, PyCodeObject *code, int offset),
                       void *context)
{
    for (const struct frame_head *frame = monitoring_frame(thread); frame != NULL;
         frame = frame->previous) {
        PyCodeObject *code = programs_code(frame);

        if (code != NULL &&
            !take(context, frame, code,
                  PyUnstable_InterpreterFrame_GetLasti((struct _PyInterpreterFrame *)frame)))
            return;
    }
}

/* The first frame that runs a code, from one on outwards, or NULL. */
static const struct frame_head *find_code(const struct frame_head *frame, const PyObject *code)
{
    while (frame != NULL && (frame->code & ~TAG_BITS) != (uintptr_t)code)
        frame = frame->previous;
    return frame;
}

const void *tracer_running_code(PyThreadState *thread, const PyObject *code)
{
    return find_code(monitoring_frame(thread), code);
}

bool tracer_runs_beneath(const void *key, const PyObject *code)
{
    return find_code(((const struct frame_head *)key)->previous, code) != NULL;
}

void tracer_release(struct module_state *state)
{
    struct monitoring_tracer *tracer = state->monitoring;

    if (tracer == NULL)
        return;
    monitoring_tool_release(&tracer->tool);
    free(tracer);
    state->monitoring = NULL;
}
