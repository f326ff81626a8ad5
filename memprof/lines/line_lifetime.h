/* How profilers, functions and watches end, and what happens when code dies. */
#ifndef MEMPROF_LINE_LIFETIME_H
#define MEMPROF_LINE_LIFETIME_H

#include "memprof/lines/line_watch.h"

/* Frees the functions of a profiler, and their watches. */
void line_profiler_clear(struct line_profiler *profiler);

/* Nobody watches any more with this watch; a per_call function goes with its last one. */
void line_watch_remove(struct line_watch *watch);

/* The code is gone: nobody watches it, and frames of it whose end was not seen end now. */
void line_code_forget(struct line_code *code);

#endif
