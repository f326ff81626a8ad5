/*
 * A table for every outermost call: how `profile` works that was imported. A generator or coroutine
 * keeps its table while it is suspended, found again by the address of its frame. See also
 * line_function_flush() in line_profiler.h.
 */
#ifndef MEMPROF_CALL_TABLES_H
#define MEMPROF_CALL_TABLES_H

#include "memprof/lines/line_profiler.h"

/*
 * The table that an outermost frame is to fill: its own from before it was suspended, or a fresh
 * one. NULL without memory.
 */
struct line_table *call_table_take(struct line_function *function, const void *key, int resumed);

/* The frame is left: its table is kept for later, or handed to profiler->finished and cleared. */
void call_table_give(const struct line_frame *frame, enum line_leave how);

/* Frees the tables of frames that are suspended. */
void call_tables_free(struct line_function *function);

#endif
