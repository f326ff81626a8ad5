#include "memprof/ext/periodic_save.h"

#include "memprof/machine/clock.h"
#include "memprof/ext/base/py_error.h"
#include "memprof/ext/base/untraced_call.h"

/* Saving may take one part in so many of the time. */
#define REST 10

static void call(PyObject *callback)
{
    struct py_error pending;
    PyObject *result;

    py_error_fetch(&pending);
    result = untraced_call(callback, NULL, NULL);
    if (result == NULL)
        py_error_report("the tables could not be saved");
    Py_XDECREF(result);
    py_error_restore(&pending);
}

/* For whom the interpreter was asked to save; NULL: for nobody, or one whose module is gone. */
static struct module_state *asked;

int periodic_save_init(struct module_state *state)
{
    (void)state;
    return 0;
}

void periodic_save_release(struct module_state *state)
{
    if (asked == state)
        asked = NULL;
}

/* In the main thread, between two instructions of the program. */
static int save(void *context)
{
    struct periodic_save *saving = asked != NULL ? &asked->saving : NULL;
    PyObject *callback = saving != NULL ? Py_XNewRef(saving->callback) : NULL;
    int64_t begin = clock_monotonic_ns(), end;

    (void)context;
    /* Taken back after the interpreter was asked. */
    if (callback == NULL) {
        asked = NULL;
        return 0;
    }
    call(callback);
    Py_DECREF(callback);
    end = clock_monotonic_ns();
    if (asked != NULL) { /* its module may have gone meanwhile */
        asked->saving.due_ns = end + asked->saving.every_ns;
        asked->saving.rested_ns = end + REST * (end - begin);
    }
    asked = NULL;
    return 0;
}

void periodic_save_check(struct module_state *state, int64_t bytes)
{
    struct periodic_save *saving = &state->saving;
    int64_t now;

    if (saving->callback == NULL)
        return;
    now = clock_monotonic_ns();
    if (now < saving->rested_ns ||
        (now < saving->due_ns && bytes - saving->bytes <= saving->bytes / 10))
        return;
    if (asked != NULL || Py_AddPendingCall(save, NULL) != 0) /* full: the next time will do */
        return;
    asked = state;
    saving->rested_ns = INT64_MAX; /* until it was made nobody asks again */
    saving->bytes = bytes;
}

const char periodic_save_every_doc[] =
    "save_every(seconds, callback, /)\n\n"
    "Call callback() at the next reading of memory, whenever memory has risen by a tenth since, "
    "and\n"
    "every so often while it is read; for a tenth of the time at most. None: no more.";

PyObject *periodic_save_every(PyObject *module, PyObject *args)
{
    struct periodic_save *saving = &module_state_of(module)->saving;
    PyObject *callback;
    double seconds;

    if (!PyArg_ParseTuple(args, "dO:save_every", &seconds, &callback))
        return NULL;
    if (!(seconds > 0 && seconds < 1e9))
        return PyErr_Format(PyExc_ValueError, "save_every() needs a positive number of seconds");
    saving->every_ns = (int64_t)(seconds * 1e9);
    saving->bytes = saving->due_ns = saving->rested_ns = 0;
    Py_XSETREF(saving->callback, callback == Py_None ? NULL : Py_NewRef(callback));
    Py_RETURN_NONE;
}
