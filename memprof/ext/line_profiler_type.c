/* _memprof.Profiler: a struct line_profiler that Python can hold. */
#include "memprof/ext/line_profiler_type.h"

#include <stdlib.h>
#include <structmember.h>

#include "memprof/ext/code_watch.h"
#include "memprof/ext/memory_source.h"
#include "memprof/ext/py_error.h"
#include "memprof/ext/table_rows.h"
#include "memprof/ext/tracer.h"
#include "memprof/mem_mark.h"
#include "memprof/mem_reader.h"

/* A table longer than this is an absurd line number, not a function. */
#define MAX_ROWS (1 << 22)

struct profiler_object {
    PyObject_HEAD struct module_state *state;
    struct line_profiler profiler;
    PyObject *codes;      /* list: for each function the tuple of its code objects */
    PyObject *finished;   /* callable(index, rows), or NULL */
    PyObject *over_limit; /* callable(bytes), or NULL */
    int per_call, always_on;
};

/* ---- what the machine reports ---- */

/* Hands a finished table to Python. The program's result and exception stay what they are. */
static void finished(struct line_function *function, struct line_table *table)
{
    struct profiler_object *self = function->profiler->owner;
    PyObject *type, *value, *trace, *rows, *result = NULL;

    if (self->finished == NULL)
        return;
    PyErr_Fetch(&type, &value, &trace);
    rows = table_rows(self->state, table, function->profiler->columns);
    if (rows != NULL)
        result = PyObject_CallFunction(self->finished, "iO", function->index, rows);
    if (result == NULL)
        py_error_report("a table could not be printed");
    Py_XDECREF(rows);
    Py_XDECREF(result);
    PyErr_Restore(type, value, trace);
}

static void over_limit(struct line_profiler *profiler, const void *key, int64_t bytes)
{
    struct profiler_object *self = profiler->owner;
    PyObject *type, *value, *trace, *result;

    (void)key;
    PyErr_Fetch(&type, &value, &trace);
    result = PyObject_CallFunction(self->over_limit, "L", (long long)bytes);
    if (result == NULL)
        py_error_report("the debugger could not be started");
    Py_XDECREF(result);
    PyErr_Restore(type, value, trace);
}

/* ---- life ---- */

static PyObject *profiler_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"backend", "include_children", "per_call", "always_on", "finished",
                            "limit",   "over_limit",       "time",     "peak",      NULL};
    const char *backend = "rss";
    int include_children = 0, per_call = 0, always_on = 0, time = 0, peak = 0, meter;
    long long limit = 0;
    PyObject *on_finished = Py_None, *on_limit = Py_None;
    struct module_state *state = module_state_of_type(type);
    struct profiler_object *self;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|spppOLOpp:Profiler", names, &backend,
                                     &include_children, &per_call, &always_on, &on_finished, &limit,
                                     &on_limit, &time, &peak))
        return NULL;
    meter = memory_source_index(state, backend, include_children);
    if (meter < 0 || (time && memory_source_want_time(state) != 0) ||
        (peak && memory_source_want_peak(state, meter) != 0))
        return NULL;
    self = (struct profiler_object *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->state = state;
    line_profiler_init(&self->profiler, &state->machine, meter);
    self->profiler.columns = (uint8_t)((time ? LINE_TIME : 0) | (peak ? LINE_PEAK : 0));
    self->profiler.owner = self;
    self->profiler.finished = finished;
    self->profiler.over_limit = over_limit;
    self->profiler.limit = on_limit == Py_None ? 0 : limit;
    self->per_call = per_call;
    self->always_on = always_on;
    self->finished = on_finished == Py_None ? NULL : Py_NewRef(on_finished);
    self->over_limit = on_limit == Py_None ? NULL : Py_NewRef(on_limit);
    self->codes = PyList_New(0);
    if (self->codes == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int profiler_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct profiler_object *self = (struct profiler_object *)object;

    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->codes);
    Py_VISIT(self->finished);
    Py_VISIT(self->over_limit);
    return 0;
}

static void drop_from_stacks(struct profiler_object *self)
{
    for (int i = 0; i < self->state->n_threads; i++)
        line_stack_drop(self->state->threads[i].stack, &self->profiler);
}

/* Takes our watches off every code object; one that nobody watches any more sends no events. */
static void unwatch_all(struct profiler_object *self)
{
    Py_ssize_t n = self->codes == NULL ? 0 : PyList_GET_SIZE(self->codes);

    code_watch_forget(self->state);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *codes = PyList_GET_ITEM(self->codes, i);

        for (Py_ssize_t j = 0; j < PyTuple_GET_SIZE(codes); j++) {
            PyObject *code = PyTuple_GET_ITEM(codes, j);
            struct line_code *mark = code_watch_find(self->state, code);

            if (mark == NULL)
                continue;
            line_code_unwatch(mark, &self->profiler);
            if (mark->watches == NULL)
                tracer_unwatch(self->state, code);
        }
    }
}

static int profiler_clear(PyObject *object)
{
    struct profiler_object *self = (struct profiler_object *)object;

    Py_CLEAR(self->finished);
    Py_CLEAR(self->over_limit);
    return 0;
}

static void profiler_dealloc(PyObject *object)
{
    struct profiler_object *self = (struct profiler_object *)object;
    PyTypeObject *type = Py_TYPE(object);

    PyObject_GC_UnTrack(object);
    profiler_clear(object);
    if (self->profiler.machine != NULL) {
        drop_from_stacks(self);
        unwatch_all(self);
        line_profiler_clear(&self->profiler);
        if (self->profiler.columns & LINE_PEAK)
            memory_source_need_no_peak(self->state);
    }
    Py_CLEAR(self->codes);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- watching ---- */

static struct line_function *function_at(struct profiler_object *self, Py_ssize_t index)
{
    struct line_function *function = self->profiler.functions;

    while (function != NULL && function->index != index)
        function = function->next;
    if (function == NULL)
        PyErr_SetString(PyExc_IndexError, "no such function");
    return function;
}

/* The number of lines from the first line of the first code to the last line of any. */
static int count_rows(PyObject *codes)
{
    int first, last = 0, line;

    first = ((PyCodeObject *)PyTuple_GET_ITEM(codes, 0))->co_firstlineno;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(codes); i++) {
        line = code_watch_last_line(PyTuple_GET_ITEM(codes, i));
        if (line < 0)
            return -1;
        if (line > last)
            last = line;
    }
    if (last < first)
        last = first;
    return last - first >= MAX_ROWS ? MAX_ROWS : last - first + 1;
}

static int watch_code(struct profiler_object *self, struct line_function *function, PyObject *code,
                      int is_top)
{
    struct line_code *mark = code_watch_make(self->state, code);

    if (mark == NULL)
        return -1;
    if (line_code_watch_of(mark, &self->profiler) != NULL)
        return 0;
    if (line_function_watch(function, mark, is_top) != 0) {
        PyErr_NoMemory();
        return -1;
    }
    return tracer_watch(self->state, code);
}

/* A function nested in a watched one and decorated itself fills a table of its own from now on. */
static void leave_outer_function(struct profiler_object *self, PyObject *codes)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(codes); i++) {
        struct line_code *mark = code_watch_find(self->state, PyTuple_GET_ITEM(codes, i));

        if (mark != NULL)
            line_code_unwatch(mark, &self->profiler);
    }
}

static PyObject *watch_codes(struct profiler_object *self, PyObject *codes)
{
    struct line_function *function;
    int n_rows = count_rows(codes);
    PyCodeObject *top = (PyCodeObject *)PyTuple_GET_ITEM(codes, 0);

    if (n_rows < 0)
        return NULL;
    function = line_function_new(&self->profiler, top->co_firstlineno, n_rows, self->per_call);
    if (function == NULL)
        return PyErr_NoMemory();
    function->always_on = self->always_on;
    if (PyList_Append(self->codes, codes) != 0)
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(codes); i++)
        if (watch_code(self, function, PyTuple_GET_ITEM(codes, i), i == 0) != 0)
            return NULL;
    return PyLong_FromLong(function->index);
}

PyDoc_STRVAR(watch_doc, "watch(codes, /) -> int\n\n"
                        "Count the lines of a function: its code object, then those nested in it.\n"
                        "Returns the function's index; the same for code that is watched already.");

static PyObject *profiler_watch(PyObject *object, PyObject *argument)
{
    struct profiler_object *self = (struct profiler_object *)object;
    PyObject *codes = PySequence_Tuple(argument), *result = NULL;
    struct line_code *mark;
    struct line_watch *watch = NULL;

    if (codes == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(codes); i++)
        if (!PyCode_Check(PyTuple_GET_ITEM(codes, i)))
            PyErr_SetString(PyExc_TypeError, "watch() takes code objects");
    if (PyTuple_GET_SIZE(codes) == 0)
        PyErr_SetString(PyExc_ValueError, "watch() needs a code object");
    if (!PyErr_Occurred()) {
        mark = code_watch_find(self->state, PyTuple_GET_ITEM(codes, 0));
        if (mark != NULL)
            watch = line_code_watch_of(mark, &self->profiler);
        if (watch != NULL && watch->is_top) {
            result = PyLong_FromLong(watch->function->index);
        } else {
            if (watch != NULL)
                leave_outer_function(self, codes);
            result = watch_codes(self, codes);
        }
    }
    Py_DECREF(codes);
    return result;
}

PyDoc_STRVAR(watch_also_doc, "watch_also(index, codes, /)\n\n"
                             "Count more code objects in the table of a watched function.");

static PyObject *profiler_watch_also(PyObject *object, PyObject *args)
{
    struct profiler_object *self = (struct profiler_object *)object;
    struct line_function *function;
    PyObject *codes;
    Py_ssize_t index;
    int error = 0;

    if (!PyArg_ParseTuple(args, "nO:watch_also", &index, &codes))
        return NULL;
    function = function_at(self, index);
    codes = function == NULL ? NULL : PySequence_Tuple(codes);
    if (codes == NULL)
        return NULL;
    error = PyList_Append(self->codes, codes);
    for (Py_ssize_t i = 0; error == 0 && i < PyTuple_GET_SIZE(codes); i++) {
        if (PyCode_Check(PyTuple_GET_ITEM(codes, i)))
            error = watch_code(self, function, PyTuple_GET_ITEM(codes, i), i == 0);
    }
    Py_DECREF(codes);
    return error != 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(decorate_doc,
             "decorate(target, function, /)\n\n"
             "What stands in for a target that runs a watched function when called:\n"
             "on Python 3.12 and later the target itself, before a callable with its\n"
             "attributes.");

static PyObject *profiler_decorate(PyObject *object, PyObject *args)
{
    PyObject *target, *function;

    if (!PyArg_UnpackTuple(args, "decorate", 2, 2, &target, &function))
        return NULL;
    return tracer_decorate(((struct profiler_object *)object)->state, target, function);
}

static PyObject *profiler_enable(PyObject *object, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)object;

    (void)unused;
    if (tracer_enable(self->state) != 0)
        return NULL;
    line_profiler_enable(&self->profiler);
    Py_RETURN_NONE;
}

static PyObject *profiler_disable(PyObject *object, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)object;

    (void)unused;
    if (self->profiler.enabled == 0)
        Py_RETURN_NONE;
    tracer_disable(self->state);
    line_profiler_disable(&self->profiler);
    if (self->profiler.enabled == 0)
        drop_from_stacks(self);
    Py_RETURN_NONE;
}

/* ---- results ---- */

PyDoc_STRVAR(rows_doc, "rows(index, /) -> list\n\n"
                       "The lines of a function that ran: (line, increment in bytes, largest\n"
                       "memory in bytes, occurrences, peak in bytes or None, time in\n"
                       "nanoseconds or None).");

static PyObject *profiler_rows(PyObject *object, PyObject *index)
{
    struct profiler_object *self = (struct profiler_object *)object;
    struct line_function *function = function_at(self, PyLong_AsSsize_t(index));

    if (function == NULL)
        return NULL;
    if (function->table == NULL)
        return PyList_New(0);
    return table_rows(self->state, function->table, self->profiler.columns);
}

PyDoc_STRVAR(ledger_doc,
             "ledger(index, /) -> dict\n\n"
             "Proof that no growth was lost, in bytes: increments == entry + segments.");

static PyObject *profiler_ledger(PyObject *object, PyObject *index)
{
    struct profiler_object *self = (struct profiler_object *)object;
    struct line_function *function = function_at(self, PyLong_AsSsize_t(index));

    if (function == NULL)
        return NULL;
    if (function->table == NULL)
        Py_RETURN_NONE;
    return table_ledger(function->table);
}

PyDoc_STRVAR(flush_doc, "flush()\n\nHand over the tables of generators that never ended visibly.");

static PyObject *profiler_flush(PyObject *object, PyObject *unused)
{
    struct line_function *function = ((struct profiler_object *)object)->profiler.functions;

    (void)unused;
    for (; function != NULL; function = function->next)
        line_function_flush(function);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(restart_doc,
             "restart()\n\nForget what was measured; calls that run count from now on.");

static PyObject *profiler_restart(PyObject *object, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)object;
    struct line_function *function = self->profiler.functions;

    (void)unused;
    drop_from_stacks(self);
    for (; function != NULL; function = function->next)
        if (function->table != NULL)
            line_table_clear(function->table);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(info_doc,
             "info() -> dict\n\n"
             "How this profiler reads: gate_ns (0: off), gate_off (why), reads, skipped,\n"
             "surprises, error (of the last failed reading, or None), resolution_bytes,\n"
             "mark_resolution_bytes (of peaks).");

static PyObject *profiler_info(PyObject *object, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)object;
    const struct meter *meter = self->state->machine.meters[self->profiler.meter];

    (void)unused;
    return Py_BuildValue(
        "{s:d,s:z,s:K,s:K,s:K,s:i,s:L,s:L}", "gate_ns", gate_nanoseconds(&meter->gate), "gate_off",
        meter->gate.why_off, "reads", (unsigned long long)meter->reads, "skipped",
        (unsigned long long)meter->skips, "surprises", (unsigned long long)meter->surprises,
        "error", -meter->last_error, "resolution_bytes", (long long)mem_resolution(),
        "mark_resolution_bytes", (long long)mem_mark_resolution());
}

PyDoc_STRVAR(costs_doc,
             "costs() -> (float, float)\n\n"
             "Nanoseconds that a reading, and an event that is not read, cost just now.");

static PyObject *profiler_costs(PyObject *object, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)object;
    struct meter *meter = self->state->machine.meters[self->profiler.meter];
    struct meter_costs costs = meter_measure_costs(meter);

    (void)unused;
    return Py_BuildValue("dd", costs.read_ns, costs.skip_ns);
}

static PyMethodDef profiler_methods[] = {
    {"watch", profiler_watch, METH_O, watch_doc},
    {"watch_also", profiler_watch_also, METH_VARARGS, watch_also_doc},
    {"decorate", profiler_decorate, METH_VARARGS, decorate_doc},
    {"enable", profiler_enable, METH_NOARGS, "enable()\n\nCount from now on; nests."},
    {"disable", profiler_disable, METH_NOARGS, "disable()\n\nUndo one enable()."},
    {"rows", profiler_rows, METH_O, rows_doc},
    {"ledger", profiler_ledger, METH_O, ledger_doc},
    {"flush", profiler_flush, METH_NOARGS, flush_doc},
    {"restart", profiler_restart, METH_NOARGS, restart_doc},
    {"costs", profiler_costs, METH_NOARGS, costs_doc},
    {"info", profiler_info, METH_NOARGS, info_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef profiler_members[] = {
    {"codes", T_OBJECT, offsetof(struct profiler_object, codes), READONLY,
     "tuples of the watched code objects"},
    {"enabled", T_INT, offsetof(struct profiler_object, profiler.enabled), READONLY,
     "how many times enable() is in force"},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(profiler_doc,
             "Profiler(backend='rss', include_children=False, per_call=False, always_on=False,\n"
             "         finished=None, limit=0, over_limit=None, time=False, peak=False)\n\n"
             "Counts the lines of watched functions. With per_call, finished(index, rows) gets\n"
             "the table of every outermost call. over_limit(bytes) is called once, when memory\n"
             "passes limit bytes at the start of a watched line. With time or peak the lines'\n"
             "times, and their peaks by the kernel's high-water mark, are measured as well.");

static PyType_Slot profiler_slots[] = {
    {Py_tp_doc, (void *)profiler_doc},   {Py_tp_new, profiler_new},
    {Py_tp_traverse, profiler_traverse}, {Py_tp_clear, profiler_clear},
    {Py_tp_dealloc, profiler_dealloc},   {Py_tp_methods, profiler_methods},
    {Py_tp_members, profiler_members},   {0, NULL},
};

PyType_Spec line_profiler_type_spec = {
    .name = "memory_profiler._memprof.Profiler",
    .basicsize = sizeof(struct profiler_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = profiler_slots,
};
