#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memprof/profile/profile_peak.h"
#include "plots/chart_subtitle.h"
#include "plots/ending_text.h"
#include "plots/number.h"

int chart_text_append(char **text, const char *format, ...)
{
    size_t used = *text == NULL ? 0 : strlen(*text);
    va_list list;
    char *longer;
    int more;

    va_start(list, format);
    /* Measured first, then written: names may be of any length. */
    more = vsnprintf(NULL, 0, format, list);
    va_end(list);
    longer = realloc(*text, used + (size_t)more + 1);
    if (longer == NULL)
        return -ENOMEM;
    *text = longer;
    va_start(list, format);
    vsnprintf(longer + used, (size_t)more + 1, format, list);
    va_end(list);
    return 0;
}

static int add_date(char **subtitle, double moment)
{
    /* A damaged file may name any moment: a double beyond time_t must not be converted. */
    time_t seconds = (time_t)smaller(larger(moment, 0), 1e11);
    struct tm local;
    char text[32];

    if (localtime_r(&seconds, &local) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local) == 0)
        return 0;
    return chart_text_append(subtitle, "%s", text);
}

static int add_notes(char **subtitle, const struct chart *chart, const struct profile *profile)
{
    const struct profile_run *run = profile->n_runs > 0 ? &profile->runs[0] : NULL;
    double missed =
        profile->missed.count == 0 ? 0 : profile->missed.at[profile->missed.count - 1].value;
    char ending[ENDING_TEXT_SIZE];
    int error = 0;

    ending_text(&profile->ending, ending);
    if (*ending != '\0')
        error = chart_text_append(subtitle, CHART_TEXT_DOT "%s", ending);
    if (error == 0 && run != NULL && strcmp(run->backend, "rss") != 0)
        error = chart_text_append(subtitle, CHART_TEXT_DOT "%s", run->backend);
    if (error == 0 && profile->is_sum)
        error = chart_text_append(subtitle, CHART_TEXT_DOT "sum with all children");
    if (error == 0 && profile->n_runs > 1)
        error = chart_text_append(subtitle, CHART_TEXT_DOT "%zu runs in one file", profile->n_runs);
    if (error == 0 && missed > 0)
        error = chart_text_append(subtitle, CHART_TEXT_DOT "%.0f deadlines missed", missed);
    if (error == 0 && profile->steps.count > 0)
        error = chart_text_append(subtitle, CHART_TEXT_DOT "the clock was set");
    if (error == 0 && profile->broken > 0)
        error =
            chart_text_append(subtitle, CHART_TEXT_DOT "%llu damaged line%s skipped",
                              (unsigned long long)profile->broken, profile->broken == 1 ? "" : "s");
    if (error == 0 && chart->left_out > 0)
        error = chart_text_append(subtitle, CHART_TEXT_DOT "%zu deeper calls not drawn",
                                  chart->left_out);
    return error;
}

static bool is_dense(const struct chart *chart)
{
    for (size_t i = 0; i < chart->n_series; i++)
        if (chart->series[i].n_columns > 0)
            return 1;
    return 0;
}

int chart_subtitle_explain_band(struct chart *chart, const struct plot_spec *spec)
{
    char width[PLOT_NUMBER_SIZE];

    if (!is_dense(chart))
        return 0;
    plot_text_duration((chart->time.high - chart->time.low) / (double)plot_spec_columns(spec),
                       width);
    return chart_text_append(&chart->subtitle,
                             CHART_TEXT_DOT "band = min … max within %s, line%s = mean", width,
                             chart->layers.count > 0 ? " and layers" : "");
}

/* What the program and its children held together, or the program alone: what the curve is not. */
static int add_other_peak(char **subtitle, const struct profile *profile, double zero)
{
    struct profile_sample peak;
    char number[PLOT_NUMBER_SIZE], when[PLOT_NUMBER_SIZE];
    const char *what = "peak of the sum";

    if (profile_peak_sum(profile, &peak) != 0) {
        what = "main process alone";
        if (profile_peak_alone(profile, &peak) != 0)
            return 0;
    }
    plot_text_memory(peak.memory, number);
    plot_text_duration(larger(peak.moment - zero, 0), when);
    return chart_text_append(subtitle, CHART_TEXT_DOT "%s %s at %s", what, number, when);
}

int chart_subtitle_make(struct chart *chart, const struct profile *profile, size_t children,
                        const struct chart_frame *whole, const struct plot_spec *spec)
{
    const struct chart_series *root = &chart->series[chart->n_series - 1];
    char number[PLOT_NUMBER_SIZE], when[PLOT_NUMBER_SIZE];
    char **subtitle = &chart->subtitle;
    int error = add_date(subtitle, whole->zero);

    plot_text_duration(whole->end, number);
    if (error == 0)
        error = chart_text_append(subtitle, CHART_TEXT_DOT "%s", number);
    plot_text_count(profile->samples.seen, number);
    if (error == 0)
        error = chart_text_append(subtitle, CHART_TEXT_DOT "%s sample%s", number,
                                  profile->samples.seen == 1 ? "" : "s");
    plot_text_memory(root->peak.memory, number);
    plot_text_duration(root->peak.time, when);
    if (error == 0 && root->peak.memory > 0)
        error = chart_text_append(subtitle, CHART_TEXT_DOT "peak %s at %s", number, when);
    if (error == 0)
        error = add_other_peak(subtitle, profile, whole->zero);
    if (error == 0 && children > 0)
        error = chart_text_append(subtitle, CHART_TEXT_DOT "%zu child process%s", children,
                                  children == 1 ? "" : "es");
    if (error == 0)
        error = chart_subtitle_explain_band(chart, spec);
    return error == 0 ? add_notes(subtitle, chart, profile) : error;
}
