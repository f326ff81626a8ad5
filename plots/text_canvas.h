/* Lines of a terminal: text, colours and widths as a terminal's style allows them. */
#ifndef PLOTS_TEXT_CANVAS_H
#define PLOTS_TEXT_CANVAS_H

#include <stdint.h>
#include <stdio.h>

enum text_colours {
    TEXT_PLAIN,
    TEXT_16,
    TEXT_256,
    TEXT_TRUE, /* 24 bit */
};

struct text_plot_style {
    /* Of the window: nothing is wider, and nothing higher if it can be. Rows 0: there is none. */
    int columns, rows;
    int utf8; /* 0: ASCII alone */
    enum text_colours colours;
};

struct text_canvas {
    FILE *out;
    const struct text_plot_style *style;
};

/* Writes text, with '?' for what ASCII lacks where the style has only that. */
void text_canvas_put(struct text_canvas *canvas, const char *text);
void text_canvas_spaces(struct text_canvas *canvas, int count);

/* Text at the right end of `width` columns. */
void text_canvas_right(struct text_canvas *canvas, const char *text, int width);

/* Text in just `width` columns: cut, or filled up with `filling` (one column). */
void text_canvas_fitted(struct text_canvas *canvas, const char *text, int width,
                        const char *filling);

/* A line of its own, cut to the terminal's width, and back to plain. */
void text_canvas_put_line(struct text_canvas *canvas, const char *text);
void text_canvas_end_line(struct text_canvas *canvas);

/* What follows is written in this colour, on this ground (then in black), bold, faint, or as
 * before. */
void text_canvas_colour(struct text_canvas *canvas, uint32_t colour);
void text_canvas_background(struct text_canvas *canvas, uint32_t colour);
void text_canvas_bold(struct text_canvas *canvas);
void text_canvas_faint(struct text_canvas *canvas);
void text_canvas_plain(struct text_canvas *canvas);

#endif
