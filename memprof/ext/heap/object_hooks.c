#include "memprof/ext/heap/object_hooks.h"

#include "memprof/ext/base/thread_slot.h"
#include "memprof/ext/heap/frame_stack.h"
#include "memprof/ext/heap/pymalloc_state.h"
#include "memprof/heap/malloc_hooks.h"

/* Of a domain: what it had before us. */
static PyMemAllocatorEx objects, memory;
static PyInterpreterState *main_interpreter;
static struct thread_slot slot;
static uintptr_t python_base; /* of the object that holds the interpreter */

bool object_hooks_hold(void **context)
{
    PyThreadState *thread;

#if PY_VERSION_HEX >= 0x030C0000
    thread = thread_slot_get(&slot); /* of this thread: not NULL is attached */
    if (thread != NULL) {
        *context = thread;
        return thread->interp == main_interpreter;
    }
    *context = PyGILState_GetThisThreadState();
    return false;
#else
    thread = PyGILState_GetThisThreadState();
    *context = thread;
    return thread != NULL && PyThreadState_GetUnchecked() == thread; /* that of who has the lock */
#endif
}

uint32_t object_hooks_node(struct alloc_thread *thread, void *context, bool holds)
{
    struct alloc_log *log = atomic_load_explicit(&alloc_log_active, memory_order_relaxed);

    if (log == NULL)
        return ALLOC_NONE; /* it was stopped at this moment */
    return context == NULL ? log->tree->roots[ALLOC_NO_PYTHON]
                           : frame_stack_node(log, thread, context, holds);
}

const char *object_hooks_library(const void *caller)
{
    struct got_holder found = {0};

    if (!malloc_hooks_holder(&found, caller) || found.base == python_base)
        return NULL;
    return found.path;
}

/* ---- of a thread that holds the lock ---- */

/* Where a second interpreter has a lock of its own it is no holder of ours. */
static inline PyThreadState *holder(void)
{
    PyThreadState *thread = thread_slot_get(&slot);

    return thread != NULL && thread->interp == main_interpreter ? thread : NULL;
}

static __attribute__((noinline)) void *allocated_slow(struct alloc_log *log, void *block,
                                                      size_t size)
{
    PyThreadState *state = holder();
    struct alloc_thread *thread;

    if (block != NULL && state == NULL) {
        alloc_log_any_allocated(log, block, size);
    } else if (block != NULL && (thread = alloc_thread_get(log)) != NULL) {
        alloc_log_enter(log);
        alloc_log_allocated(log, frame_stack_node(log, thread, state, true), block, size);
        alloc_log_leave(log);
    }
    alloc_hook_end();
    return block;
}

static __attribute__((noinline)) void write_slow(struct alloc_log *log, uint32_t node, void *block,
                                                 size_t size)
{
    alloc_log_allocated(log, node, block, size);
    if (size < SHADOW_LONG)
        shadow_remember(log->shadow, block);
}

/* What is known at once is done without a call. */
static inline void *allocated(struct alloc_log *log, void *block, size_t size)
{
    PyThreadState *state = holder();
    struct alloc_thread *thread = alloc_thread_here;
    uint32_t node;

    if (state == NULL || thread == NULL || block == NULL || !alloc_log_try_enter(log))
        return allocated_slow(log, block, size);
    node = frame_stack_node_near(thread, state);
    if (__builtin_expect(node == ALLOC_NONE, 0))
        node = frame_stack_node(log, thread, state, true);
    if (__builtin_expect(!alloc_log_allocated_near(log, node, block, size), 0))
        write_slow(log, node, block, size);
    alloc_log_leave(log);
    alloc_hook_end();
    return block;
}

static void freed(struct alloc_log *log, void *block, struct alloc_taken *taken)
{
    if (__builtin_expect(holder() == NULL, 0)) {
        alloc_log_any_freed(log, block, taken);
    } else {
        alloc_log_freed(log, block, taken);
        shadow_remember(log->shadow, block);
    }
}

/* ---- the hooks ---- */

static void *hook_malloc(void *context, size_t size)
{
    const PyMemAllocatorEx *before = context;
    struct alloc_log *log = alloc_hook_alloc();
    void *block = before->malloc(before->ctx, size);

    return log == NULL ? block : allocated(log, block, size);
}

static void *hook_calloc(void *context, size_t n, size_t size)
{
    const PyMemAllocatorEx *before = context;
    struct alloc_log *log = alloc_hook_alloc();
    void *block = before->calloc(before->ctx, n, size);

    return log == NULL ? block : allocated(log, block, n * size);
}

static void *hook_realloc(void *context, void *block, size_t size)
{
    const PyMemAllocatorEx *before = context;
    struct alloc_log *log = block == NULL ? alloc_hook_alloc() : alloc_hook_free();
    struct alloc_taken taken = {0};
    void *moved;

    if (log == NULL)
        return before->realloc(before->ctx, block, size);
    if (block != NULL)
        freed(log, block, &taken);
    moved = before->realloc(before->ctx, block, size);
    if (moved == NULL && block != NULL)
        alloc_log_any_put_back(log, block, &taken);
    if (alloc_thread_state == ALLOC_IN_HOOK)
        return allocated(log, moved, size);
    alloc_hook_end();
    return moved;
}

static __attribute__((noinline)) void free_slow(struct alloc_log *log,
                                                const PyMemAllocatorEx *before, void *block)
{
    struct alloc_taken taken;

    freed(log, block, &taken);
    before->free(before->ctx, block);
    alloc_hook_end();
}

static void hook_free(void *context, void *block)
{
    const PyMemAllocatorEx *before = context;
    struct alloc_log *log = block == NULL ? NULL : alloc_hook_free();

    if (log == NULL) {
        before->free(before->ctx, block);
    } else if (holder() == NULL || !alloc_log_freed_near(log, block)) {
        free_slow(log, before, block);
    } else {
        before->free(before->ctx, block);
        alloc_hook_end();
    }
}

static void install(PyMemAllocatorDomain domain, PyMemAllocatorEx *before)
{
    PyMemAllocatorEx ours = {before, hook_malloc, hook_calloc, hook_realloc, hook_free};

    PyMem_GetAllocator(domain, before);
    PyMem_SetAllocator(domain, &ours);
}

static void install_in(PyMemAllocatorDomain domain)
{
    install(domain, domain == PYMEM_DOMAIN_OBJ ? &objects : &memory);
}

/* Only where nobody has wrapped ours: he calls it, and may put it back. */
static void remove_from(PyMemAllocatorDomain domain, PyMemAllocatorEx *before)
{
    PyMemAllocatorEx now;

    PyMem_GetAllocator(domain, &now);
    if (now.ctx == before && now.malloc == hook_malloc)
        PyMem_SetAllocator(domain, before);
}

void object_hooks_remove(void)
{
    remove_from(PYMEM_DOMAIN_OBJ, &objects);
    remove_from(PYMEM_DOMAIN_MEM, &memory);
}

/* ---- whether they are called ---- */

static PyMemAllocatorEx probed;
static bool was_reached;

static void *note_reached(void *context, size_t size)
{
    was_reached = true;
    return probed.malloc(context, size);
}

bool object_hooks_reached(PyMemAllocatorDomain domain)
{
    bool is_objects = domain == PYMEM_DOMAIN_OBJ;
    PyMemAllocatorEx *before = is_objects ? &objects : &memory;

    if (before->malloc == NULL)
        return false;
    probed = *before;
    was_reached = false;
    before->malloc = note_reached;
    alloc_pause();
    if (is_objects)
        PyObject_Free(PyObject_Malloc(40));
    else
        PyMem_Free(PyMem_Malloc(40));
    alloc_resume();
    before->malloc = probed.malloc;
    return was_reached;
}

void object_hooks_install(void)
{
    struct got_holder python = {0};

    if (malloc_hooks_holder(&python, (const void *)PyObject_Malloc))
        python_base = python.base;
    main_interpreter = PyInterpreterState_Main();
    if (!thread_slot_is_known(&slot))
        thread_slot_find(&slot);
    pymalloc_state_learn();
    if (!object_hooks_reached(PYMEM_DOMAIN_OBJ))
        install_in(PYMEM_DOMAIN_OBJ);
    if (!object_hooks_reached(PYMEM_DOMAIN_MEM))
        install_in(PYMEM_DOMAIN_MEM);
}
