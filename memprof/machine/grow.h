/* Arrays that grow: one rule where little is added, and one where copies matter. */
#ifndef MEMPROF_GROW_H
#define MEMPROF_GROW_H

#include <stddef.h>

/*
 * All return the array with room for at least `wanted` items of `size` bytes, and write that room
 * to *capacity. The array may move; the caller owns it and frees it with free(). NULL without
 * memory: the array and *capacity are then as before.
 */

/* Doubles where it is too small. */
void *grow_double(void *array, size_t size, size_t wanted, size_t *capacity);

/* The same for an array whose items are looked up by number: those that are new are zero. */
void *grow_zeroed(void *array, size_t size, size_t wanted, size_t *capacity);

/* For `more` items, or `wanted` if these are more. */
void *grow_to(void *array, size_t size, size_t wanted, size_t more, size_t *capacity);

/*
 * Grows by half, so that large arrays are copied seldom; what is not yet used of a large block is
 * not resident.
 */
static inline void *grow_by_half(void *array, size_t size, size_t wanted, size_t *capacity)
{
    if (wanted <= *capacity)
        return array;
    return grow_to(array, size, wanted, *capacity + *capacity / 2 + 4, capacity);
}

#endif
