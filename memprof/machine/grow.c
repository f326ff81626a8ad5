#include "memprof/machine/grow.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 4

void *grow_to(void *array, size_t size, size_t wanted, size_t more, size_t *capacity)
{
    void *moved;

    if (wanted <= *capacity)
        return array;
    more = more < wanted ? wanted : more;
    moved = more > SIZE_MAX / 2 / size ? NULL : realloc(array, more * size);
    if (moved != NULL)
        *capacity = more;
    return moved;
}

void *grow_double(void *array, size_t size, size_t wanted, size_t *capacity)
{
    return grow_to(array, size, wanted, *capacity == 0 ? LEAST : 2 * *capacity, capacity);
}

void *grow_zeroed(void *array, size_t size, size_t wanted, size_t *capacity)
{
    size_t before = *capacity;
    char *moved = grow_double(array, size, wanted, capacity);

    if (moved != NULL)
        memset(moved + before * size, 0, (*capacity - before) * size);
    return moved;
}
