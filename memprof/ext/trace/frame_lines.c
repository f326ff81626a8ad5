#include "memprof/ext/trace/frame_lines.h"

#include "memprof/ext/trace/frame_peek.h"

void frame_lines_restore(void)
{
    PyFrameObject *frame = PyEval_GetFrame(), *next;

    Py_XINCREF(frame);
    for (; frame != NULL; frame = next) {
        frame_peek_set_lines(frame, 1);
        next = PyFrame_GetBack(frame);
        Py_DECREF(frame);
    }
}
