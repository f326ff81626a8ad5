#include "memprof/ext/global_events.h"

#include "memprof/ext/py_error.h"

void global_events_begin(struct module_state *state, PyObject *code, PyObject *globals)
{
    PyObject *type, *value, *trace, *name, *result;

    if (state->on_module == NULL || globals == NULL ||
        PyUnicode_CompareWithASCIIString(((PyCodeObject *)code)->co_name, "<module>") != 0)
        return;
    PyErr_Fetch(&type, &value, &trace);
    name = PyDict_GetItemString(globals, "__name__");
    result =
        PyObject_CallFunctionObjArgs(state->on_module, code, name == NULL ? Py_None : name, NULL);
    if (result == NULL)
        py_error_report("functions of a module could not be chosen");
    Py_XDECREF(result);
    PyErr_Restore(type, value, trace);
}

const char global_events_on_modules_doc[] =
    "on_modules(callback, /)\n\n"
    "Call callback(code, name) whenever the code of a module begins to run; None: no more.";

PyObject *global_events_on_modules(PyObject *module, PyObject *callback)
{
    struct module_state *state = module_state_of(module);
    PyObject *before = state->on_module;

    state->on_module = callback == Py_None ? NULL : Py_NewRef(callback);
    if (global_events_update(state) != 0) {
        Py_XSETREF(state->on_module, before);
        return NULL;
    }
    Py_XDECREF(before);
    Py_RETURN_NONE;
}
