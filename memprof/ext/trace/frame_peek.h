/*
 * Python 3.10 and 3.11: what a trace or profile function needs to know of its frame, read from the
 * frame itself. The interpreter's functions for it cost a call and a reference each, at every
 * event.
 */
#ifndef MEMPROF_EXT_FRAME_PEEK_H
#define MEMPROF_EXT_FRAME_PEEK_H

#include "memprof/ext/trace/code_extra.h"

/* Later Pythons trace in another way, and their frames look different. */
#if PY_VERSION_HEX < 0x030C0000

#include <frameobject.h>
#include <opcode.h>
#include <stdbool.h>

#if PY_VERSION_HEX >= 0x030B0000
#define Py_BUILD_CORE 1
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#endif

/* Borrowed. */
static inline PyObject *frame_peek_code(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030B0000
    return (PyObject *)frame->f_frame->f_code;
#else
    return (PyObject *)frame->f_code;
#endif
}

#if PY_VERSION_HEX >= 0x030B0000
/* The function object whose call it is. Borrowed. */
static inline const void *frame_peek_function(PyFrameObject *frame)
{
    return frame->f_frame->f_func;
}
#endif

/* The innermost frame of a thread that is wanted, NULL: none is. One never traced has no object. */
static inline const void *frame_peek_find(const PyThreadState *thread,
                                          bool (*wanted)(void *context, const void *key),
                                          void *context)
{
#if PY_VERSION_HEX >= 0x030B0000
    const _PyInterpreterFrame *frame = thread->cframe->current_frame;

    while (frame != NULL && (frame->frame_obj == NULL || !wanted(context, frame->frame_obj)))
        frame = frame->previous;
    return frame == NULL ? NULL : frame->frame_obj;
#else
    const PyFrameObject *frame = thread->frame;

    while (frame != NULL && !wanted(context, frame))
        frame = frame->f_back;
    return frame;
#endif
}

/* As tracer_each_place(). */
static inline void frame_peek_each_place(const PyThreadState *thread,
                                         bool (*take)(void *context, const void *key,
                                                      PyCodeObject *code, int offset),
                                         void *context)
{
#if PY_VERSION_HEX >= 0x030B0000
    const _PyInterpreterFrame *frame = thread->cframe->current_frame;

    while (frame != NULL && take(context, frame->frame_obj, frame->f_code,
                                 _PyInterpreterFrame_LASTI(frame) * CODE_UNIT))
        frame = frame->previous;
#else
    const PyFrameObject *frame = thread->frame;

    while (frame != NULL && take(context, frame, frame->f_code,
                                 frame->f_lasti < 0 ? -1 : frame->f_lasti * CODE_UNIT))
        frame = frame->f_back;
#endif
}

/* Whether a code runs in a frame beneath. */
static inline bool frame_peek_runs_beneath(const PyFrameObject *frame, const PyObject *code)
{
#if PY_VERSION_HEX >= 0x030B0000
    const _PyInterpreterFrame *below = frame->f_frame->previous;

    while (below != NULL && (PyObject *)below->f_code != code)
        below = below->previous;
#else
    const PyFrameObject *below = frame->f_back;

    while (below != NULL && (PyObject *)below->f_code != code)
        below = below->f_back;
#endif
    return below != NULL;
}

/* Byte offset of the last instruction; -1 before the first. */
static inline int frame_peek_offset(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030B0000
    return _PyInterpreterFrame_LASTI(frame->f_frame) * CODE_UNIT;
#else
    return frame->f_lasti < 0 ? -1 : frame->f_lasti * CODE_UNIT;
#endif
}

/* The line it stands on; the interpreter has set it before it calls a trace function. */
static inline int frame_peek_line(PyFrameObject *frame)
{
    return frame->f_lineno != 0 ? frame->f_lineno : PyFrame_GetLineNumber(frame);
}

/* Whether the frame sends line events to the trace function. */
static inline void frame_peek_set_lines(PyFrameObject *frame, int wanted)
{
    frame->f_trace_lines = (char)wanted;
}

/* Whether a generator's frame begins at an offset, rather than goes on after a yield. */
static inline bool frame_peek_is_start(const struct line_code *extra, int offset)
{
    if (!extra->resumable)
        return 1;
#if PY_VERSION_HEX >= 0x030B0000
    return offset == extra->start * CODE_UNIT;
#else
    return offset < 0;
#endif
}

#endif

#endif
