#include "memprof/heap/malloc_hooks.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/heap/alloc_log.h"
#include "memprof/heap/map_hooks.h"
#include "memprof/machine/got_patch.h"

/* Events. Looking for new libraries waits for the loader; most are found by the call of dlsym()
 * that follows their opening. */
#define FOLLOW_EVERY 1024

static struct got_patch patch;
static _Atomic(int) is_following; /* somebody looks for new libraries */
static ALLOC_THREAD_VARIABLE unsigned n_events;

/* The functions themselves. */
static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_reallocarray)(void *, size_t, size_t);
static void (*real_free)(void *);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static void *(*real_memalign)(size_t, size_t);
static void *(*real_valloc)(size_t);
static void *(*real_pvalloc)(size_t);
static void *(*real_dlsym)(void *, const char *);

static inline void end(void)
{
    if (__builtin_expect(++n_events % FOLLOW_EVERY == 0, 0))
        malloc_hooks_follow();
    alloc_hook_end();
}

static inline void *end_with(struct alloc_log *log, void *block, size_t size)
{
    if (block != NULL)
        alloc_log_any_allocated(log, block, size);
    end();
    return block;
}

/* ---- the hooks ---- */

static void *our_malloc(size_t size)
{
    struct alloc_log *log = alloc_hook_alloc();

    return log == NULL ? real_malloc(size) : end_with(log, real_malloc(size), size);
}

static void *our_calloc(size_t n, size_t size)
{
    struct alloc_log *log = alloc_hook_alloc();

    return log == NULL ? real_calloc(n, size) : end_with(log, real_calloc(n, size), n * size);
}

static void *our_aligned_alloc(size_t alignment, size_t size)
{
    struct alloc_log *log = alloc_hook_alloc();

    return log == NULL ? real_aligned_alloc(alignment, size)
                       : end_with(log, real_aligned_alloc(alignment, size), size);
}

static void *our_memalign(size_t alignment, size_t size)
{
    struct alloc_log *log = alloc_hook_alloc();

    return log == NULL ? real_memalign(alignment, size)
                       : end_with(log, real_memalign(alignment, size), size);
}

static void *our_valloc(size_t size)
{
    struct alloc_log *log = alloc_hook_alloc();

    return log == NULL ? real_valloc(size) : end_with(log, real_valloc(size), size);
}

static void *our_pvalloc(size_t size)
{
    struct alloc_log *log = alloc_hook_alloc();

    return log == NULL ? real_pvalloc(size) : end_with(log, real_pvalloc(size), size);
}

static int our_posix_memalign(void **block, size_t alignment, size_t size)
{
    struct alloc_log *log = alloc_hook_alloc();
    int error = real_posix_memalign(block, alignment, size);

    if (log != NULL)
        end_with(log, error == 0 ? *block : NULL, size);
    return error;
}

static void our_free(void *block)
{
    struct alloc_log *log;
    struct alloc_taken taken;

    if (block != NULL && (log = alloc_hook_free()) != NULL) {
        alloc_log_any_freed(log, block, &taken);
        real_free(block);
        end();
    } else {
        real_free(block);
    }
}

/*
 * A block is taken out before the call: as soon as that returns, it may be another thread's. While
 * the thread is paused only that is followed.
 */
static struct alloc_log *realloc_begin(void *block, struct alloc_taken *taken)
{
    struct alloc_log *log = block == NULL ? alloc_hook_alloc() : alloc_hook_free();

    taken->node = 0;
    if (log != NULL && block != NULL)
        alloc_log_any_freed(log, block, taken);
    return log;
}

static void *realloc_end(struct alloc_log *log, void *block, void *moved, size_t bytes,
                         const struct alloc_taken *taken)
{
    if (moved != NULL) {
        if (alloc_thread_state == ALLOC_IN_HOOK)
            alloc_log_any_allocated(log, moved, bytes);
    } else if (block != NULL && bytes != 0) { /* it failed; with 0 bytes it has freed */
        alloc_log_any_put_back(log, block, taken);
    }
    end();
    return moved;
}

static void *our_realloc(void *block, size_t size)
{
    struct alloc_taken taken;
    struct alloc_log *log = realloc_begin(block, &taken);
    void *moved = real_realloc(block, size);

    return log == NULL ? moved : realloc_end(log, block, moved, size, &taken);
}

static void *our_reallocarray(void *block, size_t n, size_t size)
{
    struct alloc_taken taken;
    struct alloc_log *log;
    size_t bytes;
    void *moved;

    if (__builtin_mul_overflow(n, size, &bytes))
        return real_reallocarray(block, n, size); /* it fails */
    log = realloc_begin(block, &taken);
    moved = real_reallocarray(block, n, size);
    return log == NULL ? moved : realloc_end(log, block, moved, bytes, &taken);
}

static void *our_dlsym(void *handle, const char *name);

static struct got_name names[] = {
    {"malloc", (void *)our_malloc, NULL},
    {"calloc", (void *)our_calloc, NULL},
    {"realloc", (void *)our_realloc, NULL},
    {"reallocarray", (void *)our_reallocarray, NULL},
    {"free", (void *)our_free, NULL},
    {"posix_memalign", (void *)our_posix_memalign, NULL},
    {"aligned_alloc", (void *)our_aligned_alloc, NULL},
    {"memalign", (void *)our_memalign, NULL},
    {"valloc", (void *)our_valloc, NULL},
    {"pvalloc", (void *)our_pvalloc, NULL},
    {"mmap", (void *)map_hooks_mmap, NULL},
    {"mmap64", (void *)map_hooks_mmap, NULL},
    {"munmap", (void *)map_hooks_munmap, NULL},
    {"mremap", (void *)map_hooks_mremap, NULL},
    {"dlsym", (void *)our_dlsym, NULL},
};

static void **const reals[] = {
    (void **)&real_malloc,
    (void **)&real_calloc,
    (void **)&real_realloc,
    (void **)&real_reallocarray,
    (void **)&real_free,
    (void **)&real_posix_memalign,
    (void **)&real_aligned_alloc,
    (void **)&real_memalign,
    (void **)&real_valloc,
    (void **)&real_pvalloc,
    (void **)&map_hooks_real_mmap,
    (void **)&map_hooks_real_mmap,
    (void **)&map_hooks_real_munmap,
    (void **)&map_hooks_real_mremap,
    (void **)&real_dlsym,
};

#define N_NAMES (sizeof names / sizeof *names)

/* What a program asks for by name must be ours as well. */
static const struct got_name *find_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < N_NAMES; i++)
        if (names[i].original != NULL && strcmp(names[i].name, name) == 0)
            return &names[i];
    return NULL;
}

/* dlsym() looks at its caller, for RTLD_NEXT: but for our names it is jumped to. */
static void *our_dlsym(void *handle, const char *name)
{
    const struct got_name *known = find_name(name);
    void *found;

    malloc_hooks_follow();
    if (known == NULL)
        return real_dlsym(handle, name);
    found = real_dlsym(handle, name);
    return found == known->original ? known->ours : found;
}

/* ---- patching ---- */

/* A fork while nobody looks: the child finds a whole patch, and the loader's lock free. */
static void look_alone(void)
{
    int is_free = 0;

    while (!atomic_compare_exchange_weak(&is_following, &is_free, 1)) {
        is_free = 0;
        sched_yield();
    }
}

static void look_no_more(void)
{
    atomic_store(&is_following, 0);
}

/* What a thread may be in the midst of calling stays where it is. */
static int find_reals(void)
{
    static bool is_told;

    if (!is_told && pthread_atfork(look_alone, look_no_more, look_no_more) != 0)
        return -ENOMEM;
    is_told = true;
    for (size_t i = 0; i < N_NAMES; i++)
        if (names[i].original == NULL && (names[i].original = got_original(names[i].name)) != NULL)
            *reals[i] = names[i].original; /* mmap() has two names, of which one may be missing */
    return real_malloc == NULL || real_free == NULL || real_dlsym == NULL ||
                   map_hooks_real_mmap == NULL || map_hooks_real_munmap == NULL
               ? -ENOTSUP
               : 0;
}

int malloc_hooks_install(const void *skip)
{
    int result;

    if (patch.n_names != 0) {
        malloc_hooks_follow();
        return (int)patch.n_slots;
    }
    alloc_pause();
    result = find_reals();
    if (result == 0)
        result = got_patch_all(&patch, names, N_NAMES, skip);
    alloc_resume();
    return result;
}

void malloc_hooks_remove(void)
{
    look_alone();
    alloc_pause();
    got_patch_restore(&patch);
    alloc_resume();
    look_no_more();
}

void malloc_hooks_follow(void)
{
    int is_free = 0;

    if (!atomic_compare_exchange_strong(&is_following, &is_free, 1))
        return;
    alloc_pause();
    got_patch_new(&patch);
    alloc_resume();
    atomic_store(&is_following, 0);
}

bool malloc_hooks_holder(struct got_holder *holder, const void *address)
{
    bool is_found;

    look_alone();
    is_found = got_holder_find(holder, address);
    look_no_more();
    return is_found;
}

size_t malloc_hooks_bytes(void)
{
    return got_patch_bytes(&patch);
}
