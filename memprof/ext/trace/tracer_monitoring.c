/*
 * Events by sys.monitoring (Python 3.12 and later). Only watched code objects send events, in all
 * threads; debuggers, coverage and other profilers have tool ids of their own.
 */
#include "memprof/ext/trace/tracer.h"

#include <stdbool.h>
#include <stdlib.h>

#include "memprof/ext/base/py_error.h"
#include "memprof/ext/trace/call_events.h"
#include "memprof/ext/trace/call_counter.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/monitoring_tool.h"
#include "memprof/ext/trace/span_watch.h"

enum event {
    EVENT_START,
    EVENT_RESUME,
    EVENT_RETURN,
    EVENT_YIELD,
    EVENT_LINE,
    EVENT_JUMP,
    EVENT_UNWIND, /* this and the next cannot be had for single code objects */
    EVENT_THROW,
    N_EVENTS,
};

struct monitoring_tracer {
    struct monitoring_tool tool;
    int n_watched; /* code objects that send events */
};

/* A line or an offset: never negative. */
static int small_int(PyObject *number)
{
    if (__builtin_expect(PyUnstable_Long_IsCompact((PyLongObject *)number), 1))
        return (int)((PyLongObject *)number)->long_value.ob_digit[0];
    return (int)PyLong_AsLong(number);
}

/* What an event other than a line needs to know. */
struct place {
    struct line_stack *stack;
    const void *key;
    const struct line_code *code;
};

/* false: nobody wants to know of this code, or there is no memory for a stack. */
static bool find_place_slow(PyObject *self, PyObject *code, struct place *place)
{
    struct module_state *state = monitoring_state(self);
    PyThreadState *thread;

    place->code = line_code_recall(state, code);
    if (!line_code_is_wanted(place->code))
        return false;
    place->stack = module_state_here(state, &thread);
    place->key = monitoring_frame(thread);
    return place->stack != NULL;
}

/* ---- events: the hot paths ---- */

/*
 * Nearly every event comes in the thread of the event before, in code that only tables want. Such
 * events are dealt with here; whatever is unusual is done by a function that ends the callback, so
 * that no register has to be kept across a call.
 */

/* The stack of the running thread if it is that of the event before, and that is cheap to tell. */
static inline struct line_stack *stack_at_hand(const struct module_state *state,
                                               PyThreadState **thread)
{
    if (!thread_slot_is_known(&state->thread_slot))
        return NULL;
    *thread = thread_slot_get(&state->thread_slot);
    return state->last.thread == *thread && state->last.id == (*thread)->id ? state->last.stack
                                                                            : NULL;
}

static inline bool is_compact(PyObject *number)
{
    return PyUnstable_Long_IsCompact((PyLongObject *)number);
}

/* find_place_slow() where it is cheap to tell: code and thread of the event before, tables alone.
 */
static inline bool find_place(PyObject *self, PyObject *code, struct place *place)
{
    const struct module_state *state = monitoring_state(self);
    PyThreadState *thread;

    place->code = line_code_recall_same(state, code);
    place->stack = stack_at_hand(state, &thread);
    if (__builtin_expect(place->code == NULL || place->stack == NULL, 0))
        return false;
    place->key = monitoring_frame(thread);
    return true;
}

__attribute__((noinline)) static PyObject *on_start_slow(PyObject *self, PyObject *const *args)
{
    struct place place;

    if (find_place_slow(self, args[0], &place)) {
        line_event_start(place.stack, place.code, place.key);
        if (place.code->spans != NULL)
            span_watch_start(place.stack, place.code, place.key);
    }
    Py_RETURN_NONE;
}

static PyObject *on_start(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    struct place place;

    (void)n, (void)names;
    if (!find_place(self, args[0], &place))
        return on_start_slow(self, args);
    line_event_start(place.stack, place.code, place.key);
    Py_RETURN_NONE;
}

__attribute__((noinline)) static PyObject *on_resume_slow(PyObject *self, PyObject *const *args)
{
    struct place place;

    if (find_place_slow(self, args[0], &place)) {
        line_event_resume(place.stack, place.code, place.key,
                          line_code_line_at(place.code, small_int(args[1])));
        if (place.code->spans != NULL)
            span_watch_resume(place.stack, place.code, place.key);
    }
    Py_RETURN_NONE;
}

static PyObject *on_resume(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    struct place place;

    (void)n, (void)names;
    if (!find_place(self, args[0], &place) || !is_compact(args[1]))
        return on_resume_slow(self, args);
    line_event_resume(place.stack, place.code, place.key,
                      line_code_line_at(place.code, small_int(args[1])));
    Py_RETURN_NONE;
}

__attribute__((noinline)) static PyObject *leave_slow(PyObject *self, PyObject *const *args,
                                                      enum line_leave how)
{
    struct module_state *state = monitoring_state(self);
    PyThreadState *thread;
    struct line_stack *stack = module_state_here(state, &thread);
    const void *key = monitoring_frame(thread);
    const struct line_code *extra = NULL;

    if (stack != NULL && line_stack_is_top(stack, key)) {
        extra = stack->frames[stack->depth - 1].code;
        /* The offset of PY_UNWIND often has no line, and an unwinding is never inert. */
        line_code_leave_top(stack, extra, how == LINE_UNWIND ? 0 : small_int(args[1]), how);
    } else if (stack != NULL && (stack->depth > 0 || state->n_span_logs > 0)) {
        extra = line_code_recall(state, args[0]);
        if (extra != NULL)
            line_event_leave(stack, key, how);
    }
    if (extra != NULL && extra->spans != NULL)
        span_watch_leave(stack, extra, key, how);
    Py_RETURN_NONE;
}

static inline PyObject *leave(PyObject *self, PyObject *const *args, enum line_leave how)
{
    PyThreadState *thread;
    struct line_stack *stack = stack_at_hand(monitoring_state(self), &thread);
    const struct line_code *extra;

    if (__builtin_expect(stack == NULL || !line_stack_is_top(stack, monitoring_frame(thread)), 0))
        return leave_slow(self, args, how);
    extra = stack->frames[stack->depth - 1].code;
    if (__builtin_expect(extra->spans != NULL || !is_compact(args[1]), 0))
        return leave_slow(self, args, how);
    line_code_leave_top(stack, extra, small_int(args[1]), how);
    Py_RETURN_NONE;
}

static PyObject *on_return(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    (void)n, (void)names;
    return leave(self, args, LINE_RETURN);
}

static PyObject *on_yield(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    (void)n, (void)names;
    return leave(self, args, LINE_YIELD);
}

static PyObject *on_unwind(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    (void)n, (void)names;
    return leave_slow(self, args, LINE_UNWIND);
}

static void line_in_other_frame(PyObject *self, PyObject *code, int line)
{
    struct place place;

    if (find_place_slow(self, code, &place))
        line_event_line_slow(place.stack, place.code, place.key, line);
}

/* A line anywhere: in another thread than the last one, in a frame that is not on top. */
__attribute__((noinline)) static PyObject *on_line_slow(PyObject *self, PyObject *const *args)
{
    PyThreadState *thread;
    struct line_stack *stack = module_state_here(monitoring_state(self), &thread);

    if (stack != NULL && line_stack_is_top(stack, monitoring_frame(thread)))
        line_event_line(stack, small_int(args[1]));
    else
        line_in_other_frame(self, args[0], small_int(args[1]));
    Py_RETURN_NONE;
}

static PyObject *on_line(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    PyThreadState *thread;
    struct line_stack *stack = stack_at_hand(monitoring_state(self), &thread);

    (void)n, (void)names;
    if (__builtin_expect(stack == NULL || !line_stack_is_top(stack, monitoring_frame(thread)) ||
                             !is_compact(args[1]),
                         0))
        return on_line_slow(self, args);
    line_event_line(stack, small_int(args[1]));
    Py_RETURN_NONE;
}

/* ---- the others ---- */

/* A jump back within one line starts that line again; LINE does not say so. */
static PyObject *on_jump(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    struct module_state *state = monitoring_state(self);
    PyThreadState *thread;
    struct line_stack *stack = module_state_here(state, &thread);
    const struct line_code *code;
    int from = small_int(args[1]), to = small_int(args[2]), line, on_top;

    (void)n, (void)names;
    on_top = stack != NULL && line_stack_is_top(stack, monitoring_frame(thread));
    code = on_top ? stack->frames[stack->depth - 1].code : line_code_find(state, args[0]);
    line = code == NULL ? 0 : line_code_line_at(code, to);
    if (line == 0 || to >= from || line != line_code_line_at(code, from))
        /* This jump can never start a line again: the interpreter is to send it no more. */
        return Py_NewRef(state->monitoring->tool.disable);
    line_code_forget_inert_exits(code, to, from);
    if (on_top)
        line_event_line(stack, line);
    else
        line_in_other_frame(self, args[0], line);
    Py_RETURN_NONE;
}

/* ---- the same while calls of all code are counted: a call is around the lines of its function
 * ---- */

static PyObject *on_start_counting(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    call_counter_start(monitoring_state(self), args[0],
                       monitoring_frame(PyThreadState_GetUnchecked()));
    return on_start(self, args, n, names);
}

static PyObject *on_resume_counting(PyObject *self, PyObject *const *args, size_t n,
                                    PyObject *names)
{
    call_counter_resume(monitoring_state(self), args[0],
                        monitoring_frame(PyThreadState_GetUnchecked()));
    return on_resume(self, args, n, names);
}

static inline PyObject *leave_counting(PyObject *self, PyObject *result)
{
    call_counter_leave(monitoring_state(self), monitoring_frame(PyThreadState_GetUnchecked()));
    return result;
}

static PyObject *on_return_counting(PyObject *self, PyObject *const *args, size_t n,
                                    PyObject *names)
{
    return leave_counting(self, on_return(self, args, n, names));
}

static PyObject *on_yield_counting(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    return leave_counting(self, on_yield(self, args, n, names));
}

static PyObject *on_unwind_counting(PyObject *self, PyObject *const *args, size_t n,
                                    PyObject *names)
{
    return leave_counting(self, on_unwind(self, args, n, names));
}

static const struct monitoring_event events_sent[N_EVENTS] = {
    [EVENT_START] = {"PY_START", {on_start, on_start_counting}},
    [EVENT_RESUME] = {"PY_RESUME", {on_resume, on_resume_counting}},
    [EVENT_RETURN] = {"PY_RETURN", {on_return, on_return_counting}},
    [EVENT_YIELD] = {"PY_YIELD", {on_yield, on_yield_counting}},
    [EVENT_LINE] = {"LINE", {on_line, on_line}},
    [EVENT_JUMP] = {"JUMP", {on_jump, on_jump}},
    [EVENT_UNWIND] = {"PY_UNWIND", {on_unwind, on_unwind_counting}},
    [EVENT_THROW] = {"PY_THROW", {on_resume, on_resume_counting}},
};

/* ---- switching on and off ---- */

int tracer_init(struct module_state *state)
{
    state->monitoring = calloc(1, sizeof *state->monitoring);
    if (state->monitoring == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return monitoring_tool_init(&state->monitoring->tool, state, events_sent, N_EVENTS);
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

/*
 * The tool, and the events that it gets from all code: unwinding and throwing while any code is
 * watched, since these exist for the whole program only; calls while they are counted.
 */
int call_events_update(struct module_state *state)
{
    struct monitoring_tool *tool = &state->monitoring->tool;
    int counting = state->calls != NULL;
    long events = tool->bits[EVENT_UNWIND] | tool->bits[EVENT_THROW];

    if (!counting && state->monitoring->n_watched == 0) {
        monitoring_tool_close(tool);
        return 0;
    }
    if (counting)
        events |= local_events(tool, 0);
    if (monitoring_tool_open(tool, counting ? MONITORING_COUNTING : MONITORING_PLAIN) != 0)
        return -1;
    return monitoring_tool_set_events(tool, events);
}

/* Of the events of a code: what line_code.sent says. */
enum { SENT_NOTHING, SENT_CALLS, SENT_LINES };

int tracer_watch(struct module_state *state, PyObject *code)
{
    struct monitoring_tracer *tracer = state->monitoring;
    struct line_code *extra = line_code_find(state, code);
    int wanted = extra->watches != NULL ? SENT_LINES : SENT_CALLS;

    code_extra_forget_last(state);
    /* Each change of events makes the interpreter instrument the code anew. */
    if (extra->sent >= wanted)
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
    extra->sent = wanted;
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
    if (extra == NULL || extra->sent == SENT_NOTHING)
        return;
    py_error_fetch(&pending);
    if (monitoring_tool_set_local_events(&tracer->tool, code, 0) != 0)
        PyErr_Clear();
    py_error_restore(&pending);
    extra->sent = SENT_NOTHING;
    watched_less(state);
}

void tracer_forget(struct module_state *state, struct line_code *code)
{
    /* The code takes its own events along; only those of the whole program may have to go. */
    if (code->sent == SENT_NOTHING)
        return;
    code->sent = SENT_NOTHING;
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

bool tracer_runs_beneath(const void *key, const PyObject *code)
{
    const struct frame_head *frame = ((const struct frame_head *)key)->previous;

    while (frame != NULL && (frame->code & ~TAG_BITS) != (uintptr_t)code)
        frame = frame->previous;
    return frame != NULL;
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
