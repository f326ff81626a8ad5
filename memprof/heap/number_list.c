#include "memprof/heap/number_list.h"

#include "memprof/machine/pages.h"

#define TABLE_BYTES (NUMBER_LIST_SEGMENTS * sizeof(uint32_t *))
#define SEGMENT_BYTES (sizeof(uint32_t) << NUMBER_LIST_SHIFT)
#define MOST (UINT32_MAX - NUMBER_LIST_MASK)

void number_list_release(struct number_list *list)
{
    for (uint32_t i = 0; list->segments != NULL && i < NUMBER_LIST_SEGMENTS; i++)
        if (list->segments[i] != NULL)
            pages_unmap(list->segments[i], SEGMENT_BYTES);
        else
            break;
    pages_unmap(list->segments, TABLE_BYTES);
    *list = (struct number_list){.segments = NULL};
}

bool number_list_grow(struct number_list *list)
{
    uint32_t **segment;

    if (list->segments == NULL)
        list->segments = pages_map(TABLE_BYTES);
    if (list->segments == NULL || list->n >= MOST) {
        list->has_failed = true;
        return false;
    }
    segment = &list->segments[list->n >> NUMBER_LIST_SHIFT];
    if (*segment == NULL)
        *segment = pages_map(SEGMENT_BYTES);
    list->has_failed |= *segment == NULL;
    return *segment != NULL;
}
