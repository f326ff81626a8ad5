/*
 * What usage_sampler.h has read, kept in pages of its own: a program that is measured holds them,
 * and it is known to the page how many they are.
 */
#ifndef MEMPROF_USAGE_SAMPLES_H
#define MEMPROF_USAGE_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usage_sample {
    int64_t bytes;
    int64_t wall_ns; /* since the epoch; the same for all of one reading */
    pid_t child;     /* 0: the process itself */
};

struct usage_chunk;

/* Zeroes are an empty list. */
struct usage_samples {
    struct usage_chunk *first, *last;
    size_t count;
    size_t full_bytes; /* of all chunks but the last */
};

/* 0, or -ENOMEM: then the sample is not kept. */
int usage_samples_add(struct usage_samples *samples, struct usage_sample sample);

/* Bytes that are resident because of this list. */
int64_t usage_samples_resident(const struct usage_samples *samples);

/*
 * Everything in order, for free(); the list is empty then. NULL where there is nothing (*count is
 * 0), or no memory: then all stays as it is.
 */
struct usage_sample *usage_samples_take(struct usage_samples *samples, size_t *count);

void usage_samples_release(struct usage_samples *samples);

#endif
