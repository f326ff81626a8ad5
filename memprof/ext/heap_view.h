/* A log of allocations, begun and ended by Python: module functions heap_start(), heap_stop(), … */
#ifndef MEMPROF_EXT_HEAP_VIEW_H
#define MEMPROF_EXT_HEAP_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

#include "memprof/heap/alloc_log.h"

extern struct alloc_log *heap_view_log; /* NULL before the first start */

int heap_view_add(PyObject *module);

/* Those of a span, which heap_span_begin() gave, or of all where it is None. What other threads
 * have at hand is written first. 0, or -1 with an exception. */
int heap_view_of(PyObject *span, struct alloc_view *view);

int64_t heap_view_log_bytes(void);

/* Resident bytes of the log; 0 where there never was one. What the kernel says of the process holds
 * them. Here, since every reading of memory asks. */
static inline int64_t heap_view_bytes(void)
{
    return __builtin_expect(heap_view_log != NULL, 0) ? heap_view_log_bytes() : 0;
}

#endif
