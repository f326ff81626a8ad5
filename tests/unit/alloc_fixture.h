/* For tests of the log: an interpreter's lock that is a flag, a program that counts itself, and the
 * laws. To be included after cmocka. */
#ifndef ALLOC_FIXTURE_H
#define ALLOC_FIXTURE_H

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "heap_fixture.h"
#include "memprof/heap/alloc_log.h"

#define CODES 6
#define BLOCKS 300
#define EVENTS 4000

/* ---- an interpreter ---- */

static ALLOC_THREAD_VARIABLE uint32_t running_code; /* 0: the test itself, which is not followed */
static ALLOC_THREAD_VARIABLE bool is_holder;
static _Atomic(int) n_codes_freed;

static bool holds(void **context)
{
    *context = NULL;
    return is_holder;
}

static uint32_t node(struct alloc_thread *thread, void *context, bool is_entered)
{
    struct alloc_log *log = atomic_load(&alloc_log_active);
    uint32_t child;

    (void)thread, (void)context;
    if (running_code == 0 || log == NULL)
        return ALLOC_NONE;
    if (!is_entered)
        alloc_log_lock(log);
    child = alloc_tree_child(log->tree, log->tree->roots[ALLOC_PYTHON], running_code, 0);
    if (!is_entered)
        alloc_log_unlock(log);
    return child;
}

static void code_freed(const void *address)
{
    (void)address;
    atomic_fetch_add(&n_codes_freed, 1);
}

static struct alloc_log *start(void)
{
    const struct alloc_log receiver = {.holds = holds, .node = node, .code_freed = code_freed};
    struct alloc_log *log = NULL;

    assert_int_equal(alloc_log_start(&log, 0, &receiver), 0);
    return log;
}

/* ---- a program ---- */

static volatile size_t too_much = PTRDIFF_MAX; /* the compiler would know */

struct block {
    char *at;
    size_t size;
    uint32_t code;
};

/* Its own count. */
struct program {
    struct block blocks[BLOCKS];
    struct heap_sums sums[CODES + 1];
    int64_t live, peak;
};

/* The compiler may not know what comes back, nor leave a call out. */
static void *opaque(void *block)
{
    __asm__ volatile("" : "+r"(block) : : "memory");
    return block;
}

static void *allocate(size_t size)
{
    void *block = NULL;

    switch (random_below(6)) {
    case 0:
        return opaque(malloc(size));
    case 1:
        return opaque(calloc(1, size));
    case 2:
        return posix_memalign(&block, 64, size) == 0 ? opaque(block) : NULL;
    case 3:
        return opaque(size % 32 == 0 ? aligned_alloc(32, size) : memalign(32, size));
    case 4:
        return opaque(realloc(NULL, size));
    default:
        return opaque(reallocarray(NULL, size, 1));
    }
}

/* As in heap_ledger.h: the last instant of the maximum, reached by an allocation. */
static void note_peak(struct program *program)
{
    if (program->live < program->peak)
        return;
    program->peak = program->live;
    for (int i = 1; i <= CODES; i++) {
        program->sums[i].at_peak_bytes = program->sums[i].left_bytes;
        program->sums[i].at_peak_blocks = program->sums[i].left_blocks;
    }
}

static void note(struct program *program, const struct block *block, bool is_alive)
{
    struct heap_sums *sums = &program->sums[block->code];

    if (is_alive) {
        sums->allocated_bytes += block->size;
        sums->allocations++;
        sums->left_bytes += block->size;
        sums->left_blocks++;
        program->live += (int64_t)block->size;
        note_peak(program);
    } else {
        sums->left_bytes -= block->size;
        sums->left_blocks--;
        program->live -= (int64_t)block->size;
    }
}

static size_t some_size(void)
{
    size_t most = random_below(8) == 0 ? 200000 : 900;

    size_t size = 1 + random_below(most);

    return random_below(2) ? size : (size + 31) & ~(size_t)31;
}

/* Another size, in place or elsewhere; some fail, and then nothing has happened. */
static void resize(struct program *program, struct block *block)
{
    size_t size = some_size();
    void *moved;

    if (random_below(5) == 0) {
        errno = 0;
        assert_null(opaque(random_below(2) ? realloc(block->at, too_much)
                                           : reallocarray(block->at, too_much, 1)));
        assert_int_equal(errno, ENOMEM);
        return;
    }
    errno = EXDEV;
    moved = opaque(random_below(2) ? realloc(block->at, size) : reallocarray(block->at, 1, size));
    assert_non_null(moved);
    assert_int_equal(errno, EXDEV);
    note(program, block, false);
    *block = (struct block){moved, size, running_code};
    note(program, block, true);
}

static void drop(struct program *program, struct block *block)
{
    errno = EXDEV;
    free(block->at);
    assert_int_equal(errno, EXDEV);
    note(program, block, false);
    block->at = NULL;
}

static inline void one_event(struct program *program)
{
    struct block *block = &program->blocks[random_below(BLOCKS)];

    running_code = 1 + (uint32_t)random_below(CODES);
    if (block->at == NULL) {
        *block = (struct block){NULL, some_size(), running_code};
        block->at = allocate(block->size);
        assert_non_null(block->at);
        note(program, block, true);
    } else if (random_below(3) == 0) {
        resize(program, block);
    } else {
        drop(program, block);
    }
    running_code = 0;
}

static inline void free_all(struct program *program)
{
    for (int i = 0; i < BLOCKS; i++)
        free(program->blocks[i].at);
    free(program);
}

static struct program *program_new(void)
{
    struct program *program = calloc(1, sizeof *program);

    assert_non_null(program);
    return program;
}

/* ---- laws ---- */

/* What the log says of a code. */
static struct heap_sums sums_of(const struct alloc_log *log, uint32_t code)
{
    struct heap_sums sums = {0};

    for (uint32_t i = ALLOC_ROOTS; i < alloc_tree_count(log->tree); i++)
        if (alloc_tree_key(log->tree, i)->code == code)
            heap_owner_sums(alloc_tree_owner(log->tree, i), &log->ledger, &sums);
    return sums;
}

struct alive {
    uint64_t bytes, blocks;
};

static void count_alive(void *context, const void *address, const struct shadow_block *block)
{
    struct alive *alive = context;

    (void)address;
    if (block->node != 0) {
        alive->bytes += block->size;
        alive->blocks++;
    }
}

/* Anonymous mappings are blocks as well, the pieces of one are one. */
static void add_maps(const struct map_table *maps, struct alive *alive)
{
    for (size_t i = 0; i < maps->n; i++) {
        const struct map_piece *piece = &maps->pieces[i];
        bool is_first = true;

        for (size_t j = 0; piece->mapping != 0 && j < i; j++)
            is_first &= maps->pieces[j].mapping != piece->mapping;
        alive->bytes += map_piece_bytes(piece);
        alive->blocks += is_first;
        assert_true(piece->start < piece->end);
        assert_true(i == 0 || piece->end <= piece[-1].start);
    }
}

static inline void assert_laws(const struct alloc_log *log)
{
    const struct alloc_view view = {.tree = log->tree, .ledger = &log->ledger};
    struct heap_sums sums;
    struct alive alive = {0};
    uint64_t freed = 0;

    alloc_view_sums(&view, &sums);
    for (uint32_t i = 1; i < alloc_tree_count(log->tree); i++) {
        struct heap_sums own;

        heap_owner_sums(alloc_tree_owner(log->tree, i), &log->ledger, &own);
        freed += alloc_tree_owner(log->tree, i)->freed;
        assert_true((int64_t)own.left_bytes >= 0 && (int64_t)own.left_blocks >= 0);
        assert_true((int64_t)own.at_peak_bytes >= 0 && (int64_t)own.at_peak_blocks >= 0);
    }
    shadow_each(log->shadow, count_alive, &alive);
    add_maps(&log->maps, &alive);
    assert_int_equal(sums.at_peak_bytes, heap_ledger_peak(&log->ledger));
    assert_int_equal(sums.left_bytes, log->ledger.live);
    assert_int_equal(sums.allocated_bytes - freed, sums.left_bytes);
    assert_int_equal(alive.bytes, sums.left_bytes);
    assert_int_equal(alive.blocks, sums.left_blocks);
    assert_true(sums.at_peak_bytes >= sums.left_bytes);
    assert_int_equal(log->ledger.n_freed_unseen, 0);
    assert_int_equal(log->n_unfollowed, 0);
}

static void assert_counts(const struct alloc_log *log, const struct program *program)
{
    for (uint32_t code = 1; code <= CODES; code++) {
        struct heap_sums sums = sums_of(log, code);

        assert_int_equal(sums.allocated_bytes, program->sums[code].allocated_bytes);
        assert_int_equal(sums.allocations, program->sums[code].allocations);
        assert_int_equal(sums.left_bytes, program->sums[code].left_bytes);
        assert_int_equal(sums.left_blocks, program->sums[code].left_blocks);
    }
}

static inline void assert_peak(const struct alloc_log *log, const struct program *program)
{
    assert_int_equal(heap_ledger_peak(&log->ledger), program->peak);
    for (uint32_t code = 1; code <= CODES; code++) {
        struct heap_sums sums = sums_of(log, code);

        assert_int_equal(sums.at_peak_bytes, program->sums[code].at_peak_bytes);
        assert_int_equal(sums.at_peak_blocks, program->sums[code].at_peak_blocks);
    }
}

#endif
