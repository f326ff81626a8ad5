#include "memprof/ext/heap/free_hook.h"

#include <stdatomic.h>

#include "memprof/ext/base/thread_slot.h"
#include "memprof/ext/heap/pymalloc_state.h"

static PyMemAllocatorEx objects; /* what the domain had before us */
static struct remembered *_Atomic all;
static PyInterpreterState *main_interpreter;
static bool was_reached;

/* The first of those to be told. Where another interpreter has a lock of its own its thread may not
 * even look: they come and go by the main one's. */
static inline struct remembered *first(void)
{
    struct remembered *one = atomic_load_explicit(&all, memory_order_relaxed);
#if PY_VERSION_HEX >= 0x030C0000
    PyThreadState *thread = one == NULL ? NULL : PyThreadState_GetUnchecked();

    if (thread == NULL || thread->interp != main_interpreter)
        return NULL;
#endif
    return one;
}

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
    for (struct remembered *one = first(); one != NULL; one = one->next) {
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

    for (struct remembered *one = first(); one != NULL; one = one->next)
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

        pymalloc_state_learn();
        PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &objects);
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &ours);
    }
    main_interpreter = PyInterpreterState_Main();
    remembered->next = all;
    all = remembered;
}

void free_hook_forget(struct remembered *remembered)
{
    struct remembered *before = all;

    if (before == remembered) {
        all = remembered->next;
        return;
    }
    while (before != NULL && before->next != remembered)
        before = before->next;
    if (before != NULL)
        before->next = remembered->next;
}
