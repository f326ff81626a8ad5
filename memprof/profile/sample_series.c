#include "memprof/profile/sample_series.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/machine/grow.h"

void profile_samples_release(struct profile_samples *samples)
{
    free(samples->at);
    free(samples->buckets);
    memset(samples, 0, sizeof *samples);
}

int profile_samples_add(struct profile_samples *samples, double memory, double moment)
{
    struct profile_sample *at =
        grow_by_half(samples->at, sizeof *at, samples->count + 1, &samples->capacity);

    if (at == NULL)
        return -ENOMEM;
    samples->at = at;
    at[samples->count++] = (struct profile_sample){memory, moment};
    samples->seen++;
    return 0;
}

double profile_samples_max(const struct profile_samples *samples, double otherwise)
{
    for (size_t i = 0; i < samples->count; i++)
        if (samples->at[i].memory > otherwise)
            otherwise = samples->at[i].memory;
    return otherwise;
}

static int compare_samples(const void *left, const void *right)
{
    double a = ((const struct profile_sample *)left)->moment;
    double b = ((const struct profile_sample *)right)->moment;

    return (a > b) - (a < b);
}

static bool is_in_order(const struct profile_samples *samples)
{
    for (size_t i = 1; i < samples->count; i++)
        if (samples->at[i].moment < samples->at[i - 1].moment)
            return 0;
    return 1;
}

void profile_samples_finish(struct profile_samples *samples)
{
    struct profile_sample *less;

    /* Mostly in order already. qsort() may exchange samples that have one moment. */
    if (!is_in_order(samples))
        qsort(samples->at, samples->count, sizeof *samples->at, compare_samples);
    if (samples->count == 0 || samples->count == samples->capacity)
        return;
    less = realloc(samples->at, samples->count * sizeof *samples->at);
    /* Where a smaller block is refused the larger one goes on serving. */
    if (less != NULL) {
        samples->at = less;
        samples->capacity = samples->count;
    }
}
