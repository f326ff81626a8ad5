#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plots/chart_make.h"
#include "plots/layout_curve.h"
#include "plots/layout_make.h"
#include "plots/layout_text.h"

/* Runs made up of noise that is the same every time. */
static uint32_t seed;

static double noise(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 8) / (1 << 24);
}

static const char *const names[] = {
    "app.main",      "app.load",      "app.Class.a_very_long_method_name_that_goes_on",
    ".create_index", ".漢字のラベル", "pkg.🎉",
    "m.<lambda>",    ".block two",    "m.f",
    "m.g",
};

static void add_samples(struct profile_samples *samples, size_t count, double begin, double end,
                        double height)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(profile_samples_add(samples,
                                             height * (0.5 + 0.5 * sin((double)i / 9) * noise()),
                                             begin + (end - begin) * (double)i / (double)count),
                         0);
}

static void add_span(struct profile *profile, const char *name, double begin, double end, int level)
{
    struct profile_span span = {.name = profile_name(profile, name, strlen(name)),
                                .begin = begin,
                                .end = end,
                                .level = level,
                                .memory_begin = 100 * noise(),
                                .memory_end = 100 * noise(),
                                .open = noise() < 0.05};

    if (span.open)
        span.end = begin;
    assert_int_equal(profile_span_add(profile, &span), 0);
}

static void make_profile(struct profile *profile, size_t spans, size_t children)
{
    profile_init(profile);
    assert_int_equal(profile_command_line(profile, "python 漢字.py --a-long-option", 31), 0);
    add_samples(&profile->samples, 500, 1000, 1060, 150);
    for (size_t i = 0; i < children; i++) {
        struct profile_process *process = profile_process(profile, 4000 + (int64_t)i);

        assert_non_null(process);
        add_samples(&process->samples, 50, 1010 + 30 * noise(), 1055, 90 * noise());
    }
    for (size_t i = 0; i < spans; i++) {
        double begin = 1000 + 60 * noise();

        add_span(profile, names[i % 10], begin, fmin(begin + 600 * noise() / (double)spans, 1060),
                 (int)(i % 4));
    }
    profile_finish(profile);
}

/* ---- what must hold for every layout ---- */

static void check_inside(const struct layout *layout, const struct layout_box *box)
{
    assert_true(box->left >= 0 && box->top >= 0);
    assert_true(box->right <= layout->width + 1e-6 && box->bottom <= layout->height + 1e-6);
    assert_true(box->left <= box->right && box->top <= box->bottom);
}

static void check_texts(const struct layout *layout)
{
    for (size_t i = 0; i < layout->n_texts; i++) {
        struct layout_box box = layout_text_box(&layout->texts[i]);

        check_inside(layout, &box);
        for (size_t j = 0; j < i; j++) {
            struct layout_box other = layout_text_box(&layout->texts[j]);

            if (layout_overlap(&box, &other))
                fail_msg("'%s' lies over '%s'", layout->texts[i].text, layout->texts[j].text);
        }
    }
}

static void check_bars(const struct layout *layout)
{
    for (size_t i = 0; i < layout->n_bars; i++) {
        check_inside(layout, &layout->bars[i].box);
        assert_true(layout->bars[i].box.left >= layout->area.left);
        assert_true(layout->bars[i].box.right <= layout->area.right + 1e-6);
        assert_true(layout->bars[i].box.bottom <= layout->area.bottom + 1e-6);
    }
}

/* A band's name, which has a colour of its own, does not reach out of a band. */
static void check_tags(const struct layout *layout)
{
    for (size_t i = 0; i < layout->n_texts; i++) {
        struct layout_box box = layout_text_box(&layout->texts[i]);
        bool is_inside = layout->texts[i].colour != LAYOUT_TAG_COLOUR;

        for (size_t j = 0; j < layout->n_bands; j++)
            is_inside |= box.left >= layout->bands[j].left && box.right <= layout->bands[j].right;
        assert_true(is_inside);
    }
}

/* Texts of the legend lie in its box, all others outside. */
static void check_legend(const struct layout *layout)
{
    size_t inside = 0;

    if (layout->n_legend_entries == 0)
        return;
    check_inside(layout, &layout->legend);
    for (size_t i = 0; i < layout->n_texts; i++) {
        struct layout_box box = layout_text_box(&layout->texts[i]);

        inside += (size_t)layout_overlap(&box, &layout->legend);
    }
    assert_int_equal(inside, layout->n_legend_entries);
}

static void check_layout(const struct profile *profile, struct plot_spec *spec)
{
    const struct chart_source source = {profile, "x.dat"};
    struct chart chart;
    struct layout layout;

    assert_int_equal(chart_make(&chart, &source, 1, spec), 0);
    assert_int_equal(layout_make(&layout, &chart, spec), 0);
    check_texts(&layout);
    check_bars(&layout);
    check_tags(&layout);
    check_legend(&layout);
    layout_release(&layout);
    chart_release(&chart);
}

static void test_nothing_lies_over_anything(void **state)
{
    static const size_t counts[] = {0, 2, 20, 2000};
    static const int sizes[][2] = {{1400, 760}, {600, 300}, {300, 200}, {2800, 1500}};
    struct profile profile;

    (void)state;
    for (seed = 1; seed < 6; seed++)
        for (size_t i = 0; i < 4; i++)
            for (size_t j = 0; j < 4; j++)
                for (int flame = 0; flame < 2; flame++) {
                    struct plot_spec spec = {.width = sizes[j][0],
                                             .height = sizes[j][1],
                                             .flame = flame,
                                             .slope = flame};
                    uint32_t kept = seed;

                    make_profile(&profile, counts[i], i * 4);
                    check_layout(&profile, &spec);
                    profile_release(&profile);
                    seed = kept;
                }
}

static void test_windows_keep_colours(void **state)
{
    struct plot_spec all = {.width = 1400, .height = 760}, part = all;
    struct chart_source source;
    struct profile profile;
    struct chart whole, window;

    (void)state;
    seed = 7;
    make_profile(&profile, 200, 9);
    source = (struct chart_source){&profile, "x.dat"};
    part.has_window = 1;
    part.window_begin = 30;
    part.window_end = 35;
    assert_int_equal(chart_make(&whole, &source, 1, &all), 0);
    assert_int_equal(chart_make(&window, &source, 1, &part), 0);
    assert_int_equal(whole.n_series, window.n_series);
    for (size_t i = 0; i < whole.n_series; i++) {
        assert_string_equal(whole.series[i].name, window.series[i].name);
        assert_int_equal(whole.series[i].colour, window.series[i].colour);
        for (size_t j = 0; j < window.series[i].n_points; j++)
            assert_true(window.series[i].points[j].time >= 30 - 1e-9 &&
                        window.series[i].points[j].time <= 35 + 1e-9);
    }
    assert_int_equal(whole.n_names, window.n_names);
    for (size_t i = 0; i < whole.n_names; i++)
        assert_int_equal(whole.names[i].colour, window.names[i].colour);
    assert_true(window.n_spans > 0 && window.n_spans < whole.n_spans);
    chart_release(&whole);
    chart_release(&window);
    profile_release(&profile);
}

static void test_bars_of_one_row_do_not_overlap(void **state)
{
    struct plot_spec spec = {.width = 1400, .height = 760};
    struct chart_source source;
    struct profile profile;
    struct chart chart;

    (void)state;
    seed = 11;
    make_profile(&profile, 300, 0);
    source = (struct chart_source){&profile, "x.dat"};
    assert_int_equal(chart_make(&chart, &source, 1, &spec), 0);
    assert_true(chart.n_rows <= CHART_MOST_ROWS);
    for (size_t i = 0; i < chart.n_spans; i++)
        for (size_t j = 0; j < i; j++)
            if (chart.spans[i].row == chart.spans[j].row)
                assert_true(chart.spans[j].end <= chart.spans[i].begin ||
                            chart.spans[i].end <= chart.spans[j].begin);
    chart_release(&chart);
    profile_release(&profile);
}

static void test_the_legend_leaves_the_curve_alone(void **state)
{
    struct plot_spec spec = {.width = 1400, .height = 760};
    const struct chart_source *source;
    struct chart_source one;
    struct profile profile;
    struct chart chart;
    struct layout layout;

    (void)state;
    profile_init(&profile);
    /* High on the left, low on the right: the legend belongs to the right. */
    for (int i = 0; i < 1000; i++)
        assert_int_equal(profile_samples_add(&profile.samples, i < 500 ? 900 + i % 90 : 10 + i % 9,
                                             1000 + i * 0.1),
                         0);
    profile_finish(&profile);
    one = (struct chart_source){&profile, "x.dat"};
    source = &one;
    assert_int_equal(chart_make(&chart, source, 1, &spec), 0);
    assert_int_equal(layout_make(&layout, &chart, &spec), 0);
    assert_int_equal(layout.n_legend_entries, 1);
    for (size_t i = 0; i < chart.series[0].n_points; i++) {
        double x = layout_x(&layout, chart.series[0].points[i].time);
        double y = layout_y(&layout, chart.series[0].points[i].memory);

        assert_false(x > layout.legend.left && x < layout.legend.right && y > layout.legend.top &&
                     y < layout.legend.bottom);
    }
    layout_release(&layout);
    chart_release(&chart);
    profile_release(&profile);
}

/* A text of the layout that holds `part`. */
static const struct layout_text *text_with(const struct layout *layout, const char *part)
{
    for (size_t i = 0; i < layout->n_texts; i++)
        if (strstr(layout->texts[i].text, part) != NULL)
            return &layout->texts[i];
    return NULL;
}

static void assert_avoids_curves(const struct layout *layout, const char *part)
{
    const struct layout_text *text = text_with(layout, part);
    struct layout_box box;

    assert_non_null(text);
    box = layout_text_box(text);
    if (layout_hidden_curve(layout, &box) > 0)
        fail_msg("over a curve: %s", text->text);
    assert_true(box.left >= 0 && box.right <= layout->width && box.top >= 0 &&
                box.bottom <= layout->height);
}

/* A child whose peak lies beside the main curve, wherever: there is room elsewhere. */
static void test_labels_avoid_the_curves(void **state)
{
    struct plot_spec spec = {.width = 1400, .height = 760};

    (void)state;
    for (int at = 0; at < 100; at++) {
        struct profile profile;
        struct profile_process *child;
        struct chart_source one;
        struct chart chart;
        struct layout layout;

        profile_init(&profile);
        assert_int_equal(
            profile_run_add(&profile, &(struct profile_run){.pid = 1, .backend = "rss", .each = 1}),
            0);
        child = profile_process(&profile, 7);
        for (int i = 0; i < 200; i++) {
            double memory = 60 + 30 * sin(i / 20.0) + i % 3;

            assert_int_equal(profile_samples_add(&profile.samples, memory, 1000 + i * 0.1), 0);
            assert_int_equal(profile_samples_add(&child->samples,
                                                 i == 2 * at ? memory : memory / (2 + i % 2),
                                                 1000 + i * 0.1),
                             0);
        }
        profile_finish(&profile);
        one = (struct chart_source){&profile, "x.dat"};
        assert_int_equal(chart_make(&chart, &one, 1, &spec), 0);
        assert_int_equal(layout_make(&layout, &chart, &spec), 0);
        assert_avoids_curves(&layout, "peak 9"); /* of the main process, 90 MiB and more */
        assert_avoids_curves(&layout, "child 7 peak");
        layout_release(&layout);
        chart_release(&chart);
        profile_release(&profile);
    }
}

/* Bars of a flame lie behind the curve: their texts stand where it is not. */
static void test_texts_of_flames_avoid_the_curve(void **state)
{
    struct plot_spec spec = {.width = 1400, .height = 760, .flame = 1};
    struct chart_source one;
    struct profile profile;
    struct chart chart;
    struct layout layout;

    (void)state;
    profile_init(&profile);
    for (int i = 0; i < 100; i++)
        assert_int_equal(
            profile_samples_add(&profile.samples, i < 10 ? 20 + 0.3 * i : 100, 1000 + i * 0.1), 0);
    add_span(&profile, "app.main", 1000.1, 1009.5, 0);
    profile_finish(&profile);
    one = (struct chart_source){&profile, "x.dat"};
    assert_int_equal(chart_make(&chart, &one, 1, &spec), 0);
    assert_int_equal(layout_make(&layout, &chart, &spec), 0);
    assert_avoids_curves(&layout, "main  ");
    layout_release(&layout);
    chart_release(&chart);
    profile_release(&profile);
}

static void test_nothing_to_draw(void **state)
{
    struct plot_spec spec = {.width = 1400, .height = 760};
    struct chart_source source;
    struct profile profile;
    struct chart chart;

    (void)state;
    profile_init(&profile);
    source = (struct chart_source){&profile, "x.dat"};
    assert_int_equal(chart_make(&chart, &source, 1, &spec), -ENODATA);
    chart_release(&chart);
    make_profile(&profile, 5, 0);
    spec.has_window = 1;
    spec.window_begin = 500;
    spec.window_end = 600;
    assert_int_equal(chart_make(&chart, &source, 1, &spec), -ENODATA);
    chart_release(&chart);
    profile_release(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_lies_over_anything),
        cmocka_unit_test(test_windows_keep_colours),
        cmocka_unit_test(test_bars_of_one_row_do_not_overlap),
        cmocka_unit_test(test_the_legend_leaves_the_curve_alone),
        cmocka_unit_test(test_labels_avoid_the_curves),
        cmocka_unit_test(test_texts_of_flames_avoid_the_curve),
        cmocka_unit_test(test_nothing_to_draw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
