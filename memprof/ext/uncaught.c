/*
 * The interpreter prints an exception when it has left our frames, which puts them into its
 * traceback. So a function of ours is sys.excepthook for this one print: it takes itself out, and
 * has the interpreter print again, with the program's own hook, whatever that is. In C: the hook
 * finds no frame of ours beneath it.
 */
#include "memprof/ext/uncaught.h"

#include <frameobject.h>
#include <stdbool.h>

static bool is_of(const PyTracebackObject *trace, PyObject *names)
{
    PyObject *globals = PyObject_GetAttrString((PyObject *)trace->tb_frame, "f_globals");
    bool is_same = globals == names;

    if (globals == NULL)
        PyErr_Clear();
    Py_XDECREF(globals);
    return is_same;
}

/* The traceback `whole` from which the frames of ours are taken out; borrowed from one of them. */
static PyObject *without_ours(PyObject *whole, PyObject *first, PyObject *ours)
{
    PyTracebackObject *head = (PyTracebackObject *)whole;

    if (whole == Py_None || is_of(head, ours))
        return first;
    while (head->tb_next != NULL && !is_of(head->tb_next, ours))
        head = head->tb_next;
    if (PyObject_SetAttrString((PyObject *)head, "tb_next", first) == 0)
        return whole;
    PyErr_Clear();
    return first;
}

/* sys.excepthook(type, error, traceback), once; `kept` is what print_without() has put there. */
static PyObject *print_again(PyObject *kept, PyObject *args)
{
    PyObject *before, *first, *ours, *type, *error, *trace;
    int keep_head;

    if (!PyArg_ParseTuple(kept, "OOOp", &before, &first, &ours, &keep_head) ||
        !PyArg_ParseTuple(args, "OOO:excepthook", &type, &error, &trace) ||
        PySys_SetObject("excepthook", before == ours ? NULL : before) != 0)
        return NULL;
    trace = keep_head ? without_ours(trace, first, ours) : first;
    if (PyException_SetTraceback(error, trace) != 0)
        return NULL;
    PyErr_Restore(Py_NewRef(type), Py_NewRef(error), trace == Py_None ? NULL : Py_NewRef(trace));
    PyErr_PrintEx(1);
    Py_RETURN_NONE;
}

static PyMethodDef print_again_def = {"excepthook", print_again, METH_VARARGS, NULL};

PyDoc_STRVAR(print_without_doc,
             "print_without(first, ours, keep_head, /)\n\n"
             "The exception that ends the program is printed with a traceback that begins at\n"
             "first, or with none; with keep_head also with what stands above the frames of the "
             "globals ours.");

static PyObject *print_without(PyObject *module, PyObject *args)
{
    PyObject *first, *ours, *before = PySys_GetObject("excepthook"), *kept, *hook = NULL;
    int keep_head, error;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOp:print_without", &first, &ours, &keep_head))
        return NULL;
    if (first != Py_None && !PyTraceBack_Check(first))
        return PyErr_Format(PyExc_TypeError, "print_without() needs a traceback, or None");
    kept = Py_BuildValue("(OOOi)", before == NULL ? ours : before, first, ours, keep_head);
    hook = kept == NULL ? NULL : PyCFunction_New(&print_again_def, kept);
    error = hook == NULL ? -1 : PySys_SetObject("excepthook", hook);
    Py_XDECREF(kept);
    Py_XDECREF(hook);
    return error != 0 ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef methods[] = {
    {"print_without", print_without, METH_VARARGS, print_without_doc},
    {NULL, NULL, 0, NULL},
};

int uncaught_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
