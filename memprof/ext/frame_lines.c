/* Looks into frame objects: 3.11 has no other cheap way. */
#define Py_BUILD_CORE 1
#include "memprof/ext/frame_lines.h"

#if PY_VERSION_HEX >= 0x030B0000
#include <internal/pycore_frame.h>
#else
#include <frameobject.h>
#endif
#undef Py_BUILD_CORE

void frame_lines_set(PyFrameObject *frame, int wanted)
{
    frame->f_trace_lines = (char)wanted;
}

void frame_lines_restore(void)
{
    PyFrameObject *frame = PyEval_GetFrame(), *next;

    Py_XINCREF(frame);
    for (; frame != NULL; frame = next) {
        frame_lines_set(frame, 1);
        next = PyFrame_GetBack(frame);
        Py_DECREF(frame);
    }
}
