/* What pymalloc, the allocator of Python's blocks up to 512 bytes, has of the system. */
#ifndef MEMPROF_EXT_HEAP_PYMALLOC_STATE_H
#define MEMPROF_EXT_HEAP_PYMALLOC_STATE_H

#include <stdint.h>

/* Bytes: of its arenas, and of the blocks in them that are given out, as it rounds them. Both 0
 * where another allocator serves. */
struct pymalloc_state {
    int64_t arenas;
    int64_t used;
};

/*
 * Under the interpreter's lock. 0, or -errno: -ENOSYS, this Python does not tell; -EBUSY, it tells
 * nothing while somebody has wrapped its allocator, as tracemalloc does.
 */
int pymalloc_state_read(struct pymalloc_state *state);

/* What of ours is about to be wrapped around the allocator of objects is not in the way later. */
void pymalloc_state_learn(void);

#endif
