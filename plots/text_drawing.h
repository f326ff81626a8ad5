/* A curve in columns of a terminal: the parts that charts and rows of children share. */
#ifndef PLOTS_TEXT_DRAWING_H
#define PLOTS_TEXT_DRAWING_H

#include "plots/chart.h"
#include "plots/text_canvas.h"

struct text_drawing {
    struct text_canvas *canvas;
    const struct chart *chart;
    int left; /* columns before the curve */
    int width, height;
};

/* The column of a moment, from 0 to width - 1. */
int text_drawing_column(const struct text_drawing *drawing, double time);

/* The most MiB in each column of the curve; the caller frees them. NULL: no memory. */
double *text_drawing_heights(const struct text_drawing *drawing, const struct chart_series *series);

/* Eighths that a bar of `memory` fills in a row counted from the bottom; `most` fills `height`. */
int text_drawing_level(double memory, double most, int height, int row);

/* A cell that is filled to so many eighths. */
const char *text_drawing_block(const struct text_drawing *drawing, int level);

#endif
