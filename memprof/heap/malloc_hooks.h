/*
 * malloc(), mmap() and their relatives in every library of the process, seen by alloc_log_active:
 * their callers are led to us (machine/got_patch.h). What they return, and errno, is as without us.
 *
 * Until they are removed they pass through while nothing is recorded.
 */
#ifndef MEMPROF_MALLOC_HOOKS_H
#define MEMPROF_MALLOC_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "memprof/machine/got_patch.h"

/* The number of slots that lead to us, or -errno: -ENOTSUP where that cannot be done. May be called
 * again. `skip`: an address in the library that is left alone. */
int malloc_hooks_install(const void *skip);

/* All slots lead to the functions themselves again, but in what has copied our addresses: there
 * they pass through. While nothing is recorded. */
void malloc_hooks_remove(void);

/* Libraries that were opened since. Cheap where there are none. */
void malloc_hooks_follow(void);

/* got_holder_find(), for threads that others may fork beside. */
bool malloc_hooks_holder(struct got_holder *holder, const void *address);

/* Bytes of ours that are resident. */
size_t malloc_hooks_bytes(void);

#endif
