#include "memprof/profile/sample_buckets.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Narrower than any interval between samples: moments have six decimals at most. */
#define LEAST_WIDTH 1e-6

void sample_bucket_merge(struct sample_bucket *bucket, const struct sample_bucket *other)
{
    if (other->count == 0)
        return;
    if (bucket->count == 0) {
        *bucket = *other;
        return;
    }
    if (other->first.moment < bucket->first.moment)
        bucket->first = other->first;
    /* Of samples with one moment the one that was written last is the last. */
    if (other->last.moment >= bucket->last.moment)
        bucket->last = other->last;
    if (other->least.memory < bucket->least.memory)
        bucket->least = other->least;
    if (other->most.memory > bucket->most.memory)
        bucket->most = other->most;
    bucket->sum += other->sum;
    bucket->count += other->count;
}

void sample_bucket_add(struct sample_bucket *bucket, struct profile_sample sample)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a bucket found is one of an array */
    if (bucket->count == 0) {
        bucket->first = bucket->least = bucket->most = sample;
        bucket->last = sample;
    } else {
        if (sample.memory < bucket->least.memory)
            bucket->least = sample;
        if (sample.memory > bucket->most.memory)
            bucket->most = sample;
        if (sample.moment >= bucket->last.moment)
            bucket->last = sample;
        else if (sample.moment < bucket->first.moment)
            bucket->first = sample; /* the clock was set back */
    }
    bucket->sum += sample.memory;
    bucket->count++;
}

static void double_width(struct sample_buckets *buckets)
{
    struct sample_bucket *at = buckets->at;

    for (size_t i = 0; i < SAMPLE_BUCKETS / 2; i++) {
        struct sample_bucket pair = at[2 * i];

        sample_bucket_merge(&pair, &at[2 * i + 1]);
        at[i] = pair;
    }
    memset(at + SAMPLE_BUCKETS / 2, 0, SAMPLE_BUCKETS / 2 * sizeof *at);
    buckets->width *= 2;
    /* The remembered bucket has moved. An empty interval makes the next sample look its own up. */
    buckets->last_end = buckets->last_begin;
}

/* The bucket of a moment inside the window; remembered for the next sample. */
static struct sample_bucket *find_bucket(struct sample_buckets *buckets, double moment)
{
    double from_begin = moment - buckets->begin;
    size_t place;

    while (from_begin >= SAMPLE_BUCKETS * buckets->width)
        double_width(buckets);
    /* Before the first sample of the series: the clock was set back. */
    place = from_begin < 0 ? 0 : (size_t)(from_begin / buckets->width);
    buckets->last = &buckets->at[place];
    buckets->last_begin = buckets->begin + (double)place * buckets->width;
    buckets->last_end = buckets->last_begin + buckets->width;
    /* Samples after the window have a bucket of their own, so this interval must end with it. */
    if (buckets->last_end > buckets->window.end)
        buckets->last_end = buckets->window.end;
    return buckets->last;
}

static void add(struct sample_buckets *buckets, struct profile_sample sample)
{
    if (sample.moment >= buckets->last_begin && sample.moment < buckets->last_end)
        sample_bucket_add(buckets->last, sample);
    else if (sample.moment < buckets->window.begin)
        sample_bucket_add(&buckets->before, sample);
    else if (sample.moment > buckets->window.end)
        sample_bucket_add(&buckets->after, sample);
    else
        sample_bucket_add(find_bucket(buckets, sample.moment), sample);
}

/* The array has grown long: from here on the series is buckets. */
static int make_buckets(struct profile_samples *samples, const struct sample_window *window)
{
    struct sample_buckets *buckets = calloc(1, sizeof *buckets);
    const struct profile_sample *at = samples->at;
    size_t count = samples->count;
    double last = at[count - 1].moment < window->end ? at[count - 1].moment : window->end;

    if (buckets == NULL)
        return -ENOMEM;
    buckets->window = *window;
    buckets->begin = at[0].moment > window->begin ? at[0].moment : window->begin;
    buckets->width = (last - buckets->begin) / SAMPLE_BUCKETS;
    /* Written so that a width that is negative, or no number, is replaced as well. */
    if (!(buckets->width > LEAST_WIDTH))
        buckets->width = LEAST_WIDTH;
    for (size_t i = 0; i < count; i++)
        add(buckets, at[i]);
    /* `at` is kept: sample_buckets_expand() writes into it. */
    samples->buckets = buckets;
    samples->count = 0;
    return 0;
}

int sample_buckets_add(struct profile_samples *samples, const struct sample_window *window,
                       double memory, double moment)
{
    int error;

    if (samples->buckets != NULL) {
        samples->seen++;
        add(samples->buckets, (struct profile_sample){memory, moment});
        return 0;
    }
    error = profile_samples_add(samples, memory, moment);
    if (error == 0 && samples->count == SAMPLE_BUCKETS_FROM)
        error = make_buckets(samples, window);
    return error;
}

static bool is_same(struct profile_sample a, struct profile_sample b)
{
    return a.moment == b.moment && a.memory == b.memory;
}

int sample_bucket_samples(const struct sample_bucket *bucket, struct profile_sample samples[4])
{
    int least_first = bucket->least.moment < bucket->most.moment, count = 0;
    struct profile_sample wanted[4] = {
        bucket->first,
        least_first ? bucket->least : bucket->most,
        least_first ? bucket->most : bucket->least,
        bucket->last,
    };

    if (bucket->count == 0)
        return 0;
    for (int i = 0; i < 4; i++)
        if (count == 0 || !is_same(samples[count - 1], wanted[i]))
            samples[count++] = wanted[i];
    return count;
}

static void append(struct profile_samples *samples, const struct sample_bucket *bucket)
{
    samples->count += (size_t)sample_bucket_samples(bucket, samples->at + samples->count);
}

/* There is room: the buckets were made of an array twice as long as what they keep. */
_Static_assert((size_t)4 * (SAMPLE_BUCKETS + 2) <= SAMPLE_BUCKETS_FROM,
               "what the buckets keep has room");

void sample_buckets_expand(struct profile_samples *samples)
{
    const struct sample_buckets *buckets = samples->buckets;

    samples->count = 0;
    append(samples, &buckets->before);
    for (size_t i = 0; i < SAMPLE_BUCKETS; i++)
        append(samples, &buckets->at[i]);
    append(samples, &buckets->after);
}
