#include "memprof/ext/periodic_save.h"

#include "memprof/machine/clock.h"
#include "memprof/ext/base/py_error.h"
#include "memprof/ext/base/untraced_call.h"

/* In the main thread, between two instructions of the program. */
static int save(void *context)
{
    struct module_state *state = context;
    struct py_error pending;
    PyObject *result;

    /* Taken back after the interpreter was asked. */
    if (state->save == NULL)
        return 0;
    py_error_fetch(&pending);
    result = untraced_call(state->save, NULL, NULL);
    if (result == NULL)
        py_error_report("the tables could not be saved");
    Py_XDECREF(result);
    py_error_restore(&pending);
    return 0;
}

void periodic_save_check(struct module_state *state)
{
    int64_t now;

    if (state->save == NULL)
        return;
    now = clock_monotonic_ns();
    if (now < state->save_due_ns)
        return;
    /* Moved on at once: readings that come before the call is made must not ask for it again. */
    state->save_due_ns = now + state->save_every_ns;
    (void)Py_AddPendingCall(save, state); /* full: the next time will do */
}

const char periodic_save_every_doc[] =
    "save_every(seconds, callback, /)\n\n"
    "Call callback() every so often while memory is read; None: no more.";

PyObject *periodic_save_every(PyObject *module, PyObject *args)
{
    struct module_state *state = module_state_of(module);
    PyObject *callback;
    double seconds;

    if (!PyArg_ParseTuple(args, "dO:save_every", &seconds, &callback))
        return NULL;
    if (!(seconds > 0 && seconds < 1e9))
        return PyErr_Format(PyExc_ValueError, "save_every() needs a positive number of seconds");
    state->save_every_ns = (int64_t)(seconds * 1e9);
    state->save_due_ns = clock_monotonic_ns() + state->save_every_ns;
    Py_XSETREF(state->save, callback == Py_None ? NULL : Py_NewRef(callback));
    Py_RETURN_NONE;
}
