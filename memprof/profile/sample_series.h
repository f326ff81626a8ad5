/*
 * Samples of one kind in order of time: memory in MiB, moments in seconds, both always finite.
 * What a series keeps of a run that is long is the matter of sample_buckets.h.
 */
#ifndef MEMPROF_SAMPLE_SERIES_H
#define MEMPROF_SAMPLE_SERIES_H

#include <stddef.h>
#include <stdint.h>

struct profile_sample {
    double memory, moment;
};

/* After profile_samples_finish(): in order of their moments. `at` is NULL when count is 0. */
struct profile_samples {
    struct profile_sample *at;
    size_t count, capacity;
    uint64_t seen;                  /* how many there were, also those that are not kept */
    struct sample_buckets *buckets; /* owned, see sample_buckets.h; NULL: all are in `at` */
};

/* Frees everything; the samples may be released again. */
void profile_samples_release(struct profile_samples *samples);

/* Adds one sample. 0 or -ENOMEM. */
int profile_samples_add(struct profile_samples *samples, double memory, double moment);

/* The greatest memory of the samples, or `otherwise`, whichever is larger. */
double profile_samples_max(const struct profile_samples *samples, double otherwise);

/* Brings what is in `at` in order, and gives back memory that was too much. */
void profile_samples_finish(struct profile_samples *samples);

#endif
