#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>

#include "heap_fixture.h"
#include "memprof/heap/shadow.h"

#define HEAP UINT64_C(0x7f1200000000)
#define LEAF (UINT64_C(1) << SHADOW_LEAF_SHIFT)
#define REGION (UINT64_C(1) << SHADOW_REGION_SHIFT)

static const void *address(uint64_t at)
{
    return (const void *)(uintptr_t)at;
}

static void set(struct shadow *shadow, uint64_t at, uint32_t node, size_t size)
{
    struct shadow_unseen unseen;

    assert_true(shadow_set(shadow, address(at), node, size, &unseen));
    assert_int_equal(unseen.n, 0);
}

static void check_take(struct shadow *shadow, uint64_t at, uint32_t node, size_t size, bool code)
{
    size_t found = 1;
    bool is_code = !code;

    assert_int_equal(shadow_peek(shadow, address(at)), node);
    assert_int_equal(shadow_take(shadow, address(at), &found, &is_code), node);
    assert_int_equal(found, size);
    assert_int_equal(is_code, code);
    assert_int_equal(shadow_take(shadow, address(at), &found, &is_code), 0);
    assert_int_equal(found, 0);
    assert_false(is_code);
}

static void test_a_block_is_found_once_with_node_and_size(void **state)
{
    const size_t sizes[] = {0, 1, 16, 510, 511, 512, 1 << 20, (size_t)1 << 30, (size_t)1 << 47};
    struct shadow *shadow = shadow_new();

    (void)state;
    assert_non_null(shadow);
    check_take(shadow, HEAP, 0, 0, false);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        set(shadow, HEAP, SHADOW_MAX_NODES - 1, sizes[i]);
        check_take(shadow, HEAP, SHADOW_MAX_NODES - 1, sizes[i], false);
        check_take(shadow, HEAP + 16, 0, 0, false);
        check_take(shadow, HEAP + 32, 0, 0, false);
    }
    shadow_free(shadow);
    shadow_free(NULL);
}

static void test_addresses_that_cannot_be_are_refused(void **state)
{
    const uint64_t wrong[] = {HEAP + 8, HEAP + 1, UINT64_C(1) << 48, ~UINT64_C(15)};
    struct shadow *shadow = shadow_new();
    struct shadow_unseen unseen;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(shadow_set(shadow, address(wrong[i]), 5, 100, &unseen));
        assert_false(shadow_set(shadow, address(wrong[i]), 5, 1000, &unseen));
        assert_int_equal(unseen.n, 0);
        assert_false(shadow_mark_code(shadow, address(wrong[i]), &unseen));
        check_take(shadow, wrong[i], 0, 0, false);
    }
    set(shadow, (UINT64_C(1) << 48) - 16, 5, 16);
    check_take(shadow, (UINT64_C(1) << 48) - 16, 5, 16, false);
    /* The words of its size would lie beyond. */
    assert_false(shadow_set(shadow, address((UINT64_C(1) << 48) - 16), 5, 1000, &unseen));
    check_take(shadow, (UINT64_C(1) << 48) - 16, 0, 0, false);
    shadow_free(shadow);
}

static void test_sizes_cross_from_leaf_to_leaf(void **state)
{
    const uint64_t ends[] = {HEAP + LEAF, HEAP + REGION};
    struct shadow *shadow = shadow_new();

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (uint64_t before = 16; before <= 48; before += 16) {
            set(shadow, ends[i] - before, 77, 123456789012);
            check_take(shadow, ends[i] - before, 77, 123456789012, false);
        }
    }
    shadow_free(shadow);
}

static void check_unseen(const struct shadow_block *block, uint32_t node, size_t size, bool code)
{
    assert_int_equal(block->node, node);
    assert_int_equal(block->size, size);
    assert_int_equal(block->is_code, code);
}

static void test_blocks_whose_free_nobody_saw_are_handed_out(void **state)
{
    struct shadow *shadow = shadow_new();
    struct shadow_unseen unseen;

    (void)state;
    set(shadow, HEAP, 3, 100);
    assert_true(shadow_set(shadow, address(HEAP), 4, 50, &unseen));
    assert_int_equal(unseen.n, 1);
    check_unseen(&unseen.blocks[0], 3, 100, false);

    set(shadow, HEAP + 16, 5, 16);
    set(shadow, HEAP + 32, 6, 16);
    assert_true(shadow_mark_code(shadow, address(HEAP + 32), &unseen));
    assert_int_equal(unseen.n, 0);
    assert_true(shadow_set(shadow, address(HEAP), 7, 5000, &unseen));
    assert_int_equal(unseen.n, 3);
    check_unseen(&unseen.blocks[0], 4, 50, false);
    check_unseen(&unseen.blocks[1], 5, 16, false);
    check_unseen(&unseen.blocks[2], 6, 16, true);
    check_take(shadow, HEAP, 7, 5000, false);
    shadow_free(shadow);
}

/* The words that hold a size are no entries: what is set there is another block's begin. */
static void test_a_size_is_never_taken_for_a_block(void **state)
{
    const size_t size = 0x2a5a5a5a5a5a;
    struct shadow *shadow = shadow_new();
    struct shadow_unseen unseen;

    (void)state;
    for (uint64_t part = 16; part <= 32; part += 16) {
        set(shadow, HEAP, 9, size);
        check_take(shadow, HEAP + part, 0, 0, false);
        assert_true(shadow_set(shadow, address(HEAP + part), 10, part, &unseen));
        assert_int_equal(unseen.n, 1);
        check_unseen(&unseen.blocks[0], 9, size, false);
        check_take(shadow, HEAP, 0, 0, false);
        check_take(shadow, HEAP + 48 - part, 0, 0, false);
        check_take(shadow, HEAP + part, 10, part, false);

        set(shadow, HEAP, 9, size);
        assert_true(shadow_mark_code(shadow, address(HEAP + part), &unseen));
        assert_int_equal(unseen.n, 1);
        check_unseen(&unseen.blocks[0], 9, size, false);
        check_take(shadow, HEAP + part, 0, 0, true);
    }
    shadow_free(shadow);
}

static void test_blocks_of_code_objects_are_told(void **state)
{
    struct shadow *shadow = shadow_new();
    struct shadow_unseen unseen;

    (void)state;
    assert_true(shadow_mark_code(shadow, address(HEAP), &unseen)); /* from before we watched */
    check_take(shadow, HEAP, 0, 0, true);
    set(shadow, HEAP, 8, 300);
    assert_true(shadow_mark_code(shadow, address(HEAP), &unseen));
    check_take(shadow, HEAP, 8, 300, true);
    set(shadow, HEAP, 8, 3000);
    assert_true(shadow_mark_code(shadow, address(HEAP), &unseen));
    assert_true(shadow_mark_code(shadow, address(HEAP), &unseen));
    assert_int_equal(unseen.n, 0);
    check_take(shadow, HEAP, 8, 3000, true);

    assert_true(shadow_mark_code(shadow, address(HEAP), &unseen));
    assert_true(shadow_set(shadow, address(HEAP), 2, 64, &unseen));
    assert_int_equal(unseen.n, 1);
    check_unseen(&unseen.blocks[0], 0, 0, true);
    check_take(shadow, HEAP, 2, 64, false);
    shadow_free(shadow);
}

/* What is resident of all mappings, as the system counts it. */
static size_t resident(struct shadow *shadow)
{
    static void *starts[4096];
    size_t n = 0;

    starts[n++] = shadow;
    for (size_t i = 0; i < SHADOW_REGIONS; i++) {
        struct shadow_region *region = atomic_load(&shadow->regions[i]);

        if (region == NULL)
            continue;
        starts[n++] = region;
        for (size_t j = 0; j < SHADOW_REGION_SLOTS; j++) {
            starts[n] = atomic_load(&region->slots[j].leaf);
            n += starts[n] != NULL;
            assert_true(n < sizeof starts / sizeof starts[0]);
        }
    }
    return resident_of(starts, n);
}

static uint64_t random_address(void)
{
    const uint64_t heaps[] = {HEAP, HEAP + REGION - 64 * LEAF, 0x1000000, UINT64_C(0xfff000000000)};

    return heaps[random_below(4)] + 16 * random_below(128 * LEAF / 16);
}

static void test_resident_bytes_are_known_exactly(void **state)
{
    struct shadow *shadow = shadow_new();
    size_t size;
    bool is_code;

    (void)state;
    random_seed(1);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 100; i++) {
            struct shadow_unseen unseen;
            uint64_t at = random_address();

            assert_true(shadow_set(shadow, address(at), 1, random_below(2000), &unseen));
            shadow_take(shadow, address(random_address()), &size, &is_code);
        }
        assert_int_equal(shadow_bytes(shadow), resident(shadow));
    }
    assert_true(shadow_bytes(shadow) > 4000000);
    shadow_clear(shadow);
    assert_int_equal(shadow_bytes(shadow), resident(shadow));
    assert_true(shadow_bytes(shadow) < 100000);
    shadow_free(shadow);
}

/* A small heap, all of it a model: which block begins at each granule. */
#define GRANULES 256
static struct shadow_block model[GRANULES];

static bool model_holds(int at)
{
    return at >= 0 && (model[at].node != 0 || model[at].is_code);
}

/* Blocks that stand in the way of a word, as the header says it. */
static int model_evict(int at, struct shadow_block *gone)
{
    for (int back = 0; back <= 2; back++) {
        int head = at - back;

        if (model_holds(head) && (back == 0 || model[head].size >= SHADOW_LONG)) {
            *gone = model[head];
            memset(&model[head], 0, sizeof model[head]);
            return 1;
        }
    }
    return 0;
}

static void model_set(struct shadow *shadow, int at)
{
    size_t size = random_below(2) ? random_below(SHADOW_LONG) : SHADOW_LONG + random_below(4096);
    uint32_t node = 1 + (uint32_t)random_below(SHADOW_MAX_NODES - 1);
    struct shadow_unseen unseen;
    struct shadow_block gone[3];
    int n = 0;

    for (int i = 0; i < (size < SHADOW_LONG ? 1 : 3); i++)
        n += model_evict(at + i, &gone[n]);
    assert_true(
        shadow_set(shadow, address(HEAP + LEAF - 2048 + 16 * (uint64_t)at), node, size, &unseen));
    assert_int_equal(unseen.n, n);
    for (int i = 0; i < n; i++)
        check_unseen(&unseen.blocks[i], gone[i].node, gone[i].size, gone[i].is_code);
    model[at].node = node;
    model[at].size = size;
}

static void visit_model(void *context, const void *at, const struct shadow_block *block)
{
    size_t granule = ((uintptr_t)at - (HEAP + LEAF - 2048)) / 16;

    assert_true(granule < GRANULES && model_holds((int)granule));
    check_unseen(block, model[granule].node, model[granule].size, model[granule].is_code);
    ++*(size_t *)context;
}

static void test_any_order_of_events_is_as_the_model_says(void **state)
{
    struct shadow *shadow = shadow_new();

    (void)state;
    random_seed(2);
    for (int event = 0; event < 100000; event++) {
        int at = (int)random_below(GRANULES - 2);
        const void *block = address(HEAP + LEAF - 2048 + 16 * (uint64_t)at);

        if (random_below(3) == 0) {
            model_set(shadow, at);
        } else if (random_below(8) == 0 && model_holds(at)) {
            struct shadow_unseen unseen;

            assert_true(shadow_mark_code(shadow, block, &unseen));
            assert_int_equal(unseen.n, 0);
            model[at].is_code = true;
        } else {
            check_take(shadow, (uintptr_t)block, model[at].node, model[at].size, model[at].is_code);
            memset(&model[at], 0, sizeof model[at]);
        }
        if (event % 1000 == 0) {
            size_t found = 0, expected = 0;

            for (int i = 0; i < GRANULES; i++)
                expected += model_holds(i);
            shadow_each(shadow, visit_model, &found);
            assert_int_equal(found, expected);
        }
    }
    shadow_free(shadow);
}

struct walk {
    uintptr_t before;
    size_t n;
};

static void visit_in_order(void *context, const void *at, const struct shadow_block *block)
{
    struct walk *walk = context;

    assert_true((uintptr_t)at > walk->before);
    assert_int_equal(block->size, 600);
    walk->before = (uintptr_t)at;
    walk->n++;
}

static void test_all_blocks_are_visited_and_cleared(void **state)
{
    const uint64_t blocks[] = {0x100000, HEAP, HEAP + LEAF - 32, HEAP + 700 * LEAF, HEAP + REGION};
    struct shadow *shadow = shadow_new();
    struct walk walk = {0, 0};

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        set(shadow, blocks[4 - i], i + 1, 600);
    shadow_each(shadow, visit_in_order, &walk);
    assert_int_equal(walk.n, 5);
    shadow_clear(shadow);
    walk.n = 0;
    shadow_each(shadow, visit_in_order, &walk);
    assert_int_equal(walk.n, 0);
    check_take(shadow, HEAP, 0, 0, false);
    set(shadow, HEAP, 1, 600);
    check_take(shadow, HEAP, 1, 600, false);
    shadow_free(shadow);
}

static void test_without_memory_a_block_is_not_followed(void **state)
{
    struct shadow *shadow = shadow_new();
    struct shadow_unseen unseen;

    (void)state;
    set(shadow, HEAP, 3, 40);
    for (int maps = 0; maps < 2; maps++) { /* no region, no leaf */
        maps_left = maps;
        errno = 77;
        assert_false(shadow_set(shadow, address(HEAP + REGION), 4, 600, &unseen));
        assert_int_equal(errno, 77);
        maps_left = -1;
        check_take(shadow, HEAP + REGION, 0, 0, false);
    }
    /* Its size would stand in the next leaf; what it met is handed out all the same. */
    set(shadow, HEAP + LEAF - 16, 5, 40);
    maps_left = 0;
    assert_false(shadow_set(shadow, address(HEAP + LEAF - 16), 4, 600, &unseen));
    assert_false(shadow_mark_code(shadow, address(HEAP + 2 * LEAF), &unseen) || unseen.n != 0);
    assert_null(shadow_new());
    maps_left = 1;
    assert_false(shadow_set(shadow, address(HEAP + 9 * LEAF - 16), 4, 600, &unseen));
    maps_left = -1;
    check_take(shadow, HEAP + LEAF - 16, 0, 0, false);
    check_take(shadow, HEAP, 3, 40, false);
    assert_int_equal(shadow_bytes(shadow), resident(shadow));
    shadow_free(shadow);
}

static struct shadow *shared;

static void set_another(void)
{
    set(shared, HEAP + 4096, 21, 700);
}

/* Both make the region, or the leaf: the second to come takes that of the first. */
static void test_two_may_make_the_same_leaf(void **state)
{
    (void)state;
    for (int leaf = 0; leaf < 2; leaf++) {
        shared = shadow_new();
        if (leaf == 1)
            set(shared, HEAP + LEAF, 1, 1);
        while_mapping = set_another;
        set(shared, HEAP, 20, 700);
        assert_null(while_mapping);
        assert_int_equal(shadow_bytes(shared), resident(shared));
        check_take(shared, HEAP, 20, 700, false);
        check_take(shared, HEAP + 4096, 21, 700, false);
        shadow_free(shared);
    }
}

#define THREADS 4
#define BLOCKS 4000

struct worker {
    pthread_t thread;
    struct shadow *shadow;
    uint64_t first;
    size_t n_wrong;
};

/* Each has its own blocks, side by side with those of the others in the same leaves. */
static void *work(void *context)
{
    struct worker *worker = context;
    struct shadow_unseen unseen;
    size_t size;
    bool is_code;

    for (uint64_t i = 0; i < BLOCKS; i++) {
        const void *at = address(worker->first + i * 4096 * THREADS);
        uint32_t node = (uint32_t)i + 1;

        worker->n_wrong += !shadow_set(worker->shadow, at, node, i, &unseen) || unseen.n != 0;
        if (i % 2 == 0)
            worker->n_wrong +=
                shadow_take(worker->shadow, at, &size, &is_code) != node || size != i;
    }
    return NULL;
}

static void test_threads_share_leaves_without_a_lock(void **state)
{
    struct shadow *shadow = shadow_new();
    struct worker workers[THREADS];

    (void)state;
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.shadow = shadow, .first = HEAP + i * 4096};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].n_wrong, 0);
    }
    for (uint64_t i = 0; i < THREADS * BLOCKS; i++) {
        uint32_t number = (uint32_t)(i / THREADS);
        bool is_there = number % 2 == 1;

        check_take(shadow, HEAP + i * 4096, is_there ? number + 1 : 0, is_there ? number : 0,
                   false);
    }
    assert_int_equal(shadow_bytes(shadow), resident(shadow));
    shadow_free(shadow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_is_found_once_with_node_and_size),
        cmocka_unit_test(test_addresses_that_cannot_be_are_refused),
        cmocka_unit_test(test_sizes_cross_from_leaf_to_leaf),
        cmocka_unit_test(test_blocks_whose_free_nobody_saw_are_handed_out),
        cmocka_unit_test(test_a_size_is_never_taken_for_a_block),
        cmocka_unit_test(test_blocks_of_code_objects_are_told),
        cmocka_unit_test(test_resident_bytes_are_known_exactly),
        cmocka_unit_test(test_any_order_of_events_is_as_the_model_says),
        cmocka_unit_test(test_all_blocks_are_visited_and_cleared),
        cmocka_unit_test(test_without_memory_a_block_is_not_followed),
        cmocka_unit_test(test_two_may_make_the_same_leaf),
        cmocka_unit_test(test_threads_share_leaves_without_a_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
