#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "memprof/profile/sample_buckets.h"
#include "plots/chart_series.h"
#include "plots/number.h"

/* With more samples than this to a column only the column's least, most and mean are drawn. */
#define DENSE 8

struct drawing {
    const struct chart_frame *frame;
    const struct profile *profile;
    size_t *lifts; /* as in struct chart_series */
    size_t n_lifts;
    int error; /* of lift() */
    struct sample_bucket *columns;
    size_t count;
    uint64_t inside;                     /* samples */
    struct profile_sample before, after; /* the nearest outside */
    bool has_before, has_after;
    int cut_begin, cut_end; /* as in struct chart_series */
};

static double time_of(const struct drawing *drawing, double moment)
{
    return moment - drawing->frame->zero;
}

/* The column of a time inside the frame. */
static struct sample_bucket *column_at(const struct drawing *drawing, double time)
{
    const struct chart_frame *frame = drawing->frame;
    double place = (time - frame->begin) / (frame->end - frame->begin) * (double)drawing->count;

    return &drawing->columns[place < 0 ? 0 : (size_t)smaller(place, (double)drawing->count - 1)];
}

static void put_sample(struct drawing *drawing, struct profile_sample sample)
{
    double time = time_of(drawing, sample.moment);

    /*
     * Samples rise in time: the last one before the frame and the first after it are the nearest.
     */
    if (time < drawing->frame->begin) {
        drawing->before = sample;
        drawing->has_before = 1;
    } else if (time > drawing->frame->end) {
        if (!drawing->has_after)
            drawing->after = sample;
        drawing->has_after = 1;
    } else {
        sample_bucket_add(column_at(drawing, time), sample);
        drawing->inside++;
    }
}

/* A bucket that was thinned while reading; one that crosses an edge goes by where it begins. */
static void put_bucket(struct drawing *drawing, const struct sample_bucket *bucket)
{
    double time = bucket->count == 0 ? NAN : time_of(drawing, bucket->first.moment);

    if (time >= drawing->frame->begin && time <= drawing->frame->end) {
        sample_bucket_merge(column_at(drawing, time), bucket);
        drawing->inside += bucket->count;
    } else if (bucket->count > 0) {
        put_sample(drawing, time < drawing->frame->begin ? bucket->last : bucket->first);
    }
}

static void put_all(struct drawing *drawing, const struct profile_samples *samples)
{
    if (samples->buckets == NULL) {
        for (size_t i = 0; i < samples->count; i++)
            put_sample(drawing, samples->at[i]);
        return;
    }
    put_bucket(drawing, &samples->buckets->before);
    for (size_t i = 0; i < SAMPLE_BUCKETS; i++)
        put_bucket(drawing, &samples->buckets->at[i]);
    put_bucket(drawing, &samples->buckets->after);
}

/* Where the line between two samples crosses an edge of the frame. */
static struct chart_point crossing(const struct drawing *drawing, struct profile_sample a,
                                   struct profile_sample b, double edge)
{
    double share = (edge - time_of(drawing, a.moment)) / (b.moment - a.moment);

    return (struct chart_point){edge, a.memory + share * (b.memory - a.memory)};
}

static struct chart_point point_of(const struct drawing *drawing, struct profile_sample sample)
{
    return (struct chart_point){time_of(drawing, sample.moment), sample.memory};
}

/* Between two runs nothing was measured, and no line is drawn to `at`. */
static bool is_apart(const struct drawing *drawing, struct profile_sample before,
                     struct profile_sample at)
{
    return profile_begins_between(drawing->profile, before.moment, at.moment);
}

static void lift(struct drawing *drawing, size_t at)
{
    /* Few: no more than there are points. */
    size_t *lifts = realloc(drawing->lifts, (drawing->n_lifts + 1) * sizeof *lifts);

    if (lifts == NULL) {
        drawing->error = -ENOMEM;
        return;
    }
    drawing->lifts = lifts;
    lifts[drawing->n_lifts++] = at;
}

/* A sample behind `used` points, and where the line to the first one crosses the edge. */
static size_t put_point(struct drawing *drawing, struct chart_point *at, size_t used,
                        struct profile_sample last, struct profile_sample sample)
{
    bool has_last = used > 0 || drawing->has_before;
    bool apart = has_last && is_apart(drawing, last, sample);

    if (used == 0 && has_last && !apart) {
        at[used++] = crossing(drawing, last, sample, drawing->frame->begin);
        drawing->cut_begin = 1;
    } else if (used > 0 && apart) {
        lift(drawing, used);
    }
    at[used++] = point_of(drawing, sample);
    return used;
}

/* All samples that the columns keep, and the ends of the lines that leave the frame. */
static int make_points(struct drawing *drawing, struct chart_point **points, size_t *count)
{
    /* A column keeps four samples at most; two more points are where lines cross the edges. */
    struct chart_point *at = malloc((4 * drawing->count + 2) * sizeof *at), *less;
    struct profile_sample kept[4], last = drawing->before;
    bool leaves;
    size_t used = 0;

    if (at == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < drawing->count; i++) {
        int n = sample_bucket_samples(&drawing->columns[i], kept);

        for (int j = 0; j < n; j++) {
            used = put_point(drawing, at, used, last, kept[j]);
            last = kept[j];
        }
    }
    leaves = drawing->has_after && (used > 0 || drawing->has_before) &&
             !is_apart(drawing, last, drawing->after);
    /* No sample inside, but one on either side: the line between them crosses the whole frame. */
    if (used == 0 && leaves) {
        at[used++] = crossing(drawing, last, drawing->after, drawing->frame->begin);
        drawing->cut_begin = 1;
    }
    if (used > 0 && leaves) {
        at[used++] = crossing(drawing, last, drawing->after, drawing->frame->end);
        drawing->cut_end = 1;
    }
    *points = at;
    less = realloc(at, (used + 1) * sizeof *at); /* most series are much shorter */
    if (less != NULL)
        *points = less;
    *count = used;
    return 0;
}

static int make_columns(struct drawing *drawing, struct chart_series *series)
{
    double width = (drawing->frame->end - drawing->frame->begin) / (double)drawing->count;
    struct chart_column *at = malloc(drawing->count * sizeof *at);
    const struct sample_bucket *before = NULL;

    if (at == NULL)
        return -ENOMEM;
    series->columns = at;
    drawing->n_lifts = 0; /* those of columns, not of points */
    for (size_t i = 0; i < drawing->count; i++) {
        const struct sample_bucket *column = &drawing->columns[i];

        if (column->count == 0)
            continue;
        if (before != NULL && is_apart(drawing, before->last, column->first))
            lift(drawing, series->n_columns);
        before = column;
        at[series->n_columns++] = (struct chart_column){
            drawing->frame->begin + ((double)i + 0.5) * width, column->least.memory,
            column->most.memory, column->sum / (double)column->count};
    }
    return 0;
}

/*
 * Few samples are drawn each; more are drawn as columns that hold the same picture, but for spikes,
 * which belong to no `series`.
 */
static int draw_samples(const struct profile *profile, const struct profile_samples *samples,
                        const struct chart_frame *frame, size_t columns,
                        struct chart_series *series, struct chart_point **points, size_t *count)
{
    struct drawing drawing = {.frame = frame, .profile = profile, .count = columns};
    int error;

    drawing.columns = calloc(columns, sizeof *drawing.columns);
    if (drawing.columns == NULL)
        return -ENOMEM;
    put_all(&drawing, samples);
    error = make_points(&drawing, points, count);
    if (error == 0 && series != NULL) {
        series->cut_begin = drawing.cut_begin;
        series->cut_end = drawing.cut_end;
        if (drawing.inside > DENSE * (uint64_t)columns)
            error = make_columns(&drawing, series);
        series->lifts = drawing.lifts;
        series->n_lifts = drawing.n_lifts;
    } else {
        free(drawing.lifts);
    }
    free(drawing.columns);
    return error != 0 ? error : drawing.error;
}

int chart_series_draw(struct chart_series *series, const struct profile *profile,
                      const struct profile_samples *samples, const struct profile_samples *spikes,
                      const struct chart_frame *frame, size_t columns)
{
    int error = 0;

    series->seen = samples->seen;
    if (samples->count > 0)
        error = draw_samples(profile, samples, frame, columns, series, &series->points,
                             &series->n_points);
    if (error == 0 && spikes != NULL && spikes->count > 0)
        error =
            draw_samples(profile, spikes, frame, columns, NULL, &series->spikes, &series->n_spikes);
    return error;
}

/* ---- the straight line ---- */

struct sums {
    double n, t, m, tt, tm;
};

static void add_to_sums(struct sums *sums, double count, double time, double memory)
{
    sums->n += count;
    sums->t += count * time;
    sums->m += count * memory;
    sums->tt += count * time * time;
    sums->tm += count * time * memory;
}

static void sum_samples(struct sums *sums, const struct profile_samples *samples,
                        const struct chart_frame *frame)
{
    /* Of a thinned series the buckets alone know every sample. */
    const struct sample_buckets *buckets = samples->buckets;

    for (size_t i = 0; buckets != NULL && i < SAMPLE_BUCKETS; i++) {
        const struct sample_bucket *bucket = &buckets->at[i];
        double middle = buckets->begin + ((double)i + 0.5) * buckets->width - frame->zero;

        if (bucket->count > 0 && middle >= frame->begin && middle <= frame->end)
            add_to_sums(sums, (double)bucket->count, middle, bucket->sum / (double)bucket->count);
    }
    for (size_t i = 0; buckets == NULL && i < samples->count; i++) {
        double time = samples->at[i].moment - frame->zero;

        if (time >= frame->begin && time <= frame->end)
            add_to_sums(sums, 1, time, samples->at[i].memory);
    }
}

int chart_trend_make(struct chart *chart, const struct profile_samples *samples,
                     const struct chart_frame *frame)
{
    struct sums s = {0};
    double spread, slope, level;
    char text[PLOT_NUMBER_SIZE], *number = text;

    sum_samples(&s, samples, frame);
    spread = s.n * s.tt - s.t * s.t;
    /* One sample, or all at one moment: no line fits better than another. */
    if (s.n < 2 || !(spread > 0))
        return 0;
    slope = (s.n * s.tm - s.t * s.m) / spread;
    level = (s.m - slope * s.t) / s.n;
    chart->trend[0] = (struct chart_point){frame->begin, level + slope * frame->begin};
    chart->trend[1] = (struct chart_point){frame->end, level + slope * frame->end};
    chart->has_trend = 1;
    plot_text_memory(slope, text);
    chart->trend_text = malloc(sizeof "slope +/s" + PLOT_NUMBER_SIZE);
    if (chart->trend_text == NULL)
        return -ENOMEM;
    snprintf(chart->trend_text, sizeof "slope +/s" + PLOT_NUMBER_SIZE, "slope %s%s/s",
             slope > 0 ? "+" : "", number);
    return 0;
}
