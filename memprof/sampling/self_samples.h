/*
 * What self_sampler.h has read, kept in pages of its own: a program that is measured holds them,
 * and it is known to the page how many they are.
 */
#ifndef MEMPROF_SELF_SAMPLES_H
#define MEMPROF_SELF_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct self_sample {
    int64_t bytes;
    int64_t wall_ns; /* since the epoch; the same for all of one reading */
    pid_t child;     /* 0: the process itself */
};

struct self_chunk;

/* Zeroes are an empty list. */
struct self_samples {
    struct self_chunk *first, *last; /* owned: a list */
    size_t count;
    size_t full_bytes; /* of all chunks but the last */
};

/* 0, or -ENOMEM: then the sample is not kept. */
int self_samples_add(struct self_samples *samples, struct self_sample sample);

/* Bytes that are resident because of this list. */
int64_t self_samples_resident(const struct self_samples *samples);

/*
 * Everything in order; the caller frees it, and the list is empty then. NULL where there is
 * nothing (*count is 0), or no memory: then all stays as it is.
 */
struct self_sample *self_samples_take(struct self_samples *samples, size_t *count);

void self_samples_release(struct self_samples *samples);

#endif
