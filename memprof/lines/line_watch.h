/*
 * Who watches which code. Plain data: what happens when a watch or its code goes is
 * line_profiler.c's.
 *
 *   line_code      one code object; a list of watches
 *   line_watch     one code object as seen by one profiler
 *   line_function  one decorated function of one profiler, nested code included
 *   line_profiler  whose functions are counted, with which meter, and what happens at the end
 */
#ifndef MEMPROF_LINE_WATCH_H
#define MEMPROF_LINE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "memprof/lines/line_table.h"
#include "memprof/lines/line_engine.h"

struct line_function;
struct line_profiler;
struct line_frame;
struct span_watch; /* the tracer's: who marks the calls of a code in time */

/*
 * One code object as one profiler sees it. It stands in two lists, so that either side may go first
 * and finds the other without asking anybody: code dies when the program forgets it, and what holds
 * profilers may be taken apart by a collector in any order.
 */
struct line_watch {
    struct line_watch *next; /* of the same code */
    struct line_watch *next_of_function, **back_of_function;
    struct line_code *code;
    struct line_function *function;
    bool is_top; /* the function's own code, not code nested in it */
};

/* Hung onto a code object by the tracer. */
struct line_code {
    struct line_watch *watches;
    int first_line;
    int resumable; /* a generator, coroutine or async generator */
    int start;     /* the tracer's: the instruction at which a resumable one starts */
    int traced;    /* the tracer's: which of its events are sent */
    struct span_watch *spans;
    int n_lines;                  /* entries of lines */
    const int *lines;             /* line of each instruction, 0: none; owned by the tracer */
    const unsigned char *opcodes; /* of each instruction, where the tracer needs them; its own */
    unsigned char *inert_exits;   /* of each instruction: line_event_leave_inert() may be used */
};

/* What a profiler can measure beside memory: see line_measures.h. */
enum line_measure {
    LINE_TIME = 1,
    LINE_PEAK = 2,
};

/* One decorated function. */
struct line_function {
    struct line_profiler *profiler;
    struct line_watch *watches; /* of its own code and of that nested in it */
    void *owner, *latest;       /* the receiver's own: let go of in forgotten() */
    bool is_anyones;            /* likewise */
    struct line_table *table;   /* per function; with per_call, the one that is free, or NULL */
    struct meter *meter;        /* the profiler's, and its place among a thread's */
    int meter_index;
    int first_line, n_rows;
    int per_call;     /* a table for each outermost call, handed to profiler->finished */
    int always_on;    /* counts even while the profiler is not enabled */
    int *top_by_slot; /* by slot: index of the topmost frame in that thread, or -1 */
    int n_slots_known;
    void *suspended; /* per_call: tree of suspended frames and their tables */
    int index;       /* place among the profiler's functions; with per_call it may change */
};

struct line_profiler {
    struct line_engine *engine;
    struct line_function **functions; /* in order of decoration */
    int n_functions;
    size_t capacity;
    int meter;        /* index into engine->meters */
    uint8_t measures; /* of enum line_measure; to be set before functions are watched */
    int enabled;      /* how many times enabled */
    void *owner;      /* the receiver's own */
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

/* Adds a watch to both lists, or takes it out of them and frees it. 0 or -ENOMEM. */
int line_watch_add(struct line_function *function, struct line_code *code, bool is_top);
void line_watch_take_out(struct line_watch *watch);

/* The watch of a code by a profiler, or NULL. */
struct line_watch *line_watch_find(const struct line_code *code,
                                   const struct line_profiler *profiler);

/* Whether anybody counts this function, or code, now. */
static inline bool line_function_is_counting(const struct line_function *function)
{
    return function->always_on || function->profiler->enabled > 0;
}

static inline bool line_code_is_counting(const struct line_code *code)
{
    const struct line_watch *watch = code->watches;

    while (watch != NULL && !line_function_is_counting(watch->function))
        watch = watch->next;
    return watch != NULL;
}

#endif
