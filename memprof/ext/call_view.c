#include "memprof/ext/call_view.h"

#include <stdlib.h>

#include "memprof/call_graph.h"
#include "memprof/ext/global_events.h"
#include "memprof/ext/memory_source.h"

#if PY_VERSION_HEX < 0x030C0000
#define PyUnstable_Eval_RequestCodeExtraIndex _PyEval_RequestCodeExtraIndex
#define PyUnstable_Code_GetExtra _PyCode_GetExtra
#define PyUnstable_Code_SetExtra _PyCode_SetExtra
#endif

struct view_thread {
    PyThreadState *thread;
    uint64_t id; /* tells a new thread at an old address */
    struct call_stack *stack;
};

struct call_view {
    PyObject_HEAD struct module_state *state;
    struct call_graph graph;
    PyObject *codes;         /* list: all that have a function; they live as long as the view */
    PyObject *hidden;        /* functions of files below this folder are not counted */
    Py_ssize_t extra;        /* of the struct call_function in code objects */
    struct view_thread last; /* of the latest event */
    struct view_thread *threads;
    int thread_count;
    int is_on;
};

/* Stands for the functions that are not counted. */
static struct call_function hidden_function;

/* ---- functions and threads ---- */

static int is_hidden(const struct call_view *view, PyObject *code)
{
    PyObject *filename = ((PyCodeObject *)code)->co_filename;

    return view->hidden != NULL &&
           PyUnicode_Tailmatch(filename, view->hidden, 0, PY_SSIZE_T_MAX, -1) == 1;
}

static struct call_function *new_function(struct call_view *view, PyObject *code)
{
    struct call_function *function = &hidden_function;
    PyObject *type, *value, *trace;

    PyErr_Fetch(&type, &value, &trace);
    if (!is_hidden(view, code))
        function = call_function_new(&view->graph, code);
    if (function != NULL && (PyList_Append(view->codes, code) != 0 ||
                             PyUnstable_Code_SetExtra(code, view->extra, function) != 0))
        function = NULL; /* not counted; the graph frees it at the end */
    PyErr_Restore(type, value, trace);
    return function;
}

/* NULL: not counted. */
static struct call_function *function_of(struct call_view *view, PyObject *code)
{
    void *extra = NULL;

    if (PyUnstable_Code_GetExtra(code, view->extra, &extra) != 0)
        PyErr_Clear();
    if (extra == NULL)
        extra = new_function(view, code);
    return extra == &hidden_function ? NULL : extra;
}

static struct call_stack *find_stack(struct call_view *view, PyThreadState *thread)
{
    struct view_thread *threads;
    int i;

    for (i = 0; i < view->thread_count && view->threads[i].thread != thread;)
        i++;
    if (i == view->thread_count) {
        threads = realloc(view->threads, (size_t)(i + 1) * sizeof *threads);
        if (threads == NULL)
            return NULL;
        view->threads = threads;
        threads[i].stack = call_stack_new(&view->graph);
        if (threads[i].stack == NULL)
            return NULL;
        threads[i].thread = thread;
        view->thread_count++;
    } else if (view->threads[i].id != thread->id) {
        view->threads[i].stack->depth = 0; /* nobody saw that thread's last calls end */
    }
    view->threads[i].id = thread->id;
    view->last = view->threads[i];
    return view->last.stack;
}

static inline struct call_stack *stack_of(struct call_view *view)
{
    PyThreadState *thread = PyThreadState_Get();

    if (view->last.thread == thread && view->last.id == thread->id)
        return view->last.stack;
    return find_stack(view, thread);
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
    self->state = state;
    self->hidden = Py_XNewRef(hidden);
    call_graph_init(&self->graph, state->machine.meters[meter]);
    self->codes = PyList_New(0);
    self->extra = PyUnstable_Eval_RequestCodeExtraIndex(NULL);
    if (self->codes == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void turn_off(struct call_view *self)
{
    if (!self->is_on)
        return;
    self->is_on = 0;
    self->state->calls = NULL;
    global_events_update(self->state);
    call_graph_stop(&self->graph);
}

static int view_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((struct call_view *)object)->codes);
    return 0;
}

static void view_dealloc(PyObject *object)
{
    struct call_view *self = (struct call_view *)object;
    PyTypeObject *type = Py_TYPE(object);

    PyObject_GC_UnTrack(object);
    turn_off(self);
    for (Py_ssize_t i = 0; self->codes != NULL && i < PyList_GET_SIZE(self->codes); i++)
        PyUnstable_Code_SetExtra(PyList_GET_ITEM(self->codes, i), self->extra, NULL);
    Py_CLEAR(self->codes);
    Py_CLEAR(self->hidden);
    call_graph_release(&self->graph);
    free(self->threads);
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
    if (global_events_update(self->state) != 0) {
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

/* (who, calls, primitive calls, own bytes, cumulative bytes) */
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
             "(code, calls, primitive calls, own bytes, cumulative bytes, peak bytes, callers) of\n"
             "each function that ran; callers is a list of (code or None, calls, primitive calls,\n"
             "own bytes, cumulative bytes).");

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
    {Py_tp_doc, (void *)view_doc}, {Py_tp_new, view_new},         {Py_tp_traverse, view_traverse},
    {Py_tp_dealloc, view_dealloc}, {Py_tp_methods, view_methods}, {0, NULL},
};

PyType_Spec call_view_type_spec = {
    .name = "memory_profiler._memprof.CallView",
    .basicsize = sizeof(struct call_view),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = view_slots,
};
