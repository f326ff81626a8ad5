#include "plots/layout_labels.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/layout_curve.h"
#include "plots/layout_text.h"
#include "plots/number.h"

/* ---- peaks ---- */

#define NEAR 10.0 /* of a label from its point */

static const struct chart_series *root_of(const struct chart *chart)
{
    return &chart->series[chart->n_series - 1];
}

/* The largest child that has a colour: the one drawn just below the root. */
static const struct chart_series *child_of(const struct chart *chart)
{
    const struct chart_series *child =
        chart->n_series > 1 ? &chart->series[chart->n_series - 2] : NULL;

    return child != NULL && child->role == CHART_CHILD && child->has_peak ? child : NULL;
}

static bool is_free(const struct layout *layout, const struct layout_box *box)
{
    return box->left >= layout->area.left && box->right <= layout->area.right + NEAR &&
           box->right < layout->width && box->top >= layout->area.top &&
           box->bottom <= layout->zero && !layout_is_taken(layout, box);
}

/* Whether a dashed line of the peak goes through the box: one across, and one from the peak down.
 */
static bool crosses_dashes(const struct layout *layout, const struct layout_box *box)
{
    const struct chart_series *root = root_of(layout->chart);
    double x = layout_x(layout, root->peak.time), y = layout_y(layout, root->peak.memory);

    return layout->chart->n_profiles == 1 && root->has_peak &&
           ((y > box->top && y < box->bottom) ||
            (x > box->left && x < box->right && box->bottom > y));
}

/* Less than any pixel of a curve. */
#define COST_OF_DASHES 0.5

/* Beside the point, no text covered: where no curve is hidden, else where least is; near is better.
 */
static int add_label(struct layout *layout, struct layout_text *label, double x, double y)
{
    static const double distances[] = {NEAR + 4, 3 * NEAR,  5 * NEAR,
                                       8 * NEAR, 12 * NEAR, 18 * NEAR};
    struct layout_text best = *label;
    double least = INFINITY;

    /* Above to the right, above to the left, then below; then the same farther away. */
    for (size_t i = 0; i < 4 * sizeof distances / sizeof distances[0] && least > 0; i++) {
        struct layout_box box;
        double cost = INFINITY;

        label->anchor = i % 2 == 0 ? LAYOUT_LEFT : LAYOUT_RIGHT;
        label->x = x + (i % 2 == 0 ? NEAR : -NEAR);
        label->y = y + (i % 4 < 2 ? -distances[i / 4] : distances[i / 4]);
        box = layout_text_box(label);
        if (is_free(layout, &box))
            cost = layout_hidden_curve(layout, &box) +
                   (crosses_dashes(layout, &box) ? COST_OF_DASHES : 0);
        if (cost < least) {
            least = cost;
            best = *label;
        }
    }
    /* Where there is no room the legend says it, too. */
    return least < INFINITY ? layout_add_text(layout, &best) : 0;
}

static int add_peak(struct layout *layout, const struct chart_series *series, enum layout_font font,
                    uint32_t colour)
{
    char text[128], memory[PLOT_NUMBER_SIZE], when[PLOT_NUMBER_SIZE];
    struct layout_text label = {.text = text, .font = font, .colour = colour};

    plot_text_memory(series->peak.memory, memory);
    plot_text_duration(series->peak.time, when);
    if (font == LAYOUT_PEAK)
        snprintf(text, sizeof text, "peak %s at %s", memory, when);
    else
        snprintf(text, sizeof text, "%.60s peak %s", series->name, memory);
    return add_label(layout, &label, layout_x(layout, series->peak.time),
                     layout_y(layout, series->peak.memory));
}

static int add_trend(struct layout *layout)
{
    const struct chart *chart = layout->chart;
    struct layout_text label = {
        .text = chart->trend_text, .font = LAYOUT_PEAK, .colour = LAYOUT_DARK};

    return add_label(layout, &label, layout_x(layout, chart->trend[1].time),
                     layout_y(layout, chart->trend[1].memory));
}

/* At the right end of its line. */
static int add_limit(struct layout *layout, const struct chart_limit *limit)
{
    const struct chart_piece *last = &limit->pieces[limit->n_pieces - 1];
    struct layout_text label = {
        .text = limit->text, .font = LAYOUT_SMALL, .colour = CHART_LIMIT_COLOUR};

    return add_label(layout, &label, layout_x(layout, last->end), layout_y(layout, last->memory));
}

int layout_peaks(struct layout *layout)
{
    const struct chart *chart = layout->chart;
    int error = 0;

    if (chart->n_profiles == 1 && root_of(chart)->has_peak)
        error = add_peak(layout, root_of(chart), LAYOUT_PEAK, LAYOUT_PEAK_COLOUR);
    if (error == 0 && chart->n_profiles == 1 && child_of(chart) != NULL)
        error = add_peak(layout, child_of(chart), LAYOUT_SMALL, 0x555555);
    if (error == 0 && chart->has_trend)
        error = add_trend(layout);
    for (size_t i = 0; i < PROFILE_LIMITS && error == 0; i++)
        if (chart->limits[i].n_pieces > 0)
            error = add_limit(layout, &chart->limits[i]);
    return error;
}

/* ---- legend ---- */

#define KEY_WIDTH 24.0
#define KEY_GAP 8.0
#define LINE 16.0
#define INSET 14.0
#define PLACES 8 /* that are tried, across and down */

/* What a hidden text costs; a hidden pixel column of a curve costs 1. */
#define COST_OF_TEXT 1e6

/* The dashed line of the peak may be crossed, where there is no better place. */
static double hidden_peak(const struct layout *layout, const struct layout_box *box)
{
    const struct chart_series *root = root_of(layout->chart);
    double y = layout_y(layout, root->peak.memory);

    return root->has_peak && y > box->top && y < box->bottom ? (box->right - box->left) / 4 : 0;
}

/* So may lines of limits. */
static double hidden_limits(const struct layout *layout, const struct layout_box *box)
{
    double hidden = 0;

    for (size_t i = 0; i < PROFILE_LIMITS; i++)
        for (size_t j = 0; j < layout->chart->limits[i].n_pieces; j++) {
            const struct chart_piece *piece = &layout->chart->limits[i].pieces[j];
            double y = layout_y(layout, piece->memory);
            double left = larger(layout_x(layout, piece->begin), box->left);
            double right = smaller(layout_x(layout, piece->end), box->right);

            if (left < right && y > box->top && y < box->bottom)
                hidden += (right - left) / 4;
        }
    return hidden;
}

static double cost_of(const struct layout *layout, const struct layout_box *box)
{
    double cost =
        layout_hidden_curve(layout, box) + hidden_peak(layout, box) + hidden_limits(layout, box);

    for (size_t i = 0; i < layout->n_texts; i++) {
        struct layout_box text = layout_text_box(&layout->texts[i]);

        if (layout_overlap(box, &text))
            cost += COST_OF_TEXT;
    }
    return cost;
}

/* A line of the legend: its key and its text. */
struct legend_line {
    const char *text; /* NULL: there is none */
    double weight;    /* of the key's line */
    uint32_t colour;
};

/* As thick as a text is high: a layer is a plane. */
#define WEIGHT_OF_LAYER 8.0

static size_t most_lines(const struct chart *chart)
{
    return chart->n_series + PROFILE_PARTS;
}

static double weight_of(const struct chart_series *series)
{
    /* The widths of the curves' lines (gnuplot_data.c). */
    return series->role == CHART_MAIN ? 2.2 : series->role == CHART_CHILD ? 1.6 : 1.0;
}

/* From the upper one: the series from the last, then the layers as they stand over each other. */
static struct legend_line line_at(const struct chart *chart, size_t i)
{
    const struct chart_series *series;
    size_t part;

    if (i >= chart->n_series) {
        part = most_lines(chart) - 1 - i;
        return (struct legend_line){chart->layers.kinds[part].legend, WEIGHT_OF_LAYER,
                                    chart->layers.kinds[part].colour};
    }
    series = &chart->series[chart->n_series - 1 - i];
    return (struct legend_line){series->legend, weight_of(series), series->colour};
}

static struct layout_box size_of_legend(const struct chart *chart, size_t *lines)
{
    struct layout_box box = {0};
    double size = layout_font_size(LAYOUT_SMALL);

    *lines = 0;
    for (size_t i = 0; i < most_lines(chart); i++) {
        const char *text = line_at(chart, i).text;

        if (text != NULL) {
            box.right = larger(box.right, plot_text_width(text, size, 0));
            ++*lines;
        }
    }
    box.right += KEY_WIDTH + 2 * KEY_GAP;
    box.bottom = (double)*lines * LINE + KEY_GAP;
    return box;
}

/* Where it hides least; of equal places the upper left. */
static struct layout_box best_place(const struct layout *layout, const struct layout_box *size)
{
    double across = layout->area.right - layout->area.left - 2 * INSET - size->right;
    double down = layout->zero - layout->area.top - INSET - size->bottom, least = INFINITY;
    struct layout_box best = {0};

    for (int y = 0; y <= PLACES; y++)
        for (int x = 0; x <= PLACES; x++) {
            struct layout_box box = {.left = layout->area.left + INSET + across * x / PLACES,
                                     .top = layout->area.top + INSET / 2 + down * y / PLACES};
            double cost;

            box.right = box.left + size->right;
            box.bottom = box.top + size->bottom;
            cost = cost_of(layout, &box);
            if (cost < least) {
                least = cost;
                best = box;
            }
        }
    return least < COST_OF_TEXT ? best : (struct layout_box){0};
}

int layout_legend(struct layout *layout)
{
    const struct chart *chart = layout->chart;
    size_t lines;
    struct layout_box size = size_of_legend(chart, &lines);
    double y;

    if (lines == 0 || size.right > layout->area.right - layout->area.left - 2 * INSET ||
        size.bottom > layout->zero - layout->area.top - INSET)
        return 0;
    layout->legend = best_place(layout, &size);
    if (layout->legend.right == 0)
        return 0;
    layout->legend_entries = calloc(lines, sizeof *layout->legend_entries);
    if (layout->legend_entries == NULL)
        return -ENOMEM;
    y = layout->legend.top + (KEY_GAP + LINE) / 2;
    for (size_t i = 0; i < most_lines(chart); i++) {
        struct legend_line line = line_at(chart, i);
        struct layout_text text = {.text = (char *)(uintptr_t)line.text,
                                   .x = layout->legend.left + KEY_WIDTH + 1.5 * KEY_GAP,
                                   .y = y,
                                   .font = LAYOUT_SMALL,
                                   .colour = 0x333333};

        if (line.text == NULL)
            continue;
        layout->legend_entries[layout->n_legend_entries++] = (struct layout_legend_entry){
            layout->legend.left + KEY_GAP / 2, y, KEY_WIDTH, line.weight, line.colour};
        if (layout_add_text(layout, &text) != 0)
            return -ENOMEM;
        y += LINE;
    }
    return 0;
}
