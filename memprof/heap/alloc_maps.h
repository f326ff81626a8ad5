/*
 * Anonymous mappings in the log: what any thread maps and unmaps, whatever it does with parts of
 * them. They are written down at once: a mapping costs more than that.
 *
 * All keep errno. For hooks, between alloc_hook_begin() and alloc_hook_end().
 */
#ifndef MEMPROF_ALLOC_MAPS_H
#define MEMPROF_ALLOC_MAPS_H

#include "memprof/heap/alloc_log.h"

#define ALLOC_MAPS_KEPT 8

/* What was taken out, to be put back where a call fails; of more pieces than these nothing is known
 * then. */
struct alloc_maps_taken {
    size_t n;
    struct map_piece pieces[ALLOC_MAPS_KEPT];
    bool was_last[ALLOC_MAPS_KEPT];
};

/* Mapped by the running stack, whose innermost function has called from `caller`; NULL: it is no
 * memory of the heap. Mappings that stand in its way are gone, and nobody saw it. */
void alloc_maps_mapped(struct alloc_log *log, const void *address, size_t size, const void *caller);

/* About to be unmapped, from any page to any other. To be 0 at first: *taken grows. */
void alloc_maps_gone(struct alloc_log *log, const void *address, size_t size,
                     struct alloc_maps_taken *taken);

void alloc_maps_put_back(struct alloc_log *log, const struct alloc_maps_taken *taken);

/* The mapping at this address, if it is the latest block of the holder of the lock, is not the
 * program's. */
void alloc_maps_undo(const void *address);

#endif
