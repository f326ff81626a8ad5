#include "memprof/ext/call_claims.h"

#include "memprof/ext/base/py_error.h"
#include "memprof/ext/base/recursion.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/tracer.h"

/*
 * claims: {address of a function object: (weak reference, request, address of the line_function,
 * whether there was a claim before)}.
 * The reference is to what holds the claim, the function or what stands in for it; its end takes
 * the claim out. By address: what a frame has as its function is compared, and never touched.
 */
enum { HOLDER, REQUEST, LINES, AGAIN };

/* bound: (claims, address) */
static PyObject *take_out(PyObject *bound, PyObject *reference)
{
    PyObject *claims = PyTuple_GET_ITEM(bound, 0), *address = PyTuple_GET_ITEM(bound, 1);
    PyObject *claim = PyDict_GetItemWithError(claims, address);

    /* A claim made anew meanwhile is another one. */
    if (claim != NULL && PyTuple_GET_ITEM(claim, HOLDER) == reference)
        (void)PyDict_DelItem(claims, address);
    PyErr_Clear();
    Py_RETURN_NONE;
}

static PyMethodDef take_out_def = {"take_out", take_out, METH_O, NULL};

/* A weak reference to `holder`, whose end takes out the claim of an address. */
static PyObject *make_reference(PyObject *claims, PyObject *address, PyObject *holder)
{
    PyObject *bound = PyTuple_Pack(2, claims, address), *callback, *reference;

    callback = bound == NULL ? NULL : PyCFunction_New(&take_out_def, bound);
    reference = callback == NULL ? NULL : PyWeakref_NewRef(holder, callback);
    Py_XDECREF(bound);
    Py_XDECREF(callback);
    return reference;
}

static int put(PyObject *claims, PyObject *address, PyObject *holder, PyObject *request,
               PyObject *lines)
{
    PyObject *again = PyDict_GetItemWithError(claims, address) == NULL ? Py_False : Py_True;
    PyObject *reference = make_reference(claims, address, holder);
    PyObject *claim = reference == NULL ? NULL : PyTuple_Pack(4, reference, request, lines, again);
    int error = claim == NULL ? -1 : PyDict_SetItem(claims, address, claim);

    Py_XDECREF(reference);
    Py_XDECREF(claim);
    return error;
}

/* The function of a profiler that has the code of a Python function, or NULL. */
static struct line_function *lines_of(struct profiler_object *self, PyObject *function)
{
    PyObject *code = PyObject_GetAttrString(function, "__code__");
    const struct line_code *extra = NULL;
    const struct line_watch *watch;

    if (code != NULL && PyCode_Check(code))
        extra = line_code_find(self->state, code);
    PyErr_Clear();
    Py_XDECREF(code);
    watch = extra == NULL ? NULL : line_watch_find(extra, &self->profiler);
    return watch == NULL ? NULL : watch->function;
}

/* NULL with an exception. */
static PyObject *claims_of(struct profiler_object *self)
{
    if (self->claims == NULL)
        self->claims = PyDict_New();
    return self->claims;
}

/* Whose frames no function object tells is anyone's: every call of that code is printed. */
static int add(struct profiler_object *self, struct line_function *lines, PyObject *function,
               PyObject *request)
{
    PyObject *old = lines->latest, *address, *place;
    int error = -1;

    lines->latest = Py_NewRef(request);
    Py_XDECREF(old);
    if (!PyFunction_Check(function)) {
        lines->is_anyones = true;
        return 0;
    }
    address = PyLong_FromVoidPtr(function);
    place = PyLong_FromVoidPtr(lines);
    if (address != NULL && place != NULL && claims_of(self) != NULL)
        error = put(self->claims, address, function, request, place);
    Py_XDECREF(address);
    Py_XDECREF(place);
    return error;
}

const char call_claims_add_doc[] =
    "claim(function, request, /)\n\n"
    "With per_call: calls of this function object are printed, finished() gets the request.\n"
    "Of watched code for which nothing was claimed every call is, and it gets the owner.";

PyObject *call_claims_add(PyObject *profiler, PyObject *args)
{
    struct profiler_object *self = (struct profiler_object *)profiler;
    PyObject *function, *request;
    struct line_function *lines;

    if (!PyArg_ParseTuple(args, "OO:claim", &function, &request))
        return NULL;
    function = tracer_undecorated(self->state, function);
    lines = lines_of(self, function);
    if (lines != NULL && add(self, lines, function, request) != 0)
        return NULL;
    Py_RETURN_NONE;
}

int call_claims_hold(struct profiler_object *self, PyObject *function, PyObject *stand_in)
{
    PyObject *address = PyLong_FromVoidPtr(tracer_undecorated(self->state, function));
    PyObject *claim;
    int error = 0;

    if (address == NULL)
        return -1;
    claim = self->claims == NULL ? NULL : PyDict_GetItemWithError(self->claims, address);
    /* Of two that stand in for one function either may go first: the function itself holds it. */
    if (claim != NULL && PyTuple_GET_ITEM(claim, AGAIN) == Py_False) {
        Py_INCREF(claim);
        error = put(self->claims, address, stand_in, PyTuple_GET_ITEM(claim, REQUEST),
                    PyTuple_GET_ITEM(claim, LINES));
        Py_DECREF(claim);
    }
    Py_DECREF(address);
    return PyErr_Occurred() ? -1 : error;
}

/* What the function that runs asked for: borrowed; NULL: it is not decorated. */
static PyObject *request_of(struct line_function *lines, const void *running)
{
    struct profiler_object *self = lines->profiler->owner;
    PyObject *address = PyLong_FromVoidPtr((void *)(uintptr_t)running);
    PyObject *claim, *request = NULL;

    if (address == NULL)
        return lines->latest;
    claim = self->claims == NULL ? NULL : PyDict_GetItemWithError(self->claims, address);
    if (claim != NULL) {
        /* A function may have been given other code since. */
        bool is_same = PyLong_AsVoidPtr(PyTuple_GET_ITEM(claim, LINES)) == lines;

        request = is_same ? PyTuple_GET_ITEM(claim, REQUEST) : lines->latest;
    }
    Py_DECREF(address);
    return request;
}

/* Nested code runs in a call of its function, and that one is not counted. */
static bool is_in_other_call(const struct line_function *function, const void *key)
{
    const struct line_watch *watch = function->watches;

    while (watch != NULL && !watch->is_top)
        watch = watch->next_of_function;
    return watch != NULL && tracer_runs_beneath(key, code_extra_of(watch->code)->code);
}

bool call_claims_look_up(struct line_function *function, const struct line_frame *frame,
                         const void *key, void **owner)
{
    struct py_error pending;
    PyObject *found = function->latest;
    const void *running = NULL;

    if (found == NULL)
        found = function->owner;
    else if (!frame->is_top && is_in_other_call(function, key))
        return false;
    else if (frame->is_top && !function->is_anyones &&
             tracer_running_function(frame->code, key, &running)) {
        PyThreadState *thread = PyThreadState_Get();
        int depth = recursion_give_room(thread);

        py_error_fetch(&pending);
        found = request_of(function, running);
        py_error_restore(&pending);
        recursion_set_depth(thread, depth);
        if (found == NULL)
            return false;
    }
    *owner = Py_XNewRef(found);
    return true;
}

void call_claims_let_go(void *owner)
{
    Py_DECREF((PyObject *)owner);
}
