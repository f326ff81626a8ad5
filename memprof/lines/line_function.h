/* One decorated function of one profiler, the code nested in it included. */
#ifndef MEMPROF_LINE_FUNCTION_H
#define MEMPROF_LINE_FUNCTION_H

#include <stdbool.h>

#include "memprof/lines/line_profiler.h"
#include "memprof/lines/line_table.h"

struct line_watch;

struct line_function {
    struct line_profiler *profiler;
    struct line_watch *watches; /* owned; of its own code and of that nested in it */
    void *owner, *latest;       /* the receiver's own: let go of in forgotten() */
    bool is_anyones;            /* likewise */
    struct line_table
        *table;          /* owned; per function; with per_call, the one that is free, or NULL */
    struct meter *meter; /* borrowed: the profiler's, and its place among a thread's */
    int meter_index;
    int first_line, n_rows;
    int per_call;     /* a table for each outermost call, handed to profiler->finished */
    int always_on;    /* counts even while the profiler is not enabled */
    int *top_by_slot; /* owned; by slot: index of the topmost frame in that thread, or -1 */
    int n_slots_known;
    void *suspended; /* per_call: tree of suspended frames and their tables */
    int index;       /* place among the profiler's functions; with per_call it may change */
};

/*
 * A new function of a profiler, which owns it. A per_call function is freed with the last code it
 * watches, any other with its profiler. NULL without memory.
 */
struct line_function *line_function_new(struct line_profiler *profiler, int first_line, int n_rows,
                                        int per_call);

/* Whether anybody counts this function now. */
static inline bool line_function_is_counting(const struct line_function *function)
{
    return function->always_on || function->profiler->enabled > 0;
}

#endif
