/*
 * What is known of a run at the moment, from the records of its profile as they come, or from
 * samples that somebody takes: in little memory, whatever its length. Where a file holds several
 * runs it is the last.
 */
#ifndef MEMPROF_LIVE_RUN_H
#define MEMPROF_LIVE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "memprof/profile/dat_record.h"
#include "memprof/profile/open_spans.h"
#include "memprof/profile/peak_curve.h"
#include "memprof/profile/profile.h"
#include "memprof/profile/run_ending.h"
#include "memprof/profile/type_counts.h"

struct live_run {
    char *command; /* owned; NULL: not told */
    int64_t pid;   /* 0: not told */
    double start, interval;
    bool sum;      /* samples are sums with descendants */
    bool attached; /* the process ran before */
    uint64_t samples;
    struct profile_sample last, peak;
    int64_t limits[PROFILE_LIMITS]; /* bytes, 0: none */
    struct run_ending ending;
    struct peak_curve curve;
    struct open_set open;
    struct type_counts types;
};

/* Takes a record, of any kind; a dat_visit. 0 or -ENOMEM. Begins as 0. */
int live_run_visit(void *run, const struct dat_record *record);

/* Takes a sample; MiB. */
void live_run_sample(struct live_run *run, double memory, double moment);

/* Takes what was the most at some time before. */
void live_run_peak(struct live_run *run, double memory, double moment);

/* Frees all, and begins again. */
void live_run_release(struct live_run *run);

#endif
