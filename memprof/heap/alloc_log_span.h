/* Spans of a log that records, begun and ended while other threads write to it. */
#ifndef MEMPROF_ALLOC_LOG_SPAN_H
#define MEMPROF_ALLOC_LOG_SPAN_H

#include "memprof/heap/alloc_log.h"

/*
 * Counts anew from now on, beside all else, until alloc_log_span_end(); the caller frees it then.
 * For the thread that holds the interpreter's lock; stacks are to be looked up again after it. 0 or
 * -ENOMEM.
 */
int alloc_log_span_begin(struct alloc_log *log, struct alloc_span **span);

/* Also of a log that was stopped, or is another by now. */
void alloc_log_span_end(struct alloc_log *log, const struct alloc_span *span);

#endif
