/*
 * A long list of numbers below 2^32, one behind the other. Memory is past malloc(), in segments, so
 * that none is copied where it grows.
 *
 * Threads: one user at a time.
 */
#ifndef MEMPROF_NUMBER_LIST_H
#define MEMPROF_NUMBER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_LIST_SHIFT 18 /* numbers of a segment, which is of 1 MiB */
#define NUMBER_LIST_SEGMENTS (1 << (32 - NUMBER_LIST_SHIFT))
#define NUMBER_LIST_MASK (((uint32_t)1 << NUMBER_LIST_SHIFT) - 1)

/* All zero is an empty one. */
struct number_list {
    uint32_t **segments; /* owned, as what they lead to */
    uint32_t n;
    bool has_failed; /* without memory, or at 2^32 - 1: a number was not put on it */
};

void number_list_release(struct number_list *list);

/* Room for one more; of append alone. */
bool number_list_grow(struct number_list *list);

static inline void number_list_append(struct number_list *list, uint32_t number)
{
    if (__builtin_expect((list->n & NUMBER_LIST_MASK) == 0, 0) && !number_list_grow(list))
        return;
    list->segments[list->n >> NUMBER_LIST_SHIFT][list->n & NUMBER_LIST_MASK] = number;
    list->n++;
}

static inline uint32_t number_list_at(const struct number_list *list, uint32_t i)
{
    return list->segments[i >> NUMBER_LIST_SHIFT][i & NUMBER_LIST_MASK];
}

#endif
