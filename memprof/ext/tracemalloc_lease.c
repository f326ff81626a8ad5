#include "memprof/ext/tracemalloc_lease.h"

#include "memprof/ext/base/module_state.h"

/* No Python code runs between the looks here and what they lead to: neither another thread nor an
 * interrupt comes in between. */

/* Calls a function of _tracemalloc: 1 or 0 as it returns, -1 with an exception. */
static int call(PyObject *tracemalloc, const char *name)
{
    PyObject *result = PyObject_CallMethod(tracemalloc, name, NULL);
    int truth = result == NULL ? -1 : PyObject_IsTrue(result);

    Py_XDECREF(result);
    return truth;
}

static int begin(struct module_state *state, PyObject *tracemalloc, PyObject *user)
{
    int is_first = PySet_GET_SIZE(state->tracing_users) == 0, is_on;

    /* Users are numbers: no code of theirs runs when they are hashed and compared. */
    if (PySet_Add(state->tracing_users, user) != 0)
        return -1;
    if (!is_first)
        return 0;
    is_on = call(tracemalloc, "is_tracing");
    /* What the program has started is not stopped by us. */
    state->tracing_is_ours = is_on == 0;
    return is_on == 0 ? call(tracemalloc, "start") : is_on;
}

static int end(struct module_state *state, PyObject *tracemalloc, PyObject *user)
{
    if (PySet_Discard(state->tracing_users, user) < 0)
        return -1;
    if (!state->tracing_is_ours || PySet_GET_SIZE(state->tracing_users) != 0)
        return 0;
    state->tracing_is_ours = 0;
    return call(tracemalloc, "stop");
}

static PyObject *change(PyObject *module, PyObject *user,
                        int (*act)(struct module_state *, PyObject *, PyObject *))
{
    struct module_state *state = module_state_of(module);
    PyObject *tracemalloc = PyImport_ImportModule("_tracemalloc");
    int result;

    if (tracemalloc == NULL)
        return NULL;
    if (state->tracing_users == NULL && (state->tracing_users = PySet_New(NULL)) == NULL) {
        Py_DECREF(tracemalloc);
        return NULL;
    }
    result = act(state, tracemalloc, user);
    Py_DECREF(tracemalloc);
    if (result < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *tracing_begin(PyObject *module, PyObject *user)
{
    return change(module, user, begin);
}

static PyObject *tracing_end(PyObject *module, PyObject *user)
{
    return change(module, user, end);
}

static PyMethodDef methods[] = {
    {"tracing_begin", tracing_begin, METH_O,
     "tracing_begin(user, /): starts tracemalloc, unless it runs. The user is a number of its "
     "own."},
    {"tracing_end", tracing_end, METH_O,
     "tracing_end(user, /): stops it with the last user, if it was started here."},
    {NULL, NULL, 0, NULL},
};

int tracemalloc_lease_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
