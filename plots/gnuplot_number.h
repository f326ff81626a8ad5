/* Numbers of a gnuplot script. */
#ifndef PLOTS_GNUPLOT_NUMBER_H
#define PLOTS_GNUPLOT_NUMBER_H

#include <stdio.h>

#include "plots/layout.h"

/* A number without the locale: scripts are read with a decimal point. */
void gnuplot_number(FILE *out, double number);

/* Two of them with a sign between. */
void gnuplot_pair(FILE *out, double x, char sign, double y);

/* A pixel in units of the scales. */
double gnuplot_time_at(const struct layout *layout, double x);
double gnuplot_memory_at(const struct layout *layout, double y);

#endif
