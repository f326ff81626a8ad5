#include "plots/text_plot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plots/chart_subtitle.h"
#include "plots/plot_text.h"
#include "plots/text_canvas.h"
#include "plots/number.h"

/* Rows of one curve, at the least and at the most. */
#define LEAST_HEIGHT 4
#define MOST_HEIGHT 20

/* Rows that are not the curve's: title, peak, scale, its labels, a rest for the prompt. */
#define OTHER_ROWS 6

#define BLOCK_LEVELS 8

struct drawing {
    struct text_canvas *canvas;
    const struct chart *chart;
    int left, width, height; /* of the curve */
};

static int column_of(const struct drawing *drawing, double time)
{
    const struct axis *axis = &drawing->chart->time;
    double place = (time - axis->low) / (axis->high - axis->low) * drawing->width;

    return (int)smaller(larger(place, 0), drawing->width - 1);
}

/* ---- the curve ---- */

/* The most memory in each column; lines between samples count, so that nothing is torn. */
static double *column_heights(const struct drawing *drawing, const struct chart_series *series)
{
    double *heights = calloc((size_t)drawing->width, sizeof *heights);

    if (heights == NULL)
        return NULL;
    for (size_t i = 0; i < series->n_points; i++) {
        bool is_first = i == 0 || chart_series_is_lifted(series, i);
        const struct chart_point *to = &series->points[i], *from = is_first ? to : to - 1;
        int first = column_of(drawing, from->time), last = column_of(drawing, to->time);

        for (int column = first; column <= last; column++) {
            double share = last == first ? 1 : (double)(column - first) / (last - first);
            double memory = from->memory + share * (to->memory - from->memory);

            heights[column] = larger(heights[column], memory);
        }
    }
    for (size_t i = 0; i < series->n_spikes; i++) {
        double *height = &heights[column_of(drawing, series->spikes[i].time)];

        *height = larger(*height, series->spikes[i].memory);
    }
    return heights;
}

/* Eighths of a row that a bar fills in a row counted from the bottom. */
static int level_in_row(double memory, double most, int height, int row)
{
    double eighths = memory / most * height * BLOCK_LEVELS - row * BLOCK_LEVELS;

    return (int)smaller(larger(eighths + 0.5, 0), BLOCK_LEVELS);
}

static const char *block(const struct text_canvas *canvas, int level)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {" ", " ", ".", ".", ":", ":", "|", "#", "#"};

    return canvas->style->utf8 ? blocks[level] : ascii[level];
}

static void put_label_of_row(const struct drawing *drawing, int row, double most)
{
    char label[PLOT_NUMBER_SIZE];
    /* A copy: rows rarely stand at ticks, so their labels need decimals that the scale does not. */
    struct axis axis = drawing->chart->memory;

    if (axis.decimals < 2)
        axis.decimals = axis.unit > 1 || most < 10 ? 2 : 0;
    axis_label(&axis, most * (row + 1) / drawing->height, label);
    text_canvas_right(drawing->canvas, label, drawing->left - 2);
    text_canvas_put(drawing->canvas, drawing->canvas->style->utf8 ? " ┤" : " |");
}

static void put_rows(const struct drawing *drawing, const double *heights, double most,
                     uint32_t colour)
{
    struct text_canvas *canvas = drawing->canvas;
    int between = drawing->height >= 8 ? 4 : 2;

    for (int row = drawing->height - 1; row >= 0; row--) {
        if ((drawing->height - 1 - row) % between == 0) {
            put_label_of_row(drawing, row, most);
        } else {
            text_canvas_right(canvas, "", drawing->left - 2);
            text_canvas_put(canvas, canvas->style->utf8 ? " │" : " |");
        }
        text_canvas_colour(canvas, colour);
        for (int column = 0; column < drawing->width; column++)
            text_canvas_put(
                canvas, block(canvas, level_in_row(heights[column], most, drawing->height, row)));
        text_canvas_plain(canvas);
        text_canvas_end_line(canvas);
    }
}

/* "▼ peak 1.87 GiB at 48.1 s", its mark over the peak's column. */
static void put_peak(const struct drawing *drawing, const struct chart_series *series)
{
    char text[128], memory[PLOT_NUMBER_SIZE], when[PLOT_NUMBER_SIZE];
    struct text_canvas *canvas = drawing->canvas;
    const char *mark = canvas->style->utf8 ? "▼" : "v";
    int at = drawing->left + column_of(drawing, series->peak.time), length;

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

static void put_scale(const struct drawing *drawing)
{
    struct text_canvas *canvas = drawing->canvas;
    const struct axis *axis = &drawing->chart->time;
    char zero[PLOT_NUMBER_SIZE], label[PLOT_NUMBER_SIZE];
    int at = 0;

    snprintf(zero, sizeof zero, "0 %s", drawing->chart->memory.unit > 1 ? "GiB" : "MiB");
    text_canvas_right(canvas, zero, drawing->left - 2);
    text_canvas_put(canvas, canvas->style->utf8 ? " └" : " +");
    for (int column = 0; column < drawing->width; column++)
        text_canvas_put(canvas, canvas->style->utf8 ? "─" : "-");
    text_canvas_end_line(canvas);
    text_canvas_spaces(canvas, drawing->left);
    for (double tick = axis_first_tick(axis); tick <= axis->high; tick += axis->step) {
        int column = column_of(drawing, tick), length;

        axis_label(axis, tick, label);
        if (axis->form == AXIS_NUMBER && at == 0)
            strncat(label, " s", sizeof label - strlen(label) - 1);
        length = (int)strlen(label);
        if (column < at || column + length > drawing->width)
            continue;
        text_canvas_spaces(canvas, column - at);
        text_canvas_put(canvas, label);
        at = column + length;
        if (at < drawing->width) {
            text_canvas_spaces(canvas, 1);
            at++;
        }
    }
    text_canvas_end_line(canvas);
}

static int put_curve(const struct drawing *drawing, const struct chart_series *series)
{
    double *heights = column_heights(drawing, series);

    if (heights == NULL)
        return -ENOMEM;
    put_peak(drawing, series);
    put_rows(drawing, heights, drawing->chart->memory.high / AXIS_HEADROOM, 0x3a8bd2);
    free(heights);
    return 0;
}

/* ---- lanes ---- */

/* Which span covers each column of a row; the later of two in one column wins. */
static void fill_lane(const struct drawing *drawing, int row, const struct chart_span **lane)
{
    memset(lane, 0, (size_t)drawing->width * sizeof(const struct chart_span *));
    for (size_t i = 0; i < drawing->chart->n_spans; i++) {
        const struct chart_span *span = &drawing->chart->spans[i];
        int first = column_of(drawing, span->begin), last = column_of(drawing, span->end);

        if (last > first)
            last--; /* the column of its end belongs to what follows */
        for (int column = first; span->row == row && column <= last; column++)
            lane[column] = span;
    }
}

static void put_bar(const struct drawing *drawing, const struct chart_span *span, int width)
{
    const struct chart_name *name = chart_name_of(drawing->chart, span);
    struct text_canvas *canvas = drawing->canvas;

    if (canvas->style->colours != TEXT_PLAIN) {
        text_canvas_background(canvas, name->colour);
        text_canvas_fitted(canvas, name->name, width, " ");
        text_canvas_plain(canvas);
    } else if (width < 3) {
        for (int i = 0; i < width; i++)
            text_canvas_put(canvas, "=");
    } else {
        text_canvas_put(canvas, "[");
        text_canvas_fitted(canvas, name->name, width - 2, canvas->style->utf8 ? "─" : "-");
        text_canvas_put(canvas, span->is_open ? ">" : "]");
    }
}

static int put_lanes(const struct drawing *drawing)
{
    const struct chart_span **lane =
        calloc((size_t)drawing->width, sizeof(const struct chart_span *));

    if (lane == NULL)
        return -ENOMEM;
    for (int row = 0; row < drawing->chart->n_rows; row++) {
        fill_lane(drawing, row, lane);
        text_canvas_spaces(drawing->canvas, drawing->left);
        for (int column = 0, next; column < drawing->width; column = next) {
            for (next = column + 1; next < drawing->width && lane[next] == lane[column];)
                next++;
            if (lane[column] == NULL)
                text_canvas_spaces(drawing->canvas, next - column);
            else
                put_bar(drawing, lane[column], next - column);
        }
        text_canvas_end_line(drawing->canvas);
    }
    free(lane);
    return 0;
}

/* ---- children ---- */

/* One row for a child: its curve in eighths, as high as its own peak, which stands behind it. */
static int put_child(const struct drawing *drawing, const struct chart_series *series)
{
    struct text_canvas *canvas = drawing->canvas;
    double *heights = column_heights(drawing, series);

    if (heights == NULL)
        return -ENOMEM;
    text_canvas_put_line(canvas, series->legend);
    text_canvas_spaces(canvas, drawing->left);
    /* Black, the last colour of the palette, cannot be seen in a dark terminal. */
    text_canvas_colour(canvas, series->colour == 0 ? 0x909090 : series->colour);
    for (int column = 0; column < drawing->width; column++)
        text_canvas_put(canvas,
                        block(canvas, level_in_row(heights[column], series->peak.memory, 1, 0)));
    text_canvas_plain(canvas);
    text_canvas_end_line(canvas);
    free(heights);
    return 0;
}

static int put_children(const struct drawing *drawing)
{
    int error = 0;

    for (size_t i = drawing->chart->n_series; i-- > 0 && error == 0;) {
        const struct chart_series *series = &drawing->chart->series[i];

        if (series->role == CHART_CHILD)
            error = put_child(drawing, series);
        else if (series->role == CHART_OTHER && series->legend != NULL)
            text_canvas_put_line(drawing->canvas, series->legend);
    }
    return error;
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
    }
    return most;
}

static int put_curves(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    int error = 0;

    for (size_t i = 0; i < chart->n_series && error == 0; i++) {
        if (chart->series[i].role != CHART_MAIN)
            continue;
        if (chart->n_profiles > 1)
            text_canvas_put_line(drawing->canvas, chart->series[i].legend);
        error = put_curve(drawing, &chart->series[i]);
    }
    put_scale(drawing);
    return error;
}

static int height_of(const struct chart *chart, const struct text_plot_style *style)
{
    int rows = style->rows - OTHER_ROWS - chart->n_rows;

    rows /= (int)chart->n_profiles;
    return rows < LEAST_HEIGHT ? LEAST_HEIGHT : rows > MOST_HEIGHT ? MOST_HEIGHT : rows;
}

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

/* In as many lines as it takes: the peak of a sum stands far behind. */
static int put_subtitle(struct text_canvas *canvas, const char *subtitle)
{
    char *text = strdup(subtitle), *line = text, *end;

    if (text == NULL)
        return -ENOMEM;
    while ((end = break_of(line, canvas->style->columns)) != NULL) {
        *end = '\0';
        text_canvas_put_line(canvas, line);
        line = end + strlen(CHART_TEXT_DOT);
    }
    text_canvas_put_line(canvas, line);
    free(text);
    return 0;
}

int text_plot_write(FILE *out, const struct chart *chart, const struct text_plot_style *style)
{
    struct text_plot_style own = *style;
    struct text_canvas canvas = {out, &own};
    struct drawing drawing = {.canvas = &canvas, .chart = chart};
    /* A copy with scales of its own: a terminal has room for fewer ticks than a picture. */
    struct chart scaled = *chart;
    int error = 0;

    if (own.columns < TEXT_PLOT_LEAST_COLUMNS)
        own.columns = TEXT_PLOT_LEAST_COLUMNS;
    drawing.left = own.columns < 50 ? 9 : 10;
    drawing.width = own.columns - drawing.left - 1;
    drawing.height = height_of(chart, &own);
    axis_of_time(&scaled.time, chart->time.low, chart->time.high, 1 + drawing.width / 16);
    axis_of_memory(&scaled.memory, most_of_mains(chart), 4);
    drawing.chart = &scaled;
    text_canvas_bold(&canvas);
    text_canvas_put_line(&canvas, chart->title);
    if (chart->subtitle != NULL && chart->n_profiles == 1)
        error = put_subtitle(&canvas, chart->subtitle);
    if (error == 0)
        error = put_curves(&drawing);
    if (error == 0)
        error = put_lanes(&drawing);
    if (error == 0)
        error = put_children(&drawing);
    if (error == 0 && chart->has_trend)
        text_canvas_put_line(&canvas, chart->trend_text);
    if (error == 0 && (fflush(out) != 0 || ferror(out)))
        error = -EIO;
    return error;
}
