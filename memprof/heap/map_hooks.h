/*
 * mmap(), munmap() and mremap() in every library: of anonymous memory that can be used at once
 * (address space that is only reserved, PROT_NONE, is none, nor are files). For malloc_hooks.h,
 * which leads their callers here.
 */
#ifndef MEMPROF_MAP_HOOKS_H
#define MEMPROF_MAP_HOOKS_H

#include <stddef.h>
#include <sys/types.h>

void *map_hooks_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset);
int map_hooks_munmap(void *address, size_t size);
void *map_hooks_mremap(void *address, size_t size, size_t new_size, int flags, ...);

/* The functions themselves, to be filled in before any other is called. */
extern void *(*map_hooks_real_mmap)(void *, size_t, int, int, int, off_t);
extern int (*map_hooks_real_munmap)(void *, size_t);
extern void *(*map_hooks_real_mremap)(void *, size_t, size_t, int, ...);

#endif
