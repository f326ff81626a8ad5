#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "heap_fixture.h"
#include "memprof/heap/alloc_span.h"

#define MOST_NODES 4096
#define CODES 5
#define BLOCKS 40
#define SPANS 4
#define INSTANTS 4000

/* Counted by the test itself: each block by the instant at which it was allocated. */
struct block {
    bool is_alive;
    uint32_t node;
    size_t size;
    int instant;
};

struct counted {
    struct heap_sums sums[MOST_NODES];
    int64_t live, peak;
};

struct span_at_hand {
    struct alloc_span *span; /* NULL: none */
    int begin;               /* its instant */
    struct counted counted;
};

struct run {
    struct alloc_tree *tree;
    struct heap_ledger ledger;
    struct alloc_span *spans;
    struct block blocks[BLOCKS];
    struct span_at_hand at_hand[SPANS];
    int now;
};

/* ---- what is true ---- */

static void copy_peak(struct counted *counted)
{
    if (counted->live < counted->peak)
        return;
    counted->peak = counted->live;
    for (uint32_t node = 0; node < MOST_NODES; node++) {
        counted->sums[node].at_peak_bytes = counted->sums[node].left_bytes;
        counted->sums[node].at_peak_blocks = counted->sums[node].left_blocks;
    }
}

static void count_change(struct run *run, const struct block *block, bool is_more)
{
    for (int i = 0; i < SPANS; i++) {
        struct counted *counted = &run->at_hand[i].counted;
        struct heap_sums *sums = &counted->sums[block->node];

        if (run->at_hand[i].span == NULL || block->instant < run->at_hand[i].begin)
            continue;
        sums->left_bytes += is_more ? block->size : -block->size;
        sums->left_blocks += is_more ? 1 : (uint64_t)-1;
        counted->live += is_more ? (int64_t)block->size : -(int64_t)block->size;
        if (!is_more)
            continue;
        sums->allocated_bytes += block->size;
        sums->allocations++;
        copy_peak(counted);
    }
}

static void check_span(const struct run *run, const struct span_at_hand *at_hand)
{
    const struct alloc_view view = {run->tree, &run->ledger, at_hand->span};
    struct heap_sums all = {0}, own, whole;

    for (uint32_t node = 1; node < alloc_tree_count(run->tree); node++) {
        alloc_view_own(&view, node, &own);
        assert_memory_equal(&own, &at_hand->counted.sums[node], sizeof own);
        heap_sums_add(&all, &own);
    }
    alloc_view_sums(&view, &whole);
    assert_memory_equal(&whole, &all, sizeof all);
    assert_int_equal(all.at_peak_bytes, heap_ledger_peak(alloc_view_ledger(&view)));
    assert_int_equal(all.left_bytes, at_hand->span->ledger.live);
}

/* ---- events ---- */

static void tell_alloc(struct run *run, struct block *block)
{
    alloc_spans_alloc(run->spans, run->tree, block->node, block->size);
    heap_ledger_alloc(&run->ledger, alloc_tree_owner(run->tree, block->node), block->size);
}

static void tell_free(struct run *run, const struct block *block)
{
    alloc_spans_free(run->spans, run->tree, block->node, block->size);
    heap_ledger_free(&run->ledger, alloc_tree_owner(run->tree, block->node), block->size);
}

static void allocate(struct run *run, struct block *block)
{
    uint32_t root = run->tree->roots[random_below(8) == 0 ? ALLOC_NO_PYTHON : ALLOC_PYTHON];

    block->node = alloc_tree_child(run->tree, root, 1 + (uint32_t)random_below(CODES), 2);
    if (random_below(2))
        block->node = alloc_tree_child(run->tree, block->node, 7, 4);
    block->size = random_below(4) == 0 ? 64 : random_below(1000);
    block->instant = run->now;
    block->is_alive = true;
    tell_alloc(run, block);
    if (random_below(10) == 0) { /* it was ours: the last one never happened */
        alloc_spans_undo(run->spans, block->node, block->size);
        heap_ledger_undo(&run->ledger, alloc_tree_owner(run->tree, block->node), block->size);
        block->is_alive = false;
        return;
    }
    count_change(run, block, true);
}

static void let_go(struct run *run, struct block *block)
{
    tell_free(run, block);
    if (random_below(5) == 0) { /* a realloc() that failed */
        alloc_spans_put_back(run->spans, run->tree, block->node, block->size);
        heap_ledger_put_back(&run->ledger, alloc_tree_owner(run->tree, block->node), block->size);
        return;
    }
    count_change(run, block, false);
    block->is_alive = false;
}

static void change_span(struct run *run, struct span_at_hand *at_hand)
{
    if (at_hand->span == NULL) {
        memset(at_hand, 0, sizeof *at_hand);
        assert_int_equal(alloc_span_begin(&run->spans, run->tree, &at_hand->span), 0);
        at_hand->begin = run->now;
        return;
    }
    alloc_span_end(&run->spans, at_hand->span);
    check_span(run, at_hand);
    alloc_span_free(at_hand->span);
    at_hand->span = NULL;
}

static void step(struct run *run)
{
    struct block *block = &run->blocks[random_below(BLOCKS)];

    run->now++;
    if (random_below(60) == 0)
        change_span(run, &run->at_hand[random_below(SPANS)]);
    else if (!block->is_alive)
        allocate(run, block);
    else
        let_go(run, block);
}

static void test_spans_that_lie_in_each_other_and_overlap(void **state)
{
    static struct run run;

    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        random_seed(seed);
        memset(&run, 0, sizeof run);
        run.tree = alloc_tree_new(MOST_NODES);
        assert_non_null(run.tree);
        heap_ledger_init(&run.ledger);
        while (run.now < INSTANTS) {
            step(&run);
            for (int i = 0; i < SPANS && run.now % 16 == 0; i++)
                if (run.at_hand[i].span != NULL)
                    check_span(&run, &run.at_hand[i]);
        }
        for (int i = 0; i < SPANS; i++)
            alloc_span_free(run.at_hand[i].span);
        alloc_tree_free(run.tree);
    }
}

static void test_where_there_is_no_room_nothing_begins(void **state)
{
    struct alloc_tree *tree = alloc_tree_new(ALLOC_ROOTS + 1);
    struct alloc_span *spans = NULL, *span = NULL;

    (void)state;
    assert_int_equal(alloc_span_begin(&spans, tree, &span), -ENOMEM);
    assert_null(spans);
    assert_int_equal(alloc_tree_count(tree), ALLOC_ROOTS);
    assert_int_equal(tree->roots[ALLOC_PYTHON], ALLOC_PYTHON);
    alloc_tree_free(tree);

    tree = alloc_tree_new(0);
    for (int maps = 0; maps < 2; maps++) {
        maps_left = maps;
        assert_int_equal(alloc_span_begin(&spans, tree, &span), -ENOMEM);
    }
    maps_left = -1;
    assert_null(spans);
    assert_int_equal(alloc_span_begin(&spans, tree, &span), 0);
    alloc_span_end(&spans, span);
    alloc_span_end(&spans, span); /* more often is nothing */
    assert_null(spans);
    alloc_span_free(span);
    alloc_span_free(NULL);
    alloc_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans_that_lie_in_each_other_and_overlap),
        cmocka_unit_test(test_where_there_is_no_room_nothing_begins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
