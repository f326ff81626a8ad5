/* Whose functions are counted, with which meter, and what happens at the end. */
#ifndef MEMPROF_LINE_PROFILER_H
#define MEMPROF_LINE_PROFILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memprof/lines/line_engine.h"

struct line_code;
struct line_frame;
struct line_function;
struct line_table;

/* What a profiler can measure beside memory: see line_measures.h. */
enum line_measure {
    LINE_TIME = 1,
    LINE_PEAK = 2,
};

struct line_profiler {
    struct line_engine *engine;
    struct line_function **functions; /* owned; in order of decoration */
    int n_functions;
    size_t capacity;
    int meter;        /* index into engine->meters */
    uint8_t measures; /* of enum line_measure; to be set before functions are watched */
    bool survives;    /* its tables lie in the engine's box, if it has one: they are never freed */
    int enabled;      /* how many times enabled */
    /*
     * Counts this frame alone, and code written in its own while it runs in the thread; NULL: all.
     * Set while nothing is counted.
     */
    const void *only_frame;
    void *owner; /* the receiver's own */
    /*
     * per_call: an outermost call begins in the frame `key`, of the function's own code or of code
     * nested in it. False: it is not to be counted. `*owner` is the table's until disowned().
     * NULL: every call is counted, for nobody.
     */
    bool (*claimed)(struct line_function *function, const struct line_frame *frame, const void *key,
                    void **owner);
    void (*disowned)(void *owner);
    /* A per_call table is complete; the receiver reads it, the engine then clears and keeps it. */
    void (*finished)(struct line_function *function, struct line_table *table);
    /* A function is about to be freed; this was the last watch of a code. NULL: no need to know. */
    void (*forgotten)(struct line_function *function);
    void (*unwatched)(struct line_code *code);
    /* Its last function went with the code; the profiler is not touched after this. */
    void (*emptied)(struct line_profiler *profiler);
    /* When memory passes `limit` bytes at a line's start (0: never). Called once per passing. */
    int64_t limit;
    void (*over_limit)(struct line_profiler *profiler, const void *key, int64_t bytes);
};

/* Counts nothing yet. line_profiler_clear() of line_lifetime.h frees its functions. */
void line_profiler_init(struct line_profiler *profiler, struct line_engine *engine, int meter);

void line_profiler_enable(struct line_profiler *profiler);
void line_profiler_disable(struct line_profiler *profiler);

#endif
