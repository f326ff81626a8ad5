/* What is measured, and by which names it is asked for: the only list of them. */
#ifndef MEMPROF_MEM_BACKEND_H
#define MEMPROF_MEM_BACKEND_H

#include <stddef.h>

enum mem_backend {
    MEM_RSS,         /* resident set size: Linux statm, field 2 */
    MEM_PSS,         /* shared pages divided by their users: Linux smaps_rollup */
    MEM_USS,         /* private pages only: Linux smaps_rollup; macOS internal + compressed */
    MEM_TRACEMALLOC, /* what Python's tracemalloc has seen: no mem_reader reads it (-ENOSYS) */
};

/* The backend of a name, one of memory_profiler 0.61 (psutil_pss ...) too, or -EINVAL. */
int mem_backend_find(const char *name);

/* Its own name: rss, pss, uss, tracemalloc. */
const char *mem_backend_name(enum mem_backend backend);

/* Every name by number from 0 on, first those above; NULL after the last. */
const char *mem_backend_known(size_t index);

#endif
