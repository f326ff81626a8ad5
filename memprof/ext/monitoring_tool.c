#include "memprof/ext/monitoring_tool.h"

#include <string.h>

/* Ids 0-2 and 5 belong to debuggers, coverage, profilers and optimizers. */
static const int our_ids[] = {3, 4};

static PyType_Slot self_slots[] = {{0, NULL}};

static PyType_Spec self_spec = {
    .name = "memory_profiler._memprof._Tracer",
    .basicsize = sizeof(struct monitoring_self),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = self_slots,
};

static struct monitoring_self *new_self(PyObject *module, struct module_state *state)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &self_spec, NULL);
    struct monitoring_self *self;

    if (type == NULL)
        return NULL;
    self = (struct monitoring_self *)type->tp_alloc(type, 0);
    Py_DECREF(type);
    if (self != NULL)
        self->state = state;
    return self;
}

static int make_callbacks(struct monitoring_tool *tool, PyObject *self, PyObject *events,
                          PyMethodDef *definitions)
{
    PyObject *bit;

    for (int i = 0; i < tool->n_events; i++) {
        bit = PyObject_GetAttrString(events, definitions[i].ml_name);
        if (bit == NULL)
            return -1;
        tool->bits[i] = PyLong_AsLong(bit);
        Py_DECREF(bit);
        tool->callbacks[i] = PyCFunction_NewEx(&definitions[i], self, NULL);
        if (tool->callbacks[i] == NULL)
            return -1;
    }
    return 0;
}

int monitoring_tool_init(struct monitoring_tool *tool, PyObject *module, struct module_state *state,
                         PyMethodDef *definitions, int n_events)
{
    PyObject *events = NULL;
    struct monitoring_self *self = NULL;
    int error = -1;

    memset(tool, 0, sizeof *tool);
    tool->id = -1;
    tool->n_events = n_events;
    tool->monitoring = Py_XNewRef(PySys_GetObject("monitoring"));
    if (tool->monitoring != NULL) {
        tool->disable = PyObject_GetAttrString(tool->monitoring, "DISABLE");
        events = PyObject_GetAttrString(tool->monitoring, "events");
        self = new_self(module, state);
        if (tool->disable != NULL && events != NULL && self != NULL)
            error = make_callbacks(tool, (PyObject *)self, events, definitions);
    }
    Py_XDECREF(events);
    Py_XDECREF(self);
    return error;
}

void monitoring_tool_release(struct monitoring_tool *tool)
{
    for (int i = 0; i < tool->n_events; i++)
        Py_CLEAR(tool->callbacks[i]);
    Py_CLEAR(tool->monitoring);
    Py_CLEAR(tool->disable);
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
        if (call_monitoring(tool, "use_tool_id", "(is)", our_ids[i], "memory_profiler") == 0) {
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

int monitoring_tool_open(struct monitoring_tool *tool)
{
    if (tool->id < 0 && take_id(tool) != 0)
        return -1;
    for (int i = 0; i < tool->n_events; i++)
        if (call_monitoring(tool, "register_callback", "(ilO)", tool->id, tool->bits[i],
                            tool->callbacks[i]) != 0)
            return -1;
    return 0;
}

void monitoring_tool_close(struct monitoring_tool *tool)
{
    PyObject *type, *value, *trace;

    if (tool->id < 0)
        return;
    PyErr_Fetch(&type, &value, &trace);
    call_monitoring(tool, "set_events", "(ii)", tool->id, 0);
    for (int i = 0; i < tool->n_events; i++)
        call_monitoring(tool, "register_callback", "(ilO)", tool->id, tool->bits[i], Py_None);
    call_monitoring(tool, "free_tool_id", "(i)", tool->id);
    PyErr_Clear();
    PyErr_Restore(type, value, trace);
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
