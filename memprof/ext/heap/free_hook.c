#include "memprof/ext/heap/free_hook.h"

static PyMemAllocatorEx objects; /* what the domain had before us */
static struct remembered *all;
static bool was_reached;

static void *hook_malloc(void *context, size_t size)
{
    const PyMemAllocatorEx *before = context;

    was_reached = true;
    return before->malloc(before->ctx, size);
}

static void *hook_calloc(void *context, size_t n, size_t size)
{
    const PyMemAllocatorEx *before = context;

    return before->calloc(before->ctx, n, size);
}

/* An object that moves stays the one that it was. */
static void *hook_realloc(void *context, void *block, size_t size)
{
    const PyMemAllocatorEx *before = context;
    void *moved = before->realloc(before->ctx, block, size);

    if (moved == NULL || moved == block || block == NULL)
        return moved;
    for (struct remembered *one = all; one != NULL; one = one->next) {
        if (!address_bits_has(&one->blocks, block))
            continue;
        address_bits_remove(&one->blocks, block);
        address_bits_add(&one->blocks, moved);
    }
    return moved;
}

static void hook_free(void *context, void *block)
{
    const PyMemAllocatorEx *before = context;

    for (struct remembered *one = all; one != NULL; one = one->next)
        address_bits_remove(&one->blocks, block);
    before->free(before->ctx, block);
}

bool free_hook_reached(void)
{
    was_reached = false;
    if (objects.malloc != NULL)
        PyObject_Free(PyObject_Malloc(40));
    return was_reached;
}

void free_hook_remember(struct remembered *remembered)
{
    if (!free_hook_reached()) {
        PyMemAllocatorEx ours = {&objects, hook_malloc, hook_calloc, hook_realloc, hook_free};

        PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &objects);
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &ours);
    }
    remembered->next = all;
    all = remembered;
}

void free_hook_forget(struct remembered *remembered)
{
    for (struct remembered **at = &all; *at != NULL; at = &(*at)->next) {
        if (*at != remembered)
            continue;
        *at = remembered->next;
        return;
    }
}
