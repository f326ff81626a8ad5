#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "memprof/lines/line_ranking.h"

/* A table from line 10 on, entered with 1000 bytes. */
static struct line_table *table_of(int n_rows)
{
    struct line_table *table = line_table_new(10, n_rows);

    assert_non_null(table);
    table->entered = 1;
    table->entry_bytes = 1000;
    table->rows[0] = (struct line_row){.increment = 1000, .mem = 1000, .hits = 1};
    return table;
}

static void put(struct line_table *table, int line, int64_t increment, int64_t mem, int64_t peak)
{
    *line_table_row(table, line) =
        (struct line_row){.increment = increment, .mem = mem, .hits = 1, .peak = peak};
}

static void check(const struct ranked_line *line, size_t table, int number, int64_t growth)
{
    assert_int_equal(line->table, table);
    assert_int_equal(line->line, number);
    assert_int_equal(line->growth, growth);
}

static void test_lines_of_several_tables(void **state)
{
    struct line_table *one = table_of(4), *other = table_of(4);
    struct line_ranking ranking;

    (void)state;
    put(one, 11, 50, 1050, 0);
    put(one, 12, -20, 1030, 0);
    put(other, 11, 70, 1070, 0);
    put(other, 12, 50, 1120, 0);
    line_ranking_init(&ranking, false);
    line_ranking_add(&ranking, 0, one);
    line_ranking_add(&ranking, 1, other);
    assert_int_equal(ranking.grew.n, 3); /* what shrank has not grown */
    check(&ranking.grew.lines[0], 1, 11, 70);
    check(&ranking.grew.lines[1], 0, 11, 50); /* of equals the first */
    check(&ranking.grew.lines[2], 1, 12, 50);
    assert_int_equal(ranking.peaked.n, 4); /* lines that never ran and rows of entries are none */
    check(&ranking.peaked.lines[0], 1, 12, 50);
    check(&ranking.peaked.lines[3], 0, 12, -20);
    line_table_free(one);
    line_table_free(other);
}

static void test_of_equal_heights_what_grew_is_first(void **state)
{
    struct line_table *table = table_of(4);
    struct line_ranking ranking;

    (void)state;
    put(table, 11, 0, 1100, 0);
    put(table, 12, 100, 1100, 0);
    line_ranking_init(&ranking, false);
    line_ranking_add(&ranking, 0, table);
    check(&ranking.peaked.lines[0], 0, 12, 100);
    line_table_free(table);
}

static void test_by_what_was_held_above_the_start(void **state)
{
    struct line_table *table = table_of(5);
    struct line_ranking ranking;

    (void)state;
    put(table, 11, 100, 1100, 100);
    put(table, 12, 0, 1100, 900);
    put(table, 13, 0, 1100, 0);
    line_ranking_init(&ranking, true);
    line_ranking_add(&ranking, 0, table);
    assert_int_equal(ranking.peaked.n, 2);
    check(&ranking.peaked.lines[0], 0, 12, 0);
    check(&ranking.peaked.lines[1], 0, 11, 100);
    line_table_free(table);
}

static void test_only_line_of_a_function(void **state)
{
    struct line_table *table = table_of(1);
    struct line_ranking ranking;

    (void)state;
    table->rows[0].increment += 30;
    line_ranking_init(&ranking, false);
    line_ranking_add(&ranking, 7, table);
    assert_int_equal(ranking.grew.n, 1);
    check(&ranking.grew.lines[0], 7, 10, 30); /* without the memory at the entry */
    line_table_free(table);
}

static void test_ten_of_any_number(void **state)
{
    struct line_table *table = table_of(1002);
    struct line_ranking ranking;

    (void)state;
    for (int i = 0; i < 1000; i++) /* 1009 is a prime: each growth comes once */
        put(table, 11 + i, 1 + (i * 7) % 1009, 2000 + i, 0);
    line_ranking_init(&ranking, false);
    line_ranking_add(&ranking, 0, table);
    assert_int_equal(ranking.grew.n, LINE_RANKING_MOST);
    assert_int_equal(ranking.peaked.n, LINE_RANKING_MOST);
    for (int i = 1; i < LINE_RANKING_MOST; i++)
        assert_true(ranking.grew.lines[i].growth < ranking.grew.lines[i - 1].growth);
    assert_true(ranking.grew.lines[9].growth > 985);
    for (int i = 0; i < LINE_RANKING_MOST; i++)
        assert_int_equal(ranking.peaked.lines[i].row.mem, 2999 - i);
    line_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_several_tables),
        cmocka_unit_test(test_of_equal_heights_what_grew_is_first),
        cmocka_unit_test(test_by_what_was_held_above_the_start),
        cmocka_unit_test(test_only_line_of_a_function),
        cmocka_unit_test(test_ten_of_any_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
