#ifndef PLOTS_PAGE_DATA_H
#define PLOTS_PAGE_DATA_H

#include <stdio.h>

#include "plots/chart.h"

/* A chart as the JSON that page.js draws; in a script element nothing in it can end that. */
void page_put_data(FILE *out, const struct chart *chart);

#endif
