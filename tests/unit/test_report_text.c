#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "memprof/lines/call_report.h"
#include "memprof/lines/report_text.h"

static void test_heat_rises_with_the_share(void **state)
{
    (void)state;
    assert_string_equal(report_heat(50, 100), "\033[97;41m");
    assert_string_equal(report_heat(49.9, 100), "\033[1;31m");
    assert_string_equal(report_heat(10, 100), "\033[1;31m");
    assert_string_equal(report_heat(9.9, 100), "\033[31m");
    assert_string_equal(report_heat(1, 100), "\033[31m");
    assert_string_equal(report_heat(0.99, 100), "");
    assert_string_equal(report_heat(-50, 100), "\033[30;42m");
    assert_string_equal(report_heat(-10, 100), "\033[1;32m");
    assert_string_equal(report_heat(-1, 100), "\033[32m");
}

static void test_nothing_and_no_colour_are_cool(void **state)
{
    (void)state;
    assert_string_equal(report_heat(0, 100), "");
    assert_string_equal(report_heat(0, 0), "");
    assert_string_equal(report_heat(50, -1), "");
    assert_string_equal(report_heat(50, 0), "\033[31m");
}

static void test_what_a_function_grew_itself_is_painted(void **state)
{
    struct call_report_row row = {.calls = 3, .primitive = 3, .own = 60, .cumulative = 90};
    char text[CALL_REPORT_ROW_SIZE];

    (void)state;
    assert_true(call_report_prefix(text, &row, 1, -1) > 0);
    assert_string_equal(text, "             3     60.0 MiB     90.0 MiB                ");
    assert_true(call_report_prefix(text, &row, 1, 100) > 0);
    assert_string_equal(text,
                        "             3 \033[97;41m    60.0 MiB\033[0m     90.0 MiB             "
                        "   ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heat_rises_with_the_share),
        cmocka_unit_test(test_nothing_and_no_colour_are_cool),
        cmocka_unit_test(test_what_a_function_grew_itself_is_painted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
