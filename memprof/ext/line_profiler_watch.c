/* What a profiler is told: which code to count. */
#include "memprof/ext/line_profiler_object.h"

#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/tracer.h"
#include "memprof/lines/line_box.h"
#include "memprof/lines/line_lifetime.h"

/* A table longer than this is an absurd line number, not a function. */
#define MAX_ROWS (1 << 22)

/* The number of lines from the first line of the first code to the last line of any. */
static int count_rows(PyObject *codes)
{
    int first, last = 0, line;

    first = ((PyCodeObject *)PyTuple_GET_ITEM(codes, 0))->co_firstlineno;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(codes); i++) {
        line = code_extra_last_line(PyTuple_GET_ITEM(codes, i));
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
    struct line_code *extra = line_code_make(self->state, code);

    if (extra == NULL)
        return -1;
    if (line_watch_find(extra, &self->profiler) != NULL)
        return 0;
    if (line_watch_add(function, extra, is_top) != 0) {
        PyErr_NoMemory();
        return -1;
    }
    return tracer_watch(self->state, code);
}

/* A function nested in a watched one and decorated itself fills a table of its own from now on. */
static void leave_outer_function(struct profiler_object *self, PyObject *codes)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(codes); i++) {
        struct line_code *extra = line_code_find(self->state, PyTuple_GET_ITEM(codes, i));

        struct line_watch *watch = extra == NULL ? NULL : line_watch_find(extra, &self->profiler);

        if (watch != NULL)
            line_watch_remove(watch);
    }
}

static struct line_function *new_function(struct profiler_object *self, PyObject *codes,
                                          PyObject *owner)
{
    PyCodeObject *top = (PyCodeObject *)PyTuple_GET_ITEM(codes, 0);
    struct line_function *function;
    int n_rows = count_rows(codes);

    if (n_rows < 0)
        return NULL;
    function = line_function_new(&self->profiler, top->co_firstlineno, n_rows, self->per_call);
    if (function == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    function->always_on = self->always_on;
    function->owner = Py_XNewRef(owner);
    /* Calls are printed for as long as they can be made, whoever else has forgotten the profiler.
     */
    if (self->per_call && self->profiler.n_functions == 1)
        Py_INCREF(self);
    return function;
}

/* The watch of a function's own code, made if need be. NULL with an exception. */
static struct line_watch *watch_codes(struct profiler_object *self, PyObject *codes,
                                      PyObject *owner)
{
    PyObject *top = PyTuple_GET_ITEM(codes, 0);
    struct line_code *extra = line_code_find(self->state, top);
    struct line_watch *watch = extra == NULL ? NULL : line_watch_find(extra, &self->profiler);
    struct line_function *function;

    /* Decorated again, as by a decorator in a loop: the function keeps its one table. */
    if (watch != NULL && watch->is_top)
        return watch;
    if (tracer_prepare(self->state) != 0)
        return NULL;
    if (watch != NULL)
        leave_outer_function(self, codes);
    function = new_function(self, codes, owner);
    if (function == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(codes); i++)
        if (watch_code(self, function, PyTuple_GET_ITEM(codes, i), i == 0) != 0)
            return NULL;
    return line_watch_find(line_code_find(self->state, top), &self->profiler);
}

/* A tuple of code objects, the function's own first. New reference, or NULL with an exception. */
static PyObject *check_codes(PyObject *argument)
{
    PyObject *codes = PySequence_Tuple(argument);

    if (codes == NULL)
        return NULL;
    if (PyTuple_GET_SIZE(codes) == 0)
        PyErr_SetString(PyExc_ValueError, "watch() needs a code object");
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(codes); i++)
        if (!PyCode_Check(PyTuple_GET_ITEM(codes, i)))
            PyErr_SetString(PyExc_TypeError, "watch() takes code objects");
    if (PyErr_Occurred())
        Py_CLEAR(codes);
    return codes;
}

const char profiler_watch_doc[] =
    "watch(codes, owner=None, /)\n\n"
    "Count the lines of a function: its code object, then those nested in it. Returns\n"
    "its index; with per_call the owner: of code that is watched already, the owner it\n"
    "was given then. A function with per_call is forgotten when its code is gone.";

PyObject *profiler_watch(PyObject *object, PyObject *args)
{
    struct profiler_object *self = (struct profiler_object *)object;
    PyObject *codes, *owner = NULL;
    const struct line_watch *watch;

    if (!PyArg_ParseTuple(args, "O|O:watch", &codes, &owner))
        return NULL;
    codes = check_codes(codes);
    if (codes == NULL)
        return NULL;
    watch = watch_codes(self, codes, owner);
    Py_DECREF(codes);
    if (watch == NULL)
        return NULL;
    if (self->per_call)
        return Py_NewRef(watch->function->owner == NULL ? Py_None
                                                        : (PyObject *)watch->function->owner);
    return PyLong_FromLong(watch->function->index);
}

const char profiler_owner_doc[] =
    "owner(code, /)\n\nThe owner that watch() was given for this code, or None.";

PyObject *profiler_owner(PyObject *object, PyObject *code)
{
    struct profiler_object *self = (struct profiler_object *)object;
    const struct line_code *extra = PyCode_Check(code) ? line_code_find(self->state, code) : NULL;
    const struct line_watch *watch = extra == NULL ? NULL : line_watch_find(extra, &self->profiler);

    if (watch == NULL || !watch->is_top || watch->function->owner == NULL)
        Py_RETURN_NONE;
    return Py_NewRef((PyObject *)watch->function->owner);
}

const char profiler_watch_also_doc[] =
    "watch_also(index, codes, /)\n\n"
    "Count more code objects in the table of a watched function.";

PyObject *profiler_watch_also(PyObject *object, PyObject *args)
{
    struct profiler_object *self = (struct profiler_object *)object;
    struct line_function *function;
    PyObject *codes;
    Py_ssize_t index;
    int error = 0;

    if (!PyArg_ParseTuple(args, "nO:watch_also", &index, &codes))
        return NULL;
    function = line_profiler_function_at(self, index);
    codes = function == NULL ? NULL : check_codes(codes);
    if (codes == NULL)
        return NULL;
    for (Py_ssize_t i = 0; error == 0 && i < PyTuple_GET_SIZE(codes); i++)
        error = watch_code(self, function, PyTuple_GET_ITEM(codes, i), i == 0);
    Py_DECREF(codes);
    return error != 0 ? NULL : Py_NewRef(Py_None);
}

const char profiler_describe_doc[] =
    "describe(index, text, /)\n\n"
    "What the table of a watched function is called, in bytes, for whoever reads it after\n"
    "a crash: see live_start().";

PyObject *profiler_describe(PyObject *object, PyObject *args)
{
    struct profiler_object *self = (struct profiler_object *)object;
    const struct line_function *function;
    const char *text;
    Py_ssize_t index, length;

    if (!PyArg_ParseTuple(args, "ny#:describe", &index, &text, &length))
        return NULL;
    function = line_profiler_function_at(self, index);
    if (function == NULL)
        return NULL;
    if (self->state->engine.box != NULL && function->table != NULL)
        line_box_tell_name(self->state->engine.box, function->table, text, (size_t)length);
    Py_RETURN_NONE;
}
