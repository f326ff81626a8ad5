#include <math.h>
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
#include "plots/chart_make.h"

/* A sample with its parts, in MiB. */
static void put_sample(FILE *out, double moment, double anonymous, double file, double swap)
{
    fprintf(out, "MEM %.6f %.4f\n#PARTS/%.0f/%.0f/0/%.0f %.6f %.4f\n", anonymous + file, moment,
            anonymous * 1048576, file * 1048576, swap * 1048576, anonymous + file, moment);
}

/* Reads what `text` holds as it is read for charts. */
static void read_text(const char *text, const struct plot_spec *spec, struct profile *profile)
{
    struct sample_window window = {-INFINITY, INFINITY};
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    rewind(file);
    if (spec->has_window)
        window = (struct sample_window){spec->window_begin, spec->window_end};
    assert_int_equal(dat_read_thinned(fileno(file), &window, profile), 0);
    fclose(file);
}

static void chart_of(const char *text, const struct plot_spec *spec, struct chart *chart)
{
    struct profile profile;
    struct chart_source source = {&profile, "x.dat"};

    read_text(text, spec, &profile);
    assert_int_equal(chart_make(chart, &source, 1, spec), 0);
    profile_release(&profile);
}

static char *text_of(void (*put)(FILE *out))
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    put(out);
    fclose(out);
    return text;
}

static void put_three(FILE *out)
{
    put_sample(out, 100, 10, 2, 0);
    put_sample(out, 101, 20, 4, 1);
    put_sample(out, 102, 40, 4, 0.5);
}

static void test_parts_stand_over_each_other(void **state)
{
    const struct plot_spec spec = {.width = PLOT_WIDTH, .height = PLOT_HEIGHT};
    char *text = text_of(put_three);
    struct chart chart;

    (void)state;
    chart_of(text, &spec, &chart);
    assert_int_equal(chart.layers.count, 3);
    assert_int_equal(chart.layers.n_lifts, 0);
    assert_true(chart.layers.at[1].time == 1);
    assert_true(chart.layers.at[1].top[PROFILE_ANONYMOUS] == 20);
    assert_true(chart.layers.at[1].top[PROFILE_FILE] == 24);
    assert_true(chart.layers.at[1].top[PROFILE_SHARED] == 24);
    assert_true(chart.layers.at[1].top[PROFILE_SWAP] == 25);
    assert_string_equal(chart.layers.kinds[PROFILE_ANONYMOUS].legend,
                        "anonymous   40.0 MiB at the end");
    assert_string_equal(chart.layers.kinds[PROFILE_SWAP].legend, "swap   0.50 MiB at the end");
    /* What is swapped out stands above the curve: the scale has room for it. */
    assert_true(chart.memory.high >= 44.5);
    chart_release(&chart);
    free(text);
}

static void test_a_window_cuts_them(void **state)
{
    const struct plot_spec spec = {.width = PLOT_WIDTH,
                                   .height = PLOT_HEIGHT,
                                   .has_window = 1,
                                   .window_begin = 0.5,
                                   .window_end = 1.5};
    char *text = text_of(put_three);
    struct chart chart;

    (void)state;
    chart_of(text, &spec, &chart);
    assert_int_equal(chart.layers.count, 3);
    assert_true(chart.layers.at[0].time == 0.5 && chart.layers.at[0].top[0] == 15);
    assert_true(chart.layers.at[2].time == 1.5 && chart.layers.at[2].top[0] == 30);
    chart_release(&chart);
    free(text);
}

static void put_two_runs(FILE *out)
{
    fputs("CMDLINE a\n", out);
    put_three(out);
    fputs("CMDLINE b\n", out);
    put_sample(out, 110, 5, 5, 0);
    put_sample(out, 111, 6, 5, 0);
}

static void test_between_two_runs_is_nothing(void **state)
{
    const struct plot_spec spec = {.width = PLOT_WIDTH, .height = PLOT_HEIGHT};
    char *text = text_of(put_two_runs);
    struct chart chart;

    (void)state;
    chart_of(text, &spec, &chart);
    assert_int_equal(chart.layers.count, 5);
    assert_int_equal(chart.layers.n_lifts, 1);
    assert_int_equal(chart.layers.lifts[0], 3);
    chart_release(&chart);
    free(text);
}

#define MANY 100000

static void put_many(FILE *out)
{
    for (int i = 0; i < MANY; i++)
        put_sample(out, 100 + i / 100.0, 10 + i % 2, 2, 0);
}

/* So many are means: what a pixel's samples have in common. */
static void test_long_runs_are_thinned(void **state)
{
    const struct plot_spec spec = {.width = 500, .height = PLOT_HEIGHT};
    char *text = text_of(put_many);
    struct chart chart;

    (void)state;
    chart_of(text, &spec, &chart);
    assert_true(chart.layers.count > 400 && chart.layers.count <= 502);
    for (size_t i = 0; i < chart.layers.count; i++) {
        const struct chart_layer_point *point = &chart.layers.at[i];

        /* The last column has few. */
        assert_true(i + 1 == chart.layers.count ||
                    fabs(point->top[PROFILE_ANONYMOUS] - 10.5) < 0.02);
        assert_true(point->top[PROFILE_SWAP] == point->top[PROFILE_ANONYMOUS] + 2);
        assert_true(i == 0 || point->time > point[-1].time);
    }
    chart_release(&chart);
    free(text);
}

/* ---- limits ---- */

static size_t pieces_of(const char *text, enum profile_limit limit, struct chart *chart)
{
    const struct plot_spec spec = {.width = PLOT_WIDTH, .height = PLOT_HEIGHT};

    chart_of(text, &spec, chart);
    return chart->limits[limit].n_pieces;
}

static void test_a_limit_is_shown_from_its_half_on(void **state)
{
    struct chart chart;

    (void)state;
    /* 64 MiB. */
    assert_int_equal(pieces_of("MEM 31.9 1.0000\nMEM 2 9.0000\n#LIMIT/cgroup/67108864 1.0 1.0000\n",
                               PROFILE_CGROUP, &chart),
                     0);
    assert_null(chart.limits[PROFILE_CGROUP].text);
    chart_release(&chart);
    assert_int_equal(pieces_of("MEM 32 1.0000\nMEM 2 9.0000\n#LIMIT/cgroup/67108864 1.0 1.0000\n",
                               PROFILE_CGROUP, &chart),
                     1);
    assert_string_equal(chart.limits[PROFILE_CGROUP].text, "cgroup limit 64 MiB");
    assert_true(chart.limits[PROFILE_CGROUP].pieces[0].end == 8);
    assert_true(chart.memory.high >= 64);
    chart_release(&chart);
    /* Between two samples, too. */
    assert_int_equal(pieces_of("#RUN/7/rss/process/0.1 1.0 1.0000\nMEM 3 1.0000\nMEM 2 9.0000\n"
                               "#PEAK/7 50.0 2.0000\n#LIMIT/address/67108864 1.0 1.0000\n",
                               PROFILE_ADDRESS, &chart),
                     1);
    assert_string_equal(chart.limits[PROFILE_ADDRESS].text, "RLIMIT_AS 64 MiB");
    chart_release(&chart);
}

/* A group's limit is for all that is in it, that of address space for each process. */
static void test_children_count_against_the_limit_of_a_group(void **state)
{
    static const char text[] = "#RUN/7/rss/each/0.1 1.0 1.0000\nMEM 20 1.0000\nCHLD 8 20 1.0000\n"
                               "MEM 2 9.0000\n#LIMIT/cgroup/67108864 1.0 1.0000\n"
                               "#LIMIT/address/67108864 1.0 1.0000\n";
    struct chart chart;

    (void)state;
    assert_int_equal(pieces_of(text, PROFILE_CGROUP, &chart), 1);
    assert_int_equal(chart.limits[PROFILE_ADDRESS].n_pieces, 0);
    chart_release(&chart);
}

static void test_a_limit_that_changes(void **state)
{
    const struct chart_piece *pieces;
    struct chart chart;

    (void)state;
    assert_int_equal(pieces_of("MEM 32 1.0000\nMEM 2 9.0000\n#LIMIT/cgroup/67108864 1 1.0000\n"
                               "#LIMIT/cgroup/33554432 1 2.0000\n#LIMIT/cgroup/0 1 4.0000\n",
                               PROFILE_CGROUP, &chart),
                     2);
    pieces = chart.limits[PROFILE_CGROUP].pieces;
    assert_true(pieces[0].end == 1 && pieces[0].memory == 64);
    assert_true(pieces[1].begin == 1 && pieces[1].end == 3 && pieces[1].memory == 32);
    assert_string_equal(chart.limits[PROFILE_CGROUP].text, "cgroup limit 32 MiB");
    chart_release(&chart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_stand_over_each_other),
        cmocka_unit_test(test_a_window_cuts_them),
        cmocka_unit_test(test_between_two_runs_is_nothing),
        cmocka_unit_test(test_long_runs_are_thinned),
        cmocka_unit_test(test_a_limit_is_shown_from_its_half_on),
        cmocka_unit_test(test_children_count_against_the_limit_of_a_group),
        cmocka_unit_test(test_a_limit_that_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
