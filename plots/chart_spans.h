/* Calls and blocks of a chart. */
#ifndef PLOTS_CHART_SPANS_H
#define PLOTS_CHART_SPANS_H

#include "plots/chart.h"

/* Adds the spans of a profile and gives them names, colours and rows. 0 or -ENOMEM. */
int chart_spans_make(struct chart *chart, const struct profile *profile,
                     const struct chart_frame *frame, const struct plot_spec *spec);

#endif
