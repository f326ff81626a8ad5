/* Arrays that grow: one rule for all of them. */
#ifndef MEMPROF_GROW_H
#define MEMPROF_GROW_H

#include <stddef.h>

/*
 * The array with room for `wanted` items of `size` bytes, and that room in *capacity: it doubles
 * where it is too small. NULL where there is no memory; the array and *capacity are as before.
 */
void *grow_double(void *array, size_t size, size_t wanted, size_t *capacity);

/* The same for an array whose items are looked up by number: those that are new are zero. */
void *grow_zeroed(void *array, size_t size, size_t wanted, size_t *capacity);

#endif
