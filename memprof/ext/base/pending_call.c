#include "memprof/ext/base/pending_call.h"

#include <frameobject.h>
#include <stdbool.h>

struct pending_call {
    PyObject *function;
    PyObject *frame; /* the frame to be left */
    PyObject *place; /* its f_lasti */
};

static void pending_call_free(struct pending_call *call)
{
    Py_XDECREF(call->function);
    Py_XDECREF(call->frame);
    Py_XDECREF(call->place);
    PyMem_Free(call);
}

static struct pending_call *pending_call_new(PyObject *frame, PyObject *function)
{
    struct pending_call *call = PyMem_Calloc(1, sizeof *call);

    if (call == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    Py_INCREF(function);
    Py_INCREF(frame);
    call->function = function;
    call->frame = frame;
    /* By attribute: Python 3.10 has no function for it, and its frames look different. */
    call->place = PyObject_GetAttrString(frame, "f_lasti");
    if (call->place == NULL) {
        pending_call_free(call);
        return NULL;
    }
    return call;
}

/* Whether the frame waits further out in the stack of this thread, for what runs now to return. */
static bool is_waiting(PyFrameObject *frame)
{
    PyFrameObject *outer = PyEval_GetFrame();

    /* A frame on top runs by itself: the call that it waited for has returned. */
    if (outer == NULL || outer == frame)
        return 0;
    Py_INCREF(outer);
    while (outer != NULL && outer != frame) {
        PyFrameObject *next = PyFrame_GetBack(outer);

        Py_DECREF(outer);
        outer = next;
    }
    Py_XDECREF(outer);
    return outer != NULL;
}

/* 1, 0, or -1 with an exception. */
static int is_still_there(const struct pending_call *call)
{
    PyObject *place;
    int same;

    if (!is_waiting((PyFrameObject *)call->frame))
        return 0;
    place = PyObject_GetAttrString(call->frame, "f_lasti");
    if (place == NULL)
        return -1;
    same = PyObject_RichCompareBool(place, call->place, Py_EQ);
    Py_DECREF(place);
    return same;
}

/* What the interpreter calls between two instructions of the main thread. */
static int try_call(void *context)
{
    struct pending_call *call = context;
    PyObject *result = NULL;
    int there = is_still_there(call);

    /* The interpreter's queue may be full: the function is then called too early, but not lost. */
    if (there == 1 && Py_AddPendingCall(try_call, call) == 0)
        return 0;
    if (there >= 0)
        result = PyObject_CallNoArgs(call->function);
    pending_call_free(call);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

PyDoc_STRVAR(
    call_when_left_doc,
    "call_when_left(frame, function, /)\n\n"
    "Calls function() in the main thread when that has left the instruction at which the "
    "frame is now,\nat once where that cannot be arranged. Exceptions go to where the main "
    "thread is by then.");

static PyObject *call_when_left(PyObject *module, PyObject *args)
{
    PyObject *frame, *function;
    struct pending_call *call;

    (void)module;
    if (!PyArg_ParseTuple(args, "O!O:call_when_left", &PyFrame_Type, &frame, &function))
        return NULL;
    call = pending_call_new(frame, function);
    if (call == NULL)
        return NULL;
    /* Once it is queued, try_call() frees it. */
    if (Py_AddPendingCall(try_call, call) == 0)
        Py_RETURN_NONE;
    pending_call_free(call);
    return PyObject_CallNoArgs(function);
}

static PyMethodDef methods[] = {
    {"call_when_left", call_when_left, METH_VARARGS, call_when_left_doc},
    {NULL, NULL, 0, NULL},
};

int pending_call_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
