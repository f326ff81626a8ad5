/*
 * A table for every outermost call, as where `profile` was imported. A generator or coroutine
 * keeps its table while it is suspended; the table is found again by the address of the frame.
 */
#ifndef MEMPROF_LINE_SUSPENDED_H
#define MEMPROF_LINE_SUSPENDED_H

#include "memprof/lines/line_stack.h"

enum line_leave {
    LINE_RETURN,
    LINE_UNWIND,
    LINE_YIELD,
};

/*
 * The table that an outermost frame is to fill: its own from before it was suspended, or a fresh
 * one. NULL without memory, and where the call is not to be counted.
 */
struct line_table *line_suspended_take(const struct line_frame *frame, const void *key,
                                       int resumed);

/* The frame is left: its table is kept for later, or handed to profiler->finished and cleared. */
void line_suspended_give(const struct line_frame *frame, enum line_leave how);

/* Frees the tables of frames that are suspended. */
void line_suspended_free(struct line_function *function);

/* per_call: hands over the tables of frames that were suspended and never ended visibly. */
void line_function_flush(struct line_function *function);

#endif
