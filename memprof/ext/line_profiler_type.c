/* _memprof.Profiler: a struct line_profiler that Python can hold. */
#include "memprof/ext/line_profiler_type.h"

#include <stdlib.h>
#include <structmember.h>

#include "memprof/ext/call_claims.h"
#include "memprof/ext/highest.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/line_profiler_object.h"
#include "memprof/ext/memory_source.h"
#include "memprof/ext/ranking.h"
#include "memprof/ext/base/collector.h"
#include "memprof/ext/base/py_error.h"
#include "memprof/ext/base/untraced_call.h"
#include "memprof/ext/table_view.h"
#include "memprof/ext/trace/tracer.h"
#include "memprof/lines/line_lifetime.h"

/* ---- what the engine reports ---- */

/* Hands a finished table to Python. The program's result and exception stay what they are. */
static void finished(struct line_function *function, struct line_table *table)
{
    struct profiler_object *self = function->profiler->owner;
    struct py_error pending;
    PyObject *view, *result = NULL;

    /* Printing needs Python's modules, which go first when the interpreter ends. */
    if (self->finished == NULL || Py_IsFinalizing())
        return;
    py_error_fetch(&pending);
    view = table_view_new(self->state, table, function->profiler->measures);
    if (view != NULL) {
        result = untraced_call(self->finished, table->owner, view);
        table_view_end(view);
    }
    if (result == NULL)
        py_error_report("a table could not be printed");
    Py_XDECREF(view);
    Py_XDECREF(result);
    py_error_restore(&pending);
}

static void forgotten(struct line_function *function)
{
    Py_XDECREF(function->owner);
    Py_XDECREF(function->latest);
}

/* With per_call a profiler lives as long as it has functions: see new_function(). */
static void emptied(struct line_profiler *profiler)
{
    Py_DECREF((PyObject *)profiler->owner);
}

/* A code that nobody watches any more sends no events. */
static void unwatched(struct line_code *code)
{
    if (!line_code_is_wanted(code))
        tracer_unwatch(code_extra_of(code)->state, code_extra_of(code)->code);
}

static void over_limit(struct line_profiler *profiler, const void *key, int64_t bytes)
{
    struct profiler_object *self = profiler->owner;
    struct py_error pending;
    PyObject *result;

    (void)key;
    py_error_fetch(&pending);
    /* Not an untraced call: it starts the debugger, which wants to trace. */
    result = PyObject_CallFunction(self->over_limit, "L", (long long)bytes);
    if (result == NULL)
        py_error_report("the debugger could not be started");
    Py_XDECREF(result);
    py_error_restore(&pending);
}

/* ---- life ---- */

static void put_in_list(struct profiler_object *self)
{
    self->next = self->state->call_profilers;
    self->back = &self->state->call_profilers;
    if (self->next != NULL)
        self->next->back = &self->next;
    self->state->call_profilers = self;
}

static void take_out_of_list(struct profiler_object *self)
{
    /* Never put in: the profiler does not hand over calls. */
    if (self->back == NULL)
        return;
    *self->back = self->next;
    if (self->next != NULL)
        self->next->back = self->back;
}

/* The engine's half, with what is to be reported to ours. */
static void set_up(struct profiler_object *self, int meter)
{
    line_profiler_init(&self->profiler, &self->state->engine, meter);
    self->profiler.owner = self;
    self->profiler.finished = finished;
    self->profiler.claimed = call_claims_look_up;
    self->profiler.disowned = call_claims_let_go;
    self->profiler.forgotten = forgotten;
    self->profiler.unwatched = unwatched;
    self->profiler.emptied = emptied;
    self->profiler.over_limit = over_limit;
}

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
    if (self == NULL) {
        if (peak)
            memory_source_need_no_peak(state);
        return NULL;
    }
    self->state = module_state_keep(state);
    set_up(self, meter);
    self->profiler.measures = (uint8_t)((time ? LINE_TIME : 0) | (peak ? LINE_PEAK : 0));
    self->profiler.limit = on_limit == Py_None ? 0 : limit;
    self->per_call = per_call;
    if (per_call)
        put_in_list(self);
    self->always_on = always_on;
    /* Those that are kept until the end; tables of single calls, and of others, come and go. */
    self->profiler.survives = always_on && !per_call;
    self->finished = on_finished == Py_None ? NULL : Py_NewRef(on_finished);
    self->over_limit = on_limit == Py_None ? NULL : Py_NewRef(on_limit);
    return (PyObject *)self;
}

static int profiler_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct profiler_object *self = (struct profiler_object *)object;

    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->finished);
    Py_VISIT(self->claims);
    Py_VISIT(self->over_limit);
    return 0;
}

void line_profiler_drop_frames(struct profiler_object *self)
{
    for (int i = 0; i < self->state->n_threads; i++)
        line_stack_drop(self->state->threads[i].stack, &self->profiler);
}

static int profiler_clear(PyObject *object)
{
    struct profiler_object *self = (struct profiler_object *)object;

    Py_CLEAR(self->finished);
    if (self->claims != NULL)
        PyDict_Clear(self->claims); /* its references know it */
    Py_CLEAR(self->claims);
    Py_CLEAR(self->over_limit);
    return 0;
}

static void profiler_dealloc(PyObject *object)
{
    struct profiler_object *self = (struct profiler_object *)object;
    PyTypeObject *type = Py_TYPE(object);

    PyObject_GC_UnTrack(object);
    /* First: frames that end here have nobody left to hand their tables to. */
    profiler_clear(object);
    take_out_of_list(self);
    line_profiler_drop_frames(self);
    line_profiler_clear(&self->profiler);
    if (self->profiler.measures & LINE_PEAK)
        memory_source_need_no_peak(self->state);
    module_state_drop(self->state);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- standing in, switching on and off ---- */

PyDoc_STRVAR(decorate_doc,
             "decorate(target, function, /)\n\n"
             "What stands in for a target that runs a watched function when called:\n"
             "on Python 3.12 and later the target itself, before a callable with its\n"
             "attributes.");

static PyObject *profiler_decorate(PyObject *object, PyObject *args)
{
    struct profiler_object *self = (struct profiler_object *)object;
    PyObject *target, *function, *stand_in;

    if (!PyArg_UnpackTuple(args, "decorate", 2, 2, &target, &function))
        return NULL;
    stand_in = tracer_decorate(self->state, target, function);
    if (stand_in != NULL && stand_in != target && call_claims_hold(self, function, stand_in) != 0)
        Py_CLEAR(stand_in);
    return stand_in;
}

PyDoc_STRVAR(see_calls_doc,
             "see_calls()\n\nSee the calls of watched code also where nothing stands in for it.");

static PyObject *profiler_see_calls(PyObject *object, PyObject *unused)
{
    (void)unused;
    tracer_see_calls(((struct profiler_object *)object)->state);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(keep_to_doc,
             "keep_to(code)\n\nCount the frame alone that runs a code now in this thread, the "
             "innermost,\nand code that is written in it. To be called before enable().");

static PyObject *profiler_keep_to(PyObject *object, PyObject *code)
{
    struct profiler_object *self = (struct profiler_object *)object;

    self->profiler.only_frame = tracer_running_code(PyThreadState_Get(), code);
    Py_RETURN_NONE;
}

static PyObject *profiler_enable(PyObject *object, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)object;
    PyThreadState *thread;
    struct line_stack *stack;

    (void)unused;
    if (tracer_enable(self->state) != 0)
        return NULL;
    line_profiler_enable(&self->profiler);
    stack = module_state_here(self->state, &thread);
    if (stack != NULL)
        line_event_join(stack, &self->profiler);
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
        line_profiler_drop_frames(self);
    Py_RETURN_NONE;
}

/* ---- calls of which nobody saw the end ---- */

static void flush_function(struct line_function *function)
{
    PyObject *code = NULL;

    if (function->watches != NULL)
        /*
         * Printing runs Python, which may let go of functions: this one lives as long as its code.
         */
        code = Py_NewRef(code_extra_of(function->watches->code)->code);
    line_function_flush(function);
    Py_XDECREF(code);
}

PyDoc_STRVAR(flush_calls_doc,
             "flush_calls()\n\n"
             "Hand over the tables of generators that never ended visibly, of all profilers that\n"
             "hand over calls.");

static PyObject *flush_calls(PyObject *module, PyObject *unused)
{
    struct profiler_object *self = module_state_of(module)->call_profilers, *next;

    (void)unused;
    for (; self != NULL; self = next) {
        /* Likewise the profiler: what is printed may drop the last reference to it. */
        Py_INCREF(self);
        for (int i = 0; i < self->profiler.n_functions; i++)
            flush_function(self->profiler.functions[i]);
        /* Read after the printing, which may have taken the next one out of the list. */
        next = self->next;
        Py_DECREF(self);
    }
    Py_RETURN_NONE;
}

static PyObject *program_ended(PyObject *module, PyObject *unused)
{
    PyObject *result = flush_calls(module, unused);

    collector_settle();
    return result;
}

static PyMethodDef program_ended_def = {"flush_calls", program_ended, METH_NOARGS, flush_calls_doc};

PyDoc_STRVAR(flush_at_exit_doc,
             "flush_at_exit(register, /)\n\n"
             "Call flush_calls() when the interpreter ends; register is atexit's.");

static PyObject *flush_at_exit(PyObject *module, PyObject *register_call)
{
    struct module_state *state = module_state_of(module);
    PyObject *function, *result;

    /* Once for the interpreter, however often the module is imported there. */
    if (state->flushes_at_exit)
        Py_RETURN_NONE;
    function = PyCFunction_New(&program_ended_def, module);
    result = function == NULL ? NULL : PyObject_CallOneArg(register_call, function);
    state->flushes_at_exit = result != NULL;
    Py_XDECREF(function);
    return result;
}

static PyMethodDef module_methods[] = {
    {"flush_at_exit", flush_at_exit, METH_O, flush_at_exit_doc},
    {NULL, NULL, 0, NULL},
};

int line_profiler_type_add_functions(PyObject *module)
{
    return PyModule_AddFunctions(module, module_methods);
}

static PyMethodDef profiler_methods[] = {
    {"watch", profiler_watch, METH_VARARGS, profiler_watch_doc},
    {"claim", call_claims_add, METH_VARARGS, call_claims_add_doc},
    {"owner", profiler_owner, METH_O, profiler_owner_doc},
    {"describe", profiler_describe, METH_VARARGS, profiler_describe_doc},
    {"used", profiler_used, METH_NOARGS, profiler_used_doc},
    {"watch_also", profiler_watch_also, METH_VARARGS, profiler_watch_also_doc},
    {"decorate", profiler_decorate, METH_VARARGS, decorate_doc},
    {"see_calls", profiler_see_calls, METH_NOARGS, see_calls_doc},
    {"keep_to", profiler_keep_to, METH_O, keep_to_doc},
    {"enable", profiler_enable, METH_NOARGS, "enable()\n\nCount from now on; nests."},
    {"disable", profiler_disable, METH_NOARGS, "disable()\n\nUndo one enable()."},
    {"rows", profiler_rows, METH_O, profiler_rows_doc},
    {"ledger", profiler_ledger, METH_O, profiler_ledger_doc},
    {"restart", profiler_restart, METH_NOARGS, profiler_restart_doc},
    {"costs", profiler_costs, METH_NOARGS, profiler_costs_doc},
    {"rank", profiler_rank, METH_VARARGS, profiler_rank_doc},
    {"note_highest", profiler_note_highest, METH_NOARGS, profiler_note_highest_doc},
    {"highest", profiler_highest, METH_NOARGS, profiler_highest_doc},
    {"info", profiler_info, METH_NOARGS, profiler_info_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef profiler_members[] = {
    {"enabled", T_INT, offsetof(struct profiler_object, profiler.enabled), READONLY,
     "how many times enable() is in force"},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(profiler_doc,
             "Profiler(backend='rss', include_children=False, per_call=False, always_on=False,\n"
             "         finished=None, limit=0, over_limit=None, time=False, peak=False)\n\n"
             "Counts the lines of watched functions. With per_call, finished(owner, table) gets\n"
             "the table of every outermost call, for table_facts() and table_row(). "
             "over_limit(bytes) is called once, when memory\n"
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
