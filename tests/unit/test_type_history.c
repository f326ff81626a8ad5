#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/profile/dat_reader.h"
#include "memprof/profile/dat_writer.h"
#include "dat_fixture.h"

#define SECOND INT64_C(1000000000)

static void add(struct type_history *history, double moment, const char *name, int64_t bytes)
{
    const struct type_value value = {bytes / 10, bytes};

    assert_int_equal(type_history_add(history, moment, name, strlen(name), value), 0);
}

static const struct type_series *of(const struct type_history *history, const char *name)
{
    for (size_t i = 0; i < history->count; i++)
        if (strcmp(history->at[i].name, name) == 0)
            return &history->at[i];
    fail_msg("%s is not there", name);
    return NULL;
}

static void test_first_last_least_and_most(void **state)
{
    static const int64_t bytes[] = {300, 100, 500, 200};
    struct type_history history = {0};

    (void)state;
    for (int i = 0; i < 4; i++) {
        add(&history, i, "dict", bytes[i]);
        if (i == 1 || i == 2)
            add(&history, i, "str", 10 * i);
    }
    assert_int_equal(history.n_censuses, 4);
    assert_int_equal(history.n_points, 4);
    assert_true(history.first == 0 && history.last == 3);
    assert_true(of(&history, "dict")->first.bytes == 300 &&
                of(&history, "dict")->last.bytes == 200);
    assert_true(of(&history, "dict")->least == 100 && of(&history, "dict")->most == 500);
    assert_true(type_series_is_told(&history, of(&history, "dict")));
    assert_false(type_series_is_told(&history, of(&history, "str")));
    assert_true(of(&history, "str")->first.bytes == 10 && of(&history, "str")->first.objects == 1);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(type_series_at(of(&history, "str"), i),
                         i == 1 || i == 2 ? 10 * (int)i : -1);
    type_history_release(&history);
    type_history_release(&history);
}

/* Points become fewer, evenly, and the last census is always one; extremes are exact. */
static void test_long_runs_are_thinned(void **state)
{
    struct type_history history = {0};
    const struct type_series *always, *later;

    (void)state;
    for (int i = 0; i < 10001; i++) {
        add(&history, i, "always", i == 4321 ? 1 : 1000 + i);
        if (i % 3 == 0 && i >= 6000)
            add(&history, i, "later", i);
        assert_true(history.n_points <= TYPE_POINTS);
        assert_true(history.moments[history.n_points - 1] == i);
        assert_int_equal(type_series_at(&history.at[0], history.n_points - 1),
                         history.at[0].last.bytes);
    }
    always = of(&history, "always");
    later = of(&history, "later");
    assert_true(always->least == 1 && always->most == 11000 && always->first.bytes == 1000);
    assert_true(history.n_points > TYPE_POINTS / 2 - 1);
    for (size_t i = 0; i < history.n_points; i++) {
        int moment = (int)history.moments[i];

        if (i + 1 < history.n_points)
            assert_int_equal(moment, i * 32);
        assert_int_equal(type_series_at(always, i), moment == 4321 ? 1 : 1000 + moment);
        assert_int_equal(type_series_at(later, i), moment % 3 == 0 && moment >= 6000 ? moment : -1);
    }
    type_history_release(&history);
}

static void test_names_beyond_the_most_are_left_out(void **state)
{
    struct type_history history = {0};
    char name[20];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < TYPES_KEPT + 7; i++) {
            snprintf(name, sizeof name, "T%d", i);
            add(&history, round, name, i + round);
        }
    assert_int_equal(history.count, TYPES_KEPT);
    assert_int_equal(history.left_out, 14);
    assert_true(of(&history, "T255")->last.bytes == 256);
    type_history_release(&history);
}

static void test_growth(void **state)
{
    struct type_history history = {0};
    struct type_growth *rows;
    size_t count;

    (void)state;
    assert_int_equal(type_history_growth(&history, &rows, &count), 0);
    assert_true(rows == NULL && count == 0);
    add(&history, 0, "grows", 100);
    add(&history, 0, "shrinks", 100);
    add(&history, 0, "stays", 100);
    add(&history, 0, "goes", 100);
    add(&history, 1, "grows", 150);
    add(&history, 1, "shrinks", 50);
    add(&history, 1, "stays", 100);
    add(&history, 1, "comes", 400);
    assert_int_equal(type_history_growth(&history, &rows, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].type->name, "comes");
    assert_true(rows[0].bytes == 400 && rows[0].objects == 40);
    assert_string_equal(rows[1].type->name, "grows");
    assert_true(rows[1].bytes == 50 && rows[1].objects == 5);
    free(rows);
    type_history_release(&history);
}

static void test_lines(void **state)
{
    (void)state;
    assert_int_equal(kind_of("#TYPE/1/dict/2/3 4.5 6.7"), DAT_TYPE);
    assert_int_equal(kind_of("#TYPE/1/dict/2/3/new 4.5 6.7"), DAT_TYPE);
    assert_int_equal(kind_of("#TYPE/1/dict/2 4.5 6.7"), DAT_BROKEN);
    assert_int_equal(kind_of("#TYPE/1//2/3 4.5 6.7"), DAT_BROKEN);
    assert_int_equal(kind_of("#TYPE/1/dict/-2/3 4.5 6.7"), DAT_BROKEN);
    assert_int_equal(kind_of("#TYPE/1/dict/2/-3 4.5 6.7"), DAT_BROKEN);
    assert_int_equal(kind_of("#TYPE/1/dict/2.5/3 4.5 6.7"), DAT_BROKEN);
    assert_int_equal(kind_of("#TYPE/x/dict/2/3 4.5 6.7"), DAT_BROKEN);
    assert_int_equal(kind_of("#TYPE/1/dict/2/3 4.5"), DAT_BROKEN);
    assert_int_equal(kind_of("#TYPES/1/dict/2/3 4.5 6.7"), DAT_UNKNOWN);
}

/* What is written comes back, whatever the names are, and into a pipe in pieces it takes whole. */
static void test_types_are_written_and_read(void **state)
{
    static const char *const names[] = {"dict", "my/type of 100%", "__main__.f.<locals>.T", "a\tb"};
    char path[] = "/tmp/test_types_XXXXXX", long_name[1500];
    struct dat_type types[300];
    struct dat_writer writer;
    struct profile profile;
    const struct type_history *history;

    (void)state;
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    for (size_t i = 0; i < 300; i++)
        types[i] = (struct dat_type){i < 4 ? names[i] : long_name + i, i, 10 * i};
    close(mkstemp(path));
    assert_int_equal(dat_writer_open(&writer, path, DAT_APPEND, 4), 0);
    assert_int_equal(dat_writer_types(&writer, 7, types, 300, 5 << 20, 3 * SECOND), 0);
    assert_int_equal(dat_writer_types(&writer, 7, types, 0, 5 << 20, 4 * SECOND), 0);
    dat_writer_release(&writer);
    assert_int_equal(dat_read_path(path, &profile), 0);
    unlink(path);
    assert_true(profile.lines == 300 && profile.unknown + profile.broken == 0);
    history = &profile_process_find(&profile, 7)->types;
    assert_true(history->n_censuses == 1 && history->first == 3);
    assert_true(of(history, "my/type of 100%")->last.bytes == 10);
    assert_true(of(history, "a b")->last.objects == 3);
    assert_int_equal(strlen(history->at[4].name), 1000); /* many became one */
    profile_release(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_last_least_and_most),
        cmocka_unit_test(test_long_runs_are_thinned),
        cmocka_unit_test(test_names_beyond_the_most_are_left_out),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_types_are_written_and_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
