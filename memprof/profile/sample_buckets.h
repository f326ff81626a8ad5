/*
 * Samples of a long run in little memory: for each of a few thousand buckets of time the first, the
 * least, the most and the last sample, and the mean. Drawn, that is the same picture as all samples
 * while a bucket is no wider than a pixel; the extremes are exact in any case.
 *
 * A series starts as a plain array. When it is SAMPLE_BUCKETS_FROM long it becomes buckets, which
 * double their width whenever the run outgrows them; so one pass over a file is enough, and its
 * length need not be known.
 */
#ifndef MEMPROF_SAMPLE_BUCKETS_H
#define MEMPROF_SAMPLE_BUCKETS_H

#include "memprof/profile/sample_series.h"

#define SAMPLE_BUCKETS 4096
#define SAMPLE_BUCKETS_FROM ((size_t)8 * SAMPLE_BUCKETS)

struct sample_bucket {
    struct profile_sample first, least, most, last;
    double sum;     /* of memory */
    uint64_t count; /* 0: no sample fell into it, and the rest means nothing */
};

/* What is of interest, in moments; samples outside are kept in one bucket on each side. */
struct sample_window {
    double begin, end; /* -INFINITY and INFINITY: all */
};

struct sample_buckets {
    double begin, width; /* seconds; where the first bucket starts */
    struct sample_window window;
    struct sample_bucket before, after; /* of the window */
    struct sample_bucket *last;         /* borrowed: the bucket of the sample before, */
    double last_begin, last_end;        /* and its moments: most samples fall into it again */
    struct sample_bucket at[SAMPLE_BUCKETS];
};

/* Adds a sample to a series that may be thinned. 0 or -ENOMEM. */
int sample_buckets_add(struct profile_samples *samples, const struct sample_window *window,
                       double memory, double moment);

/* Puts one sample, or all of another bucket, into a bucket. */
void sample_bucket_add(struct sample_bucket *bucket, struct profile_sample sample);
void sample_bucket_merge(struct sample_bucket *bucket, const struct sample_bucket *other);

/* Writes the samples that a bucket keeps in order of time, each once. Returns how many: 0 to 4. */
int sample_bucket_samples(const struct sample_bucket *bucket, struct profile_sample samples[4]);

/* Puts the samples that the buckets keep into `samples->at`; the buckets stay. */
void sample_buckets_expand(struct profile_samples *samples);

#endif
