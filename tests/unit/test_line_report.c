#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "memprof/lines/line_report.h"

static void check(const struct line_report_row *row, int precision, double growth,
                  const char *expected)
{
    char text[LINE_REPORT_PREFIX_SIZE];

    assert_true(line_report_prefix(text, row, precision, growth) > 0);
    assert_string_equal(text, expected);
}

static const struct line_report_row grew = {
    .line = 4, .measured = 1, .mem = 54.1328125, .increment = 7.6328125, .hits = 1};

static void test_rows_are_laid_out_as_ever(void **state)
{
    const struct line_report_row never = {.line = 3}, shrank = {.line = 12345678,
                                                                .measured = 1,
                                                                .mem = 1e6,
                                                                .increment = -441406,
                                                                .hits = 1000000};

    (void)state;
    check(&grew, 3, -1, "     4   54.133 MiB    7.633 MiB           1   ");
    check(&grew, 1, -1, "     4     54.1 MiB      7.6 MiB           1   ");
    check(&grew, 0, -1, "     4       54 MiB        8 MiB           1   ");
    check(&grew, 6, -1, "     4  54.132812 MiB   7.632812 MiB           1   ");
    check(&never, 3, -1, "     3                                         ");
    check(&shrank, 1, -1, "12345678 1000000.0 MiB -441406.0 MiB     1000000   ");
}

static void test_colour_paints_the_increment_only(void **state)
{
    (void)state;
    check(&grew, 1, 0, "     4     54.1 MiB \033[31m     7.6 MiB\033[0m           1   ");
}

static void test_a_hundredth_of_the_growth_is_painted(void **state)
{
    struct line_report_row still = grew;

    (void)state;
    still.increment = 0;
    check(&grew, 1, 763.28125, "     4     54.1 MiB \033[31m     7.6 MiB\033[0m           1   ");
    check(&grew, 1, 763.2813, "     4     54.1 MiB      7.6 MiB           1   ");
    check(&still, 1, 0, "     4     54.1 MiB      0.0 MiB           1   ");
}

#define BLANK_12 "             "

static void test_columns_stand_before_the_source(void **state)
{
    struct line_report_row row = grew;
    char header[LINE_REPORT_HEADER_SIZE];

    (void)state;
    line_report_header(header, 0, 0, 0);
    assert_string_equal(header, "Line #    Mem usage    Increment  Occurrences   Line Contents");
    line_report_header(header, 1, 1, 0);
    assert_string_equal(header, "Line #    Mem usage    Increment  Occurrences         Peak"
                                "         Time      Per Hit   % Time   Line Contents");
    row.has_peak = row.has_time = 1;
    row.peak = 500.25;
    row.time = 1234.56;
    row.per_hit = 617.28;
    row.percent = 12.34;
    check(&row, 3, -1,
          "     4   54.133 MiB    7.633 MiB           1  500.250 MiB       1234.6"
          "        617.3     12.3   ");
    row.measured = row.has_time = 0;
    check(&row, 3, -1, "     4" BLANK_12 BLANK_12 "            " BLANK_12 "   ");
    row.has_time = 1;
    row.has_peak = 0;
    check(&row, 3, -1,
          "     4" BLANK_12 BLANK_12 "            " BLANK_12 BLANK_12 "         "
          "   ");
}

static void test_decimals_are_points_in_every_locale(void **state)
{
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed; else this changes nothing */
    check(&grew, 3, -1, "     4   54.133 MiB    7.633 MiB           1   ");
    setlocale(LC_ALL, "C");
}

static void test_precision_has_bounds(void **state)
{
    char text[LINE_REPORT_PREFIX_SIZE];

    (void)state;
    assert_int_equal(line_report_prefix(text, &grew, -1, -1), -EINVAL);
    assert_int_equal(line_report_prefix(text, &grew, LINE_REPORT_MAX_PRECISION + 1, -1), -EINVAL);
    assert_true(line_report_prefix(text, &grew, LINE_REPORT_MAX_PRECISION, -1) > 0);
}

static void test_rows_of_a_ranking_have_no_number_before_them(void **state)
{
    struct line_report_row row = grew;
    char text[LINE_REPORT_HEADER_SIZE];

    (void)state;
    row.is_ranked = true;
    check(&row, 3, -1, "  54.133 MiB    7.633 MiB           1   ");
    row.has_peak = 1;
    row.peak = 12.5;
    check(&row, 1, 14, "    54.1 MiB \033[97;41m     7.6 MiB\033[0m           1     12.5 MiB   ");
    line_report_ranking_header(text, 0);
    assert_string_equal(text, "   Mem usage    Increment  Occurrences   Line");
    line_report_ranking_header(text, 1);
    assert_string_equal(text, "   Mem usage    Increment  Occurrences         Peak   Line");
}

static void test_what_is_said_of_a_peak(void **state)
{
    char text[LINE_REPORT_PREFIX_SIZE];

    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed; else this changes nothing */
    assert_true(line_report_peak(text, "the run", 54.1328125, 1.25, 1) > 0);
    setlocale(LC_ALL, "C");
    assert_string_equal(text, "Peak of the run: 54.1 MiB, 1.250 s after the start");
    assert_int_equal(line_report_peak(text, "the run", 1, 1, LINE_REPORT_MAX_PRECISION + 1),
                     -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_laid_out_as_ever),
        cmocka_unit_test(test_colour_paints_the_increment_only),
        cmocka_unit_test(test_a_hundredth_of_the_growth_is_painted),
        cmocka_unit_test(test_columns_stand_before_the_source),
        cmocka_unit_test(test_decimals_are_points_in_every_locale),
        cmocka_unit_test(test_precision_has_bounds),
        cmocka_unit_test(test_rows_of_a_ranking_have_no_number_before_them),
        cmocka_unit_test(test_what_is_said_of_a_peak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
