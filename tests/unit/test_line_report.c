#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "memprof/line_report.h"

static void check(const struct line_report_row *row, int precision, int colour,
                  const char *expected)
{
    char text[LINE_REPORT_PREFIX_SIZE];

    assert_true(line_report_prefix(text, row, precision, colour) > 0);
    assert_string_equal(text, expected);
}

static const struct line_report_row grew = {4, 1, 54.1328125, 7.6328125, 1};

static void test_rows_are_laid_out_as_ever(void **state)
{
    const struct line_report_row never = {.line = 3}, shrank = {12345678, 1, 1e6, -441406, 1000000};

    (void)state;
    check(&grew, 3, 0, "     4   54.133 MiB    7.633 MiB           1   ");
    check(&grew, 1, 0, "     4     54.1 MiB      7.6 MiB           1   ");
    check(&grew, 0, 0, "     4       54 MiB        8 MiB           1   ");
    check(&grew, 6, 0, "     4  54.132812 MiB   7.632812 MiB           1   ");
    check(&never, 3, 0, "     3                                         ");
    check(&shrank, 1, 0, "12345678 1000000.0 MiB -441406.0 MiB     1000000   ");
}

static void test_colour_paints_the_increment_only(void **state)
{
    (void)state;
    check(&grew, 1, 1, "     4     54.1 MiB \033[31m     7.6 MiB\033[0m           1   ");
}

static void test_decimals_are_points_in_every_locale(void **state)
{
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed; else this changes nothing */
    check(&grew, 3, 0, "     4   54.133 MiB    7.633 MiB           1   ");
    setlocale(LC_ALL, "C");
}

static void test_precision_has_bounds(void **state)
{
    char text[LINE_REPORT_PREFIX_SIZE];

    (void)state;
    assert_int_equal(line_report_prefix(text, &grew, -1, 0), -EINVAL);
    assert_int_equal(line_report_prefix(text, &grew, LINE_REPORT_MAX_PRECISION + 1, 0), -EINVAL);
    assert_true(line_report_prefix(text, &grew, LINE_REPORT_MAX_PRECISION, 0) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_laid_out_as_ever),
        cmocka_unit_test(test_colour_paints_the_increment_only),
        cmocka_unit_test(test_decimals_are_points_in_every_locale),
        cmocka_unit_test(test_precision_has_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
