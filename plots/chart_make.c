#include "plots/chart_make.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/profile/profile_peak.h"
#include "plots/chart_layers.h"
#include "plots/chart_series.h"
#include "plots/chart_spans.h"
#include "plots/chart_subtitle.h"
#include "plots/chart_types.h"
#include "plots/ending_text.h"
#include "plots/number.h"

/* Far apart for all kinds of colour sight: the first is the root's, one each for the children that
 * have a colour (CHART_COLOURED_CHILDREN). */
static const uint32_t palette[] = {0x0b5394, 0xe69f00, 0x4cb2e5, 0x7f4ce5,
                                   0xe54c4c, 0x882255, 0x000000};
#define PALETTE (sizeof palette / sizeof palette[0])
#define GREY 0x9a9a9a

static char *scrub(const char *text, const struct plot_spec *spec)
{
    return plot_text_scrub(text, strlen(text), spec);
}

/* ---- when ---- */

static void widen(double *first, double *last, double moment)
{
    *first = smaller(*first, moment);
    *last = larger(*last, moment);
}

static void widen_by_samples(double *first, double *last, const struct profile_samples *samples)
{
    if (samples->count == 0)
        return;
    widen(first, last, samples->at[0].moment);
    widen(first, last, samples->at[samples->count - 1].moment);
}

/* From the first sample to the last fact; `frame` then counts from that sample. -ENODATA: none. */
static int frame_of(const struct profile *profile, struct chart_frame *frame)
{
    double first = INFINITY, last = -INFINITY;

    widen_by_samples(&first, &last, &profile->samples);
    for (size_t i = 0; i < profile->n_processes; i++) {
        widen_by_samples(&first, &last, &profile->processes[i].samples);
        if (profile->processes[i].types.count > 0)
            widen(&first, &last, profile->processes[i].types.last);
    }
    /* The root's first sample is 0, also where a child has an earlier one. */
    frame->zero = profile->samples.count > 0 ? profile->samples.at[0].moment : first;
    for (size_t i = 0; i < profile->n_spans; i++)
        if (frame->zero == INFINITY || profile->spans[i].end >= frame->zero) {
            widen(&first, &last, profile->spans[i].begin);
            widen(&first, &last, profile->spans[i].end);
        }
    if (first > last)
        return -ENODATA;
    if (frame->zero == INFINITY)
        frame->zero = first;
    frame->begin = 0;
    frame->end = last - frame->zero;
    return 0;
}

/* ---- series ---- */

static int ticks_across(const struct plot_spec *spec)
{
    /* A tick about every 190 pixels: the longest labels have room between them. */
    return spec->width < 3 * 190 ? 3 : spec->width / 190;
}

static int ticks_down(const struct plot_spec *spec)
{
    return spec->height < 3 * 130 ? 3 : spec->height / 130;
}

static struct chart_series *new_series(struct chart *chart)
{
    struct chart_series *larger = realloc(chart->series, (chart->n_series + 1) * sizeof *larger);

    if (larger == NULL)
        return NULL;
    chart->series = larger;
    memset(&larger[chart->n_series], 0, sizeof *larger);
    return &larger[chart->n_series++];
}

static void set_peak(struct chart_series *series, const struct profile_sample *peak,
                     const struct chart_frame *frame)
{
    series->peak = (struct chart_point){peak->moment - frame->zero, peak->memory};
    series->has_peak = series->peak.time >= frame->begin && series->peak.time <= frame->end;
}

static const struct profile_samples *spikes_of_root(const struct profile *profile)
{
    for (size_t i = 0; i < profile->n_processes; i++)
        if (profile->processes[i].is_root)
            return &profile->processes[i].spikes;
    return NULL;
}

/* The process that was run, or a profile of several. */
static int add_main(struct chart *chart, const struct chart_source *source, uint32_t colour,
                    const char *name, const char *behind, const struct chart_frame *frame,
                    const struct plot_spec *spec)
{
    struct chart_series *series = new_series(chart);
    struct profile_sample peak;
    char memory[PLOT_NUMBER_SIZE];
    int error;

    if (series == NULL)
        return -ENOMEM;
    series->role = CHART_MAIN;
    series->colour = colour;
    error =
        chart_series_draw(series, source->profile, &source->profile->samples,
                          spikes_of_root(source->profile), frame, (size_t)plot_spec_columns(spec));
    if (error != 0)
        return error;
    series->name = strdup(name);
    if (series->name == NULL)
        return -ENOMEM;
    if (profile_peak_root(source->profile, &peak) != 0)
        return chart_text_append(&series->legend, "%s%s", name, behind);
    set_peak(series, &peak, frame);
    plot_text_memory(peak.memory, memory);
    return chart_text_append(&series->legend, "%s   %s%s", name, memory, behind);
}

/* A child and its peak, to be sorted by it. */
struct ranked {
    const struct profile_process *process;
    struct profile_sample peak;
};

/* The largest last: it is drawn on top. */
static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;

    if (a->peak.memory != b->peak.memory)
        return a->peak.memory < b->peak.memory ? -1 : 1;
    /* qsort() keeps no order of equals: by pid the same profile gives the same picture. */
    return (a->process->pid < b->process->pid) - (a->process->pid > b->process->pid);
}

static size_t rank_children(const struct profile *profile, struct ranked *ranked)
{
    size_t count = 0;

    for (size_t i = 0; i < profile->n_processes; i++) {
        const struct profile_process *process = &profile->processes[i];

        if (process->samples.count > 0 &&
            profile_peak_process(profile, process, &ranked[count].peak) == 0)
            ranked[count++].process = process;
    }
    qsort(ranked, count, sizeof *ranked, compare_ranked);
    return count;
}

/* `rank` 0 is the largest child. */
static int add_child(struct chart *chart, const struct profile *profile, const struct ranked *child,
                     size_t rank, size_t others, const struct chart_frame *frame,
                     const struct plot_spec *spec)
{
    struct chart_series *series = new_series(chart);
    char memory[PLOT_NUMBER_SIZE];
    int error;

    if (series == NULL)
        return -ENOMEM;
    series->role = rank < CHART_COLOURED_CHILDREN ? CHART_CHILD : CHART_OTHER;
    series->colour = series->role == CHART_CHILD ? palette[1 + rank] : GREY;
    error = chart_series_draw(series, profile, &child->process->samples, &child->process->spikes,
                              frame, (size_t)plot_spec_columns(spec));
    if (error == 0)
        error = chart_text_append(&series->name, "child %lld", (long long)child->process->pid);
    set_peak(series, &child->peak, frame);
    plot_text_memory(child->peak.memory, memory);
    if (error == 0 && series->role == CHART_CHILD)
        error = chart_text_append(&series->legend, "%s   %s", series->name, memory);
    else if (error == 0 && rank == CHART_COLOURED_CHILDREN)
        error = chart_text_append(&series->legend,
                                  others == 1 ? "%zu more child   up to %s"
                                              : "%zu more children   up to %s",
                                  others, memory);
    return error;
}

/* All children, the smallest first. *count: how many there are. */
static int add_children(struct chart *chart, const struct profile *profile, int one_colour,
                        const struct chart_frame *frame, const struct plot_spec *spec,
                        size_t *count)
{
    struct ranked *ranked = calloc(profile->n_processes + 1, sizeof *ranked);
    int error = 0;

    if (ranked == NULL)
        return -ENOMEM;
    *count = rank_children(profile, ranked);
    for (size_t i = 0; i < *count && error == 0; i++) {
        size_t rank = *count - 1 - i;

        error = add_child(
            chart, profile, &ranked[i], one_colour ? CHART_COLOURED_CHILDREN + 1 : rank,
            *count > CHART_COLOURED_CHILDREN ? *count - CHART_COLOURED_CHILDREN : 0, frame, spec);
    }
    free(ranked);
    return error;
}

/* ---- texts ---- */

static int make_title(struct chart *chart, const struct chart_source *sources, size_t count,
                      const struct plot_spec *spec)
{
    const char *title = spec->title;

    if (title == NULL && count > 1)
        return chart_text_append(&chart->title, "%zu profiles", count);
    if (title == NULL)
        title =
            sources->profile->command_line != NULL ? sources->profile->command_line : sources->name;
    chart->title = scrub(title, spec);
    return chart->title == NULL ? -ENOMEM : 0;
}

/* ---- scales ---- */

static double most_in_view(const struct chart *chart)
{
    double most = 0;

    for (size_t i = 0; i < chart->n_series; i++) {
        const struct chart_series *series = &chart->series[i];

        for (size_t j = 0; j < series->n_points; j++)
            most = larger(most, series->points[j].memory);
        for (size_t j = 0; j < series->n_spikes; j++)
            most = larger(most, series->spikes[j].memory);
        if (series->has_peak)
            most = larger(most, series->peak.memory);
    }
    for (size_t i = 0; i < chart->layers.count; i++)
        most = larger(most, chart->layers.at[i].top[PROFILE_PARTS - 1]);
    for (size_t i = 0; i < PROFILE_LIMITS; i++)
        for (size_t j = 0; j < chart->limits[i].n_pieces; j++)
            most = larger(most, chart->limits[i].pieces[j].memory);
    for (size_t i = 0; i < 2 && chart->has_trend; i++)
        most = larger(most, chart->trend[i].memory);
    /* A profile of calls alone has no curve: their memory gives the scale. */
    for (size_t i = 0; most == 0 && i < chart->n_spans; i++)
        most = larger(chart->spans[i].memory_begin, chart->spans[i].memory_end);
    return most;
}

static bool is_empty(const struct chart *chart)
{
    for (size_t i = 0; i < chart->n_series; i++)
        if (chart->series[i].n_points > 0)
            return 0;
    return chart->n_spans == 0;
}

/* A side of the window that was left open is that of the run. */
static void apply_window(struct chart_frame *frame, const struct plot_spec *spec)
{
    if (!spec->has_window)
        return;
    if (isfinite(spec->window_begin))
        frame->begin = spec->window_begin;
    if (isfinite(spec->window_end))
        frame->end = spec->window_end;
    if (!isfinite(spec->window_begin) && frame->begin > frame->end)
        frame->begin = frame->end - 1; /* it ends before the run begins: there is nothing */
}

/* A frame needs some width, for a profile of one sample as well: enough to tell its ticks apart. */
static void give_width(struct chart_frame *frame)
{
    double size = larger(magnitude(frame->begin), magnitude(frame->end));

    if (!(frame->end - frame->begin > size * 1e-12))
        frame->end = frame->begin + larger(1e-3, size * 1e-9);
}

/* ---- one profile, several ---- */

static int make_single(struct chart *chart, const struct chart_source *source,
                       const struct plot_spec *spec)
{
    struct chart_frame whole, frame;
    size_t children = 0;
    int error = frame_of(source->profile, &whole);

    if (error != 0)
        return error;
    give_width(&whole);
    frame = whole;
    apply_window(&frame, spec);
    give_width(&frame);
    axis_of_time(&chart->time, frame.begin, frame.end, ticks_across(spec));
    /* Children first: series are drawn in order, and the root is to be on top. */
    error = add_children(chart, source->profile, 0, &frame, spec, &children);
    if (error == 0)
        error =
            add_main(chart, source, palette[0],
                     source->profile->is_sum ? "all processes" : "main process", "", &frame, spec);
    if (error == 0)
        error = chart_spans_make(chart, source->profile, &frame, spec);
    if (error == 0)
        error = chart_layers_make(chart, source->profile, &frame, (size_t)plot_spec_columns(spec));
    if (error == 0)
        error = chart_limits_make(chart, source->profile, &frame);
    if (error == 0)
        error = chart_types_make(chart, source->profile, &frame, spec);
    if (error == 0 && spec->slope)
        error = chart_trend_make(chart, &source->profile->samples, &frame);
    return error == 0 ? chart_subtitle_make(chart, source->profile, children, &whole, spec) : error;
}

static int add_profile(struct chart *chart, const struct chart_source *source, size_t number,
                       const struct chart_frame *common, const struct plot_spec *spec)
{
    struct chart_frame frame, own = *common;
    char memory[PLOT_NUMBER_SIZE], ending[ENDING_TEXT_SIZE];
    char *name = scrub(source->name, spec), *behind = NULL;
    size_t children = 0;
    int error = name == NULL ? -ENOMEM : frame_of(source->profile, &frame);

    if (error == 0) {
        own.zero = frame.zero;
        error = add_children(chart, source->profile, 1, &own, spec, &children);
    }
    if (error == 0 && children > 0)
        error = chart_text_append(&behind, children == 1 ? " + %zu child" : " + %zu children",
                                  children);
    if (error == 0)
        error = add_main(chart, source, palette[number % PALETTE], name,
                         behind == NULL ? "" : behind, &own, spec);
    if (error == 0) {
        plot_text_memory(chart->series[chart->n_series - 1].peak.memory, memory);
        error = chart_text_append(&chart->subtitle, "%s%s: peak %s",
                                  number == 0 ? "" : CHART_TEXT_DOT, name, memory);
        ending_text(&source->profile->ending, ending);
        if (error == 0 && *ending != '\0')
            error = chart_text_append(&chart->subtitle, ", %s", ending);
    }
    free(name);
    free(behind);
    return error;
}

static int make_several(struct chart *chart, const struct chart_source *sources, size_t count,
                        const struct plot_spec *spec)
{
    struct chart_frame common = {0, 0, 0}, frame;
    int error = 0;

    for (size_t i = 0; i < count && error == 0; i++) {
        error = frame_of(sources[i].profile, &frame);
        if (error == 0)
            common.end = larger(common.end, frame.end);
    }
    apply_window(&common, spec);
    give_width(&common);
    axis_of_time(&chart->time, common.begin, common.end, ticks_across(spec));
    for (size_t i = 0; i < count && error == 0; i++)
        error = add_profile(chart, &sources[i], i, &common, spec);
    return error == 0 ? chart_subtitle_explain_band(chart, spec) : error;
}

int chart_make(struct chart *chart, const struct chart_source *sources, size_t count,
               const struct plot_spec *spec)
{
    int error;

    memset(chart, 0, sizeof *chart);
    chart->is_flame = spec->flame;
    chart->n_profiles = count;
    error = make_title(chart, sources, count, spec);
    if (error == 0)
        error = count == 1 ? make_single(chart, sources, spec)
                           : make_several(chart, sources, count, spec);
    if (error == 0 && is_empty(chart))
        error = -ENODATA;
    if (error == 0)
        /* Last: the scale needs all that is drawn. */
        axis_of_memory(&chart->memory, most_in_view(chart), ticks_down(spec));
    return error;
}

void chart_release(struct chart *chart)
{
    for (size_t i = 0; i < chart->n_series; i++) {
        free(chart->series[i].name);
        free(chart->series[i].legend);
        free(chart->series[i].points);
        free(chart->series[i].columns);
        free(chart->series[i].lifts);
        free(chart->series[i].spikes);
    }
    for (size_t i = 0; i < chart->n_names; i++) {
        free(chart->names[i].name);
        free(chart->names[i].full_name);
    }
    for (size_t i = 0; i < PROFILE_PARTS; i++)
        free(chart->layers.kinds[i].legend);
    for (size_t i = 0; i < PROFILE_LIMITS; i++) {
        free(chart->limits[i].pieces);
        free(chart->limits[i].text);
    }
    chart_types_release(chart);
    free(chart->layers.at);
    free(chart->layers.lifts);
    free(chart->names);
    free(chart->series);
    free(chart->spans);
    free(chart->title);
    free(chart->subtitle);
    free(chart->trend_text);
    memset(chart, 0, sizeof *chart);
}
