#include "memprof/heap/map_hooks.h"

#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>

#include "memprof/heap/alloc_maps.h"
#include "memprof/machine/pages.h"

/* Not in every header. */
#ifndef MREMAP_FIXED
#define MREMAP_FIXED 2
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

void *(*map_hooks_real_mmap)(void *, size_t, int, int, int, off_t);
int (*map_hooks_real_munmap)(void *, size_t);
void *(*map_hooks_real_mremap)(void *, size_t, size_t, int, ...);

/* What is there is replaced: it is taken out before, as all that is freed. */
void *map_hooks_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    struct alloc_log *log = alloc_hook_alloc();
    struct alloc_maps_taken taken = {0};
    bool is_counted = flags & MAP_ANONYMOUS && protection != PROT_NONE;
    const void *caller = __builtin_return_address(0);
    void *mapped;

    if (log == NULL)
        return map_hooks_real_mmap(address, size, protection, flags, file, offset);
    if (flags & MAP_FIXED)
        alloc_maps_gone(log, address, size, &taken);
    mapped = map_hooks_real_mmap(address, size, protection, flags, file, offset);
    if (mapped != MAP_FAILED)
        alloc_maps_mapped(log, mapped, size, is_counted ? caller : NULL);
    else
        alloc_maps_put_back(log, &taken);
    alloc_hook_end();
    return mapped;
}

int map_hooks_munmap(void *address, size_t size)
{
    struct alloc_log *log = alloc_hook_free();
    struct alloc_maps_taken taken = {0};
    int result;

    if (log == NULL)
        return map_hooks_real_munmap(address, size);
    if ((uintptr_t)address % pages_size() == 0)
        alloc_maps_gone(log, address, size, &taken);
    result = map_hooks_real_munmap(address, size);
    if (result != 0)
        alloc_maps_put_back(log, &taken);
    alloc_hook_end();
    return result;
}

/* A mapping that was not counted is not counted in its new place either. */
static void remapped(struct alloc_log *log, void *moved, size_t size, int flags,
                     const struct alloc_maps_taken *taken, const void *caller)
{
    if (moved == MAP_FAILED || flags & MREMAP_DONTUNMAP)
        alloc_maps_put_back(log, taken);
    if (moved != MAP_FAILED && alloc_thread_state == ALLOC_IN_HOOK)
        alloc_maps_mapped(log, moved, size, taken->n > 0 ? caller : NULL);
}

void *map_hooks_mremap(void *address, size_t size, size_t new_size, int flags, ...)
{
    struct alloc_log *log = alloc_hook_free();
    struct alloc_maps_taken taken = {0}, replaced = {0};
    void *wanted = NULL, *moved;
    va_list more;

    va_start(more, flags);
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
        wanted = va_arg(more, void *);
    va_end(more);
    if (log == NULL)
        return map_hooks_real_mremap(address, size, new_size, flags, wanted);
    alloc_maps_gone(log, address, size, &taken);
    if (flags & MREMAP_FIXED)
        alloc_maps_gone(log, wanted, new_size, &replaced);
    moved = map_hooks_real_mremap(address, size, new_size, flags, wanted);
    if (moved == MAP_FAILED)
        alloc_maps_put_back(log, &replaced);
    remapped(log, moved, new_size, flags, &taken, __builtin_return_address(0));
    alloc_hook_end();
    return moved;
}
