#include "memprof/ext/trace/monitoring_events.h"

#include <stdbool.h>

#include "memprof/ext/trace/call_counter.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/fibres.h"
#include "memprof/ext/trace/span_watch.h"
#include "memprof/heap/alloc_log.h"

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
    fibres_look_for(state);
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
    struct line_stack *stack;
    const void *key;
    const struct line_code *extra = NULL;

    /* All code of the program unwinds here, and to look for a greenlet goes through its frames. */
    if (state->fibre_stack != NULL && !line_code_is_wanted(line_code_recall(state, args[0])))
        Py_RETURN_NONE;
    stack = module_state_here(state, &thread);
    key = monitoring_frame(thread);
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

/* ---- while allocations are recorded ---- */

/* The numbers of an event are objects that the interpreter makes for us; the latest goes first. */
static void undo_numbers(PyObject *const *args, size_t n)
{
    while (n > 0)
        alloc_log_undo(args[n--]);
}

#define RECORDING(function, n_numbers)                                                             \
    static PyObject *function##_recording(PyObject *self, PyObject *const *args, size_t n,         \
                                          PyObject *names)                                         \
    {                                                                                              \
        PyObject *result;                                                                          \
                                                                                                   \
        undo_numbers(args, n_numbers);                                                             \
        alloc_pause();                                                                             \
        result = function(self, args, n, names);                                                   \
        alloc_resume();                                                                            \
        return result;                                                                             \
    }

RECORDING(on_start, 1)
RECORDING(on_start_counting, 1)
RECORDING(on_resume, 1)
RECORDING(on_resume_counting, 1)
RECORDING(on_return, 1)
RECORDING(on_return_counting, 1)
RECORDING(on_yield, 1)
RECORDING(on_yield_counting, 1)
RECORDING(on_line, 1)
RECORDING(on_jump, 2)
RECORDING(on_unwind, 1)
RECORDING(on_unwind_counting, 1)

#define CALLS(function, counting)                                                                  \
    {                                                                                              \
        function, counting, function##_recording, counting##_recording                             \
    }

const struct monitoring_event monitoring_events[N_EVENTS] = {
    [EVENT_START] = {"PY_START", CALLS(on_start, on_start_counting)},
    [EVENT_RESUME] = {"PY_RESUME", CALLS(on_resume, on_resume_counting)},
    [EVENT_RETURN] = {"PY_RETURN", CALLS(on_return, on_return_counting)},
    [EVENT_YIELD] = {"PY_YIELD", CALLS(on_yield, on_yield_counting)},
    [EVENT_LINE] = {"LINE", CALLS(on_line, on_line)},
    [EVENT_JUMP] = {"JUMP", CALLS(on_jump, on_jump)},
    [EVENT_UNWIND] = {"PY_UNWIND", CALLS(on_unwind, on_unwind_counting)},
    [EVENT_THROW] = {"PY_THROW", CALLS(on_resume, on_resume_counting)},
};
