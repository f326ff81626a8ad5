/* The parts that chart_make() puts together. Functions return 0 or -ENOMEM. */
#ifndef PLOTS_CHART_PARTS_H
#define PLOTS_CHART_PARTS_H

#include "plots/chart.h"

/* From when to when a chart goes, in moments and in seconds from `zero`. */
struct chart_frame {
    double zero;       /* moment of the first sample */
    double begin, end; /* seconds */
};

/* Appends what is drawn of samples and of spikes (either may be empty), `columns` wide. */
int chart_series_draw(struct chart_series *series, const struct profile_samples *samples,
                      const struct profile_samples *spikes, const struct chart_frame *frame,
                      size_t columns);

/* Adds the spans of a profile and gives them names, colours and rows. */
int chart_spans_make(struct chart *chart, const struct profile *profile,
                     const struct chart_frame *frame, const struct plot_spec *spec);

/* The straight line nearest to all samples within the frame, and its slope as text. */
int chart_trend_make(struct chart *chart, const struct profile_samples *samples,
                     const struct chart_frame *frame);

/* Appends to *text, which may be NULL. */
__attribute__((format(printf, 2, 3))) int chart_text_append(char **text, const char *format, ...);

/* Stands between two facts. */
#define CHART_TEXT_DOT "   ·   "

/* Whether MEM lines are the sum of a family. */
int chart_facts_is_sum(const struct profile *profile);

/* What is said of a single profile below the title; its series are there, the root's last. */
int chart_facts_make(struct chart *chart, const struct profile *profile, size_t children,
                     const struct chart_frame *whole, const struct plot_spec *spec);

/* Adds what the band of a dense series means, where there is one. */
int chart_facts_explain_band(struct chart *chart, const struct plot_spec *spec);

#endif
