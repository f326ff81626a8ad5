#include "memprof/ext/base/collector.h"

#include "memprof/ext/base/py_error.h"

#define IS_NOT_GUARDED (PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030D0000)

void collector_settle(void)
{
#if IS_NOT_GUARDED
    struct py_error pending;
    PyObject *gc, *result;

    py_error_fetch(&pending);
    /* Not PyGC_Disable(): with it the interpreter's own last collection would be left out, too. */
    gc = PyImport_ImportModule("gc");
    result = gc == NULL ? NULL : PyObject_CallMethod(gc, "set_threshold", "i", 0);
    Py_XDECREF(result);
    Py_XDECREF(gc);
    py_error_restore(&pending);
#endif
}

PyDoc_STRVAR(settle_doc, "settle_collector()\n\n"
                         "The program has ended: on 3.12 no collection by count any more.");

static PyObject *settle(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    collector_settle();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"settle_collector", settle, METH_NOARGS, settle_doc},
    {NULL, NULL, 0, NULL},
};

int collector_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
