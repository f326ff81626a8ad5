#include "memprof/profile/sample_columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Narrower than any interval between samples. */
#define LEAST_WIDTH 1e-6

void sample_column_merge(struct sample_column *column, const struct sample_column *other)
{
    if (other->count == 0)
        return;
    if (column->count == 0) {
        *column = *other;
        return;
    }
    if (other->first.moment < column->first.moment)
        column->first = other->first;
    if (other->last.moment >= column->last.moment)
        column->last = other->last;
    if (other->least.memory < column->least.memory)
        column->least = other->least;
    if (other->most.memory > column->most.memory)
        column->most = other->most;
    column->sum += other->sum;
    column->count += other->count;
}

void sample_column_add(struct sample_column *column, struct profile_sample sample)
{
    if (column->count == 0) {
        column->first = column->least = column->most = sample;
        column->last = sample;
    } else {
        if (sample.memory < column->least.memory)
            column->least = sample;
        if (sample.memory > column->most.memory)
            column->most = sample;
        if (sample.moment >= column->last.moment)
            column->last = sample;
        else if (sample.moment < column->first.moment)
            column->first = sample; /* the clock was set back */
    }
    column->sum += sample.memory;
    column->count++;
}

static void double_width(struct sample_columns *columns)
{
    struct sample_column *at = columns->at;

    for (size_t i = 0; i < SAMPLE_COLUMNS / 2; i++) {
        struct sample_column pair = at[2 * i];

        sample_column_merge(&pair, &at[2 * i + 1]);
        at[i] = pair;
    }
    memset(at + SAMPLE_COLUMNS / 2, 0, SAMPLE_COLUMNS / 2 * sizeof *at);
    columns->width *= 2;
    columns->last_end = columns->last_begin;
}

/* The column of a moment inside the window; remembered for the next sample. */
static struct sample_column *find_column(struct sample_columns *columns, double moment)
{
    double from_begin = moment - columns->begin;
    size_t place;

    while (from_begin >= SAMPLE_COLUMNS * columns->width)
        double_width(columns);
    place = from_begin < 0 ? 0 : (size_t)(from_begin / columns->width);
    columns->last = &columns->at[place];
    columns->last_begin = columns->begin + (double)place * columns->width;
    columns->last_end = columns->last_begin + columns->width;
    if (columns->last_end > columns->window.end)
        columns->last_end = columns->window.end;
    return columns->last;
}

static void add(struct sample_columns *columns, struct profile_sample sample)
{
    if (sample.moment >= columns->last_begin && sample.moment < columns->last_end)
        sample_column_add(columns->last, sample);
    else if (sample.moment < columns->window.begin)
        sample_column_add(&columns->before, sample);
    else if (sample.moment > columns->window.end)
        sample_column_add(&columns->after, sample);
    else
        sample_column_add(find_column(columns, sample.moment), sample);
}

/* The array has grown long: from here on the series is columns. */
static int make_columns(struct profile_samples *samples, const struct sample_window *window)
{
    struct sample_columns *columns = calloc(1, sizeof *columns);
    const struct profile_sample *at = samples->at;
    size_t count = samples->count;
    double last = at[count - 1].moment < window->end ? at[count - 1].moment : window->end;

    if (columns == NULL)
        return -ENOMEM;
    columns->window = *window;
    columns->begin = at[0].moment > window->begin ? at[0].moment : window->begin;
    columns->width = (last - columns->begin) / SAMPLE_COLUMNS;
    if (!(columns->width > LEAST_WIDTH))
        columns->width = LEAST_WIDTH;
    for (size_t i = 0; i < count; i++)
        add(columns, at[i]);
    samples->columns = columns;
    samples->count = 0;
    return 0;
}

int sample_columns_add(struct profile_samples *samples, const struct sample_window *window,
                       double memory, double moment)
{
    int error;

    if (samples->columns != NULL) {
        samples->seen++;
        add(samples->columns, (struct profile_sample){memory, moment});
        return 0;
    }
    error = profile_samples_add(samples, memory, moment);
    if (error == 0 && samples->count == SAMPLE_COLUMNS_FROM)
        error = make_columns(samples, window);
    return error;
}

static int is_same(struct profile_sample a, struct profile_sample b)
{
    return a.moment == b.moment && a.memory == b.memory;
}

int sample_column_samples(const struct sample_column *column, struct profile_sample samples[4])
{
    int least_first = column->least.moment < column->most.moment, count = 0;
    struct profile_sample wanted[4] = {
        column->first,
        least_first ? column->least : column->most,
        least_first ? column->most : column->least,
        column->last,
    };

    if (column->count == 0)
        return 0;
    for (int i = 0; i < 4; i++)
        if (count == 0 || !is_same(samples[count - 1], wanted[i]))
            samples[count++] = wanted[i];
    return count;
}

static void append(struct profile_samples *samples, const struct sample_column *column)
{
    samples->count += (size_t)sample_column_samples(column, samples->at + samples->count);
}

/* There is room: the columns were made of an array twice as long as what they keep. */
_Static_assert(4 * (SAMPLE_COLUMNS + 2) <= SAMPLE_COLUMNS_FROM, "what the columns keep has room");

void sample_columns_expand(struct profile_samples *samples)
{
    const struct sample_columns *columns = samples->columns;

    samples->count = 0;
    append(samples, &columns->before);
    for (size_t i = 0; i < SAMPLE_COLUMNS; i++)
        append(samples, &columns->at[i]);
    append(samples, &columns->after);
}
