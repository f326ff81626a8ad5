/* Makes a chart of one profile or of several. */
#ifndef PLOTS_CHART_MAKE_H
#define PLOTS_CHART_MAKE_H

#include "plots/chart.h"

/* A profile and what it is called: the file's name. */
struct chart_source {
    const struct profile *profile; /* borrowed */
    const char *name;              /* borrowed */
};

/*
 * Makes the chart of `count` profiles. It keeps no pointer into them. 0; -ENODATA when there is
 * nothing that could be drawn (nothing in the window, too); -ENOMEM. The chart must be released
 * in any case.
 */
int chart_make(struct chart *chart, const struct chart_source *sources, size_t count,
               const struct plot_spec *spec);
void chart_release(struct chart *chart);

#endif
