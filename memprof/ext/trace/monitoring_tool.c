#include "memprof/ext/trace/monitoring_tool.h"

#include <stddef.h>
#include <string.h>
#include <structmember.h>

#include "memprof/ext/base/py_error.h"

/* Ids 0-2 and 5 belong to debuggers, coverage, profilers and optimizers: with 2 taken, cProfile
 * does not start. */
static const int our_ids[] = {3, 4};

static PyMemberDef callback_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(struct monitoring_callback, call), READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot callback_slots[] = {
    {Py_tp_members, callback_members},
    {Py_tp_call, PyVectorcall_Call},
    {0, NULL},
};

static PyType_Spec callback_spec = {
    .name = "memory_profiler._memprof._Callback",
    .basicsize = sizeof(struct monitoring_callback),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = callback_slots,
};

static PyObject *new_callback(PyTypeObject *type, vectorcallfunc call, struct module_state *state)
{
    struct monitoring_callback *callback = (struct monitoring_callback *)type->tp_alloc(type, 0);

    if (callback != NULL) {
        callback->call = call;
        /*
         * Borrowed: the state owns the callback, and a code object that sends events keeps the
         * state.
         */
        callback->state = state;
    }
    return (PyObject *)callback;
}

static int make_callbacks(struct monitoring_tool *tool, PyTypeObject *type, PyObject *bits,
                          const struct monitoring_event *events, struct module_state *state)
{
    PyObject *bit;

    for (int i = 0; i < tool->n_events; i++) {
        bit = PyObject_GetAttrString(bits, events[i].name);
        if (bit == NULL)
            return -1;
        tool->bits[i] = PyLong_AsLong(bit);
        Py_DECREF(bit);
        for (int way = 0; way < N_MONITORING_WAYS; way++) {
            tool->callbacks[way][i] = new_callback(type, events[i].calls[way], state);
            if (tool->callbacks[way][i] == NULL)
                return -1;
        }
    }
    return 0;
}

int monitoring_tool_init(struct monitoring_tool *tool, struct module_state *state,
                         const struct monitoring_event *events, int n_events)
{
    PyObject *bits = NULL, *type = NULL;
    int error = -1;

    memset(tool, 0, sizeof *tool);
    tool->id = -1;
    tool->n_events = n_events;
    tool->monitoring = Py_XNewRef(PySys_GetObject("monitoring"));
    tool->name = PyUnicode_FromString("memory_profiler");
    if (tool->monitoring != NULL && tool->name != NULL) {
        tool->disable = PyObject_GetAttrString(tool->monitoring, "DISABLE");
        bits = PyObject_GetAttrString(tool->monitoring, "events");
        type = PyType_FromSpec(&callback_spec);
        if (tool->disable != NULL && bits != NULL && type != NULL)
            error = make_callbacks(tool, (PyTypeObject *)type, bits, events, state);
    }
    Py_XDECREF(bits);
    Py_XDECREF(type);
    return error;
}

void monitoring_tool_release(struct monitoring_tool *tool)
{
    for (int way = 0; way < N_MONITORING_WAYS; way++)
        for (int i = 0; i < tool->n_events; i++)
            Py_CLEAR(tool->callbacks[way][i]);
    Py_CLEAR(tool->monitoring);
    Py_CLEAR(tool->disable);
    Py_CLEAR(tool->name);
}

static int call_monitoring(struct monitoring_tool *tool, const char *method, const char *format,
                           ...)
{
    PyObject *function = PyObject_GetAttrString(tool->monitoring, method), *args, *result;
    va_list list;

    if (function == NULL)
        return -1;
    va_start(list, format);
    args = Py_VaBuildValue(format, list);
    va_end(list);
    result = args == NULL ? NULL : PyObject_CallObject(function, args);
    Py_DECREF(function);
    Py_XDECREF(args);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int take_id(struct monitoring_tool *tool)
{
    for (size_t i = 0; i < sizeof our_ids / sizeof our_ids[0]; i++) {
        if (call_monitoring(tool, "use_tool_id", "(iO)", our_ids[i], tool->name) == 0) {
            tool->id = our_ids[i];
            return 0;
        }
        if (!PyErr_ExceptionMatches(PyExc_ValueError))
            return -1;
        PyErr_Clear();
    }
    PyErr_SetString(PyExc_RuntimeError,
                    "memory_profiler: sys.monitoring tool ids 3 and 4 are both in use");
    return -1;
}

int monitoring_tool_open(struct monitoring_tool *tool, enum monitoring_way way)
{
    if (tool->id < 0 && take_id(tool) != 0)
        return -1;
    for (int i = 0; i < tool->n_events; i++)
        /* Also when the tool was open before: `way` may be another now. */
        if (call_monitoring(tool, "register_callback", "(ilO)", tool->id, tool->bits[i],
                            tool->callbacks[way][i]) != 0)
            return -1;
    return 0;
}

/* Takes our callback out of another's tool, but none that it has put there itself. */
static void withdraw_callback(struct monitoring_tool *tool, int id, int event)
{
    PyObject *found = PyObject_CallMethod(tool->monitoring, "register_callback", "(ilO)", id,
                                          tool->bits[event], Py_None);
    int is_ours = 0;

    for (int way = 0; way < N_MONITORING_WAYS; way++)
        is_ours |= found == tool->callbacks[way][event];
    if (found != NULL && !is_ours)
        call_monitoring(tool, "register_callback", "(ilO)", id, tool->bits[event], found);
    Py_XDECREF(found);
    PyErr_Clear();
}

int monitoring_tool_check(struct monitoring_tool *tool)
{
    PyObject *name;
    int id = tool->id;

    if (id < 0)
        return MONITORING_HELD;
    name = PyObject_CallMethod(tool->monitoring, "get_tool", "(i)", id);
    if (name == NULL)
        return -1;
    Py_DECREF(name); /* whoever holds the id holds it */
    if (name == tool->name)
        return MONITORING_HELD;
    if (name == Py_None)
        return call_monitoring(tool, "use_tool_id", "(iO)", id, tool->name) == 0 ? MONITORING_FREED
                                                                                 : -1;
    tool->id = -1;
    for (int i = 0; i < tool->n_events; i++)
        withdraw_callback(tool, id, i);
    return MONITORING_LOST;
}

void monitoring_tool_forget_code(struct monitoring_tool *tool, int lost_id, PyObject *code)
{
    struct py_error pending;

    py_error_fetch(&pending);
    if (call_monitoring(tool, "set_local_events", "(iOi)", lost_id, code, 0) != 0)
        PyErr_Clear();
    py_error_restore(&pending);
}

static void give_back_id(struct monitoring_tool *tool)
{
    if (monitoring_tool_check(tool) < 0 || tool->id < 0)
        return;
    /*
     * Events and callbacks go first: free_tool_id() of Python 3.12 leaves them in place for
     * whoever takes the id next.
     */
    call_monitoring(tool, "set_events", "(ii)", tool->id, 0);
    for (int i = 0; i < tool->n_events; i++)
        call_monitoring(tool, "register_callback", "(ilO)", tool->id, tool->bits[i], Py_None);
    call_monitoring(tool, "free_tool_id", "(i)", tool->id);
}

void monitoring_tool_close(struct monitoring_tool *tool)
{
    struct py_error pending;

    if (tool->id < 0)
        return;
    py_error_fetch(&pending);
    give_back_id(tool);
    PyErr_Clear();
    py_error_restore(&pending);
    tool->id = -1;
}

int monitoring_tool_set_events(struct monitoring_tool *tool, long events)
{
    return call_monitoring(tool, "set_events", "(il)", tool->id, events);
}

int monitoring_tool_set_local_events(struct monitoring_tool *tool, PyObject *code, long events)
{
    return call_monitoring(tool, "set_local_events", "(iOl)", tool->id, code, events);
}
