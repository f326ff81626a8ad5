/* Series of a chart: what is drawn of samples, and their trend. Functions return 0 or -ENOMEM. */
#ifndef PLOTS_CHART_SERIES_H
#define PLOTS_CHART_SERIES_H

#include "plots/chart.h"

/* Appends what is drawn of the profile's samples and spikes (either may be empty), `columns` wide.
 */
int chart_series_draw(struct chart_series *series, const struct profile *profile,
                      const struct profile_samples *samples, const struct profile_samples *spikes,
                      const struct chart_frame *frame, size_t columns);

/* The straight line nearest to all samples within the frame, and its slope as text. */
int chart_trend_make(struct chart *chart, const struct profile_samples *samples,
                     const struct chart_frame *frame);

#endif
