/* The types of processes over time (TYPE): of a single profile. */
#ifndef PLOTS_CHART_TYPES_H
#define PLOTS_CHART_TYPES_H

#include "plots/chart.h"

/* Those of all processes that told theirs, with what is in the frame. 0 or -ENOMEM. */
int chart_types_make(struct chart *chart, const struct profile *profile,
                     const struct chart_frame *frame, const struct plot_spec *spec);
void chart_types_release(struct chart *chart);

#endif
