/*
 * Who watches which code. Plain data: what happens when a watch or its code goes is
 * line_lifetime.h's.
 */
#ifndef MEMPROF_LINE_WATCH_H
#define MEMPROF_LINE_WATCH_H

#include <stdbool.h>

#include "memprof/lines/line_code.h"
#include "memprof/lines/line_function.h"

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

/* Adds a watch to both lists, or takes it out of them and frees it. 0 or -ENOMEM. */
int line_watch_add(struct line_function *function, struct line_code *code, bool is_top);
void line_watch_take_out(struct line_watch *watch);

/* The watch of a code by a profiler, or NULL. */
struct line_watch *line_watch_find(const struct line_code *code,
                                   const struct line_profiler *profiler);

/* Whether anybody counts this code now. */
static inline bool line_code_is_counting(const struct line_code *code)
{
    const struct line_watch *watch = code->watches;

    while (watch != NULL && !line_function_is_counting(watch->function))
        watch = watch->next;
    return watch != NULL;
}

#endif
