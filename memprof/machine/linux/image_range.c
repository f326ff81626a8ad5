#include "memprof/machine/image_range.h"

#include <link.h>

struct search {
    uintptr_t inside;
    struct image_range found;
};

static int look_into(struct dl_phdr_info *info, size_t size, void *context)
{
    struct search *search = context;
    uintptr_t from = UINTPTR_MAX, to = 0;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        uintptr_t end = start + info->dlpi_phdr[i].p_memsz;

        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        from = start < from ? start : from;
        to = end > to ? end : to;
    }
    if (search->inside < from || search->inside >= to)
        return 0;
    search->found = (struct image_range){from, to};
    return 1;
}

struct image_range image_range_of(const void *inside)
{
    struct search search = {.inside = (uintptr_t)inside};

    dl_iterate_phdr(look_into, &search);
    return search.found;
}
