/* How the arrays of a recording grow. */
#ifndef MEMPROF_GROW_ARRAY_H
#define MEMPROF_GROW_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * The array with room for one more of `size` bytes, or NULL. It grows by half, so that copies are
 * few; what is not yet used of a large block is not resident.
 */
static inline void *grow_array(void *array, size_t size, size_t count, size_t *capacity)
{
    size_t more = *capacity + *capacity / 2 + 4;
    void *moved;

    if (count < *capacity)
        return array;
    moved = more > SIZE_MAX / 2 / size ? NULL : realloc(array, more * size);
    if (moved != NULL)
        *capacity = more;
    return moved;
}

#endif
