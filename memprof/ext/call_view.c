#include "memprof/ext/call_view.h"

#include <stdlib.h>

#include "memprof/lines/call_graph.h"
#include "memprof/ext/trace/call_events.h"
#include "memprof/ext/trace/code_watch.h"
#include "memprof/ext/memory_source.h"

struct view_thread {
    uint64_t id; /* tells a new thread where another was */
    struct call_stack *stack;
};

struct call_view {
    PyObject_HEAD struct module_state *state;
    struct call_graph graph;
    uint64_t number;  /* of this view: what a mark on code says of another means nothing here */
    int meter;        /* index */
    PyObject *keys;   /* dict: (file, line, name) -> capsule of its function */
    PyObject *hidden; /* functions of files below this folder are not counted */
    struct view_thread *threads; /* by slot of the thread's line_stack */
    int thread_count;
    int is_on;
};

/* ---- functions and threads ---- */

static int is_hidden(const struct call_view *view, PyCodeObject *code)
{
    return view->hidden != NULL &&
           PyUnicode_Tailmatch(code->co_filename, view->hidden, 0, PY_SSIZE_T_MAX, -1) == 1;
}

/* (file, line, name). It holds nothing that could hold it, and so the collector need not know it:
 * a program that counts its objects counts none of ours. */
static PyObject *key_of(PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030B0000
    PyObject *name = code->co_qualname;
#else
    PyObject *name = code->co_name;
#endif
    PyObject *key = Py_BuildValue("OiO", code->co_filename, code->co_firstlineno, name);

    if (key != NULL)
        PyObject_GC_UnTrack(key);
    return key;
}

/* The function at the same place of the same file as before, or a new one: code that is made again
 * and again, by exec or in a loop, is one function. NULL with an exception. */
static struct call_function *function_at(struct call_view *view, PyObject *key)
{
    PyObject *capsule = PyDict_GetItemWithError(view->keys, key);
    struct call_function *function;
    int error;

    if (capsule != NULL)
        return PyCapsule_GetPointer(capsule, NULL);
    if (PyErr_Occurred())
        return NULL;
    function = call_function_new(&view->graph, key);
    capsule = function == NULL ? PyErr_NoMemory() : PyCapsule_New(function, NULL, NULL);
    if (capsule == NULL)
        return NULL;
    error = PyDict_SetItem(view->keys, key, capsule);
    Py_DECREF(capsule);
    return error == 0 ? function : NULL;
}

/* What the code's mark is told once; code that cannot be marked is not counted. */
__attribute__((noinline)) static struct call_function *find_function(struct call_view *view,
                                                                     PyObject *code)
{
    struct line_code *found;
    PyObject *type, *value, *trace, *key = NULL;
    struct code_mark *mark = NULL;

    PyErr_Fetch(&type, &value, &trace);
    found = code_watch_make_bare(view->state, code);
    if (found != NULL) {
        mark = code_mark_of(found);
        mark->calls_of = view->number;
        mark->calls = NULL;
        key = is_hidden(view, (PyCodeObject *)code) ? NULL : key_of((PyCodeObject *)code);
    }
    if (key != NULL)
        mark->calls = function_at(view, key);
    Py_XDECREF(key); /* the dict keeps the one that is the function's owner */
    PyErr_Restore(type, value, trace);
    return mark == NULL ? NULL : mark->calls;
}

/* NULL: not counted. */
static inline struct call_function *function_of(struct call_view *view, PyObject *code)
{
    const struct line_code *found = code_watch_recall(view->state, code);
    const struct code_mark *mark = code_mark_of(found);

    if (__builtin_expect(found != NULL && mark->calls_of == view->number, 1))
        return mark->calls;
    return find_function(view, code);
}

/* The stack with the number of the thread's line_stack; a thread that is new there begins anew. */
__attribute__((noinline)) static struct call_stack *
find_stack(struct call_view *view, struct line_stack *lines, uint64_t id)
{
    struct view_thread *threads;

    if (lines->slot >= view->thread_count) {
        int wanted = 2 * lines->slot + 4;

        threads = realloc(view->threads, (size_t)wanted * sizeof *threads);
        if (threads == NULL)
            return NULL;
        view->threads = threads;
        for (int i = view->thread_count; i < wanted; i++)
            threads[i] = (struct view_thread){0, NULL};
        view->thread_count = wanted;
    }
    threads = &view->threads[lines->slot];
    if (threads->stack == NULL)
        threads->stack = call_stack_new(&view->graph, &lines->meter_threads[view->meter]);
    else
        call_stack_clear(threads->stack);
    threads->id = id;
    return threads->stack;
}

static inline struct call_stack *stack_of(struct call_view *view)
{
    PyThreadState *thread;
    struct line_stack *lines = module_state_here(view->state, &thread);
    const struct view_thread *known;

    if (lines == NULL)
        return NULL;
    known = lines->slot < view->thread_count ? &view->threads[lines->slot] : NULL;
    if (__builtin_expect(known != NULL && known->stack != NULL && known->id == thread->id, 1))
        return known->stack;
    return find_stack(view, lines, thread->id);
}

/* ---- events ---- */

void call_view_start(struct module_state *state, PyObject *code, const void *key)
{
    struct call_view *view = state->calls;
    struct call_function *function = view == NULL ? NULL : function_of(view, code);
    struct call_stack *stack = function == NULL ? NULL : stack_of(view);

    if (stack != NULL)
        call_event_start(&view->graph, stack, function, key);
}

void call_view_resume(struct module_state *state, PyObject *code, const void *key)
{
    struct call_view *view = state->calls;
    struct call_function *function = view == NULL ? NULL : function_of(view, code);
    struct call_stack *stack = function == NULL ? NULL : stack_of(view);

    if (stack != NULL)
        call_event_resume(&view->graph, stack, function, key);
}

void call_view_leave(struct module_state *state, const void *key)
{
    struct call_stack *stack = state->calls == NULL ? NULL : stack_of(state->calls);

    if (stack != NULL)
        call_event_leave(&state->calls->graph, stack, key);
}

/* ---- the type ---- */

static PyObject *view_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"backend", "hidden", NULL};
    struct module_state *state = module_state_of_type(type);
    const char *backend = "rss";
    PyObject *hidden = NULL;
    struct call_view *self;
    int meter;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|sU:CallView", names, &backend, &hidden))
        return NULL;
    meter = memory_source_index(state, backend, 0);
    self = meter < 0 ? NULL : (struct call_view *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->state = module_state_keep(state);
    self->number = ++state->n_views;
    self->meter = meter;
    self->hidden = Py_XNewRef(hidden);
    call_graph_init(&self->graph, state->machine.meters[meter]);
    self->keys = PyDict_New();
    if (self->keys == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

/* Keeps a pending exception; one of its own has nowhere to go. */
static void turn_off(struct call_view *self)
{
    PyObject *type, *value, *trace;

    if (!self->is_on)
        return;
    self->is_on = 0;
    self->state->calls = NULL;
    PyErr_Fetch(&type, &value, &trace);
    if (call_events_update(self->state) != 0)
        PyErr_Clear();
    PyErr_Restore(type, value, trace);
    call_graph_stop(&self->graph);
}

static void view_dealloc(PyObject *object)
{
    struct call_view *self = (struct call_view *)object;
    PyTypeObject *type = Py_TYPE(object);

    turn_off(self);
    call_graph_release(&self->graph);
    Py_CLEAR(self->keys);
    Py_CLEAR(self->hidden);
    free(self->threads);
    module_state_drop(self->state);
    type->tp_free(object);
    Py_DECREF(type);
}

PyDoc_STRVAR(start_doc, "start()\n\nCount the calls of all Python functions from now on.");

static PyObject *view_start(PyObject *object, PyObject *unused)
{
    struct call_view *self = (struct call_view *)object;

    (void)unused;
    if (self->is_on)
        Py_RETURN_NONE;
    if (self->state->calls != NULL)
        return PyErr_Format(PyExc_RuntimeError, "memory_profiler: calls are being counted already");
    self->state->calls = self;
    if (call_events_update(self->state) != 0) {
        self->state->calls = NULL;
        return NULL;
    }
    self->is_on = 1;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stop_doc, "stop()\n\nCount no more; calls that run now end here.");

static PyObject *view_stop(PyObject *object, PyObject *unused)
{
    (void)unused;
    turn_off((struct call_view *)object);
    Py_RETURN_NONE;
}

static PyObject *owner_or_none(const struct call_function *function)
{
    return Py_NewRef(function == NULL ? Py_None : (PyObject *)function->owner);
}

/* (key, calls, primitive calls, own bytes, cumulative bytes) */
static PyObject *sums_of(const struct call_function *function, const struct call_sums *sums)
{
    return Py_BuildValue("NKKLL", owner_or_none(function), (unsigned long long)sums->calls,
                         (unsigned long long)sums->primitive, (long long)sums->own,
                         (long long)sums->cumulative);
}

static PyObject *callers_of(const struct call_function *function)
{
    PyObject *callers = PyList_New(0), *item;

    for (const struct call_edge *edge = function->callers; callers != NULL && edge != NULL;
         edge = edge->next) {
        item = sums_of(edge->caller, &edge->sums);
        if (item == NULL || PyList_Append(callers, item) != 0)
            Py_CLEAR(callers);
        Py_XDECREF(item);
    }
    return callers;
}

PyDoc_STRVAR(functions_doc,
             "functions() -> list\n\n"
             "(key, calls, primitive calls, own bytes, cumulative bytes, peak bytes, callers) of\n"
             "each function that ran; a key is (file, line, qualified name); callers is a list of\n"
             "(key or None, calls, primitive calls, own bytes, cumulative bytes).");

static PyObject *view_functions(PyObject *object, PyObject *unused)
{
    struct call_view *self = (struct call_view *)object;
    PyObject *list = PyList_New(0), *item;

    (void)unused;
    for (const struct call_function *function = self->graph.functions;
         list != NULL && function != NULL; function = function->next) {
        const struct call_sums *sums = &function->sums;

        item = Py_BuildValue("NKKLLLN", owner_or_none(function), (unsigned long long)sums->calls,
                             (unsigned long long)sums->primitive, (long long)sums->own,
                             (long long)sums->cumulative, (long long)function->peak,
                             callers_of(function));
        if (item == NULL || PyList_Append(list, item) != 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

PyDoc_STRVAR(outermost_doc,
             "outermost() -> int\n\nBytes that the outermost calls grew: the sum of all own "
             "increments.");

static PyObject *view_outermost(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyLong_FromLongLong(((struct call_view *)object)->graph.outermost);
}

static PyMethodDef view_methods[] = {
    {"start", view_start, METH_NOARGS, start_doc},
    {"stop", view_stop, METH_NOARGS, stop_doc},
    {"functions", view_functions, METH_NOARGS, functions_doc},
    {"outermost", view_outermost, METH_NOARGS, outermost_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(view_doc,
             "CallView(backend='rss', hidden=None)\n\n"
             "Counts calls of all Python functions and what they grew, except of those in\n"
             "files whose name begins with hidden.");

static PyType_Slot view_slots[] = {
    {Py_tp_doc, (void *)view_doc},
    {Py_tp_new, view_new},
    {Py_tp_dealloc, view_dealloc},
    {Py_tp_methods, view_methods},
    {0, NULL},
};

PyType_Spec call_view_type_spec = {
    .name = "memory_profiler._memprof.CallView",
    .basicsize = sizeof(struct call_view),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = view_slots,
};
