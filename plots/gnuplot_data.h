/* What a gnuplot script plots. */
#ifndef PLOTS_GNUPLOT_DATA_H
#define PLOTS_GNUPLOT_DATA_H

#include <stdio.h>

#include "plots/layout.h"

/* All numbers as datablocks, and the plot command that draws them. */
void gnuplot_data(FILE *out, const struct layout *layout);

#endif
