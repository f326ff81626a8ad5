/* What is said below a chart's title. Functions return 0 or -ENOMEM. */
#ifndef PLOTS_CHART_SUBTITLE_H
#define PLOTS_CHART_SUBTITLE_H

#include "plots/chart.h"

/* Appends to *text, which may be NULL. */
__attribute__((format(printf, 2, 3))) int chart_text_append(char **text, const char *format, ...);

/* Stands between two of its parts. */
#define CHART_TEXT_DOT "   ·   "

/* What is said of a single profile below the title; its series are there, the root's last. */
int chart_subtitle_make(struct chart *chart, const struct profile *profile, size_t children,
                        const struct chart_frame *whole, const struct plot_spec *spec);

/* Adds what the band of a dense series means, where there is one. */
int chart_subtitle_explain_band(struct chart *chart, const struct plot_spec *spec);

#endif
