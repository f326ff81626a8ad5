#include "memprof/ext/call_view.h"

#include <stdbool.h>

#include "memprof/ext/base/py_error.h"
#include "memprof/ext/memory_source.h"
#include "memprof/ext/trace/call_counter.h"
#include "memprof/ext/trace/call_events.h"

struct call_view {
    PyObject_HEAD struct module_state *state;
    struct call_counter counter;
    bool is_on;
};

static PyObject *view_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"backend", "hidden", "own", "others", "all", "folded", NULL};
    struct module_state *state = module_state_of_type(type);
    struct counter_wish wish = {.all = true};
    const char *backend = "rss";
    int meter, all = 1, folded = 0;
    struct call_view *self;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|sUO!O!pp:CallView", names, &backend,
                                     &wish.hidden, &PyTuple_Type, &wish.own, &PyTuple_Type,
                                     &wish.others, &all, &folded))
        return NULL;
    wish.all = all || !folded;
    wish.folded = folded != 0;
    meter = memory_source_index(state, backend, 0);
    self = meter < 0 ? NULL : (struct call_view *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->state = module_state_keep(state);
    if (call_counter_init(&self->counter, state, meter, &wish) != 0)
        Py_CLEAR(self);
    return (PyObject *)self;
}

/* Keeps a pending exception; one of its own has nowhere to go. */
static void turn_off(struct call_view *self)
{
    struct py_error pending;

    if (!self->is_on)
        return;
    self->is_on = 0;
    /* Before the update, which asks whether calls are wanted. */
    self->state->calls = NULL;
    py_error_fetch(&pending);
    if (call_events_update(self->state) != 0)
        PyErr_Clear();
    py_error_restore(&pending);
    call_counter_stop(&self->counter);
}

static void view_dealloc(PyObject *object)
{
    struct call_view *self = (struct call_view *)object;
    PyTypeObject *type = Py_TYPE(object);

    turn_off(self);
    call_counter_release(&self->counter);
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
    self->state->calls = &self->counter;
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

PyDoc_STRVAR(
    functions_doc,
    "functions(folded=False, /) -> list\n\n"
    "(key, calls, primitive calls, own bytes, cumulative bytes, peak bytes, whether it is a\n"
    "library's, callers) of each function that ran, folded or not as was asked for; a key\n"
    "is (file, line, qualified name); callers is a list of (key or None, calls, primitive\n"
    "calls, own bytes, cumulative bytes).");

static PyObject *row_of(const struct call_function *function)
{
    const struct call_sums *sums = &function->sums;

    return Py_BuildValue("NKKLLLNN", owner_or_none(function), (unsigned long long)sums->calls,
                         (unsigned long long)sums->primitive, (long long)sums->own,
                         (long long)sums->cumulative, (long long)function->peak,
                         PyBool_FromLong(function->side == CALL_LIBRARY), callers_of(function));
}

/* ValueError where it was not asked for. */
static const struct call_graph *graph_of(const struct call_view *self, bool folds)
{
    for (int i = 0; i < self->counter.n_graphs; i++)
        if (self->counter.graphs[i].folds == folds)
            return &self->counter.graphs[i];
    PyErr_SetString(PyExc_ValueError, "memory_profiler: that was not counted");
    return NULL;
}

static PyObject *view_functions(PyObject *object, PyObject *args)
{
    const struct call_graph *graph;
    PyObject *list, *item;
    int folded = 0;

    if (!PyArg_ParseTuple(args, "|p:functions", &folded))
        return NULL;
    graph = graph_of((struct call_view *)object, folded != 0);
    list = graph == NULL ? NULL : PyList_New(0);
    for (const struct call_function *function = list == NULL ? NULL : graph->functions;
         list != NULL && function != NULL; function = function->next) {
        if (graph->folds && function->callers == NULL)
            continue; /* all its calls are in those of others */
        item = row_of(function);
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
    return PyLong_FromLongLong(((struct call_view *)object)->counter.graphs[0].outermost);
}

static PyMethodDef view_methods[] = {
    {"start", view_start, METH_NOARGS, start_doc},
    {"stop", view_stop, METH_NOARGS, stop_doc},
    {"functions", view_functions, METH_VARARGS, functions_doc},
    {"outermost", view_outermost, METH_NOARGS, outermost_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(view_doc,
             "CallView(backend='rss', hidden='', own=(), others=(), all=True, folded=False)\n\n"
             "Counts calls of all Python functions and what they grew, except of those in\n"
             "files whose name begins with hidden. The program's own are those whose files begin\n"
             "with one of own and contain none of others; with folded, the insides of libraries\n"
             "count as what was called from outside.");

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
