#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap_fixture.h"
#include "memprof/heap/birth_table.h"

static const void *type(size_t i)
{
    return (const void *)(uintptr_t)(0x7f0000000000 + 416 * i);
}

/* A model that is a table: the rows are its sums. */
static void test_as_a_table_says(void **state)
{
    enum { TYPES = 60, PLACES = 70, N = 100000 };
    static uint64_t objects[TYPES][PLACES], bytes[TYPES][PLACES];
    struct birth_table table;
    uint32_t n = 0, n_model = 0;

    (void)state;
    assert_int_equal(birth_table_init(&table), 0);
    random_seed(3);
    for (int i = 0; i < N; i++) {
        size_t t = random_below(TYPES), p = random_below(1 + random_below(PLACES)), size = 16 * t;

        assert_int_equal(birth_table_add(&table, type(t), (uint64_t)p << 32 | 7, size), 0);
        objects[t][p]++;
        bytes[t][p] += size;
    }
    for (uint32_t i = 0; i < table.n_rows; i++) {
        const struct birth_row *row = &table.rows[i];
        size_t t = ((uintptr_t)row->type - 0x7f0000000000) / 416, p = row->place >> 32;

        if (row->n_objects == 0)
            continue;
        n++;
        assert_int_equal(row->n_objects, objects[t][p]);
        assert_int_equal(row->bytes, bytes[t][p]);
    }
    for (size_t t = 0; t < TYPES; t++)
        for (size_t p = 0; p < PLACES; p++)
            n_model += objects[t][p] != 0;
    assert_int_equal(n, n_model);
    assert_int_equal(table.n, n);
    birth_table_release(&table);
}

static void test_without_memory_nothing_is_counted(void **state)
{
    struct birth_table table;
    size_t i = 0;

    (void)state;
    maps_left = 0;
    assert_int_equal(birth_table_init(&table), -ENOMEM);
    birth_table_release(&table);
    maps_left = 1;
    assert_int_equal(birth_table_init(&table), 0);
    while (birth_table_add(&table, type(i), 0, 16) == 0)
        i++;
    assert_int_equal(i, table.n);
    assert_int_equal(birth_table_add(&table, type(0), 0, 16), 0); /* there is a row */
    maps_left = -1;
    assert_int_equal(birth_table_add(&table, type(i), 0, 16), 0);
    birth_table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_a_table_says),
        cmocka_unit_test(test_without_memory_nothing_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
