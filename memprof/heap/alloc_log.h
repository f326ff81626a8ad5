/*
 * Who writes down what is allocated and freed, in a process of many threads: one log, whose tree
 * and ledger have one writer at a time.
 *
 * Most events come from the thread that holds the interpreter's lock. It writes at once, for the
 * price of two stores (alloc_log_enter(), alloc_log_leave()). Other threads put their events into a
 * ring of their own and write them together, when it is full or holds much memory: they stop the
 * holder first (alloc_log_lock()). So the peak is that of one possible order, off by at most what
 * lies in rings.
 *
 * A process has one log (hooks of malloc() have nothing to find another by), made at the first
 * start and never freed: threads may be in a hook at any time.
 *
 * Call order: alloc_log_start(); events; alloc_log_stop(), after which hooks pass through. Then
 * the log is read.
 */
#ifndef MEMPROF_ALLOC_LOG_H
#define MEMPROF_ALLOC_LOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memprof/heap/alloc_span.h"
#include "memprof/heap/alloc_tree.h"
#include "memprof/heap/heap_ledger.h"
#include "memprof/heap/map_table.h"
#include "memprof/heap/shadow.h"

#define ALLOC_RING_EVENTS 4096 /* stopping the holder costs as much as hundreds of them */
#define ALLOC_RING_PART 256    /* 4 KiB of them */
#define ALLOC_RING_BYTES (64 << 10)

/* Libraries that are opened late have no room for other thread-locals in glibc, and none for these
 * in musl. */
#ifdef __GLIBC__
#define ALLOC_THREAD_VARIABLE _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define ALLOC_THREAD_VARIABLE _Thread_local
#endif

enum alloc_kind {
    ALLOC_EVENT_ALLOC,
    ALLOC_EVENT_FREE,
    ALLOC_EVENT_FREE_UNSEEN,
    ALLOC_EVENT_PUT_BACK
};

struct alloc_event {
    uint32_t node;
    uint32_t kind; /* of enum alloc_kind */
    uint64_t size;
};

/* Of one thread; reused when that has ended, never freed. */
struct alloc_thread {
    struct alloc_thread *next;
    _Atomic(bool) is_used;
    _Atomic(bool) is_inside;             /* it uses what the log owns, without holding */
    _Atomic(uint32_t) n_written, n_read; /* of the ring: how many events ever */
    uint32_t number; /* the receiver's; 0 where the thread, or the log, is a new one */
    int64_t pending_bytes;
    uint32_t n_touched; /* parts of the ring that are resident */
    void *stack;        /* what the receiver keeps for the thread; as long as the record */
    struct alloc_event ring[ALLOC_RING_EVENTS];
};

/* What all threads read at each event shares no line of the cache with what the writer changes. */
struct alloc_log {
    struct shadow *shadow;
    struct alloc_tree *tree;
    struct alloc_span *spans; /* borrowed: those that have not ended, see alloc_log_span.h */
    bool needs_fence;         /* the system cannot stop the holder for us */
    pthread_key_t key;        /* its destructor hands a thread's ring over */

    /*
     * The receiver's: whether the running thread holds the interpreter's lock, with what it found
     * out on the way (`context`), and the node of what runs in this thread. That must be under
     * alloc_log_lock() where the tree grows and the thread does not hold.
     */
    bool (*holds)(void **context);
    uint32_t (*node)(struct alloc_thread *thread, void *context, bool holds);
    void (*code_freed)(const void *address); /* under the writer's role */

    /*
     * The receiver's, or NULL: the path of the library that has called mmap(), as long as the call,
     * NULL where that is the interpreter; and, under the writer's role, its number as a code, below
     * which the mapping stands. 0: below none.
     */
    const char *(*library)(const void *caller);
    uint32_t (*library_code)(const char *path);

    _Alignas(64) struct heap_ledger ledger;
    struct map_table maps; /* anonymous mappings: see alloc_maps.h */
    const void *latest;    /* block of the holder */
    uint64_t n_unfollowed; /* blocks without memory for their entry */
    uint64_t n_starts;

    _Alignas(64) _Atomic(int) is_writing; /* the holder is in between enter and leave */
    _Atomic(int) is_wanted;               /* another thread writes, or waits to */
    pthread_mutex_t lock;                 /* of those others */

    struct alloc_thread *_Atomic threads; /* records: one that ended leaves its own to the next */
    _Atomic(size_t) threads_bytes;        /* of them that are resident */
};

/* The process' log: NULL while nothing is recorded. */
extern struct alloc_log *_Atomic alloc_log_active;

/* The running thread's record, and what it does: ALLOC_IN_HOOK, and ALLOC_PAUSE for each
 * alloc_pause(). */
extern ALLOC_THREAD_VARIABLE struct alloc_thread *alloc_thread_here;
extern ALLOC_THREAD_VARIABLE int alloc_thread_state;

#define ALLOC_IN_HOOK 1
#define ALLOC_PAUSE 2

/*
 * What the running thread allocates until alloc_resume() is the tool's, not the program's; nests.
 * Frees are followed on: of what the program has allocated before.
 */
static inline void alloc_pause(void)
{
    alloc_thread_state += ALLOC_PAUSE;
}

static inline void alloc_resume(void)
{
    alloc_thread_state -= ALLOC_PAUSE;
}

/* The log, where an allocation, or a free, of this thread is to be seen. Then it is in a hook until
 * alloc_hook_end(): what these do in turn is no event. */
static inline struct alloc_log *alloc_hook_begin(int passes)
{
    struct alloc_log *log = atomic_load_explicit(&alloc_log_active, memory_order_acquire);

    if (__builtin_expect(log == NULL || (alloc_thread_state & passes) != 0, 0))
        return NULL;
    alloc_thread_state |= ALLOC_IN_HOOK;
    return log;
}

static inline struct alloc_log *alloc_hook_alloc(void)
{
    return alloc_hook_begin(~0);
}

static inline struct alloc_log *alloc_hook_free(void)
{
    return alloc_hook_begin(ALLOC_IN_HOOK);
}

static inline void alloc_hook_end(void)
{
    alloc_thread_state &= ~ALLOC_IN_HOOK;
}

/*
 * Records from now on, into an empty log. max_nodes as in alloc_tree_new(). The receiver's
 * functions stay those of the first start. 0, -EBUSY while it records, or -ENOMEM.
 */
int alloc_log_start(struct alloc_log **log, uint32_t max_nodes, const struct alloc_log *receiver);

/* What threads have in rings is written. Not entered, not locked. */
void alloc_log_flush(struct alloc_log *log);

/* No more events; those in rings are written, and no thread uses the log. It may be read until the
 * next start. For the thread that holds the interpreter's lock, as the start. */
void alloc_log_stop(void);

/* The running thread's record, made at its first event; NULL without memory. */
struct alloc_thread *alloc_thread_make(struct alloc_log *log);

static inline struct alloc_thread *alloc_thread_get(struct alloc_log *log)
{
    struct alloc_thread *thread = alloc_thread_here;

    return thread != NULL ? thread : alloc_thread_make(log);
}

/* ---- the writer's role ---- */

/* Waits until no other thread writes. */
void alloc_log_enter_slow(struct alloc_log *log);

/* For the thread that holds the interpreter's lock, which it keeps until alloc_log_leave(). */
static inline void alloc_log_enter(struct alloc_log *log)
{
    atomic_store_explicit(&log->is_writing, 1, memory_order_relaxed);
    if (log->needs_fence)
        atomic_thread_fence(memory_order_seq_cst);
    else
        atomic_signal_fence(memory_order_seq_cst); /* the other side has membarrier() */
    if (__builtin_expect(atomic_load_explicit(&log->is_wanted, memory_order_acquire), 0))
        alloc_log_enter_slow(log);
}

static inline void alloc_log_leave(struct alloc_log *log)
{
    atomic_store_explicit(&log->is_writing, 0, memory_order_release);
}

/* Likewise, where that is done at once: else false, and it has not entered. */
static inline bool alloc_log_try_enter(struct alloc_log *log)
{
    if (log->needs_fence)
        return false;
    atomic_store_explicit(&log->is_writing, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(!atomic_load_explicit(&log->is_wanted, memory_order_acquire), 1))
        return true;
    alloc_log_leave(log);
    return false;
}

/* For any thread that has not entered. */
void alloc_log_lock(struct alloc_log *log);
void alloc_log_unlock(struct alloc_log *log);

/*
 * A thread that does not hold may be anywhere when the log is stopped and made anew. It says when
 * it uses what the log owns, and looks again then whether it still may; who stops waits for it.
 */
bool alloc_log_go_in(struct alloc_log *log, struct alloc_thread *thread);

static inline void alloc_log_come_out(struct alloc_thread *thread)
{
    atomic_store_explicit(&thread->is_inside, false, memory_order_release);
}

/* ---- events ---- */

/* Writes an event of a thread that does not hold. */
void alloc_log_push(struct alloc_log *log, struct alloc_thread *thread, enum alloc_kind kind,
                    uint32_t node, size_t size);

/* A block of an owner's is freed before the thread that allocated it has written that down: writes
 * of rings what comes before. Entered, or locked. */
void alloc_log_settle(struct alloc_log *log, const struct heap_owner *owner, size_t size);

/* Blocks that were found gone: see shadow.h. Entered. */
void alloc_log_unseen(struct alloc_log *log, const struct shadow_unseen *unseen);

/* A block was allocated by the holder, at a node. Entered. */
static inline void alloc_log_allocated(struct alloc_log *log, uint32_t node, const void *address,
                                       size_t size)
{
    struct shadow_unseen unseen;
    bool is_followed;

    log->latest = address;
    if (__builtin_expect(node == ALLOC_NONE, 0))
        return;
    is_followed = shadow_set(log->shadow, address, node, size, &unseen);
    if (__builtin_expect(unseen.n != 0, 0))
        alloc_log_unseen(log, &unseen);
    if (__builtin_expect(!is_followed, 0)) {
        log->n_unfollowed++;
        return;
    }
    if (__builtin_expect(log->spans != NULL, 0))
        alloc_spans_alloc(log->spans, log->tree, node, size);
    heap_ledger_alloc(&log->ledger, alloc_tree_owner(log->tree, node), size);
}

/* Likewise where that is short work, which most are. False: nothing has happened. */
static inline bool alloc_log_allocated_near(struct alloc_log *log, uint32_t node,
                                            const void *address, size_t size)
{
    shadow_word *word = shadow_word_near(log->shadow, (uintptr_t)address);

    if (word == NULL || size >= SHADOW_LONG || node == ALLOC_NONE || log->spans != NULL ||
        atomic_load_explicit(word, memory_order_relaxed) != 0)
        return false;
    log->latest = address;
    atomic_store_explicit(word, (uint32_t)size << SHADOW_SIZE_SHIFT | node, memory_order_relaxed);
    heap_ledger_alloc(&log->ledger, alloc_tree_owner(log->tree, node), size);
    return true;
}

/* A block that was taken out of the shadow, to be put back where a realloc() fails. */
struct alloc_taken {
    size_t size;
    uint32_t node; /* 0: nobody knew it */
    bool is_code;
};

/* The holder is about to free a block. Not entered. */
static inline void alloc_log_freed(struct alloc_log *log, const void *address,
                                   struct alloc_taken *taken)
{
    struct heap_owner *owner;

    taken->node = shadow_take(log->shadow, address, &taken->size, &taken->is_code);
    if (taken->node == 0 && !taken->is_code)
        return;
    alloc_log_enter(log);
    if (taken->node != 0) {
        owner = alloc_tree_owner(log->tree, taken->node);
        if (__builtin_expect(heap_owner_lacks(owner, taken->size), 0))
            alloc_log_settle(log, owner, taken->size);
        if (__builtin_expect(log->spans != NULL, 0))
            alloc_spans_free(log->spans, log->tree, taken->node, taken->size);
        heap_ledger_free(&log->ledger, owner, taken->size);
    }
    if (__builtin_expect(taken->is_code, 0))
        log->code_freed(address);
    alloc_log_leave(log);
}

/* Likewise where that is short work. False: nothing has happened. */
static inline bool alloc_log_freed_near(struct alloc_log *log, const void *address)
{
    shadow_word *word = shadow_word_near(log->shadow, (uintptr_t)address);
    struct heap_owner *owner;
    uint32_t entry, node;
    bool is_done = false;

    if (word == NULL || log->spans != NULL)
        return false;
    entry = atomic_load_explicit(word, memory_order_relaxed);
    node = entry & (SHADOW_MAX_NODES - 1);
    if (entry >= (uint32_t)SHADOW_LONG << SHADOW_SIZE_SHIFT || entry & SHADOW_CODE || node == 0)
        return entry == 0;
    if (!alloc_log_try_enter(log))
        return false;
    owner = alloc_tree_owner(log->tree, node);
    if (__builtin_expect(!heap_owner_lacks(owner, entry >> SHADOW_SIZE_SHIFT), 1)) {
        atomic_store_explicit(word, 0, memory_order_relaxed);
        heap_ledger_free(&log->ledger, owner, entry >> SHADOW_SIZE_SHIFT);
        is_done = true;
    }
    alloc_log_leave(log);
    return is_done;
}

/* The latest block that the holder of the lock, which runs this, has allocated, if it is at this
 * address, is not the program's: the interpreter made it for us. */
void alloc_log_undo(const void *address);

/* The same three for any thread: what hooks of malloc() call. Keep errno. */
void alloc_log_any_allocated(struct alloc_log *log, const void *address, size_t size);
void alloc_log_any_freed(struct alloc_log *log, const void *address, struct alloc_taken *taken);
void alloc_log_any_put_back(struct alloc_log *log, const void *address,
                            const struct alloc_taken *taken);

/* Bytes of the log's own that are resident. */
size_t alloc_log_bytes(const struct alloc_log *log);

#endif
