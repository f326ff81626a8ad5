#include "memprof/ext/heap/arena_hook.h"

#include <stdbool.h>

#include "memprof/heap/alloc_log.h"

#define PROBE_BYTES ((size_t)1 << 20)

static PyObjectArenaAllocator before; /* what there was before us */
static bool was_reached;

static void *hook_alloc(void *context, size_t size)
{
    struct alloc_log *log = alloc_hook_alloc();
    void *arena;

    (void)context;
    was_reached = true;
    arena = before.alloc(before.ctx, size);
    if (log != NULL)
        alloc_hook_end();
    return arena;
}

static void hook_free(void *context, void *arena, size_t size)
{
    struct alloc_log *log = alloc_hook_free();

    (void)context;
    before.free(before.ctx, arena, size);
    if (log != NULL)
        alloc_hook_end();
}

/* Somebody who has wrapped ours calls us, too: wrapped again it would call itself for ever. */
static bool is_reached(const PyObjectArenaAllocator *now)
{
    void *arena;

    was_reached = false;
    alloc_pause();
    arena = now->alloc(now->ctx, PROBE_BYTES);
    if (arena != NULL)
        now->free(now->ctx, arena, PROBE_BYTES);
    alloc_resume();
    return was_reached;
}

void arena_hook_install(void)
{
    PyObjectArenaAllocator ours = {NULL, hook_alloc, hook_free}, now;

    PyObject_GetArenaAllocator(&now);
    if (is_reached(&now))
        return;
    before = now;
    PyObject_SetArenaAllocator(&ours);
}

void arena_hook_remove(void)
{
    PyObjectArenaAllocator now;

    PyObject_GetArenaAllocator(&now);
    if (now.alloc == hook_alloc)
        PyObject_SetArenaAllocator(&before);
}

void *arena_hook_map(void)
{
    return before.alloc == NULL ? NULL : before.alloc(before.ctx, PROBE_BYTES);
}

void arena_hook_unmap(void *arena)
{
    if (arena != NULL)
        before.free(before.ctx, arena, PROBE_BYTES);
}
