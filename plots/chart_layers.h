/* What memory is made of, over each other, and the limits it runs against: of a single profile. */
#ifndef PLOTS_CHART_LAYERS_H
#define PLOTS_CHART_LAYERS_H

#include "plots/chart.h"

/*
 * The layers of what is in the frame, where parts were recorded. Few samples are taken each; of
 * more the mean of each of `columns` columns. 0 or -ENOMEM.
 */
int chart_layers_make(struct chart *chart, const struct profile *profile,
                      const struct chart_frame *frame, size_t columns);

/* The limits that a peak has come within half of, as lines in the frame. 0 or -ENOMEM. */
int chart_limits_make(struct chart *chart, const struct profile *profile,
                      const struct chart_frame *frame);

#endif
