#include "memprof/ext/trace/settrace_hooks.h"

#include <stdbool.h>
#include <stdlib.h>

#include "memprof/ext/base/py_error.h"
#include "memprof/ext/trace/frame_lines.h"
#include "memprof/ext/trace/settrace_events.h"

struct settrace_hooks {
    struct module_state *state;
    PyObject *sys_names;
    PyObject *settrace_name; /* a string */
    PyObject *settrace_inside, *real_settrace;
};

/* ---- a tracer that the program sets inside a profiled call ---- */

/*
 * Stands for sys.settrace while a profiled call runs: does what that does, then puts ours back on
 * top, so that a debugger started in the middle of a function and we both see the rest of it.
 */
static PyObject *set_trace_inside(PyObject *capsule, PyObject *function)
{
    struct settrace_hooks *hooks = PyCapsule_GetPointer(capsule, NULL);
    bool was_armed = settrace_is_armed();
    PyObject *result = PyObject_CallOneArg(hooks->real_settrace, function);

    if (result != NULL && was_armed) {
        /* The new tracer wants the lines of frames that send none for us. */
        frame_lines_restore();
        settrace_arm_again(hooks->state);
    }
    return result;
}

static PyMethodDef set_trace_inside_def = {"settrace", set_trace_inside, METH_O, NULL};

static void watch_settrace(struct settrace_hooks *hooks)
{
    PyObject *real = PyDict_GetItem(hooks->sys_names, hooks->settrace_name);

    if (real == NULL)
        return;
    Py_XSETREF(hooks->real_settrace, Py_NewRef(real));
    PyDict_SetItem(hooks->sys_names, hooks->settrace_name, hooks->settrace_inside);
}

static void unwatch_settrace(struct settrace_hooks *hooks)
{
    if (PyDict_GetItem(hooks->sys_names, hooks->settrace_name) == hooks->settrace_inside)
        PyDict_SetItem(hooks->sys_names, hooks->settrace_name, hooks->real_settrace);
}

/* ---- calls ---- */

static void put_in(struct settrace_hooks *hooks)
{
    watch_settrace(hooks);
    PyErr_Clear();
}

static void take_out(struct settrace_hooks *hooks)
{
    struct py_error pending;

    py_error_fetch(&pending);
    unwatch_settrace(hooks);
    PyErr_Clear();
    py_error_restore(&pending);
}

int settrace_arm(struct module_state *state)
{
    int depth = settrace_arm_frame(state, PyThreadState_Get());

    if (depth >= 0 && state->settrace->n_armed++ == 0)
        put_in(state->settrace->hooks);
    return depth;
}

void settrace_disarm(struct module_state *state, int armed)
{
    settrace_disarm_frame(state, PyThreadState_Get(), armed);
    if (--state->settrace->n_armed == 0)
        take_out(state->settrace->hooks);
}

/* ---- life ---- */

/* The strings and names that arming needs, so that it costs a few look-ups in dicts. */
static int make_names(struct settrace_hooks *hooks)
{
    PyObject *sys = PyImport_ImportModule("sys");

    hooks->sys_names = sys == NULL ? NULL : Py_XNewRef(PyModule_GetDict(sys));
    Py_XDECREF(sys);
    hooks->settrace_name = PyUnicode_InternFromString("settrace");
    return hooks->sys_names == NULL || hooks->settrace_name == NULL ? -1 : 0;
}

static int make_functions(struct settrace_hooks *hooks)
{
    PyObject *capsule = PyCapsule_New(hooks, NULL, NULL);

    if (capsule == NULL)
        return -1;
    hooks->settrace_inside = PyCFunction_New(&set_trace_inside_def, capsule);
    Py_DECREF(capsule);
    return hooks->settrace_inside == NULL ? -1 : 0;
}

struct settrace_hooks *settrace_hooks_new(struct module_state *state)
{
    struct settrace_hooks *hooks = calloc(1, sizeof *hooks);

    if (hooks == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    hooks->state = state;
    if (make_names(hooks) == 0 && make_functions(hooks) == 0)
        return hooks;
    settrace_hooks_free(hooks);
    return NULL;
}

void settrace_hooks_free(struct settrace_hooks *hooks)
{
    if (hooks == NULL)
        return;
    Py_CLEAR(hooks->sys_names);
    Py_CLEAR(hooks->settrace_name);
    Py_CLEAR(hooks->settrace_inside);
    Py_CLEAR(hooks->real_settrace);
    free(hooks);
}
