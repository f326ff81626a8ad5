#include "plots/text_children.h"

#include <errno.h>
#include <stdlib.h>

#include "plots/plot_text.h"

/* Where a legend stands: at the begin of the curve's row, behind the curve, or in a row above. */
enum legend_place { BEFORE, BEHIND, ABOVE };

/* A child, its curve in eighths of a row, and where in the row there is any of it. */
struct child {
    const struct chart_series *series;
    int *levels;
    int first, last; /* columns of the row, its margin included */
    enum legend_place place;
};

static void child_release(struct child *child)
{
    free(child->levels);
}

static void place_legend(const struct text_drawing *drawing, struct child *child)
{
    int length = plot_text_columns(child->series->legend);

    child->place = length < child->first                                        ? BEFORE
                   : child->last + 1 + length < drawing->canvas->style->columns ? BEHIND
                                                                                : ABOVE;
}

/* 0 or -ENOMEM; child_release() in either case. */
static int child_make(const struct text_drawing *drawing, const struct chart_series *series,
                      struct child *child)
{
    double *heights = text_drawing_heights(drawing, series);

    *child = (struct child){.series = series, .first = drawing->left + drawing->width};
    child->levels = calloc((size_t)drawing->width, sizeof *child->levels);
    for (int i = 0; i < drawing->width && heights != NULL && child->levels != NULL; i++) {
        child->levels[i] = text_drawing_level(heights[i], series->peak.memory, 1, 0);
        if (child->levels[i] == 0)
            continue;
        child->last = drawing->left + i;
        if (child->first > child->last)
            child->first = child->last;
    }
    place_legend(drawing, child);
    free(heights);
    return heights == NULL || child->levels == NULL ? -ENOMEM : 0;
}

static void put_curve(const struct text_drawing *drawing, const struct child *child)
{
    struct text_canvas *canvas = drawing->canvas;

    /* Black, the last colour of the palette, cannot be seen in a dark terminal. */
    text_canvas_colour(canvas, child->series->colour == 0 ? 0x909090 : child->series->colour);
    for (int column = child->first; column <= child->last; column++)
        text_canvas_put(canvas, text_drawing_block(drawing, child->levels[column - drawing->left]));
    text_canvas_plain(canvas);
}

static void put_child(const struct text_drawing *drawing, const struct child *child)
{
    struct text_canvas *canvas = drawing->canvas;
    const char *legend = child->series->legend;

    if (child->place == ABOVE)
        text_canvas_put_line(canvas, legend);
    if (child->place == BEFORE)
        text_canvas_put(canvas, legend);
    text_canvas_spaces(canvas,
                       child->first - (child->place == BEFORE ? plot_text_columns(legend) : 0));
    put_curve(drawing, child);
    if (child->place == BEHIND) {
        text_canvas_spaces(canvas, 1);
        text_canvas_put(canvas, legend);
    }
    text_canvas_end_line(canvas);
}

/* How many rows a child takes, or -ENOMEM. */
static int rows_of(const struct text_drawing *drawing, const struct chart_series *series)
{
    struct child child;
    int error = child_make(drawing, series, &child);

    child_release(&child);
    return error != 0 ? error : child.place == ABOVE ? 2 : 1;
}

/* The largest of them is the last. */
static size_t count_of(const struct chart *chart, enum chart_role role)
{
    size_t count = 0;

    for (size_t i = 0; i < chart->n_series; i++)
        count += chart->series[i].role == role;
    return count;
}

int text_children_rows(const struct text_drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    int rows = count_of(chart, CHART_OTHER) > 0;

    for (size_t i = 0; i < chart->n_series; i++) {
        int more = chart->series[i].role == CHART_CHILD ? rows_of(drawing, &chart->series[i]) : 0;

        if (more < 0)
            return more;
        rows += more;
    }
    return rows;
}

/* "3 more children   up to 41.0 MiB": series[last] and what is smaller, and stands before it. */
static void put_others(const struct text_drawing *drawing, size_t last, size_t count, size_t all)
{
    char text[64 + PLOT_NUMBER_SIZE], memory[PLOT_NUMBER_SIZE];

    plot_text_memory(drawing->chart->series[last].peak.memory, memory);
    snprintf(text, sizeof text, "%zu %s%s   up to %s", count, count < all ? "more " : "",
             count == 1 ? "child" : "children", memory);
    text_canvas_put_line(drawing->canvas, text);
}

/* 1: it was written, and *rows are left; 0: it does not fit; -ENOMEM. */
static int put_if_fits(const struct text_drawing *drawing, const struct chart_series *series,
                       int *rows, int reserved)
{
    struct child child;
    int error = child_make(drawing, series, &child), needed = child.place == ABOVE ? 2 : 1;
    int fits = error == 0 && needed + reserved <= *rows;

    if (fits) {
        put_child(drawing, &child);
        *rows -= needed;
    }
    child_release(&child);
    return error != 0 ? error : fits;
}

int text_children_write(const struct text_drawing *drawing, int rows)
{
    const struct chart *chart = drawing->chart;
    size_t all = count_of(chart, CHART_CHILD) + count_of(chart, CHART_OTHER), left = all;

    for (size_t i = chart->n_series; i-- > 0 && rows > 0;) {
        const struct chart_series *series = &chart->series[i];
        int done = 0;

        if (series->role == CHART_MAIN)
            continue;
        if (series->role == CHART_CHILD)
            done = put_if_fits(drawing, series, &rows, left > 1);
        if (done < 0)
            return done;
        if (done == 0) {
            put_others(drawing, i, left, all);
            break;
        }
        left--;
    }
    return 0;
}
