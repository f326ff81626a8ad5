/*
 * Samples the memory of a process, and of its descendants, at absolute deadlines. The caller
 * sleeps until sampler_deadline() and calls sampler_step(): a deadline that has passed is skipped
 * and counted, never made up for.
 *
 * The monotonic clock decides when; what is written is the wall clock at the start plus monotonic
 * time, and a step of the wall clock is noted.
 *
 * Of the resident set the kernel keeps a high-water mark (HWM) for each process; it is read at
 * least every 100 ms, in turns where there are many processes, and written where it is above the
 * samples. Descendants are looked for at every sample, unless that took more than a twentieth of
 * the time, but at least every 100 ms.
 *
 * The order of calls: sampler_init(); sampler_deadline() and sampler_step() in turn;
 * sampler_finish(); sampler_release(). One object is used by one thread at a time, here and in the
 * whole room, unless a header says otherwise. Bytes and nanoseconds; functions return 0 or -errno.
 */
#ifndef MEMPROF_SAMPLER_H
#define MEMPROF_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "memprof/machine/mem_reader.h"
#include "memprof/machine/process_tree.h"
#include "memprof/profile/dat_writer.h"
#include "memprof/sampling/sample_target.h"

struct sampler_options {
    pid_t root;
    enum mem_backend backend;
    int64_t interval_ns;
    int sum;              /* MEM is the sum over the process and its descendants */
    int each;             /* one CHLD line for each descendant */
    int parts;            /* what MEM is made of: PARTS lines; rss alone */
    int spikes;           /* the HWM is reset at each sample: SPIKE lines */
    int attached;         /* the process ran before: its HWM counts once it has risen */
    const char *variable; /* "NAME=value" by which lost descendants are known, or NULL */
};

struct sampler {
    struct sampler_options options;
    struct dat_writer *writer;       /* borrowed */
    int64_t start_ns, start_wall_ns; /* one moment on both clocks */
    int64_t wall_offset_ns;          /* wall minus monotonic, when it was last looked at */
    int64_t sample_due_ns, chore_due_ns, scan_due_ns, clock_due_ns;
    int64_t scan_cost_ns;          /* what one look for descendants takes */
    struct sample_target *targets; /* the root first, then descendants as they were found */
    size_t count, capacity;
    size_t next_hwm; /* whose HWM is read next */
    struct reader_budget readers;
    struct process_tree tree;

    /* What there is to tell at the end. */
    int64_t samples, missed, unwritten;
    int64_t unreadable;          /* readings that were refused (another user's process) */
    int write_error;             /* the first -errno of a write, 0: none */
    int64_t peak_bytes, peak_ns; /* the largest MEM; monotonic */
    int64_t sum_bytes, sum_ns;   /* the largest sum over the root and its descendants, */
    size_t descendants;          /* of which there have been so many; 0: nobody looked */
    int root_ended;
};

/* Opens the root. -ESRCH, -EACCES or -ENOSYS: it cannot be read. Takes no sample yet. */
int sampler_init(struct sampler *sampler, const struct sampler_options *options,
                 struct dat_writer *writer);

/* What the root holds now, in bytes; of one that has ended, what it held last. Writes nothing. */
int64_t sampler_memory(struct sampler *sampler);

/* What the root and the descendants that are followed held at the newest sample, in bytes. */
int64_t sampler_now(const struct sampler *sampler);

/* Closes what is open; the writer stays the caller's. */
void sampler_release(struct sampler *sampler);

/* When sampler_step() wants to be called next (monotonic). */
int64_t sampler_deadline(const struct sampler *sampler);

/* Does what is due now. Errors of the file are kept in the struct, and sampling goes on. */
int sampler_step(struct sampler *sampler);

/*
 * The root has ended, or sampling has: writes the last HWMs. `own_peak_bytes` is what the system
 * says about the root's largest resident set, -1 where it says nothing.
 */
void sampler_finish(struct sampler *sampler, int64_t own_peak_bytes);

/*
 * What is learned of the process besides its memory: that the kernel killed for memory where it is,
 * `limit` bytes or 0; a limit that holds from then on (dat_writer_limit()); how it ended. Gathered:
 * written with the next sample, or by sampler_flush().
 */
void sampler_note_kills(struct sampler *sampler, int64_t kills, int64_t limit, int64_t at_ns);
void sampler_note_limit(struct sampler *sampler, const char *which, int64_t limit, int64_t at_ns);
void sampler_note_end(struct sampler *sampler, bool by_signal, int number, int64_t at_ns);
void sampler_flush(struct sampler *sampler);

/* A monotonic moment as the profile has it: seconds since the epoch. */
static inline double sampler_moment(const struct sampler *sampler, int64_t monotonic_ns)
{
    return (double)(sampler->start_wall_ns + monotonic_ns - sampler->start_ns) / 1e9;
}

/* Compares the clocks and notes a step of the wall clock. */
void sampler_check_clock(struct sampler *sampler, int64_t monotonic_ns, int64_t wall_ns);

#endif
