#include "plots/text_lanes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plots/plot_text.h"

/* Which span covers each column of a row; the later of two in one column wins. */
static void fill_lane(const struct text_drawing *drawing, int row, const struct chart_span **lane)
{
    memset(lane, 0, (size_t)drawing->width * sizeof(const struct chart_span *));
    for (size_t i = 0; i < drawing->chart->n_spans; i++) {
        const struct chart_span *span = &drawing->chart->spans[i];
        int first = text_drawing_column(drawing, span->begin);
        int last = text_drawing_column(drawing, span->end);

        if (last > first)
            last--; /* the column of its end belongs to what follows */
        for (int column = first; span->row == row && column <= last; column++)
            lane[column] = span;
    }
}

static void put_name(struct text_canvas *canvas, const char *name, int width, const char *filling)
{
    bool is_shown = plot_text_columns(name) <= width || width > PLOT_LEAST_LETTERS;

    text_canvas_fitted(canvas, is_shown ? name : "", width, filling);
}

/* `touches`: the bar before it looks the same and has no gap behind it. */
static void put_painted(struct text_canvas *canvas, const struct chart_name *name, int width,
                        bool touches)
{
    text_canvas_background(canvas, name->colour);
    if (touches)
        text_canvas_put(canvas, canvas->style->utf8 ? "▏" : "|");
    put_name(canvas, name->name, width - touches, " ");
    text_canvas_plain(canvas);
}

static void put_bar(const struct text_drawing *drawing, const struct chart_span *span, int width,
                    const struct chart_span *before)
{
    const struct chart_name *name = chart_name_of(drawing->chart, span);
    struct text_canvas *canvas = drawing->canvas;

    if (canvas->style->colours != TEXT_PLAIN) {
        put_painted(canvas, name, width,
                    before != NULL &&
                        chart_name_of(drawing->chart, before)->colour == name->colour);
    } else if (width < 3) {
        for (int i = 0; i < width; i++)
            text_canvas_put(canvas, "=");
    } else {
        text_canvas_put(canvas, "[");
        put_name(canvas, name->name, width - 2, canvas->style->utf8 ? "─" : "-");
        text_canvas_put(canvas, span->is_open ? ">" : "]");
    }
}

static void put_lane(const struct text_drawing *drawing, const struct chart_span *const *lane)
{
    for (int column = 0, next; column < drawing->width; column = next) {
        for (next = column + 1; next < drawing->width && lane[next] == lane[column];)
            next++;
        if (lane[column] == NULL)
            text_canvas_spaces(drawing->canvas, next - column);
        else
            put_bar(drawing, lane[column], next - column, column > 0 ? lane[column - 1] : NULL);
    }
    text_canvas_end_line(drawing->canvas);
}

/* What stands before a row: nothing, or how many levels have none. */
static void put_margin(const struct text_drawing *drawing, int hidden)
{
    char text[32] = "";

    if (hidden > 0)
        snprintf(text, sizeof text, "+%d more", hidden);
    text_canvas_right(drawing->canvas, text, drawing->left - 1);
    text_canvas_spaces(drawing->canvas, 1);
}

int text_lanes_write(const struct text_drawing *drawing, int rows)
{
    const struct chart_span **lane =
        calloc((size_t)drawing->width, sizeof(const struct chart_span *));

    if (lane == NULL)
        return -ENOMEM;
    for (int row = 0; row < rows; row++) {
        fill_lane(drawing, row, lane);
        put_margin(drawing, row == rows - 1 ? drawing->chart->n_rows - rows : 0);
        put_lane(drawing, lane);
    }
    free(lane);
    return 0;
}
