/*
 * Memory of the tool's own, past malloc(): what watches malloc() must not call it. Zeroed, and
 * resident only where it was touched, page by page (never as huge pages, so that what is resident
 * can be counted by who touches it).
 */
#ifndef MEMPROF_PAGES_H
#define MEMPROF_PAGES_H

#include <stddef.h>

/* So many bytes, or NULL. errno stays as it was. */
void *pages_map(size_t bytes);

/* Gives back what pages_map() gave; NULL is nothing. errno stays as it was. */
void pages_unmap(void *address, size_t bytes);

/* The system's page in bytes, a power of two. */
size_t pages_size(void);

/* Bytes, rounded up to whole pages. */
size_t pages_round(size_t bytes);

#endif
