#include "plots/layout_spans.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/layout_curve.h"
#include "plots/layout_text.h"
#include "plots/number.h"

/* The lanes: a row of bars for each level. */
#define GAP_ABOVE 8.0
#define ROW 24.0
#define LOW_ROW 17.0 /* where there are many rows */
#define MANY_ROWS 6
#define BETWEEN_ROWS 3.0

/* The curve keeps this height, however many rows there are. */
#define LEAST_CURVE 40.0

/* Flames take this much of the height above zero. */
#define FLAME_SHARE 0.7

/* More brackets than these would hide the curve. */
#define MOST_BRACKETS 40

/* Bars narrower than this are joined with their neighbours. */
#define LEAST_BAR 1.0

#define PADDING 5.0
#define LEAST_TEXT 22.0
#define LEAST_TEXT_HEIGHT 14.0
#define PLACES 8 /* that are tried for a text within its bar */

double layout_lanes_height(struct layout *layout)
{
    const struct chart *chart = layout->chart;
    double room = layout->area.bottom - layout->area.top - LEAST_CURVE - GAP_ABOVE;

    if (chart->n_rows == 0 || chart->is_flame)
        return 0;
    layout->row_height = chart->n_rows > MANY_ROWS ? LOW_ROW : ROW;
    layout->row_height = smaller(layout->row_height, larger(room, 0) / chart->n_rows);
    return GAP_ABOVE + chart->n_rows * layout->row_height;
}

static struct layout_box box_of(const struct layout *layout, const struct chart_span *span)
{
    const struct chart *chart = layout->chart;
    struct layout_box box = {larger(layout_x(layout, span->begin), layout->area.left), 0,
                             smaller(layout_x(layout, span->end), layout->area.right), 0};
    double height = layout->row_height;

    if (chart->is_flame) {
        height = (layout->zero - layout->area.top) * FLAME_SHARE / chart->n_rows;
        box.bottom = layout->zero - span->row * height;
        box.top = box.bottom - height + 1;
    } else {
        box.top = layout->zero + GAP_ABOVE + span->row * height;
        box.bottom = box.top + height - smaller(BETWEEN_ROWS, height / 3);
    }
    /* A call too short for a pixel is drawn all the same. */
    if (box.right < box.left + LEAST_BAR)
        box.right = smaller(box.left + LEAST_BAR, layout->area.right);
    return box;
}

/* The name and the duration if both fit, else what fits of the name. */
static char *text_within(const struct chart *chart, const struct chart_span *span, double width)
{
    const char *name = chart_name_of(chart, span)->name;
    char duration[PLOT_NUMBER_SIZE], *both;
    double size = layout_font_size(LAYOUT_SMALL);
    size_t size_of_both;

    if (width < LEAST_TEXT)
        return strdup("");
    plot_text_duration(span->end - span->begin, duration);
    size_of_both = strlen(name) + sizeof duration + 4;
    both = malloc(size_of_both);
    if (both == NULL)
        return NULL;
    snprintf(both, size_of_both, "%s  %s", name, span->is_open ? "…" : duration);
    if (plot_text_width(both, size, 0) <= width)
        return both;
    free(both);
    return plot_text_fit(name, size, 0, width);
}

/* In a flame, where a curve lies over the bar: to the right, to where it hides nothing of it. */
static void avoid_curve(const struct layout *layout, struct layout_text *label,
                        const struct layout_box *bar)
{
    struct layout_box covered = layout_text_box(label);
    double first = label->x, room = bar->right - PADDING - covered.right;

    for (int i = 0; i <= PLACES && layout_hidden_curve(layout, &covered) > 0; i++) {
        label->x = first + room * i / PLACES;
        covered = layout_text_box(label);
    }
    /* Nowhere: then at the beginning, as all others. */
    if (layout_hidden_curve(layout, &covered) > 0)
        label->x = first;
}

static int add_bar_text(struct layout *layout, const struct chart_span *span,
                        const struct layout_box *box)
{
    char *text = text_within(layout->chart, span, box->right - box->left - 2 * PADDING);
    struct layout_text label = {.text = text,
                                .x = box->left + PADDING,
                                .y = layout->chart->is_flame ? box->top + 11
                                                             : (box->top + box->bottom) / 2,
                                .font = LAYOUT_SMALL,
                                .colour = 0x222222};
    struct layout_box covered;
    int error = text == NULL ? -ENOMEM : 0;

    if (error == 0 && *text != '\0' && box->bottom - box->top >= LEAST_TEXT_HEIGHT) {
        if (layout->chart->is_flame)
            avoid_curve(layout, &label, box);
        covered = layout_text_box(&label);
        /* Flames stand behind the tags of bands. */
        if (!layout->chart->is_flame || !layout_is_taken(layout, &covered))
            error = layout_add_text(layout, &label);
    }
    free(text);
    return error;
}

/* The bar of that row that ends where this one begins, and looks the same: then they are one. */
static struct layout_bar *joinable(struct layout *layout, const size_t *last, int row,
                                   const struct layout_box *box, uint32_t colour)
{
    struct layout_bar *before = last[row] == 0 ? NULL : &layout->bars[last[row] - 1];

    if (before == NULL || before->colour != colour || before->is_open)
        return NULL;
    if (box->right - box->left > LEAST_BAR && before->box.right - before->box.left > LEAST_BAR)
        return NULL;
    return box->left <= before->box.right ? before : NULL;
}

static int add_bars(struct layout *layout)
{
    const struct chart *chart = layout->chart;
    size_t last[CHART_MOST_ROWS] = {0}; /* bar of each row, counted from 1 */
    int error = 0;

    layout->bars = calloc(chart->n_spans, sizeof *layout->bars);
    if (layout->bars == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < chart->n_spans && error == 0; i++) {
        const struct chart_span *span = &chart->spans[i];
        uint32_t colour = chart_name_of(chart, span)->colour;
        struct layout_box box = box_of(layout, span);
        struct layout_bar *before = joinable(layout, last, span->row, &box, colour);

        if (before != NULL) {
            before->box.right = larger(before->box.right, box.right);
            continue;
        }
        layout->bars[layout->n_bars++] = (struct layout_bar){box, colour, span->is_open};
        last[span->row] = layout->n_bars;
        error = add_bar_text(layout, span, &box);
    }
    return error;
}

static bool is_inside(const struct layout *layout, double x, double y)
{
    return x >= layout->area.left && x <= layout->area.right && y >= layout->area.top &&
           y <= layout->zero;
}

static void add_bracket(struct layout *layout, double time, double memory, bool is_end,
                        uint32_t colour)
{
    double x = layout_x(layout, time), y = layout_y(layout, memory);

    if (is_inside(layout, x, y))
        layout->brackets[layout->n_brackets++] = (struct layout_bracket){x, y, is_end, colour};
}

static int add_brackets(struct layout *layout)
{
    const struct chart *chart = layout->chart;

    if (chart->is_flame || chart->n_spans > MOST_BRACKETS)
        return 0;
    layout->brackets = calloc(2 * chart->n_spans, sizeof *layout->brackets);
    if (layout->brackets == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < chart->n_spans; i++) {
        const struct chart_span *span = &chart->spans[i];
        const struct chart_name *name = chart_name_of(chart, span);

        if (name->is_block)
            continue; /* its band shows where it begins and ends */
        add_bracket(layout, span->begin, span->memory_begin, 0, name->dark);
        if (!span->is_open)
            add_bracket(layout, span->end, span->memory_end, 1, name->dark);
    }
    return 0;
}

int layout_spans(struct layout *layout)
{
    int error = 0;

    if (layout->chart->n_spans > 0)
        error = add_bars(layout);
    return error == 0 && layout->chart->n_spans > 0 ? add_brackets(layout) : error;
}

/* ---- bands ---- */

#define TAG_ROWS 3
#define TAG_ROW 15.0
#define TAG_INSET 4.0

/* What a tag hides of the curves in a row; infinite where it would cover another text. */
static double cost_of_row(const struct layout *layout, struct layout_text *tag, int row)
{
    struct layout_box box;

    tag->y = layout->area.top + 10 + row * TAG_ROW;
    box = layout_text_box(tag);
    box.right += PADDING;
    return layout_is_taken(layout, &box) ? INFINITY : layout_hidden_curve(layout, &box);
}

/* Puts a band's name into the first row where it hides least; drops it where all are full. */
static int add_tag(struct layout *layout, const struct chart_span *span,
                   const struct layout_box *band)
{
    char *text = text_within(layout->chart, span, band->right - band->left - TAG_INSET - PADDING);
    struct layout_text tag = {.text = text,
                              .x = band->left + TAG_INSET,
                              .font = LAYOUT_SMALL,
                              .colour = LAYOUT_TAG_COLOUR};
    int error = text == NULL ? -ENOMEM : 0, best = 0;
    double least = INFINITY;

    for (int row = 0; row < TAG_ROWS && error == 0 && *text != '\0' && least > 0; row++) {
        double cost = cost_of_row(layout, &tag, row);

        if (cost < least) {
            least = cost;
            best = row;
        }
    }
    if (least < INFINITY) {
        tag.y = layout->area.top + 10 + best * TAG_ROW;
        error = layout_add_text(layout, &tag);
    }
    free(text);
    return error;
}

int layout_bands(struct layout *layout)
{
    const struct chart *chart = layout->chart;
    int error = 0;

    layout->bands = calloc(chart->n_spans + 1, sizeof *layout->bands);
    if (layout->bands == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < chart->n_spans && error == 0; i++) {
        const struct chart_span *span = &chart->spans[i];
        struct layout_box box = box_of(layout, span);
        struct layout_box *last = layout->bands + layout->n_bands - 1;

        if (!chart_name_of(chart, span)->is_block)
            continue;
        box.top = layout->area.top;
        box.bottom = layout->zero;
        /* Blocks too narrow to be seen become one band: a loop may make thousands of them. */
        if (layout->n_bands > 0 && box.left <= last->right && box.right - box.left <= LEAST_BAR) {
            last->right = larger(last->right, box.right);
            continue;
        }
        layout->bands[layout->n_bands++] = box;
        error = add_tag(layout, span, &box);
    }
    return error;
}
