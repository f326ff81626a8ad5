#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap_fixture.h"
#include "memprof/heap/walk_stack.h"

static void *item(size_t i)
{
    return (void *)(uintptr_t)(i + 1);
}

static void test_what_came_last_goes_first(void **state)
{
    const size_t n = 3 * WALK_SEGMENT_ITEMS + 5;
    struct walk_stack stack = {0};

    (void)state;
    assert_null(walk_stack_pop(&stack));
    assert_null(walk_stack_below(&stack, 0));
    for (size_t i = 0; i < n; i++)
        walk_stack_push(&stack, item(i));
    for (size_t i = n; i-- > 0;)
        assert_ptr_equal(walk_stack_pop(&stack), item(i));
    assert_null(walk_stack_pop(&stack));
    assert_false(stack.has_failed);
    walk_stack_release(&stack);
}

/* It may be told of the topmost segment alone: then there is none. */
static void assert_below(const struct walk_stack *stack, void **model, size_t n, size_t depth)
{
    void *below = walk_stack_below(stack, depth);

    if (depth < stack->n)
        assert_ptr_equal(below, model[n - 1 - depth]);
    else
        assert_null(below);
}

/* A model that is an array, around the border of a segment. */
static void test_as_an_array_says(void **state)
{
    enum { STEPS = 100000 };
    static void *model[STEPS];
    struct walk_stack stack = {0};
    size_t n = 0;

    (void)state;
    random_seed(21);
    for (size_t i = 0; i < WALK_SEGMENT_ITEMS; i++)
        walk_stack_push(&stack, model[n++] = item(i));
    for (size_t i = 0; i < STEPS / 2; i++) {
        if (random_below(2) == 0 && n > 0)
            assert_ptr_equal(walk_stack_pop(&stack), model[--n]);
        else
            walk_stack_push(&stack, model[n++] = item(i));
        assert_below(&stack, model, n, random_below(2 * WALK_AHEAD));
    }
    while (n > 0)
        assert_ptr_equal(walk_stack_pop(&stack), model[--n]);
    assert_null(walk_stack_pop(&stack));
    walk_stack_release(&stack);
}

static void test_without_memory_it_says_so_and_keeps_what_it_has(void **state)
{
    struct walk_stack stack = {0};

    (void)state;
    for (size_t i = 0; i < WALK_SEGMENT_ITEMS; i++)
        walk_stack_push(&stack, item(i));
    maps_left = 0;
    walk_stack_push(&stack, item(0));
    maps_left = -1;
    assert_true(stack.has_failed);
    for (size_t i = WALK_SEGMENT_ITEMS; i-- > 0;)
        assert_ptr_equal(walk_stack_pop(&stack), item(i));
    assert_null(walk_stack_pop(&stack));
    walk_stack_release(&stack);
}

static void test_it_can_be_released_full(void **state)
{
    struct walk_stack stack = {0};

    (void)state;
    for (size_t i = 0; i < 2 * WALK_SEGMENT_ITEMS + 1; i++)
        walk_stack_push(&stack, item(i));
    for (size_t i = 0; i < WALK_SEGMENT_ITEMS; i++)
        walk_stack_pop(&stack);
    walk_stack_release(&stack);
    assert_null(stack.top);
    assert_null(stack.spare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_came_last_goes_first),
        cmocka_unit_test(test_as_an_array_says),
        cmocka_unit_test(test_without_memory_it_says_so_and_keeps_what_it_has),
        cmocka_unit_test(test_it_can_be_released_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
