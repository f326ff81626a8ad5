#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "heap_fixture.h"
#include "memprof/heap/alloc_rows.h"

#define CODES 5
static const uint32_t codes[CODES] = {1, 2, 0x30000, 0xfff001, 0x2000001};

#define LINES 6 /* of a code: 1 to 6, or 1000001 to 1000006 for an odd one */
#define CALLS 4 /* instructions of a line */

static uint32_t line_of(uint32_t code, uint32_t offset)
{
    return code % 2 * 1000000 + offset / CALLS + 1;
}

#define WITHOUT_LINES 999

/* Each code is a file of its own, but for one. How often it was asked counts, too. */
static uint64_t place_of(void *context, uint32_t code, uint32_t offset)
{
    ++*(size_t *)context;
    if (code == WITHOUT_LINES)
        return ALLOC_PLACE_OF_CALLER;
    return (uint64_t)code << 32 | line_of(code, offset);
}

struct heap {
    struct alloc_tree *tree;
    struct heap_ledger ledger;
    size_t n_asked;
};

static void heap_make(struct heap *heap, uint32_t max_nodes)
{
    heap->tree = alloc_tree_new(max_nodes);
    assert_non_null(heap->tree);
    heap_ledger_init(&heap->ledger);
    heap->n_asked = 0;
}

static struct alloc_view view_of(const struct heap *heap)
{
    return (struct alloc_view){.tree = heap->tree, .ledger = &heap->ledger};
}

static struct alloc_rows rows_of(struct heap *heap)
{
    struct alloc_view view = view_of(heap);
    struct alloc_rows rows;

    assert_int_equal(alloc_rows_make(&rows, &view, place_of, &heap->n_asked), 0);
    return rows;
}

static const struct heap_sums *find(const struct alloc_rows *rows, const struct heap_sums *sums,
                                    uint32_t code, uint32_t line)
{
    for (size_t i = 0; i < rows->n; i++)
        if (rows->files[i] == code && rows->lines[i] == line)
            return &sums[i];
    fail();
    return NULL;
}

/* helper(5000) and helper(7000), by two lines of one caller. */
static void test_a_caller_has_what_it_called(void **state)
{
    struct heap heap;
    struct alloc_rows rows;
    uint32_t main_a, main_b;

    (void)state;
    heap_make(&heap, 0);
    main_a = alloc_tree_child(heap.tree, ALLOC_PYTHON, 2, 0 * CALLS);
    main_b = alloc_tree_child(heap.tree, ALLOC_PYTHON, 2, 1 * CALLS);
    heap_ledger_alloc(&heap.ledger,
                      alloc_tree_owner(heap.tree, alloc_tree_child(heap.tree, main_a, 4, 0)), 5033);
    heap_ledger_alloc(&heap.ledger,
                      alloc_tree_owner(heap.tree, alloc_tree_child(heap.tree, main_b, 4, 1)), 7033);
    rows = rows_of(&heap);
    assert_int_equal(rows.n, 5);
    assert_int_equal(heap.n_asked, 4);
    assert_int_equal(find(&rows, rows.inclusive, 2, 1)->allocated_bytes, 5033);
    assert_int_equal(find(&rows, rows.inclusive, 2, 2)->at_peak_bytes, 7033);
    assert_int_equal(find(&rows, rows.own, 2, 2)->left_bytes, 0);
    assert_int_equal(find(&rows, rows.own, 4, 1)->left_bytes, 12066);
    assert_int_equal(find(&rows, rows.inclusive, 4, 1)->left_blocks, 2);
    assert_int_equal(find(&rows, rows.inclusive, 0, ALLOC_PYTHON)->allocations, 2);
    assert_int_equal(find(&rows, rows.inclusive, 0, ALLOC_NO_PYTHON)->allocations, 0);
    alloc_rows_release(&rows);
    assert_int_equal(rows.n, 0);
    alloc_rows_release(&rows);
    alloc_tree_free(heap.tree);
}

/* rec(5), each level of which keeps 2,033 bytes: each block is once the bytes line's, and once the
 * calling line's where it has one. */
static void test_a_line_has_a_block_once_however_often_it_stands_there(void **state)
{
    uint32_t node = ALLOC_PYTHON;
    struct heap heap;
    struct alloc_rows rows;

    (void)state;
    heap_make(&heap, 0);
    for (int level = 0; level < 5; level++) {
        uint32_t keeps = alloc_tree_child(heap.tree, node, 2, 0 * CALLS);

        heap_ledger_alloc(&heap.ledger, alloc_tree_owner(heap.tree, keeps), 2033);
        node = alloc_tree_child(heap.tree, node, 2, 1 * CALLS);
    }
    rows = rows_of(&heap);
    assert_int_equal(find(&rows, rows.inclusive, 2, 1)->left_bytes, 5 * 2033);
    assert_int_equal(find(&rows, rows.inclusive, 2, 2)->left_bytes, 4 * 2033);
    assert_int_equal(find(&rows, rows.own, 2, 2)->left_bytes, 0);
    alloc_rows_release(&rows);
    alloc_tree_free(heap.tree);
}

/* A library that maps memory: the line's that called it, or the threads' without Python. */
static void test_what_has_no_lines_stands_where_its_caller_does(void **state)
{
    struct heap heap;
    struct alloc_rows rows;
    uint32_t line, library;

    (void)state;
    heap_make(&heap, 0);
    line = alloc_tree_child(heap.tree, ALLOC_PYTHON, 2, 0);
    library = alloc_tree_child(heap.tree, line, WITHOUT_LINES, 0);
    heap_ledger_alloc(&heap.ledger, alloc_tree_owner(heap.tree, line), 100);
    heap_ledger_alloc(&heap.ledger, alloc_tree_owner(heap.tree, library), 4096);
    library = alloc_tree_child(heap.tree, ALLOC_NO_PYTHON, WITHOUT_LINES, 0);
    heap_ledger_alloc(&heap.ledger, alloc_tree_owner(heap.tree, library), 8192);
    rows = rows_of(&heap);
    assert_int_equal(rows.n, 3);
    assert_int_equal(find(&rows, rows.own, 2, 1)->left_bytes, 4196);
    assert_int_equal(find(&rows, rows.inclusive, 2, 1)->left_bytes, 4196);
    assert_int_equal(find(&rows, rows.inclusive, 2, 1)->allocations, 2);
    assert_int_equal(find(&rows, rows.own, 0, ALLOC_NO_PYTHON)->left_bytes, 8192);
    alloc_rows_release(&rows);
    alloc_tree_free(heap.tree);
}

static void test_rows_of_nothing_are_those_of_the_roots(void **state)
{
    struct heap heap;
    struct alloc_rows rows;

    (void)state;
    heap_make(&heap, 0);
    rows = rows_of(&heap);
    assert_int_equal(rows.n, ALLOC_ROOTS - 1);
    assert_int_equal(heap.n_asked, 0);
    for (uint32_t i = 0; i < rows.n; i++) {
        assert_int_equal(rows.files[i], 0);
        assert_int_equal(rows.lines[i], i + 1);
        assert_int_equal(rows.inclusive[i].allocations, 0);
    }
    alloc_rows_release(&rows);
    alloc_tree_free(heap.tree);
}

/* Stacks at random, that recurse, and events of their owners. */
static void heap_fill(struct heap *heap, uint32_t n_nodes, size_t n_events)
{
    while (alloc_tree_count(heap->tree) < n_nodes) {
        uint32_t parent = 1 + (uint32_t)random_below(alloc_tree_count(heap->tree) - 1);

        alloc_tree_child(heap->tree, parent, codes[random_below(CODES)],
                         (uint32_t)random_below(LINES * CALLS));
    }
    for (size_t i = 0; i < n_events; i++) {
        uint32_t node = 1 + (uint32_t)random_below(alloc_tree_count(heap->tree) - 1);
        struct heap_owner *owner = alloc_tree_owner(heap->tree, node);

        uint64_t blocks = owner->count - owner->freed_blocks;

        if (blocks > 0 && random_below(2) == 0)
            heap_ledger_free(&heap->ledger, owner, blocks == 1 ? owner->bytes - owner->freed : 0);
        else
            heap_ledger_alloc(&heap->ledger, owner, random_below(1000));
    }
}

static void check_equal(const struct heap_sums *sums, const struct heap_sums *expected)
{
    assert_memory_equal(sums, expected, sizeof *expected);
}

/* The whole, which the ledger knows in part without its owners. */
static void heap_whole(const struct heap *heap, struct heap_sums *whole)
{
    struct alloc_view view = view_of(heap);

    alloc_view_sums(&view, whole);
    assert_int_equal(whole->at_peak_bytes, heap_ledger_peak(&heap->ledger));
    assert_int_equal(whole->left_bytes, heap->ledger.live);
}

/* Whether a line stands in a stack. */
static bool stands_in(const struct heap *heap, uint32_t node, uint32_t code, uint32_t line)
{

    for (; node != 0; node = alloc_tree_key(heap->tree, node)->parent) {
        const struct alloc_key *key = alloc_tree_key(heap->tree, node);
        uint32_t here = node < ALLOC_ROOTS ? node : line_of(key->code, key->offset);

        if (key->code == code && here == line)
            return true;
    }
    return false;
}

static void check_row(const struct heap *heap, const struct alloc_rows *rows, size_t row)
{
    struct heap_sums inclusive = {0}, own = {0}, sums;

    for (uint32_t node = 1; node < alloc_tree_count(heap->tree); node++) {
        const struct alloc_key *key = alloc_tree_key(heap->tree, node);
        uint32_t here = node < ALLOC_ROOTS ? node : line_of(key->code, key->offset);

        heap_owner_sums(alloc_tree_owner(heap->tree, node), &heap->ledger, &sums);
        if (stands_in(heap, node, rows->files[row], rows->lines[row]))
            heap_sums_add(&inclusive, &sums);
        if (key->code == rows->files[row] && here == rows->lines[row])
            heap_sums_add(&own, &sums);
    }
    check_equal(&rows->inclusive[row], &inclusive);
    check_equal(&rows->own[row], &own);
}

static void check_rows(struct heap *heap)
{
    struct alloc_rows rows = rows_of(heap);
    struct heap_sums all = {0}, whole;

    assert_int_equal(heap->n_asked, alloc_tree_count(heap->tree) - ALLOC_ROOTS);
    for (size_t i = 0; i < rows.n; i++) {
        check_row(heap, &rows, i);
        heap_sums_add(&all, &rows.own[i]);
        if (i > 0)
            assert_true(rows.files[i - 1] < rows.files[i] ||
                        (rows.files[i - 1] == rows.files[i] && rows.lines[i - 1] < rows.lines[i]));
    }
    heap_whole(heap, &whole);
    check_equal(&all, &whole);
    alloc_rows_release(&rows);
}

static void check_subtotals(const struct heap *heap)
{
    struct alloc_view view = view_of(heap);
    struct alloc_subtotals subtotals;
    struct heap_sums whole;

    assert_int_equal(alloc_subtotals_make(&subtotals, &view), 0);
    assert_int_equal(subtotals.n, alloc_tree_count(heap->tree));
    for (uint32_t node = 1; node < subtotals.n; node++) {
        struct heap_sums expected;

        heap_owner_sums(alloc_tree_owner(heap->tree, node), &heap->ledger, &expected);
        for (uint32_t child = node + 1; child < subtotals.n; child++)
            if (alloc_tree_key(heap->tree, child)->parent == node)
                heap_sums_add(&expected, &subtotals.sums[child]);
        check_equal(&subtotals.sums[node], &expected);
    }
    heap_whole(heap, &whole);
    check_equal(&subtotals.sums[0], &whole);
    alloc_subtotals_release(&subtotals);
    assert_int_equal(subtotals.n, 0);
}

static void test_any_tree_is_as_walks_to_the_root_say(void **state)
{
    (void)state;
    random_seed(6);
    for (int i = 0; i < 60; i++) {
        struct heap heap;

        heap_make(&heap, 0);
        heap_fill(&heap, ALLOC_ROOTS + 1 + (uint32_t)random_below(400), random_below(1500));
        check_rows(&heap);
        check_subtotals(&heap);
        alloc_tree_free(heap.tree);
    }
}

static void test_many_stacks_add_up(void **state)
{
    struct heap_sums all = {0}, whole;
    struct heap heap;
    struct alloc_rows rows;

    (void)state;
    random_seed(7);
    heap_make(&heap, 0);
    heap_fill(&heap, 200000, 400000);
    rows = rows_of(&heap);
    assert_int_equal(rows.n, CODES * LINES + 2);
    for (size_t i = 0; i < rows.n; i++)
        heap_sums_add(&all, &rows.own[i]);
    heap_whole(&heap, &whole);
    check_equal(&all, &whole);
    alloc_rows_release(&rows);
    alloc_tree_free(heap.tree);
}

static void test_without_memory_there_are_no_rows(void **state)
{
    struct alloc_subtotals subtotals;
    struct alloc_rows rows;
    struct alloc_view view;
    struct heap heap;

    (void)state;
    heap_make(&heap, 0);
    view = view_of(&heap);
    for (int maps = 0; maps < 3; maps++) {
        maps_left = maps;
        assert_int_equal(alloc_rows_make(&rows, &view, place_of, &heap.n_asked), -ENOMEM);
        assert_int_equal(rows.n, 0);
        assert_null(rows.memory);
    }
    maps_left = 0;
    assert_int_equal(alloc_subtotals_make(&subtotals, &view), -ENOMEM);
    maps_left = -1;
    alloc_tree_free(heap.tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_caller_has_what_it_called),
        cmocka_unit_test(test_a_line_has_a_block_once_however_often_it_stands_there),
        cmocka_unit_test(test_what_has_no_lines_stands_where_its_caller_does),
        cmocka_unit_test(test_rows_of_nothing_are_those_of_the_roots),
        cmocka_unit_test(test_any_tree_is_as_walks_to_the_root_say),
        cmocka_unit_test(test_many_stacks_add_up),
        cmocka_unit_test(test_without_memory_there_are_no_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
