/*
 * What all threads and profilers share: the meters, the threads' stacks, and who reads peaks.
 *
 * Threads, here and in the whole room: not thread-safe, callers hold the interpreter's lock.
 */
#ifndef MEMPROF_LINE_ENGINE_H
#define MEMPROF_LINE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/machine/meter.h"

#define LINE_MAX_METERS 10

struct line_box;
struct line_stack;
struct peak_meter;

struct line_engine {
    struct meter *meters[LINE_MAX_METERS];
    int n_meters;
    int n_slots;
    struct line_stack *stacks;
    struct line_box *box;    /* where tables and what is open lie, or NULL; see line_box.h */
    volatile int is_lost;    /* some of that is gone: line_stacks_settle() */
    struct peak_meter *peak; /* NULL: no profiler has LINE_PEAK; else every frame reads it */
    /* Incremented whenever watching changes. A frame with the same generation may be reused
     * unchanged. 0, after 2^32 - 1, disables reuse. */
    uint32_t generation;
};

/*
 * Who counts which code, or how, has changed. Until the next change an event may trust what the
 * latest frame of a code at the same depth was told.
 */
static inline void line_engine_changed(struct line_engine *engine)
{
    engine->generation++;
}

/* Peaks are read with every line from now on, or no more (NULL). */
void line_engine_set_peak(struct line_engine *engine, struct peak_meter *peak);

/* A reading of every meter before work of the tool's own. */
struct line_work {
    int n_meters;
    int64_t before[LINE_MAX_METERS];
};

/*
 * Brackets memory that the tool needs for itself (arrays that grow, the text of a table): end takes
 * what was grown out of all numbers; `most` is what was asked for, in bytes. Nothing in between may
 * let go of the lock: what others allocate meanwhile is not the tool's.
 */
void line_engine_begin_work(struct line_engine *engine, struct line_work *work);
void line_engine_end_work(struct line_engine *engine, const struct line_work *work, size_t most);

#endif
