/* The sampler's targets, and their high-water marks, which it reads along. */
#ifndef MEMPROF_SAMPLER_MARKS_H
#define MEMPROF_SAMPLER_MARKS_H

#include "memprof/sampling/sampler.h"

/* Marks of all processes and the tree are looked at within this time. */
#define SAMPLER_CHORES_WITHIN_NS (INT64_C(100) * 1000000)

struct sampler_target {
    struct process_id id;
    struct mem_reader reader;
    int open; /* the reader keeps its descriptor; otherwise there were too many */
    int ended;
    int64_t last;                   /* the newest sample, -1: none */
    int64_t largest, largest_ns;    /* of the samples */
    int64_t mark, mark_ns, written; /* highest mark that counts, and what a PEAK line said */
    int64_t old_mark;               /* the mark counts once it is above this */
};

/* Whether the kernel has a mark of what is measured. */
int sampler_uses_marks(const struct sampler *sampler);

/* Whether marks are read beside the samples; with spikes they are read with them. */
int sampler_reads_marks(const struct sampler *sampler);

/* Remembers the first error of a write. */
void sampler_note_write(struct sampler *sampler, int error);

/* The last word about a process: the larger of its mark and its samples. */
void sampler_write_peak(struct sampler *sampler, const struct sampler_target *target);

void sampler_read_mark(struct sampler *sampler, struct sampler_target *target, int64_t now_ns);

/* What the mark says since the last sample, and the mark set back. */
void sampler_read_spike(struct sampler *sampler, struct sampler_target *target, int64_t now_ns);

/* Marks of all processes within SAMPLER_CHORES_WITHIN_NS, in turns when there are many. */
void sampler_read_marks(struct sampler *sampler, int64_t now_ns);

/* How long until marks are to be read again. */
int64_t sampler_marks_pause_ns(const struct sampler *sampler);

#endif
