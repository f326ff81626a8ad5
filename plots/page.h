/* A chart as one HTML file that needs nothing else: no network, no server, no gnuplot. */
#ifndef PLOTS_PAGE_H
#define PLOTS_PAGE_H

#include <stdio.h>

#include "plots/chart.h"

/* Writes the page. 0, or -EIO of the stream. */
int page_write(FILE *out, const struct chart *chart);

#endif
