#include "memprof/ext/base/py_error.h"

#include <string.h>

#include "memprof/ext/base/recursion.h"

PyObject *py_error_memory(int error)
{
    const char *why = strerror(-error);

    if (error == -ENOENT)
        why = "/proc is not mounted";
    else if (error == -ENOSYS)
        why = "this system has no such number";
    else if (error == -ESRCH)
        why = "the process is gone, or the kernel is too old for this number";
    errno = -error;
    return PyErr_Format(PyExc_OSError, "memory_profiler: memory cannot be read: %s", why);
}

void py_error_report(const char *what)
{
    PyThreadState *thread = PyThreadState_Get();
    int depth = recursion_give_room(thread);
    PyObject *type, *value, *trace, *text;

    PyErr_Fetch(&type, &value, &trace);
    /* str() may run code of the program and fail: the line then has the exception's type alone. */
    text = value == NULL ? NULL : PyObject_Str(value);
    PyErr_Clear();
    PySys_FormatStderr("memory_profiler: %s: %s: %V\n", what,
                       type == NULL ? "error" : ((PyTypeObject *)type)->tp_name, text, "");
    PyErr_Clear();
    recursion_set_depth(thread, depth);
    /* Ctrl-C is the program's: it is raised again as soon as the program runs on. */
    if (type != NULL && PyErr_GivenExceptionMatches(type, PyExc_KeyboardInterrupt))
        PyErr_SetInterrupt();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}
