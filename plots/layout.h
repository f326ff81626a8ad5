/*
 * Where everything of a chart lies, in pixels from the upper left corner. Pure: it needs no
 * gnuplot, and what is said here is what a picture shows. Texts are placed so that none lies over
 * another. Call order: layout_make, gnuplot_script_write, layout_release.
 */
#ifndef PLOTS_LAYOUT_H
#define PLOTS_LAYOUT_H

#include <stdbool.h>

#include "plots/chart.h"

struct layout_box {
    double left, top, right, bottom;
};

enum layout_anchor {
    LAYOUT_LEFT, /* `x` is where the text begins */
    LAYOUT_CENTRE,
    LAYOUT_RIGHT,
};

enum layout_font {
    LAYOUT_TITLE, /* bold */
    LAYOUT_AXIS,  /* titles of scales */
    LAYOUT_PEAK,
    LAYOUT_SMALL, /* everything else */
};

struct layout_text {
    char *text;  /* in a layout: owned by it */
    double x, y; /* y: the middle of the letters */
    enum layout_anchor anchor;
    enum layout_font font;
    uint32_t colour;
    bool is_upright; /* turned by 90 degrees, reading upwards */
};

/* A bar of the lanes or of the flame graph: one call, or several too narrow to be told apart. */
struct layout_bar {
    struct layout_box box;
    uint32_t colour;
    bool is_open; /* its right end is not an end */
};

struct layout_bracket {
    double x, y;
    bool is_end;
    uint32_t colour;
};

/* A piece of line before an entry of the legend. */
struct layout_legend_entry {
    double x, y, width, weight;
    uint32_t colour;
};

struct layout {
    const struct chart *chart; /* borrowed: it must outlive the layout */
    int width, height;
    struct layout_box area; /* inside the scales, with the lanes */
    double zero;            /* y of memory 0 */
    double row_height;      /* of the lanes */
    struct layout_text *texts;
    size_t n_texts;
    struct layout_bar *bars;
    size_t n_bars;
    struct layout_box *bands; /* of blocks */
    size_t n_bands;
    struct layout_bracket *brackets;
    size_t n_brackets;
    struct layout_legend_entry *legend_entries;
    size_t n_legend_entries;
    struct layout_box legend; /* left == right: there is none */
};

static inline int layout_overlap(const struct layout_box *a, const struct layout_box *b)
{
    return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

#endif
