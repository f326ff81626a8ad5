#include "plots/text_plot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plots/chart_subtitle.h"
#include "plots/number.h"
#include "plots/plot_text.h"
#include "plots/text_children.h"
#include "plots/text_drawing.h"
#include "plots/text_lanes.h"
#include "plots/text_plan.h"

/* Columns for each label of the scale of time. */
#define COLUMNS_OF_A_TICK 10

#define CURVE_COLOUR 0x3a8bd2

static const char *limit_mark(const struct text_canvas *canvas)
{
    return canvas->style->utf8 ? "╌" : "-";
}

/* ---- the curve ---- */

/* Whether a limit runs through a cell: in its row, at a time of one of its pieces. */
static bool is_limited(const struct text_drawing *drawing, int row, int column)
{
    const struct chart *chart = drawing->chart;

    for (size_t i = 0; i < PROFILE_LIMITS; i++)
        for (size_t j = 0; j < chart->limits[i].n_pieces; j++) {
            const struct chart_piece *piece = &chart->limits[i].pieces[j];
            double place = piece->memory / chart->memory.high * drawing->height;

            if (place > row && place <= row + 1 &&
                column >= text_drawing_column(drawing, piece->begin) &&
                column <= text_drawing_column(drawing, piece->end))
                return true;
        }
    return false;
}

static void put_cell(const struct text_drawing *drawing, double memory, int row, int column)
{
    struct text_canvas *canvas = drawing->canvas;
    int level = text_drawing_level(memory, drawing->chart->memory.high, drawing->height, row);

    if (level == 0 && is_limited(drawing, row, column)) {
        text_canvas_colour(canvas, CHART_LIMIT_COLOUR);
        text_canvas_put(canvas, limit_mark(canvas));
        text_canvas_colour(canvas, CURVE_COLOUR);
    } else {
        text_canvas_put(canvas, text_drawing_block(drawing, level));
    }
}

static void put_rows(const struct text_drawing *drawing, const double *heights, int every)
{
    struct text_canvas *canvas = drawing->canvas;
    const struct axis *axis = &drawing->chart->memory;
    char label[PLOT_NUMBER_SIZE];

    for (int row = drawing->height - 1; row >= 0; row--) {
        bool has_label = (row + 1) % every == 0;

        axis_label(axis, axis->step * (row + 1) / every, label);
        text_canvas_right(canvas, has_label ? label : "", drawing->left - 2);
        text_canvas_put(canvas, !canvas->style->utf8 ? " |" : has_label ? " ┤" : " │");
        text_canvas_colour(canvas, CURVE_COLOUR);
        for (int column = 0; column < drawing->width; column++)
            put_cell(drawing, heights[column], row, column);
        text_canvas_plain(canvas);
        text_canvas_end_line(canvas);
    }
}

/* "▼ peak 1.87 GiB at 48.1 s", its mark over the peak's column. */
static void put_peak(const struct text_drawing *drawing, const struct chart_series *series)
{
    char text[128], memory[PLOT_NUMBER_SIZE], when[PLOT_NUMBER_SIZE];
    struct text_canvas *canvas = drawing->canvas;
    const char *mark = canvas->style->utf8 ? "▼" : "v";
    int at = drawing->left + text_drawing_column(drawing, series->peak.time), length;

    if (!series->has_peak)
        return;
    plot_text_memory(series->peak.memory, memory);
    plot_text_duration(series->peak.time, when);
    snprintf(text, sizeof text, " peak %s at %s ", memory, when);
    length = plot_text_columns(text);
    if (length + 1 > canvas->style->columns)
        return;
    if (at + 1 + length <= canvas->style->columns) {
        text_canvas_spaces(canvas, at);
        text_canvas_colour(canvas, 0xd64a5e);
        text_canvas_put(canvas, mark);
        text_canvas_put(canvas, text);
    } else {
        text_canvas_spaces(canvas, at - length > 0 ? at - length : 0);
        text_canvas_colour(canvas, 0xd64a5e);
        text_canvas_put(canvas, text);
        text_canvas_put(canvas, at >= length ? mark : "");
    }
    text_canvas_plain(canvas);
    text_canvas_end_line(canvas);
}

static int put_curve(const struct text_drawing *drawing, const struct chart_series *series,
                     int every)
{
    double *heights = text_drawing_heights(drawing, series);

    if (heights == NULL)
        return -ENOMEM;
    put_rows(drawing, heights, every);
    free(heights);
    return 0;
}

/* ---- the scale of time ---- */

/* A label below the curve: from which column on, and the column of its tick. */
struct tick {
    char label[PLOT_NUMBER_SIZE];
    int column, begin;
};

/* What labels are in, said at the first: "0:30" alone could be minutes or hours. */
static const char *unit_of(const struct axis *axis)
{
    return axis->form == AXIS_NUMBER ? " s" : axis->form == AXIS_MINUTE_SECOND ? " min" : " h";
}

/* The label at that time; false where it has no room behind those that end at column `taken`. */
static bool place_tick(const struct text_drawing *drawing, double time, int taken,
                       struct tick *tick)
{
    const struct axis *axis = &drawing->chart->time;
    int room = drawing->width + 1, length;

    axis_label(axis, time, tick->label);
    if (taken == 0)
        strncat(tick->label, unit_of(axis), sizeof tick->label - strlen(tick->label) - 1);
    length = (int)strlen(tick->label);
    tick->column = text_drawing_column(drawing, time);
    tick->begin = tick->column - (taken == 0 ? 0 : length / 2);
    if (tick->begin + length > room)
        tick->begin = room - length;
    return tick->begin >= (taken == 0 ? 0 : taken + 1);
}

/* Either the line with its ticks or the labels below it: both are placed alike. */
static void put_scale(const struct text_drawing *drawing, bool labels)
{
    struct text_canvas *canvas = drawing->canvas;
    const struct axis *axis = &drawing->chart->time;
    const char *line = canvas->style->utf8 ? "─" : "-", *mark = canvas->style->utf8 ? "┬" : "+";
    int taken = 0, at = 0;
    struct tick tick;

    for (double time = axis_first_tick(axis); time <= axis->high; time += axis->step) {
        int begin;

        if (!place_tick(drawing, time, taken, &tick))
            continue;
        begin = labels ? tick.begin : tick.column;
        taken = tick.begin + (int)strlen(tick.label);
        for (; at < begin; at++)
            text_canvas_put(canvas, labels ? " " : line);
        text_canvas_put(canvas, labels ? tick.label : mark);
        at += labels ? (int)strlen(tick.label) : 1;
    }
    for (; at < drawing->width && !labels; at++)
        text_canvas_put(canvas, line);
    text_canvas_end_line(canvas);
}

static void put_scales(const struct text_drawing *drawing)
{
    struct text_canvas *canvas = drawing->canvas;

    text_canvas_right(canvas, drawing->chart->memory.unit > 1 ? "0 GiB" : "0 MiB",
                      drawing->left - 2);
    text_canvas_put(canvas, canvas->style->utf8 ? " └" : " +");
    put_scale(drawing, false);
    text_canvas_spaces(canvas, drawing->left);
    put_scale(drawing, true);
}

/* ---- what is said of all ---- */

/* Where a line can be broken so that its first part fits; NULL: nowhere, or it need not be. */
static char *break_of(char *line, int columns)
{
    char *found = NULL, *at = strstr(line, CHART_TEXT_DOT);

    if (plot_text_columns(line) <= columns)
        return NULL;
    for (; at != NULL; at = strstr(at + 1, CHART_TEXT_DOT)) {
        char first = *at;
        int fits;

        *at = '\0';
        fits = plot_text_columns(line) <= columns;
        *at = first;
        if (!fits)
            break;
        found = at;
    }
    return found;
}

/* Breaks a copy of the subtitle into lines that end with NUL; their count. */
static int break_subtitle(char *text, int columns)
{
    int lines = 1;

    for (char *end; (end = break_of(text, columns)) != NULL; lines++) {
        *end = '\0';
        text = end + strlen(CHART_TEXT_DOT);
    }
    return lines;
}

/* In as many lines as it takes, where they are granted: the peak of a sum stands far behind. */
static void put_subtitle(struct text_canvas *canvas, const char *text, int lines)
{
    for (; lines > 0; lines--) {
        text_canvas_put_line(canvas, text);
        text += strlen(text) + strlen(CHART_TEXT_DOT);
    }
}

/* ---- limits and layers ---- */

/* Columns of the block before a layer's name, and of blanks. */
#define LAYER_MARK 4

/* "anonymous 12.3 MiB". Its columns, with its block and what stands before it. */
static int name_layer(const struct chart_layers *layers, size_t part, char text[128])
{
    char memory[PLOT_NUMBER_SIZE];

    plot_text_memory(layers->kinds[part].last, memory);
    snprintf(text, 128, "%s %s", layers->kinds[part].name, memory);
    return plot_text_columns(text) + LAYER_MARK;
}

#define LAYERS_BEGIN "at the end:"

/* The layers' last values, in up to `rows` rows; how many there are. */
static int put_layers(struct text_canvas *canvas, const struct chart_layers *layers, int rows)
{
    const char *block = canvas->style->utf8 ? "  █ " : "  # ";
    int used = (int)strlen(LAYERS_BEGIN), row = 1;

    text_canvas_put(canvas, rows > 0 ? LAYERS_BEGIN : "");
    for (size_t part = 0; part < PROFILE_PARTS; part++) {
        char text[128];
        int columns = name_layer(layers, part, text);

        if (used > 0 && used + columns > canvas->style->columns) {
            if (row <= rows)
                text_canvas_end_line(canvas);
            used = 0;
            row++;
        }
        used += columns;
        if (row > rows)
            continue;
        text_canvas_colour(canvas, layers->kinds[part].colour);
        text_canvas_put(canvas, block);
        text_canvas_plain(canvas);
        if (columns > canvas->style->columns)
            text_canvas_fitted(canvas, text, canvas->style->columns - LAYER_MARK, " ");
        else
            text_canvas_put(canvas, text);
    }
    if (row <= rows)
        text_canvas_end_line(canvas);
    return row;
}

static int count_notes(struct text_canvas *canvas, const struct chart *chart)
{
    int notes = chart->layers.count > 0 ? put_layers(canvas, &chart->layers, 0) : 0;

    for (size_t i = 0; i < PROFILE_LIMITS; i++)
        notes += chart->limits[i].n_pieces > 0;
    return notes;
}

/* The first `rows` of them. */
static void put_notes(struct text_canvas *canvas, const struct chart *chart, int rows)
{
    char text[128];

    for (size_t i = 0; i < PROFILE_LIMITS && rows > 0; i++) {
        if (chart->limits[i].n_pieces == 0)
            continue;
        snprintf(text, sizeof text, "%s %s", limit_mark(canvas), chart->limits[i].text);
        text_canvas_put_line(canvas, text);
        rows--;
    }
    if (rows > 0 && chart->layers.count > 0)
        put_layers(canvas, &chart->layers, rows);
}

/* ---- all of it ---- */

/* The most of the curves that are drawn with the scale; children have scales of their own. */
static double most_of_mains(const struct chart *chart)
{
    double most = 0;

    for (size_t i = 0; i < chart->n_series; i++) {
        const struct chart_series *series = &chart->series[i];

        if (series->role != CHART_MAIN)
            continue;
        if (series->has_peak)
            most = larger(most, series->peak.memory);
        for (size_t j = 0; j < series->n_points; j++)
            most = larger(most, series->points[j].memory);
        for (size_t j = 0; j < series->n_spikes; j++)
            most = larger(most, series->spikes[j].memory);
    }
    for (size_t i = 0; i < PROFILE_LIMITS; i++)
        for (size_t j = 0; j < chart->limits[i].n_pieces; j++)
            most = larger(most, chart->limits[i].pieces[j].memory);
    return most;
}

static int put_curves(const struct text_drawing *drawing, const struct text_plan *plan, int every)
{
    const struct chart *chart = drawing->chart;
    int error = 0;

    for (size_t i = 0; i < chart->n_series && error == 0; i++) {
        if (chart->series[i].role != CHART_MAIN)
            continue;
        if (chart->n_profiles > 1)
            text_canvas_put_line(drawing->canvas, chart->series[i].legend);
        if (plan->has_peaks)
            put_peak(drawing, &chart->series[i]);
        error = put_curve(drawing, &chart->series[i], every);
    }
    put_scales(drawing);
    return error;
}

/* All rows in order; `subtitle` is broken into lines. */
static int put_chart(struct text_drawing *drawing, struct chart *scaled,
                     const struct text_plan *plan, const char *subtitle)
{
    struct text_canvas *canvas = drawing->canvas;
    int every, error;

    drawing->height = plan->height;
    every = axis_of_rows(&scaled->memory, most_of_mains(scaled), &drawing->height);
    text_canvas_bold(canvas);
    text_canvas_put_line(canvas, scaled->title);
    put_subtitle(canvas, subtitle, plan->subtitle);
    error = put_curves(drawing, plan, every);
    put_notes(canvas, scaled, plan->notes);
    if (error == 0)
        error = text_lanes_write(drawing, plan->lanes);
    if (error == 0)
        error = text_children_write(drawing, plan->children);
    if (error == 0 && plan->trend > 0)
        text_canvas_put_line(canvas, scaled->trend_text);
    return error;
}

static int draw(struct text_drawing *drawing, struct chart *scaled)
{
    const struct text_plot_style *style = drawing->canvas->style;
    bool has_subtitle = scaled->subtitle != NULL && scaled->n_profiles == 1;
    char *subtitle = strdup(has_subtitle ? scaled->subtitle : "");
    struct text_wish wish = {.curves = (int)scaled->n_profiles,
                             .lanes = scaled->n_rows,
                             .children = text_children_rows(drawing),
                             .trend = scaled->has_trend,
                             .notes = count_notes(drawing->canvas, scaled)};
    struct text_plan plan;
    int error = subtitle == NULL || wish.children < 0 ? -ENOMEM : 0;

    if (error == 0) {
        wish.subtitle = has_subtitle ? break_subtitle(subtitle, style->columns) : 0;
        plan = text_plan_make(&wish, style->rows, style->columns);
        error = put_chart(drawing, scaled, &plan, subtitle);
    }
    free(subtitle);
    return error;
}

int text_plot_write(FILE *out, const struct chart *chart, const struct text_plot_style *style)
{
    struct text_plot_style own = *style;
    struct text_canvas canvas = {out, &own};
    /* A copy with scales of its own: a terminal has room for fewer ticks than a picture. */
    struct chart scaled = *chart;
    struct text_drawing drawing = {.canvas = &canvas, .chart = &scaled};
    int error;

    if (own.columns < TEXT_PLOT_LEAST_COLUMNS)
        own.columns = TEXT_PLOT_LEAST_COLUMNS;
    drawing.left = own.columns < 50 ? 9 : 10;
    drawing.width = own.columns - drawing.left - 1;
    axis_of_time(&scaled.time, chart->time.low, chart->time.high,
                 1 + drawing.width / COLUMNS_OF_A_TICK);
    error = draw(&drawing, &scaled);
    if (error == 0 && (fflush(out) != 0 || ferror(out)))
        error = -EIO;
    return error;
}
