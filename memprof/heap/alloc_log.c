#include "memprof/heap/alloc_log.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "memprof/machine/cpu_barrier.h"
#include "memprof/machine/pages.h"

struct alloc_log *_Atomic alloc_log_active;

ALLOC_THREAD_VARIABLE struct alloc_thread *alloc_thread_here;
ALLOC_THREAD_VARIABLE int alloc_thread_state;

static struct alloc_log the_log; /* hooks of malloc() have no context */
static bool is_made;

/* ---- the writer's role ---- */

void alloc_log_enter_slow(struct alloc_log *log)
{
    while (atomic_load(&log->is_wanted)) {
        atomic_store(&log->is_writing, 0);
        while (atomic_load(&log->is_wanted))
            sched_yield();
        atomic_store(&log->is_writing, 1);
    }
}

void alloc_log_lock(struct alloc_log *log)
{
    pthread_mutex_lock(&log->lock);
    atomic_store(&log->is_wanted, 1);
    if (!log->needs_fence)
        cpu_barrier();
    while (atomic_load(&log->is_writing))
        sched_yield();
}

void alloc_log_unlock(struct alloc_log *log)
{
    atomic_store(&log->is_wanted, 0);
    pthread_mutex_unlock(&log->lock);
}

bool alloc_log_go_in(struct alloc_log *log, struct alloc_thread *thread)
{
    atomic_store_explicit(&thread->is_inside, true, memory_order_relaxed);
    if (log->needs_fence)
        atomic_thread_fence(memory_order_seq_cst);
    else
        atomic_signal_fence(memory_order_seq_cst); /* the other side has cpu_barrier() */
    if (__builtin_expect(atomic_load_explicit(&alloc_log_active, memory_order_acquire) == log, 1))
        return true;
    atomic_store_explicit(&thread->is_inside, false, memory_order_release);
    return false;
}

/* Nothing is recorded any more: waits for those who are inside. */
static void wait_for_others(struct alloc_log *log)
{
    if (!log->needs_fence)
        cpu_barrier();
    for (struct alloc_thread *thread = atomic_load(&log->threads); thread != NULL;
         thread = thread->next)
        while (atomic_load(&thread->is_inside))
            sched_yield();
}

/* ---- rings ---- */

static void write_event(struct alloc_log *log, const struct alloc_event *event)
{
    struct heap_owner *owner = alloc_tree_owner(log->tree, event->node);

    switch ((enum alloc_kind)event->kind) {
    case ALLOC_EVENT_ALLOC:
        alloc_spans_alloc(log->spans, log->tree, event->node, event->size);
        heap_ledger_alloc(&log->ledger, owner, event->size);
        break;
    case ALLOC_EVENT_FREE:
        alloc_spans_free(log->spans, log->tree, event->node, event->size);
        heap_ledger_free(&log->ledger, owner, event->size);
        break;
    case ALLOC_EVENT_FREE_UNSEEN:
        alloc_spans_free(log->spans, log->tree, event->node, event->size);
        heap_ledger_replace(&log->ledger, owner, event->size);
        break;
    case ALLOC_EVENT_PUT_BACK:
        alloc_spans_put_back(log->spans, log->tree, event->node, event->size);
        heap_ledger_put_back(&log->ledger, owner, event->size);
        break;
    }
}

static const struct alloc_event *next_event(const struct alloc_thread *thread)
{
    uint32_t end = atomic_load_explicit(&thread->n_written, memory_order_acquire);
    uint32_t at = atomic_load_explicit(&thread->n_read, memory_order_relaxed);

    return at == end ? NULL : &thread->ring[at % ALLOC_RING_EVENTS];
}

static void write_next(struct alloc_log *log, struct alloc_thread *thread,
                       const struct alloc_event *event)
{
    uint32_t at = atomic_load_explicit(&thread->n_read, memory_order_relaxed);

    write_event(log, event);
    atomic_store_explicit(&thread->n_read, at + 1, memory_order_release);
}

/* Whether what it frees was allocated by an event that is still in another ring. */
static bool is_early(const struct alloc_log *log, const struct alloc_event *event)
{
    return (event->kind == ALLOC_EVENT_FREE || event->kind == ALLOC_EVENT_FREE_UNSEEN) &&
           heap_owner_lacks(alloc_tree_owner(log->tree, event->node), event->size);
}

/* An allocation stands in its ring before anybody can free the block, so there is always a ring
 * that can go on. */
void alloc_log_settle(struct alloc_log *log, const struct heap_owner *owner, size_t size)
{
    const struct alloc_event *event;
    bool goes_on = true;

    while (goes_on && heap_owner_lacks(owner, size)) {
        goes_on = false;
        for (struct alloc_thread *thread = atomic_load(&log->threads); thread != NULL;
             thread = thread->next)
            while (heap_owner_lacks(owner, size) && (event = next_event(thread)) != NULL &&
                   !is_early(log, event)) {
                write_next(log, thread, event);
                goes_on = true;
            }
    }
}

/* Locked. */
static void write_ring(struct alloc_log *log, struct alloc_thread *thread)
{
    const struct alloc_event *event;

    while ((event = next_event(thread)) != NULL) {
        if (is_early(log, event))
            alloc_log_settle(log, alloc_tree_owner(log->tree, event->node), event->size);
        write_next(log, thread, event);
    }
}

static void flush(struct alloc_log *log, struct alloc_thread *thread)
{
    alloc_log_lock(log);
    write_ring(log, thread);
    alloc_log_unlock(log);
    thread->pending_bytes = 0;
}

/* The next part of a ring is written to for the first time. */
static void touch_part(struct alloc_log *log, struct alloc_thread *thread)
{
    size_t part = ALLOC_RING_PART * sizeof *thread->ring;
    size_t before = offsetof(struct alloc_thread, ring) + thread->n_touched++ * part;
    atomic_fetch_add(&log->threads_bytes, pages_round(before + part) - pages_round(before));
}

void alloc_log_push(struct alloc_log *log, struct alloc_thread *thread, enum alloc_kind kind,
                    uint32_t node, size_t size)
{
    uint32_t at = atomic_load_explicit(&thread->n_written, memory_order_relaxed);
    bool is_more = kind == ALLOC_EVENT_ALLOC || kind == ALLOC_EVENT_PUT_BACK;

    if (at - atomic_load_explicit(&thread->n_read, memory_order_acquire) == ALLOC_RING_EVENTS)
        flush(log, thread);
    if (at / ALLOC_RING_PART % (ALLOC_RING_EVENTS / ALLOC_RING_PART) >= thread->n_touched)
        touch_part(log, thread);
    thread->ring[at % ALLOC_RING_EVENTS] = (struct alloc_event){node, kind, size};
    /* Last: a signal handler that allocates here overwrites, and nothing is counted twice. */
    atomic_store_explicit(&thread->n_written, at + 1, memory_order_release);
    thread->pending_bytes += is_more ? (int64_t)size : -(int64_t)size;
    if (thread->pending_bytes >= ALLOC_RING_BYTES || thread->pending_bytes <= -ALLOC_RING_BYTES)
        flush(log, thread);
}

/* ---- threads ---- */

/* Called when a thread ends. */
static void thread_ends(void *value)
{
    struct alloc_thread *thread = value;

    alloc_pause();
    if (alloc_log_go_in(&the_log, thread)) {
        flush(&the_log, thread);
        alloc_log_come_out(thread);
    }
    alloc_thread_here = NULL;
    atomic_store_explicit(&thread->is_used, false, memory_order_release);
    alloc_resume();
}

static struct alloc_thread *reuse(struct alloc_log *log)
{
    struct alloc_thread *thread = atomic_load_explicit(&log->threads, memory_order_acquire);
    bool is_used;

    for (; thread != NULL; thread = thread->next) {
        is_used = false;
        if (atomic_compare_exchange_strong(&thread->is_used, &is_used, true))
            return thread;
    }
    return NULL;
}

static struct alloc_thread *thread_new(struct alloc_log *log)
{
    struct alloc_thread *thread = pages_map(sizeof *thread);

    if (thread == NULL)
        return NULL;
    atomic_store(&thread->is_used, true);
    thread->next = atomic_load(&log->threads);
    while (!atomic_compare_exchange_weak(&log->threads, &thread->next, thread))
        ;
    atomic_fetch_add_explicit(&log->threads_bytes, pages_size(), memory_order_relaxed);
    return thread;
}

struct alloc_thread *alloc_thread_make(struct alloc_log *log)
{
    struct alloc_thread *thread = reuse(log);

    if (thread == NULL)
        thread = thread_new(log);
    if (thread == NULL)
        return NULL;
    thread->pending_bytes = 0;
    thread->number = 0;
    alloc_thread_here = thread;
    pthread_setspecific(log->key, thread);
    return thread;
}

/* ---- start and stop ---- */

/* A fork while nobody writes: the child finds a log that is whole. */
static void before_fork(void)
{
    alloc_log_lock(&the_log);
}

static void after_fork(void)
{
    alloc_log_unlock(&the_log);
}

/* What lies in rings is of a log that is gone. */
static void forget_rings(struct alloc_log *log)
{
    struct alloc_thread *thread = atomic_load(&log->threads);

    for (; thread != NULL; thread = thread->next) {
        atomic_store(&thread->n_read, atomic_load(&thread->n_written));
        thread->number = 0;
    }
}

/* In the child nothing is recorded until it is asked for: what it inherited is not its own. */
static void after_fork_in_child(void)
{
    atomic_store(&alloc_log_active, NULL);
    the_log.spans = NULL;
    pthread_mutex_init(&the_log.lock, NULL);
    atomic_store(&the_log.is_wanted, 0);
    atomic_store(&the_log.is_writing, 0);
    forget_rings(&the_log);
    for (struct alloc_thread *thread = atomic_load(&the_log.threads); thread != NULL;
         thread = thread->next) {
        atomic_store(&thread->is_inside, false);
        if (thread != alloc_thread_here)
            atomic_store(&thread->is_used, false);
    }
}

static int make_log(void)
{
    if (is_made)
        return 0;
    if (pthread_key_create(&the_log.key, thread_ends) != 0)
        return -ENOMEM;
    if (pthread_mutex_init(&the_log.lock, NULL) != 0 ||
        pthread_atfork(before_fork, after_fork, after_fork_in_child) != 0) {
        pthread_key_delete(the_log.key);
        return -ENOMEM;
    }
    is_made = true;
    return 0;
}

static void empty_log(struct alloc_log *log)
{
    shadow_free(log->shadow);
    alloc_tree_free(log->tree);
    map_table_clear(&log->maps);
    log->shadow = NULL;
    log->tree = NULL;
}

int alloc_log_start(struct alloc_log **log, uint32_t max_nodes, const struct alloc_log *receiver)
{
    int error;

    if (atomic_load(&alloc_log_active) != NULL)
        return -EBUSY;
    error = make_log();
    if (error != 0)
        return error;
    empty_log(&the_log);
    the_log.shadow = shadow_new();
    the_log.tree = alloc_tree_new(max_nodes);
    if (the_log.shadow == NULL || the_log.tree == NULL) {
        empty_log(&the_log);
        return -ENOMEM;
    }
    forget_rings(&the_log);
    heap_ledger_init(&the_log.ledger);
    the_log.spans = NULL;
    the_log.n_starts++;
    the_log.n_unfollowed = 0;
    the_log.needs_fence = cpu_barrier_register() != 0;
    the_log.holds = receiver->holds;
    the_log.node = receiver->node;
    the_log.code_freed = receiver->code_freed;
    the_log.library = receiver->library;
    the_log.library_code = receiver->library_code;
    *log = &the_log;
    atomic_store(&alloc_log_active, &the_log);
    return 0;
}

void alloc_log_flush(struct alloc_log *log)
{
    alloc_log_lock(log);
    for (struct alloc_thread *thread = atomic_load(&log->threads); thread != NULL;
         thread = thread->next)
        write_ring(log, thread);
    alloc_log_unlock(log);
}

void alloc_log_stop(void)
{
    if (atomic_load(&alloc_log_active) == NULL)
        return;
    atomic_store(&alloc_log_active, NULL);
    wait_for_others(&the_log);
    alloc_log_flush(&the_log);
}

/* ---- events ---- */

void alloc_log_unseen(struct alloc_log *log, const struct shadow_unseen *unseen)
{
    for (int i = 0; i < unseen->n; i++) {
        const struct shadow_block *block = &unseen->blocks[i];
        struct heap_owner *owner = alloc_tree_owner(log->tree, block->node);

        if (block->node == 0)
            continue;
        if (heap_owner_lacks(owner, block->size))
            alloc_log_settle(log, owner, block->size);
        alloc_spans_free(log->spans, log->tree, block->node, block->size);
        heap_ledger_replace(&log->ledger, owner, block->size);
    }
}

void alloc_log_undo(const void *address)
{
    struct alloc_log *log = alloc_hook_free();
    struct shadow_block block;

    if (log == NULL)
        return;
    if (address != NULL && address == log->latest) {
        alloc_log_enter(log);
        block.node = shadow_take(log->shadow, address, &block.size, &block.is_code);
        if (block.node != ALLOC_NONE) {
            alloc_spans_undo(log->spans, block.node, block.size);
            heap_ledger_undo(&log->ledger, alloc_tree_owner(log->tree, block.node), block.size);
        }
        log->latest = NULL;
        alloc_log_leave(log);
    }
    alloc_hook_end();
}

static void push_unseen(struct alloc_log *log, struct alloc_thread *thread,
                        const struct shadow_unseen *unseen)
{
    for (int i = 0; i < unseen->n; i++)
        if (unseen->blocks[i].node != 0)
            alloc_log_push(log, thread, ALLOC_EVENT_FREE_UNSEEN, unseen->blocks[i].node,
                           unseen->blocks[i].size);
}

static void push_allocated(struct alloc_log *log, struct alloc_thread *thread, uint32_t node,
                           const void *address, size_t size)
{
    struct shadow_unseen unseen;
    bool is_followed;

    if (node == ALLOC_NONE)
        return;
    is_followed = shadow_set(log->shadow, address, node, size, &unseen);
    push_unseen(log, thread, &unseen);
    if (is_followed)
        alloc_log_push(log, thread, ALLOC_EVENT_ALLOC, node, size);
}

void alloc_log_any_allocated(struct alloc_log *log, const void *address, size_t size)
{
    struct alloc_thread *thread = alloc_thread_get(log);
    void *context;
    int error = errno;

    if (thread == NULL)
        return;
    if (log->holds(&context)) {
        alloc_log_enter(log);
        alloc_log_allocated(log, log->node(thread, context, true), address, size);
        alloc_log_leave(log);
    } else if (alloc_log_go_in(log, thread)) {
        push_allocated(log, thread, log->node(thread, context, false), address, size);
        alloc_log_come_out(thread);
    }
    errno = error;
}

static void push_freed(struct alloc_log *log, struct alloc_thread *thread, const void *address,
                       struct alloc_taken *taken)
{
    taken->node = shadow_take(log->shadow, address, &taken->size, &taken->is_code);
    if (taken->node != 0)
        alloc_log_push(log, thread, ALLOC_EVENT_FREE, taken->node, taken->size);
    if (__builtin_expect(taken->is_code, 0)) { /* of an interpreter with a lock of its own */
        alloc_log_lock(log);
        log->code_freed(address);
        alloc_log_unlock(log);
    }
}

void alloc_log_any_freed(struct alloc_log *log, const void *address, struct alloc_taken *taken)
{
    struct alloc_thread *thread = alloc_thread_get(log);
    void *context;
    int error = errno;

    taken->node = 0;
    taken->is_code = false;
    if (thread == NULL)
        return;
    if (log->holds(&context)) {
        alloc_log_freed(log, address, taken);
    } else if (alloc_log_go_in(log, thread)) {
        push_freed(log, thread, address, taken);
        alloc_log_come_out(thread);
    }
    errno = error;
}

void alloc_log_any_put_back(struct alloc_log *log, const void *address,
                            const struct alloc_taken *taken)
{
    struct alloc_thread *thread = alloc_thread_get(log);
    struct shadow_unseen unseen;
    void *context;
    int error = errno;

    if (thread == NULL || taken->node == 0)
        return;
    if (log->holds(&context)) {
        shadow_set(log->shadow, address, taken->node, taken->size, &unseen);
        alloc_log_enter(log);
        alloc_spans_put_back(log->spans, log->tree, taken->node, taken->size);
        heap_ledger_put_back(&log->ledger, alloc_tree_owner(log->tree, taken->node), taken->size);
        alloc_log_leave(log);
    } else if (alloc_log_go_in(log, thread)) {
        shadow_set(log->shadow, address, taken->node, taken->size, &unseen);
        alloc_log_push(log, thread, ALLOC_EVENT_PUT_BACK, taken->node, taken->size);
        alloc_log_come_out(thread);
    }
    errno = error;
}

size_t alloc_log_bytes(const struct alloc_log *log)
{
    return shadow_bytes(log->shadow) + alloc_tree_bytes(log->tree) + map_table_bytes(&log->maps) +
           alloc_spans_bytes(log->spans, log->tree) +
           atomic_load_explicit(&log->threads_bytes, memory_order_relaxed);
}
