#include "plots/gnuplot_data.h"

#include <stdarg.h>
#include <stdbool.h>

#include "plots/gnuplot_number.h"

/* ---- datablocks ---- */

/* A blank line lifts the pen. */
static void put_lift(FILE *out, const struct chart_series *series, size_t *next, size_t at)
{
    if (*next >= series->n_lifts || series->lifts[*next] != at)
        return;
    putc('\n', out);
    ++*next;
}

static void put_rows(FILE *out, const struct chart_series *series, const struct chart_point *points,
                     size_t count)
{
    size_t next = 0;

    for (size_t i = 0; i < count; i++) {
        if (series != NULL)
            put_lift(out, series, &next, i);
        gnuplot_pair(out, points[i].time, ' ', points[i].memory);
        putc('\n', out);
    }
}

static void put_points(FILE *out, const char *name, size_t number, const struct chart_point *points,
                       size_t count)
{
    fprintf(out, "$%s%zu << EOD\n", name, number);
    put_rows(out, NULL, points, count);
    fputs("EOD\n", out);
}

static void put_line(FILE *out, size_t number, const struct chart_series *series)
{
    fprintf(out, "$series%zu << EOD\n", number);
    put_rows(out, series, series->points, series->n_points);
    fputs("EOD\n", out);
}

static void put_columns(FILE *out, size_t number, const struct chart_series *series)
{
    size_t next = 0;

    fprintf(out, "$dense%zu << EOD\n", number);
    for (size_t i = 0; i < series->n_columns; i++) {
        const struct chart_column *column = &series->columns[i];

        put_lift(out, series, &next, i);
        gnuplot_pair(out, column->time, ' ', column->least);
        putc(' ', out);
        gnuplot_pair(out, column->most, ' ', column->mean);
        putc('\n', out);
    }
    fputs("EOD\n", out);
}

/*
 * All grey children in one block, a blank line between them: a thousand plots take seconds. Returns
 * one of them, NULL when there is none.
 */
static const struct chart_series *put_other_data(FILE *out, const struct chart *chart)
{
    const struct chart_series *other = NULL;

    for (size_t i = 0; i < chart->n_series; i++) {
        const struct chart_series *series = &chart->series[i];

        if (series->role != CHART_OTHER || series->n_points == 0)
            continue;
        fputs(other == NULL ? "$others << EOD\n" : "\n", out);
        other = series;
        put_rows(out, series->n_columns == 0 ? series : NULL, series->points, series->n_points);
    }
    fputs(other != NULL ? "EOD\n" : "", out);
    return other;
}

/* gnuplot takes an empty block for an error: what has no points has no block either. */
static void put_series_data(FILE *out, const struct layout *layout)
{
    for (size_t i = 0; i < layout->chart->n_series; i++) {
        const struct chart_series *series = &layout->chart->series[i];

        if (series->role == CHART_OTHER)
            continue;
        if (series->n_columns > 0)
            put_columns(out, i, series);
        else if (series->n_points > 0)
            put_line(out, i, series);
        if (series->n_spikes > 0)
            put_points(out, "spikes", i, series->spikes, series->n_spikes);
    }
}

/* The rows of all layers; a blank line lifts the pen. */
static void put_layer_data(FILE *out, const struct chart *chart)
{
    const struct chart_layers *layers = &chart->layers;
    size_t next = 0;

    if (layers->count == 0)
        return;
    fputs("$layers << EOD\n", out);
    for (size_t i = 0; i < layers->count; i++) {
        if (next < layers->n_lifts && layers->lifts[next] == i) {
            putc('\n', out);
            next++;
        }
        gnuplot_number(out, layers->at[i].time);
        for (size_t part = 0; part < PROFILE_PARTS; part++) {
            putc(' ', out);
            gnuplot_number(out, layers->at[i].top[part]);
        }
        putc('\n', out);
    }
    fputs("EOD\n", out);
}

/* Pieces of line, a blank line between them. */
static void put_limit_data(FILE *out, const struct chart *chart)
{
    for (size_t i = 0; i < PROFILE_LIMITS; i++) {
        const struct chart_limit *limit = &chart->limits[i];

        if (limit->n_pieces == 0)
            continue;
        fprintf(out, "$limit%zu << EOD\n", i);
        for (size_t j = 0; j < limit->n_pieces; j++) {
            const struct chart_piece *piece = &limit->pieces[j];
            const struct chart_point ends[] = {{piece->begin, piece->memory},
                                               {piece->end, piece->memory}};

            fputs(j > 0 ? "\n" : "", out);
            put_rows(out, NULL, ends, 2);
        }
        fputs("EOD\n", out);
    }
}

static void put_box_row(FILE *out, const struct layout *layout, const struct layout_box *box,
                        uint32_t colour)
{
    double left = gnuplot_time_at(layout, box->left), right = gnuplot_time_at(layout, box->right);
    double low = gnuplot_memory_at(layout, box->bottom), high = gnuplot_memory_at(layout, box->top);

    gnuplot_pair(out, (left + right) / 2, ' ', (low + high) / 2);
    putc(' ', out);
    gnuplot_pair(out, left, ' ', right);
    putc(' ', out);
    gnuplot_pair(out, low, ' ', high);
    fprintf(out, " 0x%06x\n", (unsigned)colour);
}

/* The end of a bar that has none: stripes that fade out. */
#define STRIPES 3
#define STRIPE 4.0

static void put_open_bar(FILE *out, const struct layout *layout, const struct layout_bar *bar)
{
    struct layout_box box = bar->box;
    double end = box.right;

    if (box.right - box.left > 2 * STRIPES * STRIPE)
        box.right -= STRIPES * STRIPE;
    put_box_row(out, layout, &box, bar->colour);
    for (int i = 0; i < STRIPES && box.right < end; i++) {
        struct layout_box stripe = box;

        stripe.left = box.right + i * STRIPE + 1 + i * 0.5;
        stripe.right = box.right + (i + 1) * STRIPE - i * 0.5;
        put_box_row(out, layout, &stripe, bar->colour);
    }
}

static void put_box_data(FILE *out, const struct layout *layout)
{
    if (layout->n_bands > 0) {
        fputs("$bands << EOD\n", out);
        for (size_t i = 0; i < layout->n_bands; i++)
            put_box_row(out, layout, &layout->bands[i], 0xfcf3da);
        fputs("EOD\n", out);
    }
    if (layout->n_bars > 0) {
        fputs("$bars << EOD\n", out);
        for (size_t i = 0; i < layout->n_bars; i++)
            if (layout->bars[i].is_open)
                put_open_bar(out, layout, &layout->bars[i]);
            else
                put_box_row(out, layout, &layout->bars[i].box, layout->bars[i].colour);
        fputs("EOD\n", out);
    }
}

#define BRACKET_HEIGHT 9.0
#define BRACKET_WIDTH 5.0

/* Each bracket is a piece of line; a blank line lifts the pen. */
static void put_bracket_data(FILE *out, const struct layout *layout)
{
    if (layout->n_brackets == 0)
        return;
    fputs("$brackets << EOD\n", out);
    for (size_t i = 0; i < layout->n_brackets; i++) {
        const struct layout_bracket *bracket = &layout->brackets[i];
        double tip = bracket->x + (bracket->is_end ? -BRACKET_WIDTH : BRACKET_WIDTH);
        double xs[] = {tip, bracket->x, bracket->x, tip};

        for (int j = 0; j < 4; j++) {
            double y = bracket->y + (j < 2 ? -BRACKET_HEIGHT : BRACKET_HEIGHT);

            gnuplot_pair(out, gnuplot_time_at(layout, xs[j]), ' ', gnuplot_memory_at(layout, y));
            fprintf(out, " 0x%06x\n", (unsigned)bracket->colour);
        }
        fputs(i + 1 < layout->n_brackets ? "\n" : "", out);
    }
    fputs("EOD\n", out);
}

/* ---- peaks, trend ---- */

static bool has_lines_of_peak(const struct layout *layout, const struct chart_series *series)
{
    return layout->chart->n_profiles == 1 && series->has_peak && series->role != CHART_OTHER &&
           series >= &layout->chart->series[layout->chart->n_series - 1];
}

/* Of the process that was run; drawn as data, since so every terminal knows the dashes. */
static void put_lines_of_peak(FILE *out, const struct layout *layout, size_t number,
                              const struct chart_series *series)
{
    const struct axis *time = &layout->chart->time;
    const struct chart_point lines[] = {
        {time->low, series->peak.memory},
        {time->high, series->peak.memory},
    };
    const struct chart_point down[] = {series->peak, {series->peak.time, 0}};

    put_points(out, "across", number, lines, 2);
    put_points(out, "down", number, down, 2);
}

static void put_peak_data(FILE *out, const struct layout *layout)
{
    const struct chart *chart = layout->chart;

    for (size_t i = 0; i < chart->n_series; i++) {
        const struct chart_series *series = &chart->series[i];

        if (!series->has_peak || series->role == CHART_OTHER)
            continue;
        put_points(out, "peak", i, &series->peak, 1);
        if (has_lines_of_peak(layout, series))
            put_lines_of_peak(out, layout, i, series);
    }
    if (chart->has_trend)
        put_points(out, "trend", 0, chart->trend, 2);
}

/* ---- the plot command ---- */

struct plotting {
    FILE *out;
    const char *between;
};

/* One element of the command: the block's name and number, then how it is drawn. */
__attribute__((format(printf, 2, 3))) static void plot(struct plotting *plotting,
                                                       const char *format, ...)
{
    va_list list;

    fputs(plotting->between, plotting->out);
    va_start(list, format);
    vfprintf(plotting->out, format, list);
    va_end(list);
    plotting->between = " notitle, \\\n     ";
}

static void plot_boxes(struct plotting *plotting, const struct layout *layout)
{
    const char *fill = layout->chart->is_flame ? "transparent solid 0.55" : "solid 1.0";

    if (layout->n_bands > 0)
        plot(plotting, "$bands using 1:2:3:4:5:6:7 with boxxyerror fs solid 1.0 noborder "
                       "lc rgb variable");
    if (layout->n_bars > 0)
        plot(plotting, "$bars using 1:2:3:4:5:6:7 with boxxyerror fs %s noborder lc rgb variable",
             fill);
    if (layout->n_brackets > 0)
        plot(plotting, "$brackets using 1:2:3 with lines lw 1.8 lc rgb variable");
}

/* Dense: the band, a thin line along its top, and the mean. Else a line, filled for the root. */
static void plot_series(struct plotting *plotting, size_t i, const struct chart_series *series)
{
    unsigned colour = (unsigned)series->colour;
    const char *weight = series->role == CHART_MAIN ? "2.2" : "1.6";

    if (series->n_columns > 0) {
        plot(plotting,
             "$dense%zu using 1:2:3 with filledcurves fs transparent solid 0.35 noborder "
             "lc rgb '#%06x'",
             i, colour);
        plot(plotting, "$dense%zu using 1:3 with lines lw 0.7 lc rgb '#%06x'", i, colour);
        plot(plotting, "$dense%zu using 1:4 with lines lw %s lc rgb '#%06x'", i, weight, colour);
    } else if (series->n_points > 0) {
        plot(plotting, "$series%zu using 1:2 with lines lw %s lc rgb '#%06x'", i, weight, colour);
        /* A line of one point is nothing to see. */
        if (series->n_points == 1)
            plot(plotting, "$series%zu using 1:2 with points pt 7 ps 0.6 lc rgb '#%06x'", i,
                 colour);
    }
    if (series->n_spikes > 0)
        plot(plotting, "$spikes%zu using 1:2 with lines lw 0.7 lc rgb '#%06x'", i, colour);
}

static void plot_layers(struct plotting *plotting, const struct chart *chart)
{
    const struct chart_layers *layers = &chart->layers;

    for (size_t part = 0; part < PROFILE_PARTS && layers->count > 0; part++) {
        unsigned colour = (unsigned)layers->kinds[part].colour;

        if (part == 0)
            plot(plotting,
                 "$layers using 1:2 with filledcurves y=0 fs solid 1.0 noborder lc rgb '#%06x'",
                 colour);
        else
            plot(plotting,
                 "$layers using 1:%zu:%zu with filledcurves fs solid 1.0 noborder lc rgb '#%06x'",
                 part + 1, part + 2, colour);
    }
}

static void plot_limits(struct plotting *plotting, const struct chart *chart)
{
    for (size_t i = 0; i < PROFILE_LIMITS; i++)
        if (chart->limits[i].n_pieces > 0)
            plot(plotting, "$limit%zu using 1:2 with lines lw 1.6 dt (3,4) lc rgb '#%06x'", i,
                 (unsigned)CHART_LIMIT_COLOUR);
}

static void plot_fill(struct plotting *plotting, const struct layout *layout)
{
    size_t last = layout->chart->n_series - 1;
    const struct chart_series *root = &layout->chart->series[last];

    /* The layers fill it already. */
    if (layout->chart->n_profiles == 1 && root->n_points > 1 && root->n_columns == 0 &&
        layout->chart->layers.count == 0)
        plot(plotting,
             "$series%zu using 1:2 with filledcurves y=0 fs transparent solid 0.10 noborder "
             "lc rgb '#%06x'",
             last, (unsigned)root->colour);
}

static void plot_peaks(struct plotting *plotting, const struct layout *layout)
{
    const struct chart *chart = layout->chart;

    for (size_t i = 0; i < chart->n_series; i++) {
        const struct chart_series *series = &chart->series[i];
        unsigned colour = has_lines_of_peak(layout, series) ? 0xb2182b : (unsigned)series->colour;

        if (!series->has_peak || series->role == CHART_OTHER)
            continue;
        if (has_lines_of_peak(layout, series)) {
            plot(plotting, "$across%zu using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b'", i);
            plot(plotting, "$down%zu using 1:2 with lines lw 1.1 dt (12,7) lc rgb '#b2182b'", i);
        }
        plot(plotting, "$peak%zu using 1:2 with points pt 7 ps %s lc rgb '#%06x'", i,
             series->role == CHART_MAIN ? "0.9" : "0.6", colour);
    }
    if (chart->has_trend)
        plot(plotting, "$trend0 using 1:2 with lines lw 1.6 dt (6,4) lc rgb '#1a1a1a'");
}

void gnuplot_data(FILE *out, const struct layout *layout)
{
    const struct chart *chart = layout->chart;
    struct plotting plotting = {out, "plot "};
    const struct chart_series *other = put_other_data(out, chart);

    put_box_data(out, layout);
    put_bracket_data(out, layout);
    put_layer_data(out, chart);
    put_limit_data(out, chart);
    put_series_data(out, layout);
    put_peak_data(out, layout);
    plot_boxes(&plotting, layout);
    plot_layers(&plotting, chart);
    plot_fill(&plotting, layout);
    plot_limits(&plotting, chart);
    if (other != NULL)
        plot(&plotting, "$others using 1:2 with lines lw 1.0 lc rgb '#%06x'",
             (unsigned)other->colour);
    for (size_t i = 0; i < chart->n_series; i++)
        if (chart->series[i].role != CHART_OTHER)
            plot_series(&plotting, i, &chart->series[i]);
    plot_peaks(&plotting, layout);
    fputs(" notitle\n", out);
}
