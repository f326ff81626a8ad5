/* A chart for a terminal: blocks and colours, or plain ASCII. */
#ifndef PLOTS_TEXT_PLOT_H
#define PLOTS_TEXT_PLOT_H

#include <stdio.h>

#include "plots/chart.h"

#define TEXT_PLOT_LEAST_COLUMNS 20

enum text_colours {
    TEXT_PLAIN,
    TEXT_16,
    TEXT_256,
    TEXT_TRUE, /* 24 bit */
};

struct text_plot_style {
    int columns, rows; /* of the terminal; nothing is wider, few rows are made do with */
    int utf8;          /* 0: ASCII alone */
    enum text_colours colours;
};

/* Writes the chart. 0, -ENOMEM, or -EIO of the stream. */
int text_plot_write(FILE *out, const struct chart *chart, const struct text_plot_style *style);

#endif
