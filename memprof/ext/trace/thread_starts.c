#include "memprof/ext/trace/thread_starts.h"

#include <stdbool.h>

#include "memprof/ext/base/thread_slot.h"

/* Of this thread. */
static THREAD_VARIABLE struct {
    PyCFunction start_new_thread;
    uint64_t newest; /* the id of the youngest thread before that was called */
} starts;

/* Not by an import: the program may have put something in the place of that. */
static void find_function(void)
{
    PyObject *name = PyUnicode_FromString("_thread"), *module, *function;

    module = name == NULL ? NULL : PyImport_GetModule(name);
    function = module == NULL ? NULL : PyObject_GetAttrString(module, "start_new_thread");
    if (function != NULL && PyCFunction_Check(function))
        starts.start_new_thread = PyCFunction_GET_FUNCTION(function);
    PyErr_Clear();
    Py_XDECREF(function);
    Py_XDECREF(module);
    Py_XDECREF(name);
}

/* Its other name is another object of the same C function. */
static bool starts_thread(PyObject *called)
{
    if (!PyCFunction_Check(called))
        return false;
    if (starts.start_new_thread == NULL)
        find_function();
    return PyCFunction_GET_FUNCTION(called) == starts.start_new_thread;
}

void thread_starts_see(int what, PyObject *called, void (*begin)(PyThreadState *thread))
{
    PyThreadState *thread;

    if ((what != PyTrace_C_CALL && what != PyTrace_C_RETURN) || !starts_thread(called))
        return;
    /* The newest are the first of the list. */
    thread = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
    if (what == PyTrace_C_CALL)
        starts.newest = thread->id;
    else
        for (; thread != NULL && thread->id > starts.newest; thread = PyThreadState_Next(thread))
            begin(thread);
}
