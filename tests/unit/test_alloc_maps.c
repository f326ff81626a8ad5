/*
 * Mappings in the log, by the hooks of mmap() and its relatives: random ones in a region of pages,
 * against a reference that knows of each page whose it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc_fixture.h"
#include "memprof/heap/alloc_log_span.h"
#include "memprof/heap/alloc_maps.h"
#include "memprof/heap/malloc_hooks.h"
#include "memprof/heap/map_hooks.h"
#include "memprof/machine/pages.h"

#define REGION 48 /* pages */
#define STEPS 6000
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

/* ---- the reference ---- */

struct page {
    uint32_t code; /* 0: not counted */
    uint32_t mapping;
    size_t bytes;
};

struct region {
    char *base;
    size_t page;
    struct page pages[REGION];
    struct program *program;
    uint32_t n_mappings;
};

static bool is_mapping_left(const struct region *region, uint32_t mapping)
{
    for (int i = 0; i < REGION; i++)
        if (region->pages[i].code != 0 && region->pages[i].mapping == mapping)
            return true;
    return false;
}

static void note_gone(struct region *region, size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++) {
        struct page page = region->pages[i];
        struct heap_sums *sums = &region->program->sums[page.code];

        region->pages[i].code = 0;
        if (page.code == 0)
            continue;
        sums->left_bytes -= page.bytes;
        sums->left_blocks -= !is_mapping_left(region, page.mapping);
        region->program->live -= (int64_t)page.bytes;
    }
}

static void note_mapped(struct region *region, size_t first, size_t size)
{
    uint32_t mapping = ++region->n_mappings;
    size_t page = region->page;

    for (size_t i = 0; i * page < size; i++)
        region->pages[first + i] =
            (struct page){running_code, mapping, size - i * page < page ? size - i * page : page};
    note(region->program, &(struct block){NULL, size, running_code}, true);
}

/* ---- events ---- */

static void *at_page(const struct region *region, size_t page)
{
    return region->base + page * region->page;
}

/* Nobody else may get a place of the region. Not counted. */
static void reserve(struct region *region, size_t first, size_t n)
{
    assert_ptr_not_equal(
        mmap(at_page(region, first), n * region->page, PROT_NONE, ANONYMOUS | MAP_FIXED, -1, 0),
        MAP_FAILED);
}

/* Over whatever is there. */
static void map_some(struct region *region, size_t first, size_t n)
{
    size_t size = n * region->page - (random_below(2) ? random_below(region->page) : 0);
    int kind = random_below(2) ? MAP_SHARED : MAP_PRIVATE;

    errno = EXDEV;
    assert_ptr_equal(mmap(at_page(region, first), size, PROT_READ | PROT_WRITE,
                          kind | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     at_page(region, first));
    assert_int_equal(errno, EXDEV);
    note_gone(region, first, n);
    note_mapped(region, first, size);
}

static int refuse(void *address, size_t size)
{
    (void)address, (void)size;
    errno = ENOMEM;
    return -1;
}

static void unmap_some(struct region *region, size_t first, size_t n)
{
    int (*real)(void *, size_t) = map_hooks_real_munmap;
    bool fails = random_below(4) == 0;

    errno = EXDEV;
    map_hooks_real_munmap = fails ? refuse : real;
    assert_int_equal(munmap(at_page(region, first), n * region->page), fails ? -1 : 0);
    map_hooks_real_munmap = real;
    assert_int_equal(errno, fails ? ENOMEM : EXDEV);
    if (fails)
        return;
    note_gone(region, first, n);
    reserve(region, first, n);
}

/* Where the system refuses, as it may for several at once, nothing has happened. */
static void move_some(struct region *region, size_t first, size_t n)
{
    size_t to = random_below(REGION - n + 1), size = n * region->page - random_below(100);
    bool was_counted = false;

    if (to < first + n && first < to + n)
        return;
    for (size_t i = first; i < first + n; i++)
        was_counted |= region->pages[i].code != 0;
    if (mremap(at_page(region, first), n * region->page, size, MREMAP_MAYMOVE | MREMAP_FIXED,
               at_page(region, to)) == MAP_FAILED)
        return;
    note_gone(region, first, n);
    note_gone(region, to, n);
    if (was_counted)
        note_mapped(region, to, size);
    reserve(region, first, n);
}

static void one_mapping(struct region *region)
{
    size_t n = 1 + random_below(12), first = random_below(REGION - n + 1);

    running_code = 1 + (uint32_t)random_below(CODES);
    switch (random_below(5)) {
    case 0:
    case 1:
        map_some(region, first, n);
        break;
    case 2:
    case 3:
        unmap_some(region, first, n);
        break;
    default:
        move_some(region, first, n);
    }
    running_code = 0;
}

/* ---- tests ---- */

static void test_any_order_of_mappings(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct region region = {.page = pages_size(), .program = program_new()};
        struct alloc_log *log = start();

        random_seed(seed);
        is_holder = seed % 2 == 0;
        region.base = mmap(NULL, REGION * region.page, PROT_NONE, ANONYMOUS, -1, 0);
        assert_ptr_not_equal(region.base, MAP_FAILED);
        for (int i = 0; i < STEPS; i++)
            one_mapping(&region);
        alloc_log_stop();
        assert_laws(log);
        assert_int_equal(log->ledger.live, region.program->live);
        assert_counts(log, region.program);
        assert_true(heap_ledger_peak(&log->ledger) >= region.program->peak);
        munmap(region.base, REGION * region.page);
        free(region.program);
    }
}

/* What is mapped by nodes of a span. */
static int64_t mapped_since(const struct alloc_log *log, const struct alloc_span *span)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < log->maps.n; i++)
        if (log->maps.pieces[i].node >= span->first_node)
            bytes += (int64_t)map_piece_bytes(&log->maps.pieces[i]);
    return bytes;
}

static void test_any_order_in_a_span(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct region region = {.page = pages_size(), .program = program_new()};
        struct alloc_log *log = start();
        struct alloc_view view = {.tree = log->tree, .ledger = &log->ledger};
        struct alloc_span *span;
        struct heap_sums sums;
        int64_t peak = 0;

        random_seed(seed);
        is_holder = seed % 2 == 0;
        region.base = mmap(NULL, REGION * region.page, PROT_NONE, ANONYMOUS, -1, 0);
        assert_ptr_not_equal(region.base, MAP_FAILED);
        for (int i = 0; i < STEPS / 4; i++)
            one_mapping(&region);
        alloc_pause(); /* its memory is the tool's */
        assert_int_equal(alloc_log_span_begin(log, &span), 0);
        alloc_resume();
        for (int i = 0; i < STEPS / 4; i++) {
            one_mapping(&region);
            assert_int_equal(span->ledger.live, mapped_since(log, span));
            peak = span->ledger.live > peak ? span->ledger.live : peak;
        }
        alloc_log_stop();
        view.span = span;
        alloc_view_sums(&view, &sums);
        assert_int_equal(sums.left_bytes, span->ledger.live);
        assert_int_equal(sums.at_peak_bytes, peak);
        assert_int_equal(heap_ledger_peak(&span->ledger), peak);
        assert_laws(log);
        alloc_log_span_end(log, span);
        alloc_span_free(span);
        munmap(region.base, REGION * region.page);
        free(region.program);
    }
}

static void test_what_is_no_heap(void **state)
{
    size_t page = pages_size();
    struct alloc_log *log = start();
    FILE *file = tmpfile();
    char *reserved, *of_file, *used;

    (void)state;
    is_holder = true;
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (off_t)page), 0);
    running_code = 2;
    reserved = mmap(NULL, 4 * page, PROT_NONE, ANONYMOUS, -1, 0);
    of_file = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    assert_ptr_not_equal(of_file, MAP_FAILED);
    assert_int_equal(log->maps.n, 0);

    /* A part of it, for use; then the file over that. */
    used = mmap(reserved + page, 2 * page, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_FIXED, -1, 0);
    assert_ptr_equal(used, reserved + page);
    assert_int_equal(sums_of(log, 2).left_bytes, 2 * page);
    assert_ptr_equal(mmap(used, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, fileno(file), 0), used);
    assert_int_equal(sums_of(log, 2).left_bytes, page);
    assert_int_equal(sums_of(log, 2).left_blocks, 1);
    assert_int_equal(munmap(reserved + 1, page), -1); /* no page begins there */
    assert_int_equal(munmap(reserved, 4 * page), 0);
    assert_int_equal(sums_of(log, 2).left_bytes, 0);
    assert_int_equal(sums_of(log, 2).left_blocks, 0);
    assert_int_equal(munmap(reserved, 4 * page), 0); /* nothing is there */
    running_code = 0;
    munmap(of_file, page);
    fclose(file);
    alloc_log_stop();
    assert_int_equal(sums_of(log, 2).allocated_bytes, 2 * page);
    assert_int_equal(log->ledger.n_freed_unseen, 0);
}

/* Where the system gives an address out again whose unmapping went past us. */
static void test_unmapped_unseen(void **state)
{
    size_t page = pages_size();
    struct alloc_log *log = start();
    char *mapped, *again;

    (void)state;
    is_holder = true;
    running_code = 1;
    mapped = mmap(NULL, 3 * page, PROT_READ, ANONYMOUS, -1, 0);
    assert_int_equal(map_hooks_real_munmap(mapped, 3 * page), 0);
    running_code = 2;
    again = mmap(mapped, page, PROT_READ, ANONYMOUS, -1, 0); /* a hint */
    running_code = 0;
    assert_ptr_equal(again, mapped);
    assert_int_equal(sums_of(log, 1).left_bytes, 2 * page);
    assert_int_equal(sums_of(log, 2).left_bytes, page);
    assert_int_equal(munmap(mapped, 3 * page), 0);
    assert_int_equal(log->ledger.live, 0);
    assert_int_equal(sums_of(log, 1).left_blocks + sums_of(log, 2).left_blocks, 0);

    mapped = mmap(NULL, page, PROT_READ, ANONYMOUS, -1, 0); /* by nobody who is followed */
    assert_int_equal(munmap(mapped, page), 0);
    alloc_log_stop();
}

#define THREADS 4

/* Each its own, and what the one before has left. */
static void *map_and_unmap(void *context)
{
    void *_Atomic *left = context;
    size_t page = pages_size();

    running_code = 1;
    for (int i = 0; i < 300; i++) {
        char *mapped = mmap(NULL, 4 * page - 5, PROT_READ, ANONYMOUS, -1, 0), *other;

        assert_ptr_not_equal(mapped, MAP_FAILED);
        other = atomic_exchange(left, mapped);
        if (other != NULL)
            assert_int_equal(munmap(other + page, 3 * page) | munmap(other, page), 0);
    }
    running_code = 0;
    return NULL;
}

static void test_threads(void **state)
{
    struct alloc_log *log = start();
    void *_Atomic left = NULL;
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, map_and_unmap, (void *)&left), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(munmap(left, 4 * pages_size()), 0);
    alloc_log_stop();
    assert_int_equal(sums_of(log, 1).allocations, THREADS * 300);
    assert_int_equal(sums_of(log, 1).left_bytes, 0);
    assert_int_equal(sums_of(log, 1).left_blocks, 0);
    assert_int_equal(log->maps.n, 0);
    assert_int_equal(log->ledger.n_freed_unseen, 0);
}

static const char *library;

static const char *library_of(const void *caller)
{
    struct got_holder holder;

    assert_true(malloc_hooks_holder(&holder, caller));
    assert_string_equal(holder.path, ""); /* this program */
    return library;
}

static uint32_t library_code(const char *path)
{
    return strcmp(path, "full") == 0 ? 0 : CODES + 1;
}

/* Below the stack that has called it, whoever runs. */
static void test_libraries_that_map(void **state)
{
    const struct alloc_log receiver = {.holds = holds,
                                       .node = node,
                                       .code_freed = code_freed,
                                       .library = library_of,
                                       .library_code = library_code};
    struct alloc_log *log = NULL;
    size_t page = pages_size();

    (void)state;
    assert_int_equal(alloc_log_start(&log, 0, &receiver), 0);
    running_code = 1;
    for (int i = 0; i < 6; i++) {
        is_holder = i % 2 == 0;
        library = i < 2 ? "one" : i < 4 ? "full" : NULL;
        assert_ptr_not_equal(mmap(NULL, page, PROT_READ, ANONYMOUS, -1, 0), MAP_FAILED);
    }
    library = "one";
    running_code = 0; /* nobody's, whoever calls */
    assert_ptr_not_equal(mmap(NULL, page, PROT_READ, ANONYMOUS, -1, 0), MAP_FAILED);
    alloc_log_stop();
    assert_int_equal(sums_of(log, 1).left_bytes, 4 * page);
    assert_int_equal(sums_of(log, CODES + 1).left_bytes, 2 * page);
    assert_int_equal(alloc_tree_count(log->tree), ALLOC_ROOTS + 2);
    assert_laws(log);
}

/* The child unmaps what it inherited, into a log that knows nothing of it. */
static void test_a_child(void **state)
{
    size_t page = pages_size();
    struct alloc_log *log = start();
    char *mapped;
    int status = 1;
    pid_t child;

    (void)state;
    is_holder = true;
    running_code = 1;
    mapped = mmap(NULL, 2 * page, PROT_READ, ANONYMOUS, -1, 0);
    child = fork();
    if (child == 0) {
        alloc_log_stop();
        log = start();
        munmap(mapped, page);
        mmap(mapped, 10 * page, PROT_READ, ANONYMOUS, -1, 0);
        _exit(log->ledger.live != (int64_t)(10 * page) || log->maps.n != 1 ||
              log->ledger.n_freed_unseen != 0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(munmap(mapped, 2 * page), 0);
    running_code = 0;
    alloc_log_stop();
    assert_int_equal(sums_of(log, 1).left_bytes, 0);
}

/* No room for a piece: that mapping is not followed, and nothing is wrong with the others. */
static void test_no_memory(void **state)
{
    struct map_table table = {0};
    struct map_piece piece = {.node = 5}, taken;
    bool is_last;
    size_t n = 0;

    (void)state;
    maps_left = 1;
    do {
        piece.start = (1000 - n) * 0x10000;
        piece.end = piece.start + 0x3000;
    } while (map_table_add(&table, &piece) && ++n < 1000);
    maps_left = -1;
    assert_int_equal(n, pages_size() / sizeof piece);
    assert_int_equal(map_table_bytes(&table), pages_size());
    maps_left = 0; /* parted in three: for the last there is no room */
    assert_true(map_table_take(&table, piece.end + 0xE000, piece.end + 0xF000, &taken, &is_last));
    maps_left = -1;
    assert_int_equal(taken.start, piece.start + 0x11000);
    assert_int_equal(taken.end, piece.start + 0x13000);
    assert_false(is_last);
    assert_int_equal(table.n, n);
    assert_non_null(map_table_at(&table, piece.start + 0x10000));
    assert_null(map_table_at(&table, piece.start + 0x11000));
    map_table_clear(&table);
    assert_int_equal(map_table_bytes(&table), 0);
}

static int set_up(void **state)
{
    (void)state;
    is_holder = false;
    running_code = 0;
    return malloc_hooks_install(NULL) > 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_any_order_of_mappings, set_up),
        cmocka_unit_test_setup(test_any_order_in_a_span, set_up),
        cmocka_unit_test_setup(test_what_is_no_heap, set_up),
        cmocka_unit_test_setup(test_unmapped_unseen, set_up),
        cmocka_unit_test_setup(test_threads, set_up),
        cmocka_unit_test_setup(test_libraries_that_map, set_up),
        cmocka_unit_test_setup(test_a_child, set_up),
        cmocka_unit_test_setup(test_no_memory, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
