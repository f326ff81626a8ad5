/*
 * The most memory over time in a few KiB, whatever the length of the run: buckets that double their
 * width whenever the run outgrows them. sample_buckets.h keeps more of each, and a hundred times as
 * much in all.
 */
#ifndef MEMPROF_PEAK_CURVE_H
#define MEMPROF_PEAK_CURVE_H

#include <stddef.h>

#define PEAK_CURVE_BUCKETS 1024

struct peak_curve {
    double begin, end;              /* moments of the first and of the last sample */
    double width;                   /* of a bucket, in seconds; 0: there is no sample */
    size_t used;                    /* buckets up to the last that a sample fell into */
    float most[PEAK_CURVE_BUCKETS]; /* MiB; below 0: no sample fell into it */
};

/* Adds a sample; begins as 0. One before the others counts as the first: the clock was set back. */
void peak_curve_add(struct peak_curve *curve, double memory, double moment);

/*
 * The most MiB between two moments; where no sample lies between them, that of the last one before.
 * Below 0: there is none.
 */
double peak_curve_most(const struct peak_curve *curve, double from, double to);

#endif
