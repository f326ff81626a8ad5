#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plots/axis.h"
#include "plots/gnuplot_quote.h"
#include "plots/plot_text.h"

static const struct plot_spec plain;

static void check_scrub(const char *bytes, size_t length, const char *expected)
{
    char *text = plot_text_scrub(bytes, length, &plain);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

#define CHECK_SCRUB(literal, expected) check_scrub(literal, sizeof literal - 1, expected)

static void test_scrubbing(void **state)
{
    (void)state;
    CHECK_SCRUB("plain text, é 漢字 🎉", "plain text, é 漢字 🎉");
    CHECK_SCRUB("a\xff"
                "b\xc3",
                "a\xEF\xBF\xBD"
                "b\xEF\xBF\xBD");
    CHECK_SCRUB("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80", /* overlong, a surrogate, beyond the end */
                "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
                "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK_SCRUB("a\0b\nc\033[31md\x7f", "a·b·c·[31md·");
    CHECK_SCRUB("\u202Eabc\u2066\u2028\u2029\uFEFF\u200B", "·abc·····");
    CHECK_SCRUB("x]]>y]]>", "x]]›y]]›");
    CHECK_SCRUB("", "");
}

static void check_visible(const char *bytes, size_t length, const char *expected)
{
    char *text = plot_text_visible(bytes, length);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

#define CHECK_VISIBLE(literal, expected) check_visible(literal, sizeof literal - 1, expected)

static void test_what_cannot_be_seen_is_made_visible(void **state)
{
    (void)state;
    CHECK_VISIBLE("plain text, é 漢字 🎉", "plain text, é 漢字 🎉");
    CHECK_VISIBLE("a\0b\nc\033[31md\x7f\t", "a\\x00b\\x0ac\\x1b[31md\\x7f\\x09");
    CHECK_VISIBLE("\xff\xc3z\xed\xa0\x80", "\\xff\\xc3z\\xed\\xa0\\x80");
    CHECK_VISIBLE("\xc2\x85\u202Ex\u2028\U000E0001", "\\x85\\u202ex\\u2028\\U000e0001");
    CHECK_VISIBLE("\xEF\xBF\xBD", "\xEF\xBF\xBD");
    CHECK_VISIBLE("", "");
}

static bool is_latin(void *context, uint32_t character)
{
    (void)context;
    return character < 0x250;
}

static void test_what_the_fonts_lack(void **state)
{
    const struct plot_spec spec = {.can_show = is_latin};
    char *text = plot_text_scrub("é漢🎉a", strlen("é漢🎉a"), &spec);

    (void)state;
    assert_string_equal(text, "é??a");
    free(text);
}

static void check_fit(const char *text, double width, const char *expected)
{
    char *fitted = plot_text_fit(text, 10, 0, width);

    assert_non_null(fitted);
    assert_string_equal(fitted, expected);
    assert_true(plot_text_width(fitted, 10, 0) <= width);
    free(fitted);
}

static void test_fitting(void **state)
{
    (void)state;
    check_fit("create_index", 1000, "create_index");
    check_fit("iiiiiiiiii", 20, "iii…");
    check_fit("漢字漢字漢字", 35, "漢字…");
    check_fit("iiiiiiiiii", 17, ""); /* "ii…" says nothing */
    check_fit("WWWW", 11, "");
    check_fit("WWWW", 1, "");
    check_fit("", 5, "");
}

static void test_columns_of_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(plot_text_columns("abc"), 3);
    assert_int_equal(plot_text_columns("漢字"), 4);
    assert_int_equal(plot_text_columns("e\u0301"), 1);
    assert_int_equal(plot_text_columns("🎉"), 2);
}

static void check_memory(double mebibytes, const char *expected)
{
    char text[PLOT_NUMBER_SIZE];

    plot_text_memory(mebibytes, text);
    assert_string_equal(text, expected);
}

static void check_duration(double seconds, const char *expected)
{
    char text[PLOT_NUMBER_SIZE];

    plot_text_duration(seconds, text);
    assert_string_equal(text, expected);
}

static void test_numbers(void **state)
{
    char text[PLOT_NUMBER_SIZE];

    (void)state;
    check_memory(0.4, "0.40 MiB");
    check_memory(12.34, "12.3 MiB");
    check_memory(376.4, "376 MiB");
    check_memory(1023.4, "1023 MiB");
    check_memory(1910.3, "1.87 GiB");
    check_memory(-2048, "-2.00 GiB");
    check_memory(1e18, "976562500000000 GiB");
    check_duration(25e-6, "25 µs");
    check_duration(0.0041, "4.1 ms");
    check_duration(0.34, "340 ms");
    check_duration(6.6, "6.60 s");
    check_duration(48.1, "48.1 s");
    check_duration(187, "3:07 min");
    check_duration(7500, "2:05 h");
    check_duration(1e300, "277777777777:46 h");
    plot_text_count(1000000, text);
    assert_string_equal(text, "1 000 000");
    plot_text_count(999, text);
    assert_string_equal(text, "999");
}

static void check_ticks(const struct axis *axis, const char *expected)
{
    char all[400] = "", label[PLOT_NUMBER_SIZE];

    for (double at = axis_first_tick(axis); at <= axis->high + axis->step * 1e-6;
         at += axis->step) {
        axis_label(axis, at, label);
        strcat(strcat(all, label), " ");
    }
    assert_string_equal(all, expected);
}

static void test_scales(void **state)
{
    struct axis axis;

    (void)state;
    axis_of_memory(&axis, 1910, 5);
    assert_string_equal(axis.title, "memory (GiB)");
    check_ticks(&axis, "0.0 0.5 1.0 1.5 2.0 ");
    axis_of_memory(&axis, 37, 5);
    assert_string_equal(axis.title, "memory (MiB)");
    check_ticks(&axis, "0 10 20 30 40 ");
    axis_of_memory(&axis, 1e34, 5);
    assert_true(axis.step > 1e33 && axis.step < 1e34);
    axis_of_memory(&axis, 0, 5);
    assert_true(axis.high > 0);
    axis_of_time(&axis, 0, 61.7, 7);
    check_ticks(&axis, "0 10 20 30 40 50 60 ");
    axis_of_time(&axis, 20, 20.5, 5);
    check_ticks(&axis, "20.0 20.1 20.2 20.3 20.4 20.5 ");
    axis_of_time(&axis, 0, 500, 5);
    check_ticks(&axis, "0:00 2:00 4:00 6:00 8:00 ");
    assert_string_equal(axis.title, "time (min:s)");
    axis_of_time(&axis, 0, 100000, 7);
    check_ticks(&axis, "0:00 6:00 12:00 18:00 24:00 ");
    axis_of_time(&axis, 5, 5, 5);
    assert_true(axis.high > axis.low);
}

static void check_quote(const char *text, const char *expected)
{
    char *written = NULL;
    size_t size;
    FILE *out = open_memstream(&written, &size);

    gnuplot_quote(out, text);
    fclose(out);
    assert_string_equal(written, expected);
    free(written);
}

static void test_quoting_for_gnuplot(void **state)
{
    (void)state;
    check_quote("main  58.8 s", "\"main  58.8 s\"");
    check_quote("", "\"\"");
    check_quote("\"; system(\"id\"); \"", "\"\\0042; system(\\0042id\\0042); \\0042\"");
    check_quote("`id` $HOME @m {/=9} ^_\\n% 'x' #",
                "\"\\0140id\\0140 \\0044HOME \\0100m \\0173/=9\\0175 "
                "\\0136_\\0134n\\0045 \\0047x\\0047 \\0043\"");
    check_quote("é漢", "\"é漢\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scrubbing),
        cmocka_unit_test(test_what_cannot_be_seen_is_made_visible),
        cmocka_unit_test(test_what_the_fonts_lack),
        cmocka_unit_test(test_fitting),
        cmocka_unit_test(test_columns_of_a_terminal),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_quoting_for_gnuplot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
