/*
 * Events by sys.monitoring (Python 3.12 and later). Only watched code objects send events, in all
 * threads; debuggers, coverage and other profilers have tool ids of their own.
 */
#include "memprof/ext/tracer.h"

#include <stdlib.h>

#include "memprof/ext/code_watch.h"
#include "memprof/ext/span_recorder_type.h"

#if PY_VERSION_HEX < 0x030D0000
#define PyThreadState_GetUnchecked _PyThreadState_UncheckedGet
#endif

/* Ids 0-2 and 5 belong to debuggers, coverage, profilers and optimizers. */
static const int our_tool_ids[] = {3, 4};

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

struct tracer {
    int tool_id;          /* -1: none yet */
    int n_watched;        /* code objects that send events */
    PyObject *monitoring; /* sys.monitoring */
    PyObject *disable;    /* sys.monitoring.DISABLE */
    PyObject *callbacks[N_EVENTS];
    long bits[N_EVENTS];
};

/* The self of every callback: one pointer away from the state. */
struct callback_self {
    PyObject_HEAD struct module_state *state;
};

static inline struct module_state *state_of(PyObject *self)
{
    return ((struct callback_self *)self)->state;
}

/* The address of the running frame, without making a frame object. */
static inline const void *current_frame(PyThreadState *thread)
{
#if PY_VERSION_HEX < 0x030D0000
    return thread->cframe->current_frame;
#else
    return thread->current_frame;
#endif
}

static int small_int(PyObject *number)
{
    if (PyUnstable_Long_IsCompact((PyLongObject *)number))
        return (int)PyUnstable_Long_CompactValue((PyLongObject *)number);
    return (int)PyLong_AsLong(number);
}

/* What an event other than a line needs to know. Returns 0 when it is none of ours. */
struct place {
    struct line_stack *stack;
    const void *key;
    struct line_code *code;
};

static int find_place(PyObject *self, PyObject *code, struct place *place)
{
    struct module_state *state = state_of(self);
    PyThreadState *thread = PyThreadState_GetUnchecked();

    place->code = code_watch_recall(state, code);
    if (!code_watch_is_wanted(place->code))
        return 0;
    place->stack = module_state_stack(state, thread);
    place->key = current_frame(thread);
    return place->stack != NULL;
}

static PyObject *on_start(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    struct place place;

    (void)n;
    if (find_place(self, args[0], &place)) {
        line_event_start(place.stack, place.code, place.key);
        if (place.code->spans != NULL)
            span_watch_start(place.stack, place.code, place.key);
    }
    Py_RETURN_NONE;
}

static PyObject *on_resume(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    struct place place;

    (void)n;
    if (find_place(self, args[0], &place)) {
        line_event_resume(place.stack, place.code, place.key,
                          code_watch_line(place.code, small_int(args[1])));
        if (place.code->spans != NULL)
            span_watch_resume(place.stack, place.code, place.key);
    }
    Py_RETURN_NONE;
}

/* The frame that ends is nearly always on top: then nothing needs looking up. */
static void leave(PyObject *self, PyObject *code, enum line_leave how)
{
    struct module_state *state = state_of(self);
    PyThreadState *thread = PyThreadState_GetUnchecked();
    struct line_stack *stack = module_state_stack(state, thread);
    const void *key = current_frame(thread);
    const struct line_code *mark;
    int on_top = stack != NULL && line_stack_is_top(stack, key);

    if (stack == NULL || (stack->depth == 0 && state->n_recorders == 0))
        return;
    mark = on_top ? stack->frames[stack->depth - 1].code : code_watch_recall(state, code);
    if (mark == NULL)
        return;
    line_event_leave(stack, key, how);
    if (mark->spans != NULL)
        span_watch_leave(stack, mark, key, how);
}

static PyObject *on_return(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)n;
    leave(self, args[0], LINE_RETURN);
    Py_RETURN_NONE;
}

static PyObject *on_yield(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)n;
    leave(self, args[0], LINE_YIELD);
    Py_RETURN_NONE;
}

static PyObject *on_unwind(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)n;
    leave(self, args[0], LINE_UNWIND);
    Py_RETURN_NONE;
}

static void line_elsewhere(PyObject *self, PyObject *code, int line)
{
    struct place place;

    if (find_place(self, code, &place))
        line_event_line_slow(place.stack, place.code, place.key, line);
}

static PyObject *on_line(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    PyThreadState *thread = PyThreadState_GetUnchecked();
    struct line_stack *stack = module_state_stack(state_of(self), thread);

    (void)n;
    if (__builtin_expect(stack != NULL && line_stack_is_top(stack, current_frame(thread)), 1))
        line_event_line(stack, small_int(args[1]));
    else
        line_elsewhere(self, args[0], small_int(args[1]));
    Py_RETURN_NONE;
}

/* A jump back within one line starts that line again; LINE does not say so. */
static PyObject *on_jump(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    PyThreadState *thread = PyThreadState_GetUnchecked();
    struct module_state *state = state_of(self);
    struct line_stack *stack = module_state_stack(state, thread);
    const struct line_code *code;
    int from = small_int(args[1]), to = small_int(args[2]), line, on_top;

    (void)n;
    on_top = stack != NULL && line_stack_is_top(stack, current_frame(thread));
    code = on_top ? stack->frames[stack->depth - 1].code : code_watch_find(state, args[0]);
    line = code == NULL ? 0 : code_watch_line(code, to);
    if (line == 0 || to >= from || line != code_watch_line(code, from))
        return Py_NewRef(state->tracer->disable);
    if (on_top)
        line_event_line(stack, line);
    else
        line_elsewhere(self, args[0], line);
    Py_RETURN_NONE;
}

static PyMethodDef callback_defs[N_EVENTS] = {
    [EVENT_START] = {"PY_START", (PyCFunction)(void (*)(void))on_start, METH_FASTCALL, NULL},
    [EVENT_RESUME] = {"PY_RESUME", (PyCFunction)(void (*)(void))on_resume, METH_FASTCALL, NULL},
    [EVENT_RETURN] = {"PY_RETURN", (PyCFunction)(void (*)(void))on_return, METH_FASTCALL, NULL},
    [EVENT_YIELD] = {"PY_YIELD", (PyCFunction)(void (*)(void))on_yield, METH_FASTCALL, NULL},
    [EVENT_LINE] = {"LINE", (PyCFunction)(void (*)(void))on_line, METH_FASTCALL, NULL},
    [EVENT_JUMP] = {"JUMP", (PyCFunction)(void (*)(void))on_jump, METH_FASTCALL, NULL},
    [EVENT_UNWIND] = {"PY_UNWIND", (PyCFunction)(void (*)(void))on_unwind, METH_FASTCALL, NULL},
    [EVENT_THROW] = {"PY_THROW", (PyCFunction)(void (*)(void))on_resume, METH_FASTCALL, NULL},
};

/* ---- switching on and off ---- */

static PyType_Slot callback_self_slots[] = {{0, NULL}};

static PyType_Spec callback_self_spec = {
    .name = "memory_profiler._memprof._Tracer",
    .basicsize = sizeof(struct callback_self),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = callback_self_slots,
};

static struct callback_self *new_self(PyObject *module, struct module_state *state)
{
    PyTypeObject *type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &callback_self_spec, NULL);
    struct callback_self *self;

    if (type == NULL)
        return NULL;
    self = (struct callback_self *)type->tp_alloc(type, 0);
    Py_DECREF(type);
    if (self != NULL)
        self->state = state;
    return self;
}

static int make_callbacks(struct tracer *tracer, PyObject *self, PyObject *events)
{
    PyObject *bit;

    for (int i = 0; i < N_EVENTS; i++) {
        bit = PyObject_GetAttrString(events, callback_defs[i].ml_name);
        if (bit == NULL)
            return -1;
        tracer->bits[i] = PyLong_AsLong(bit);
        Py_DECREF(bit);
        tracer->callbacks[i] = PyCFunction_NewEx(&callback_defs[i], self, NULL);
        if (tracer->callbacks[i] == NULL)
            return -1;
    }
    return 0;
}

int tracer_init(PyObject *module, struct module_state *state)
{
    struct tracer *tracer = calloc(1, sizeof *tracer);
    PyObject *events = NULL;
    struct callback_self *self = NULL;
    int error = -1;

    if (tracer == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    state->tracer = tracer;
    tracer->tool_id = -1;
    tracer->monitoring = Py_XNewRef(PySys_GetObject("monitoring"));
    if (tracer->monitoring != NULL) {
        tracer->disable = PyObject_GetAttrString(tracer->monitoring, "DISABLE");
        events = PyObject_GetAttrString(tracer->monitoring, "events");
        self = new_self(module, state);
        if (tracer->disable != NULL && events != NULL && self != NULL)
            error = make_callbacks(tracer, (PyObject *)self, events);
    }
    Py_XDECREF(events);
    Py_XDECREF(self);
    return error;
}

static int call_monitoring(struct tracer *tracer, const char *method, const char *format, ...)
{
    PyObject *function = PyObject_GetAttrString(tracer->monitoring, method), *args, *result;
    va_list list;

    if (function == NULL)
        return -1;
    va_start(list, format);
    args = Py_VaBuildValue(format, list);
    va_end(list);
    result = args == NULL ? NULL : PyObject_CallObject(function, args);
    Py_DECREF(function);
    Py_XDECREF(args);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int take_tool_id(struct tracer *tracer)
{
    for (size_t i = 0; i < sizeof our_tool_ids / sizeof our_tool_ids[0]; i++) {
        int id = our_tool_ids[i];

        if (call_monitoring(tracer, "use_tool_id", "(is)", id, "memory_profiler") == 0) {
            tracer->tool_id = id;
            return 0;
        }
        if (!PyErr_ExceptionMatches(PyExc_ValueError))
            return -1;
        PyErr_Clear();
    }
    PyErr_SetString(PyExc_RuntimeError,
                    "memory_profiler: sys.monitoring tool ids 3 and 4 are both in use");
    return -1;
}

/* Takes a tool id and the events that exist only for the whole program. */
static int switch_on(struct tracer *tracer)
{
    if (tracer->tool_id < 0 && take_tool_id(tracer) != 0)
        return -1;
    for (int i = 0; i < N_EVENTS; i++)
        if (call_monitoring(tracer, "register_callback", "(ilO)", tracer->tool_id, tracer->bits[i],
                            tracer->callbacks[i]) != 0)
            return -1;
    return call_monitoring(tracer, "set_events", "(il)", tracer->tool_id,
                           tracer->bits[EVENT_UNWIND] | tracer->bits[EVENT_THROW]);
}

static void switch_off(struct tracer *tracer)
{
    PyObject *type, *value, *trace;

    if (tracer->tool_id < 0)
        return;
    PyErr_Fetch(&type, &value, &trace);
    call_monitoring(tracer, "set_events", "(ii)", tracer->tool_id, 0);
    for (int i = 0; i < N_EVENTS; i++)
        call_monitoring(tracer, "register_callback", "(ilO)", tracer->tool_id, tracer->bits[i],
                        Py_None);
    call_monitoring(tracer, "free_tool_id", "(i)", tracer->tool_id);
    PyErr_Clear();
    PyErr_Restore(type, value, trace);
    tracer->tool_id = -1;
}

static int set_local_events(struct tracer *tracer, PyObject *code, long events)
{
    return call_monitoring(tracer, "set_local_events", "(iOl)", tracer->tool_id, code, events);
}

/* What `traced` of a code says: nothing, calls only, or lines too. */
enum { TRACE_NOTHING, TRACE_CALLS, TRACE_LINES };

int tracer_watch(struct module_state *state, PyObject *code)
{
    struct tracer *tracer = state->tracer;
    struct line_code *mark = code_watch_find(state, code);
    int wanted = mark->watches != NULL ? TRACE_LINES : TRACE_CALLS;
    long events = 0;

    code_watch_forget(state);
    if (mark->traced >= wanted)
        return 0;
    if (tracer->n_watched == 0 && switch_on(tracer) != 0)
        return -1;
    for (int i = 0; i < EVENT_UNWIND; i++)
        if (wanted == TRACE_LINES || (i != EVENT_LINE && i != EVENT_JUMP))
            events |= tracer->bits[i];
    if (set_local_events(tracer, code, events) != 0)
        return -1;
    tracer->n_watched += mark->traced == TRACE_NOTHING;
    mark->traced = wanted;
    return 0;
}

void tracer_unwatch(struct module_state *state, PyObject *code)
{
    struct tracer *tracer = state->tracer;
    struct line_code *mark = code_watch_find(state, code);
    PyObject *type, *value, *trace;

    code_watch_forget(state);
    if (mark == NULL || !mark->traced)
        return;
    PyErr_Fetch(&type, &value, &trace);
    if (set_local_events(tracer, code, 0) != 0)
        PyErr_Clear();
    PyErr_Restore(type, value, trace);
    mark->traced = 0;
    if (--tracer->n_watched == 0)
        switch_off(tracer);
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
    for (int i = 0; i < N_EVENTS; i++)
        Py_CLEAR(tracer->callbacks[i]);
    Py_CLEAR(tracer->monitoring);
    Py_CLEAR(tracer->disable);
    free(tracer);
    state->tracer = NULL;
}
