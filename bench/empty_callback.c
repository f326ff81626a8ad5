/*
 * The least that any tracer written in C costs: callbacks that do nothing, on the same events as
 * the profiler's; before 3.12 a hook that does no more than evaluate each frame. And callbacks that
 * read statm at every line and do no more.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static PyObject *disable; /* sys.monitoring.DISABLE */

static PyObject *on_event(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self, (void)args, (void)n;
    Py_RETURN_NONE;
}

/* The profiler switches off each jump that leaves its line: so does this. */
static PyObject *on_jump(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self, (void)args, (void)n;
    Py_INCREF(disable);
    return disable;
}

static PyObject *set_disable(PyObject *self, PyObject *value)
{
    (void)self;
    Py_INCREF(value);
    disable = value;
    Py_RETURN_NONE;
}

static int on_trace(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg)
{
    (void)obj, (void)frame, (void)what, (void)arg;
    return 0;
}

static PyObject *trace(PyObject *self, PyObject *on)
{
    (void)self;
    PyEval_SetTrace(PyObject_IsTrue(on) ? on_trace : NULL, NULL);
    Py_RETURN_NONE;
}

#if PY_VERSION_HEX < 0x030C0000

#if PY_VERSION_HEX >= 0x030B0000
typedef struct _PyInterpreterFrame *frame_address;
#else
typedef PyFrameObject *frame_address;
#endif

static _PyFrameEvalFunction evaluate_before;

static PyObject *evaluate(PyThreadState *thread, frame_address frame, int throw_flag)
{
    return evaluate_before(thread, frame, throw_flag);
}

static PyObject *hook_frames(PyObject *self, PyObject *unused)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();

    (void)self, (void)unused;
    evaluate_before = _PyInterpreterState_GetEvalFrameFunc(interpreter);
    _PyInterpreterState_SetEvalFrameFunc(interpreter, evaluate);
    Py_RETURN_NONE;
}

#endif

/* ---- the bare reading of statm at every line, where the profiler reads too ---- */

static int statm = -1;

static void read_statm(void)
{
    char text[64];

    if (pread(statm, text, sizeof text, 0) <= 0)
        abort();
}

static PyObject *on_line_read(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self, (void)args, (void)n;
    read_statm();
    Py_RETURN_NONE;
}

static int on_trace_read(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg)
{
    (void)obj, (void)frame, (void)arg;
    if (what == PyTrace_LINE)
        read_statm();
    return 0;
}

static PyObject *trace_read(PyObject *self, PyObject *on)
{
    (void)self;
    PyEval_SetTrace(PyObject_IsTrue(on) ? on_trace_read : NULL, NULL);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"on_event", (PyCFunction)(void (*)(void))on_event, METH_FASTCALL, NULL},
    {"on_jump", (PyCFunction)(void (*)(void))on_jump, METH_FASTCALL, NULL},
    {"set_disable", set_disable, METH_O, NULL},
    {"trace", trace, METH_O, NULL},
    {"on_line_read", (PyCFunction)(void (*)(void))on_line_read, METH_FASTCALL, NULL},
    {"trace_read", trace_read, METH_O, NULL},
#if PY_VERSION_HEX < 0x030C0000
    {"hook_frames", hook_frames, METH_NOARGS, NULL},
#endif
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "empty_callback", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_empty_callback(void)
{
    statm = open("/proc/self/statm", O_RDONLY);
    if (statm < 0)
        return PyErr_SetFromErrnoWithFilename(PyExc_OSError, "/proc/self/statm");
    return PyModule_Create(&module);
}
