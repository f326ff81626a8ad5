/* A chart for a terminal: blocks and colours, or plain ASCII. */
#ifndef PLOTS_TEXT_PLOT_H
#define PLOTS_TEXT_PLOT_H

#include <stdio.h>

#include "plots/chart.h"
#include "plots/text_canvas.h"

#define TEXT_PLOT_LEAST_COLUMNS 20

/* Writes the chart. 0, -ENOMEM, or -EIO of the stream. From TEXT_PLAN_LEAST_ROWS (text_plan.h) rows
 * on, that of one profile is not higher than its window, the row of the prompt left out. */
int text_plot_write(FILE *out, const struct chart *chart, const struct text_plot_style *style);

#endif
