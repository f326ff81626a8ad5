#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap_fixture.h"
#include "memprof/heap/type_table.h"

#define FIRST UINT64_C(0x7f1200000000)

static const void *type(size_t i)
{
    return (const void *)(uintptr_t)(FIRST + i * 1040);
}

static void test_each_type_has_one_row(void **state)
{
    enum { N = 20000 };
    struct type_table table;

    (void)state;
    assert_int_equal(type_table_init(&table), 0);
    for (size_t i = 0; i < N; i++) {
        struct type_row *row;

        assert_null(type_table_find(&table, type(i)));
        row = type_table_add(&table, type(i));
        assert_non_null(row);
        assert_ptr_equal(row->type, type(i));
        assert_int_equal(row->n_objects, 0);
        assert_int_equal(row->shape.fixed_bytes, 0);
        row->n_objects = i;
        row->shape.fixed_bytes = (uint32_t)i;
    }
    assert_int_equal(table.n, N);
    for (size_t i = 0; i < N; i++) {
        const struct type_row *row = type_table_find(&table, type(i));

        assert_non_null(row);
        assert_int_equal(row->n_objects, i);
        assert_int_equal(row->shape.fixed_bytes, i);
        assert_ptr_equal(table.rows[i].type, type(i)); /* in the order in which they came */
    }
    assert_null(type_table_find(&table, type(N)));
    type_table_release(&table);
}

static void test_without_memory_nothing_is_lost(void **state)
{
    struct type_table table;
    size_t n = 0;

    (void)state;
    for (maps_left = 0; maps_left < 2; maps_left++) {
        int left = maps_left;

        assert_int_equal(type_table_init(&table), -ENOMEM);
        maps_left = left;
    }
    maps_left = 2;
    assert_int_equal(type_table_init(&table), 0);
    while (type_table_add(&table, type(n)) != NULL)
        n++;
    assert_int_equal(table.n, n);
    assert_int_equal(n, table.n_slots / 2);
    for (size_t i = 0; i < n; i++)
        assert_non_null(type_table_find(&table, type(i)));
    maps_left = 1; /* for half of what it needs */
    assert_null(type_table_add(&table, type(n)));
    maps_left = -1;
    assert_non_null(type_table_add(&table, type(n)));
    assert_int_equal(table.n, n + 1);
    type_table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type_has_one_row),
        cmocka_unit_test(test_without_memory_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
