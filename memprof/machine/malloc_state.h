/* What the process' malloc() has of the system, and what of that is given out. */
#ifndef MEMPROF_MALLOC_STATE_H
#define MEMPROF_MALLOC_STATE_H

#include <stdint.h>

/* Bytes: used + free are what it manages in its heaps; mapped is what large blocks got by
 * themselves. */
struct malloc_state {
    int64_t used;
    int64_t free;
    int64_t mapped;
};

/* 0, or -ENOSYS: this malloc() does not tell. It is locked for a moment. */
int malloc_state_read(struct malloc_state *state);

#endif
