/* What a log of allocations says, for Python: module functions heap_start(), heap_stop(), … */
#ifndef MEMPROF_EXT_HEAP_VIEW_H
#define MEMPROF_EXT_HEAP_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

int heap_view_add(PyObject *module);

extern bool heap_view_has_log;
int64_t heap_view_log_bytes(void);

/* Resident bytes of the log; 0 where there never was one. What the kernel says of the process holds
 * them. Here, since every reading of memory asks. */
static inline int64_t heap_view_bytes(void)
{
    return __builtin_expect(heap_view_has_log, 0) ? heap_view_log_bytes() : 0;
}

#endif
