#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "memprof/machine/grow.h"

static void test_room_doubles_and_items_stay(void **state)
{
    size_t capacity = 0, moves = 0;
    int *numbers = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        size_t before = capacity;

        numbers = grow_double(numbers, sizeof *numbers, (size_t)i + 1, &capacity);
        assert_non_null(numbers);
        assert_true(capacity > (size_t)i);
        moves += capacity != before;
        numbers[i] = i;
    }
    assert_int_equal(moves, 9); /* 4, 8 ... 1024 */
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
    free(numbers);
}

static void test_half_is_added_where_copies_matter(void **state)
{
    size_t capacity = 0, before = 0;
    int *numbers = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        numbers = grow_by_half(numbers, sizeof *numbers, (size_t)i + 1, &capacity);
        assert_non_null(numbers);
        assert_true(capacity == before || capacity == before + before / 2 + 4);
        before = capacity;
        numbers[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
    free(numbers);
}

static void test_new_items_are_zero(void **state)
{
    size_t capacity = 0;
    int64_t *numbers = grow_zeroed(NULL, sizeof *numbers, 3, &capacity), sum = 0;

    (void)state;
    assert_non_null(numbers);
    numbers[0] = 7;
    numbers = grow_zeroed(numbers, sizeof *numbers, 5000, &capacity);
    assert_non_null(numbers);
    assert_int_equal(capacity, 5000);
    for (size_t i = 0; i < capacity; i++)
        sum += numbers[i];
    assert_int_equal(sum, 7);
    free(numbers);
}

static void test_what_cannot_be_had_changes_nothing(void **state)
{
    size_t capacity = 0;
    int *numbers = grow_double(NULL, sizeof *numbers, 1, &capacity);

    (void)state;
    assert_non_null(numbers);
    numbers[0] = 7;
    assert_null(grow_double(numbers, sizeof *numbers, SIZE_MAX / 4, &capacity));
    assert_null(grow_zeroed(numbers, sizeof *numbers, SIZE_MAX, &capacity));
    assert_int_equal(capacity, 4);
    assert_int_equal(numbers[0], 7);
    free(numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_doubles_and_items_stay),
        cmocka_unit_test(test_half_is_added_where_copies_matter),
        cmocka_unit_test(test_new_items_are_zero),
        cmocka_unit_test(test_what_cannot_be_had_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
