#include "plots/chart.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memprof/profile_peak.h"
#include "plots/chart_parts.h"
#include "plots/number.h"

/* Far apart for all kinds of colour sight. */
static const uint32_t palette[] = {0x0b5394, 0xe69f00, 0x4cb2e5, 0x7f4ce5,
                                   0xe54c4c, 0x882255, 0x000000};
#define PALETTE (sizeof palette / sizeof palette[0])
#define GREY 0x9a9a9a

#define DOT "   ·   "

/* ---- text that grows ---- */

/* Appends to *text, which is freed and NULL after a failure. */
__attribute__((format(printf, 2, 3))) static int append(char **text, const char *format, ...)
{
    size_t used = *text == NULL ? 0 : strlen(*text);
    va_list list;
    char *longer;
    int more;

    va_start(list, format);
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
    for (size_t i = 0; i < profile->process_count; i++)
        widen_by_samples(&first, &last, &profile->processes[i].samples);
    frame->zero = profile->samples.count > 0 ? profile->samples.at[0].moment : first;
    for (size_t i = 0; i < profile->span_count; i++)
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
    return spec->width < 3 * 190 ? 3 : spec->width / 190;
}

static int ticks_down(const struct plot_spec *spec)
{
    return spec->height < 3 * 130 ? 3 : spec->height / 130;
}

static size_t columns_of(const struct plot_spec *spec)
{
    return (size_t)(spec->columns > 0 ? spec->columns : spec->width);
}

static struct chart_series *new_series(struct chart *chart)
{
    struct chart_series *larger =
        realloc(chart->series, (chart->series_count + 1) * sizeof *larger);

    if (larger == NULL)
        return NULL;
    chart->series = larger;
    memset(&larger[chart->series_count], 0, sizeof *larger);
    return &larger[chart->series_count++];
}

static void set_peak(struct chart_series *series, const struct profile_sample *peak,
                     const struct chart_frame *frame)
{
    series->peak = (struct chart_point){peak->moment - frame->zero, peak->memory};
    series->has_peak = series->peak.time >= frame->begin && series->peak.time <= frame->end;
}

static const struct profile_samples *spikes_of_root(const struct profile *profile)
{
    for (size_t i = 0; i < profile->process_count; i++)
        for (size_t run = 0; run < profile->run_count; run++)
            if (profile->processes[i].pid == profile->runs[run].pid)
                return &profile->processes[i].spikes;
    return NULL;
}

static int is_sum(const struct profile *profile)
{
    for (size_t i = 0; i < profile->run_count; i++)
        if (profile->runs[i].sum)
            return 1;
    return 0;
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
    error = chart_series_draw(series, &source->profile->samples, spikes_of_root(source->profile),
                              frame, columns_of(spec));
    if (error != 0)
        return error;
    series->name = strdup(name);
    if (series->name == NULL)
        return -ENOMEM;
    if (profile_peak_root(source->profile, &peak) != 0)
        return append(&series->legend, "%s%s", name, behind);
    set_peak(series, &peak, frame);
    plot_text_memory(peak.memory, memory);
    return append(&series->legend, "%s   %s%s", name, memory, behind);
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
    return (a->process->pid < b->process->pid) - (a->process->pid > b->process->pid);
}

static size_t rank_children(const struct profile *profile, struct ranked *ranked)
{
    size_t count = 0;

    for (size_t i = 0; i < profile->process_count; i++) {
        const struct profile_process *process = &profile->processes[i];

        if (process->samples.count > 0 &&
            profile_peak_process(profile, process, &ranked[count].peak) == 0)
            ranked[count++].process = process;
    }
    qsort(ranked, count, sizeof *ranked, compare_ranked);
    return count;
}

/* `rank` 0 is the largest child. */
static int add_child(struct chart *chart, const struct ranked *child, size_t rank, size_t others,
                     const struct chart_frame *frame, const struct plot_spec *spec)
{
    struct chart_series *series = new_series(chart);
    char memory[PLOT_NUMBER_SIZE];
    int error;

    if (series == NULL)
        return -ENOMEM;
    series->role = rank < CHART_COLOURED_CHILDREN ? CHART_CHILD : CHART_OTHER;
    series->colour = series->role == CHART_CHILD ? palette[1 + rank] : GREY;
    error = chart_series_draw(series, &child->process->samples, &child->process->spikes, frame,
                              columns_of(spec));
    if (error == 0)
        error = append(&series->name, "child %lld", (long long)child->process->pid);
    set_peak(series, &child->peak, frame);
    plot_text_memory(child->peak.memory, memory);
    if (error == 0 && series->role == CHART_CHILD)
        error = append(&series->legend, "%s   %s", series->name, memory);
    else if (error == 0 && rank == CHART_COLOURED_CHILDREN)
        error = append(&series->legend,
                       others == 1 ? "%zu more child   up to %s" : "%zu more children   up to %s",
                       others, memory);
    return error;
}

/* All children, the smallest first. *count: how many there are. */
static int add_children(struct chart *chart, const struct profile *profile, int one_colour,
                        const struct chart_frame *frame, const struct plot_spec *spec,
                        size_t *count)
{
    struct ranked *ranked = calloc(profile->process_count + 1, sizeof *ranked);
    int error = 0;

    if (ranked == NULL)
        return -ENOMEM;
    *count = rank_children(profile, ranked);
    for (size_t i = 0; i < *count && error == 0; i++) {
        size_t rank = *count - 1 - i;

        error = add_child(chart, &ranked[i], one_colour ? CHART_COLOURED_CHILDREN + 1 : rank,
                          *count > CHART_COLOURED_CHILDREN ? *count - CHART_COLOURED_CHILDREN : 0,
                          frame, spec);
    }
    free(ranked);
    return error;
}

/* ---- texts ---- */

static int add_date(char **facts, double moment)
{
    time_t seconds = (time_t)smaller(larger(moment, 0), 1e11);
    struct tm local;
    char text[32];

    if (localtime_r(&seconds, &local) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local) == 0)
        return 0;
    return append(facts, "%s", text);
}

static int add_notes(char **facts, const struct chart *chart, const struct profile *profile)
{
    const struct profile_run *run = profile->run_count > 0 ? &profile->runs[0] : NULL;
    double missed =
        profile->missed.count == 0 ? 0 : profile->missed.at[profile->missed.count - 1].value;
    int error = 0;

    if (run != NULL && strcmp(run->backend, "rss") != 0)
        error = append(facts, DOT "%s", run->backend);
    if (error == 0 && is_sum(profile))
        error = append(facts, DOT "sum with all children");
    if (error == 0 && profile->run_count > 1)
        error = append(facts, DOT "%zu runs in one file", profile->run_count);
    if (error == 0 && missed > 0)
        error = append(facts, DOT "%.0f deadlines missed", missed);
    if (error == 0 && profile->steps.count > 0)
        error = append(facts, DOT "the clock was set");
    if (error == 0 && profile->broken > 0)
        error = append(facts, DOT "%llu damaged line%s skipped",
                       (unsigned long long)profile->broken, profile->broken == 1 ? "" : "s");
    if (error == 0 && chart->left_out > 0)
        error = append(facts, DOT "%zu deeper calls not drawn", chart->left_out);
    return error;
}

static int is_dense(const struct chart *chart)
{
    for (size_t i = 0; i < chart->series_count; i++)
        if (chart->series[i].column_count > 0)
            return 1;
    return 0;
}

static int explain_band(struct chart *chart, const struct plot_spec *spec)
{
    char width[PLOT_NUMBER_SIZE];

    if (!is_dense(chart))
        return 0;
    plot_text_duration((chart->time.high - chart->time.low) / (double)columns_of(spec), width);
    return append(&chart->facts, DOT "band = min … max within %s, line = mean", width);
}

static int make_facts(struct chart *chart, const struct profile *profile, size_t children,
                      const struct chart_frame *whole, const struct plot_spec *spec)
{
    const struct chart_series *root = &chart->series[chart->series_count - 1];
    char number[PLOT_NUMBER_SIZE], when[PLOT_NUMBER_SIZE];
    char **facts = &chart->facts;
    int error = add_date(facts, whole->zero);

    plot_text_duration(whole->end, number);
    if (error == 0)
        error = append(facts, DOT "%s", number);
    plot_text_count(profile->samples.seen, number);
    if (error == 0)
        error = append(facts, DOT "%s sample%s", number, profile->samples.seen == 1 ? "" : "s");
    plot_text_memory(root->peak.memory, number);
    plot_text_duration(root->peak.time, when);
    if (error == 0 && root->peak.memory > 0)
        error = append(facts, DOT "peak %s at %s", number, when);
    if (error == 0 && children > 0)
        error = append(facts, DOT "%zu child process%s", children, children == 1 ? "" : "es");
    if (error == 0)
        error = explain_band(chart, spec);
    return error == 0 ? add_notes(facts, chart, profile) : error;
}

static int make_title(struct chart *chart, const struct chart_source *sources, size_t count,
                      const struct plot_spec *spec)
{
    const char *title = spec->title;

    if (title == NULL && count > 1)
        return append(&chart->title, "%zu profiles", count);
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

    for (size_t i = 0; i < chart->series_count; i++) {
        const struct chart_series *series = &chart->series[i];

        for (size_t j = 0; j < series->point_count; j++)
            most = larger(most, series->points[j].memory);
        for (size_t j = 0; j < series->spike_count; j++)
            most = larger(most, series->spikes[j].memory);
        if (series->has_peak)
            most = larger(most, series->peak.memory);
    }
    for (size_t i = 0; i < 2 && chart->has_trend; i++)
        most = larger(most, chart->trend[i].memory);
    for (size_t i = 0; most == 0 && i < chart->span_count; i++)
        most = larger(chart->spans[i].memory_begin, chart->spans[i].memory_end);
    return most;
}

static int is_empty(const struct chart *chart)
{
    for (size_t i = 0; i < chart->series_count; i++)
        if (chart->series[i].point_count > 0)
            return 0;
    return chart->span_count == 0;
}

static void apply_window(struct chart_frame *frame, const struct plot_spec *spec)
{
    if (!spec->has_window)
        return;
    frame->begin = spec->window_begin;
    frame->end = spec->window_end;
}

/* A frame needs some width, for a profile of one sample as well. */
static void give_width(struct chart_frame *frame)
{
    if (!(frame->end > frame->begin))
        frame->end = frame->begin + 1e-3;
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
    error = add_children(chart, source->profile, 0, &frame, spec, &children);
    if (error == 0)
        error =
            add_main(chart, source, palette[0],
                     is_sum(source->profile) ? "all processes" : "main process", "", &frame, spec);
    if (error == 0)
        error = chart_spans_make(chart, source->profile, &frame, spec);
    if (error == 0 && spec->slope)
        error = chart_trend_make(chart, &source->profile->samples, &frame);
    return error == 0 ? make_facts(chart, source->profile, children, &whole, spec) : error;
}

static int add_profile(struct chart *chart, const struct chart_source *source, size_t number,
                       const struct chart_frame *common, const struct plot_spec *spec)
{
    struct chart_frame frame, own = *common;
    char memory[PLOT_NUMBER_SIZE], *name = scrub(source->name, spec), *behind = NULL;
    size_t children = 0;
    int error = name == NULL ? -ENOMEM : frame_of(source->profile, &frame);

    if (error == 0) {
        own.zero = frame.zero;
        error = add_children(chart, source->profile, 1, &own, spec, &children);
    }
    if (error == 0 && children > 0)
        error = append(&behind, children == 1 ? " + %zu child" : " + %zu children", children);
    if (error == 0)
        error = add_main(chart, source, palette[number % PALETTE], name,
                         behind == NULL ? "" : behind, &own, spec);
    if (error == 0) {
        plot_text_memory(chart->series[chart->series_count - 1].peak.memory, memory);
        error = append(&chart->facts, "%s%s: peak %s", number == 0 ? "" : DOT, name, memory);
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
    return error == 0 ? explain_band(chart, spec) : error;
}

int chart_make(struct chart *chart, const struct chart_source *sources, size_t count,
               const struct plot_spec *spec)
{
    int error;

    memset(chart, 0, sizeof *chart);
    chart->is_flame = spec->flame;
    chart->profile_count = count;
    error = make_title(chart, sources, count, spec);
    if (error == 0)
        error = count == 1 ? make_single(chart, sources, spec)
                           : make_several(chart, sources, count, spec);
    if (error == 0 && is_empty(chart))
        error = -ENODATA;
    if (error == 0)
        axis_of_memory(&chart->memory, most_in_view(chart), ticks_down(spec));
    return error;
}

void chart_release(struct chart *chart)
{
    for (size_t i = 0; i < chart->series_count; i++) {
        free(chart->series[i].name);
        free(chart->series[i].legend);
        free(chart->series[i].points);
        free(chart->series[i].columns);
        free(chart->series[i].spikes);
    }
    for (size_t i = 0; i < chart->name_count; i++) {
        free(chart->names[i].name);
        free(chart->names[i].full_name);
    }
    free(chart->names);
    free(chart->series);
    free(chart->spans);
    free(chart->title);
    free(chart->facts);
    free(chart->trend_text);
    memset(chart, 0, sizeof *chart);
}
