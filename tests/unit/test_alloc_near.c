/*
 * The short way of an event against the long one: what it does is the same, and what it cannot do
 * it leaves as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "alloc_fixture.h"

#define HEAP UINT64_C(0x7f1200000000)
#define PAGE (UINT64_C(1) << SHADOW_NEAR_SHIFT)
#define PLACES 400
#define STEPS 60000

static const void *address(uint64_t at)
{
    return (const void *)(uintptr_t)at;
}

static void test_places_are_at_hand(void **state)
{
    struct shadow *shadow = shadow_new();
    struct shadow_unseen unseen;
    shadow_word *word;

    (void)state;
    assert_non_null(shadow);
    shadow_remember(shadow, address(HEAP));
    assert_null(shadow_word_near(shadow, HEAP)); /* not written to: no page of ours is there */
    assert_null(shadow_word_near(shadow, 16));
    assert_true(shadow_set(shadow, address(HEAP + 32), 7, 40, &unseen));
    assert_null(shadow_word_near(shadow, HEAP + 32));
    shadow_remember(shadow, address(HEAP + 32));
    word = shadow_word_near(shadow, HEAP + 32);
    assert_non_null(word);
    assert_int_equal(*word, 40 << SHADOW_SIZE_SHIFT | 7);
    assert_ptr_equal(shadow_word_near(shadow, HEAP + PAGE - 16), word + (PAGE - 48) / 16);
    for (uint64_t odd = 1; odd < 16; odd++)
        assert_null(shadow_word_near(shadow, HEAP + 32 + odd));
    assert_null(shadow_word_near(shadow, HEAP + PAGE));
    assert_null(shadow_word_near(shadow, HEAP + SHADOW_NEAR * PAGE));
    assert_null(shadow_word_near(shadow, HEAP | UINT64_C(1) << SHADOW_ADDRESS_BITS));

    /* Another that has its place. */
    assert_true(shadow_set(shadow, address(HEAP + SHADOW_NEAR * PAGE), 8, 40, &unseen));
    shadow_remember(shadow, address(HEAP + SHADOW_NEAR * PAGE));
    assert_non_null(shadow_word_near(shadow, HEAP + SHADOW_NEAR * PAGE));
    assert_null(shadow_word_near(shadow, HEAP + 32));
    shadow_clear(shadow);
    assert_null(shadow_word_near(shadow, HEAP + SHADOW_NEAR * PAGE));
    shadow_free(shadow);
}

static size_t place_size(size_t place)
{
    return place % 10 == 0 ? 511 + place : place % 511;
}

/* By the short way where it goes, and always where it must. */
static void allocate_at(struct alloc_log *log, uint64_t at, uint32_t child, size_t size)
{
    if (alloc_log_allocated_near(log, child, address(at), size)) {
        assert_true(size < SHADOW_LONG && child != ALLOC_NONE);
        return;
    }
    alloc_log_allocated(log, child, address(at), size);
    assert_true(size >= SHADOW_LONG || child == ALLOC_NONE ||
                shadow_word_near(log->shadow, at) == NULL);
    if (random_below(3) == 0)
        shadow_remember(log->shadow, address(at));
}

static void free_at(struct alloc_log *log, uint64_t at)
{
    struct alloc_taken taken;

    if (random_below(3) == 0 || !alloc_log_freed_near(log, address(at)))
        alloc_log_freed(log, address(at), &taken);
}

static void test_both_ways_are_one(void **state)
{
    struct program *program = program_new();
    struct alloc_log *log = start();
    bool is_alive[PLACES] = {false};
    uint32_t codes[PLACES] = {0};

    (void)state;
    random_seed(3);
    for (int i = 0; i < STEPS; i++) {
        size_t place = random_below(PLACES);
        uint64_t at = HEAP + place * PAGE / 3 / 16 * 16;

        if (is_alive[place]) {
            free_at(log, at);
        } else {
            codes[place] = (uint32_t)random_below(CODES + 1); /* 0 is not followed */
            alloc_log_enter(log);
            allocate_at(log, at,
                        codes[place] == 0
                            ? ALLOC_NONE
                            : alloc_tree_child(log->tree, ALLOC_PYTHON, codes[place], 0),
                        place_size(place));
            alloc_log_leave(log);
        }
        is_alive[place] = !is_alive[place];
        if (codes[place] != 0)
            note(program, &(struct block){NULL, place_size(place), codes[place]}, is_alive[place]);
    }
    alloc_log_stop();
    assert_laws(log);
    assert_counts(log, program);
    assert_peak(log, program);
    free_all(program);
}

/* A code object's block, one that stands in a ring, another writer: nothing has happened. */
static void test_what_is_left_to_the_long_way(void **state)
{
    struct alloc_log *log = start();
    struct shadow_unseen unseen;
    struct alloc_taken taken;
    uint32_t child = alloc_tree_child(log->tree, ALLOC_PYTHON, 1, 0);
    int n_before = atomic_load(&n_codes_freed);

    (void)state;
    alloc_log_allocated(log, child, address(HEAP), 100);
    shadow_remember(log->shadow, address(HEAP));
    assert_true(shadow_mark_code(log->shadow, address(HEAP), &unseen));
    assert_false(alloc_log_freed_near(log, address(HEAP)));
    assert_int_equal(shadow_peek(log->shadow, address(HEAP)), child);
    alloc_log_freed(log, address(HEAP), &taken);
    assert_int_equal(atomic_load(&n_codes_freed), n_before + 1);
    assert_true(alloc_log_freed_near(log, address(HEAP))); /* nothing is known of it */

    assert_true(shadow_set(log->shadow, address(HEAP + 64), child, 100, &unseen));
    assert_false(alloc_log_freed_near(log, address(HEAP + 64))); /* not yet written down */
    assert_int_equal(shadow_peek(log->shadow, address(HEAP + 64)), child);
    assert_false(alloc_log_allocated_near(log, child, address(HEAP + 64), 50)); /* freed unseen */
    assert_int_equal(log->ledger.live, 0);

    alloc_log_lock(log);
    assert_false(alloc_log_try_enter(log));
    assert_int_equal(atomic_load(&log->is_writing), 0);
    alloc_log_unlock(log);
    assert_true(alloc_log_try_enter(log) || log->needs_fence);
    alloc_log_leave(log);
    alloc_log_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_are_at_hand),
        cmocka_unit_test(test_both_ways_are_one),
        cmocka_unit_test(test_what_is_left_to_the_long_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
