/* The life of profilers and their functions, and what happens when code dies. */
#ifndef MEMPROF_LINE_PROFILER_H
#define MEMPROF_LINE_PROFILER_H

#include "memprof/lines/line_event.h"

/*
 * Watching. Functions that return int return 0 or -ENOMEM. A per_call function is freed with the
 * last code it watches, any other with its profiler.
 */
void line_profiler_init(struct line_profiler *profiler, struct line_engine *engine, int meter);
void line_profiler_clear(struct line_profiler *profiler);
void line_profiler_enable(struct line_profiler *profiler);
void line_profiler_disable(struct line_profiler *profiler);
struct line_function *line_function_new(struct line_profiler *profiler, int first_line, int n_rows,
                                        int per_call);

/* Nobody watches any more with this watch; a per_call function goes with its last one. */
void line_watch_remove(struct line_watch *watch);

/* The code is gone: nobody watches it, and frames of it whose end was not seen end now. */
void line_code_forget(struct line_code *code);

#endif
