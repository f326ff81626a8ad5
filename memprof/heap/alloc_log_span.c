#include "memprof/heap/alloc_log_span.h"

int alloc_log_span_begin(struct alloc_log *log, struct alloc_span **span)
{
    int error;

    alloc_log_flush(log); /* that was before */
    alloc_log_lock(log);
    error = alloc_span_begin(&log->spans, log->tree, span);
    alloc_log_unlock(log);
    return error;
}

void alloc_log_span_end(struct alloc_log *log, const struct alloc_span *span)
{
    alloc_log_flush(log);
    alloc_log_lock(log);
    alloc_span_end(&log->spans, span);
    alloc_log_unlock(log);
}
