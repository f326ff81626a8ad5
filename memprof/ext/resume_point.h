/* Python 3.10 and 3.11: where a frame stands when a trace or profile function is called for it. */
#ifndef MEMPROF_EXT_RESUME_POINT_H
#define MEMPROF_EXT_RESUME_POINT_H

#include "memprof/ext/code_watch.h"

#include <frameobject.h>
#include <opcode.h>

/* Byte offset of the last instruction; -1 before the first. */
static inline int resume_point(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030B0000
    return PyFrame_GetLasti(frame);
#else
    return frame->f_lasti < 0 ? -1 : frame->f_lasti * CODE_UNIT;
#endif
}

/* Whether a generator's frame begins there, rather than goes on after a yield. */
static inline int resume_point_is_start(const struct line_code *mark, int offset)
{
    if (!mark->resumable)
        return 1;
#if PY_VERSION_HEX >= 0x030B0000
    /* The first RESUME of the code is the one of its start. */
    for (int at = 0; at <= offset / CODE_UNIT && at < mark->n_lines; at++)
        if (mark->opcodes[at] == RESUME)
            return at == offset / CODE_UNIT;
    return 0; /* thrown into before it started */
#else
    return offset < 0;
#endif
}

#endif
