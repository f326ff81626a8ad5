/*
 * Samples of a long run in little memory: for each of a few thousand columns of time the first, the
 * least, the most and the last sample, and the mean. Drawn, that is the same picture as all samples
 * while a column is no wider than a pixel; the extremes are exact in any case.
 *
 * A series starts as a plain array. When it is SAMPLE_COLUMNS_FROM long it becomes columns, which
 * double their width whenever the run outgrows them; so one pass over a file is enough, and its
 * length need not be known.
 */
#ifndef MEMPROF_SAMPLE_COLUMNS_H
#define MEMPROF_SAMPLE_COLUMNS_H

#include "memprof/profile/profile.h"

#define SAMPLE_COLUMNS 4096
#define SAMPLE_COLUMNS_FROM (8 * SAMPLE_COLUMNS)

struct sample_column {
    struct profile_sample first, least, most, last;
    double sum;     /* of memory */
    uint64_t count; /* 0: no sample fell into it, and the rest means nothing */
};

/* What is of interest, in moments; samples outside are kept in one column on each side. */
struct sample_window {
    double begin, end; /* -INFINITY and INFINITY: all */
};

struct sample_columns {
    double begin, width; /* seconds; where the first column starts */
    struct sample_window window;
    struct sample_column before, after; /* of the window */
    struct sample_column *last;         /* the column of the sample before, */
    double last_begin, last_end;        /* and its moments: most samples fall into it again */
    struct sample_column at[SAMPLE_COLUMNS];
};

/* Adds a sample to a series that may be thinned. 0 or -ENOMEM. */
int sample_columns_add(struct profile_samples *samples, const struct sample_window *window,
                       double memory, double moment);

/* Puts one sample, or all of another column, into a column. */
void sample_column_add(struct sample_column *column, struct profile_sample sample);
void sample_column_merge(struct sample_column *column, const struct sample_column *other);

/* Writes the samples that a column keeps in order of time, each once. Returns how many: 0 to 4. */
int sample_column_samples(const struct sample_column *column, struct profile_sample samples[4]);

/* Puts the samples that the columns keep into `samples->at`; the columns stay. */
void sample_columns_expand(struct profile_samples *samples);

#endif
